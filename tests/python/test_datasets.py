import builtins
import hashlib
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets_files import IDX_NAMES, cifar_set, idx_set, write_idx

from asap import datasets
from asap.datasets.loader import load_files


def load(directory: str | Path | None = None) -> datasets.DataSet:
    """Load the tiny set, of which all contents are known: no warning is let pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_files(idx_set(), directory=directory, download=False, progress=False)


def test_a_sub_folder_comes_before_the_folder_itself_and_the_cache_last(
    tmp_path: Path, private_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / "mnist", tmp_path, private_places / "asap" / "datasets" / "mnist"]
    for place in places:
        write_idx(place)
    monkeypatch.setenv("ASAP_DATA_DIR", str(tmp_path))
    for place in places:
        assert load().source.endswith(f", in {place}")
        for name in IDX_NAMES:
            (place / f"{name}.gz").unlink()


def test_a_given_directory_replaces_the_environment_variable(
    tmp_path: Path, private_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx(tmp_path / "given")
    write_idx(tmp_path / "environment")
    monkeypatch.setenv("ASAP_DATA_DIR", str(tmp_path / "environment"))
    assert load(directory=str(tmp_path / "given")).source.endswith(str(tmp_path / "given"))
    assert load().source.endswith(str(tmp_path / "environment"))


def test_an_incomplete_place_is_passed_over(tmp_path: Path, private_places: Path) -> None:
    write_idx(tmp_path)
    write_idx(private_places / "asap" / "datasets" / "mnist")
    (tmp_path / f"{IDX_NAMES[1]}.gz").unlink()
    assert load(directory=tmp_path).source.endswith(str(private_places / "asap" / "datasets" / "mnist"))


def test_the_cache_is_below_the_home_directory_unless_xdg_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASAP_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    write_idx(tmp_path / ".cache" / "asap" / "datasets" / "mnist")
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert str(tmp_path) in load().source


def test_a_set_that_is_nowhere_is_one_error_with_all_places(tmp_path: Path, private_places: Path) -> None:
    (tmp_path / f"{IDX_NAMES[0]}.gz").write_bytes(b"")
    with pytest.raises(datasets.DataError) as caught:
        datasets.load("mnist", directory=tmp_path, download=False)
    message = str(caught.value)
    assert message.startswith("data set 'mnist': not found")
    assert f"{tmp_path / 'mnist'}: no such folder" in message
    assert f"{tmp_path}: without {', '.join(IDX_NAMES[1:])}\n" in message
    assert f"{private_places}/asap/datasets/mnist: no such folder" in message
    assert "download: not allowed (download=False)" in message
    assert all(name in message for name in ("train-images-idx3-ubyte", "ASAP_DATA_DIR"))


@pytest.mark.usefixtures("private_places")
def test_cifar_names_what_it_expects(tmp_path: Path) -> None:
    with pytest.raises(datasets.DataError, match=r"data_batch_1.bin.*cifar-10-binary.tar, .tar.gz, .tar.xz"):
        datasets.load("cifar-10", directory=tmp_path, download=False)


def test_an_unknown_name_is_told_with_the_names_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"name must be one of mnist, .*digits; got 'minst' \(did you mean 'mnist'\?\)"
    ):
        datasets.load("minst")
    with pytest.raises(ValueError, match=r"got 'xyzzy'$"):
        datasets.load("xyzzy")
    with pytest.raises(TypeError, match=r"name must be one of mnist, .*; got 7 \(int\)"):
        datasets.load(7)  # type: ignore[arg-type]


def test_names_are_those_that_load_takes() -> None:
    assert datasets.names() == ("mnist", "fashion-mnist", "cifar-10", "digits")


def test_a_split_shows_what_it_holds_and_not_its_values() -> None:
    split = datasets.Split(np.zeros((4, 2), np.float32), np.zeros(4, np.int32))
    assert repr(split) == "Split(inputs=float32 (4, 2), labels=int32 (4,))"


@pytest.mark.usefixtures("private_places")
def test_status_names_every_set_and_damage_without_raising(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asap.datasets.RECIPES", {"mnist": idx_set(), "cifar-10": cifar_set()})
    write_idx(tmp_path / "mnist")
    mnist, cifar, digits = datasets.status(tmp_path)
    assert (mnist.name, mnist.found, mnist.place, mnist.problem) == ("mnist", True, tmp_path / "mnist", "")
    assert mnist.size_bytes == sum(path.stat().st_size for path in (tmp_path / "mnist").iterdir())
    assert mnist.source.startswith("original contents")
    assert (cifar.found, cifar.place, cifar.size_bytes, cifar.source) == (False, None, 0, "")
    assert str(tmp_path / "cifar-10") in cifar.problem
    assert digits.name == "digits"

    write_idx(tmp_path / "mnist", test_labels=b"damage")
    damaged = datasets.status(tmp_path)[0]
    assert not damaged.found
    assert "t10k-labels-idx1-ubyte.gz: expected" in damaged.problem


# --- digits


def test_digits_are_enlarged_squares_of_the_original_values() -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="the digits come with scikit-learn")
    data = datasets.load("digits")
    originals = sklearn_datasets.load_digits()
    inputs, labels = data.train.inputs, data.train.labels
    assert (inputs.shape, inputs.dtype) == ((1497, 32, 32), np.uint8)
    assert (data.test.inputs.shape, data.test.labels.shape) == ((300, 32, 32), (300,))
    assert (labels.dtype, data.classes) == (np.int32, tuple("0123456789"))
    squares = inputs.reshape(-1, 8, 4, 8, 4)
    assert (squares == squares[:, :, :1, :, :1]).all()
    small = np.concatenate([inputs, data.test.inputs])[:, ::4, ::4]
    # The same images, in another order: sort both by their bytes.
    expected = np.rint(originals.images * 255 / 16 + 1e-9).astype(np.uint8)
    assert sorted(image.tobytes() for image in small) == sorted(image.tobytes() for image in expected)
    assert (small.min(), small.max()) == (0, 255)


def test_digits_have_thirty_test_samples_of_each_class_the_last_ones() -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="the digits come with scikit-learn")
    data = datasets.load("digits")
    originals = sklearn_datasets.load_digits()
    assert np.bincount(data.test.labels).tolist() == [30] * 10
    for label in range(10):
        images = originals.images[originals.target == label]
        for split, part in ((data.train, images[:-30]), (data.test, images[-30:])):
            small = split.inputs[split.labels == label][:, ::4, ::4]
            assert (np.abs(small / 255 - part / 16) < 0.5 / 255 + 1e-9).all()


def test_digits_without_scikit_learn_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    real_import = builtins.__import__

    def refuse(name: str, *arguments: object, **keywords: object) -> object:
        if name.partition(".")[0] == "sklearn":
            raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
        return real_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=re.escape('pip install "asap[data]"')):
        datasets.load("digits")


def test_status_of_digits_depends_on_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("asap.datasets.RECIPES", {})
    (digits,) = datasets.status()
    assert not digits.found
    assert 'pip install "asap[data]"' in digits.problem


# --- the real sets


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_idx_sets_are_recognised(name: str, need_data: Callable[[str], None]) -> None:
    need_data(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = datasets.load(name, download=False)
    assert (data.train.inputs.shape, data.test.inputs.shape) == ((60_000, 28, 28), (10_000, 28, 28))
    assert data.source.startswith("original contents")
    assert np.bincount(data.test.labels, minlength=10).sum() == 10_000
    assert len(data.classes) == data.train.labels.max() + 1 == 10


def test_the_real_cifar_is_recognised_and_mapped_at_the_second_load(
    need_data: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_data("cifar-10")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = datasets.load("cifar-10", download=False), datasets.load("cifar-10", download=False)
    assert (first.train.inputs.shape, first.test.inputs.shape) == ((50_000, 32, 32, 3), (10_000, 32, 32, 3))
    assert first.train.inputs.strides == (3073, 32, 1, 1024)
    for data in (first, second):
        assert np.bincount(data.train.labels).tolist() == [5000] * 10
        assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert first.source == second.source
    assert "recognised" in first.source
    for a, b in ((first.train, second.train), (first.test, second.test)):
        assert hashlib.sha256(a.inputs[::97].tobytes()).digest() == hashlib.sha256(b.inputs[::97].tobytes()).digest()
    kept = list(tmp_path.rglob("*.records"))
    assert [path.stat().st_size for path in kept] == ([60_000 * 3073 + 6 * 32] if ".tar" in first.source else [])
    for path in kept:  # too large to be left among the files that pytest retains
        path.unlink()
