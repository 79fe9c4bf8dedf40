import gzip
import re
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from datasets_files import IDX_NAMES, IMAGE_BYTES, NUM_TEST, NUM_TRAIN, idx, idx_items, idx_set, write_idx

from asap import datasets
from asap.datasets.loader import load_files

pytestmark = pytest.mark.usefixtures("private_places")


def load(folder: Path) -> datasets.DataSet:
    """Load the tiny set, of which all contents are known: no warning is let pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_files(idx_set(), directory=folder, download=False, progress=False)


def assert_holds(data: datasets.DataSet, items: dict[str, np.ndarray]) -> None:
    arrays = [data.train.inputs, data.train.labels, data.test.inputs, data.test.labels]
    for array, expected in zip(arrays, items.values(), strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_plain_and_compressed_files_hold_the_same(tmp_path: Path, suffix: str) -> None:
    items = write_idx(tmp_path, suffix)
    data = load(tmp_path)
    assert_holds(data, items)
    assert (data.train.inputs.dtype, data.train.labels.dtype) == (np.uint8, np.int32)
    assert data.train.labels.flags.c_contiguous
    assert (len(data.train), len(data.test)) == (NUM_TRAIN, NUM_TEST)


def test_a_dot_instead_of_the_second_hyphen_is_accepted(tmp_path: Path) -> None:
    items = write_idx(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert_holds(load(tmp_path), items)


def test_the_arrays_cannot_be_written(tmp_path: Path) -> None:
    write_idx(tmp_path)
    data = load(tmp_path)
    for array in (data.train.inputs, data.train.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_known_contents_are_recognised(tmp_path: Path) -> None:
    write_idx(tmp_path)
    assert load(tmp_path).source == f"original contents (recognised by sha256), in {tmp_path}"


def test_unknown_contents_load_with_one_warning_that_names_files_and_hashes(tmp_path: Path) -> None:
    items = write_idx(tmp_path)
    with pytest.warns(UserWarning, match="these contents are not known") as caught:
        data = datasets.load("mnist", directory=tmp_path, download=False)
    assert_holds(data, items)
    assert "unknown contents in 4 of 4 files" in data.source
    assert len(caught) == 1
    assert caught[0].filename == __file__
    named = re.findall(r"(\S+): sha256 ([0-9a-f]{64})", str(caught[0].message))
    assert named == [(str(tmp_path / f"{file.name}.gz"), file.sha256) for file in idx_set().files]


images = idx_items()["train-images-idx3-ubyte"]
labels = idx_items()["train-labels-idx1-ubyte"]
whole = gzip.compress(idx(images))
DAMAGES = {
    "empty": ("train_images", b"", "expected an IDX header of 16 bytes; found 0 bytes"),
    "header cut": ("train_images", gzip.compress(idx(images)[:9]), "expected an IDX header of 16 bytes; found 9 bytes"),
    "wrong magic": (
        "train_images",
        gzip.compress(idx(images, magic=2049)),
        "expected magic number 2051; found 2049 (bytes 00 00 08 01)",
    ),
    "a web page": ("train_labels", b"<html> not found </html>", "expected magic number 2049; found 1013478509"),
    "labels for images": ("train_images", gzip.compress(idx(labels) + bytes(16)), "magic number 2051; found 2049"),
    "gzip cut": ("train_images", whole[: len(whole) // 2], "expected a complete compressed stream"),
    "gzip damaged": ("train_images", whole[:-8] + bytes(4) + whole[-4:], "expected an intact gzip stream"),
    "contents cut": (
        "train_images",
        gzip.compress(idx(images)[:-1]),
        f"expected {images.size} bytes behind the header, for shape (7, 28, 28); found {images.size - 1} (truncated)",
    ),
    "plain contents cut": ("train_images", idx(images)[:100], "found 84 (truncated)"),
    "contents too long": ("train_images", gzip.compress(idx(images) + b"\0"), "for shape (7, 28, 28); found more"),
    "more images than there are": (
        "train_images",
        gzip.compress(idx(images, shape=(8, 28, 28))),
        "expected shape (n, 28, 28) with n from 1 to 7; found shape (8, 28, 28)",
    ),
    "no images": ("train_images", idx(images[:0]), "with n from 1 to 7; found shape (0, 28, 28)"),
    "other image size": ("train_images", idx(images[:, :27]), "expected shape (n, 28, 28)"),
    "fewer labels than images": (
        "train_labels",
        gzip.compress(idx(labels[:5])),
        "expected 7 labels, one per image of train-images-idx3-ubyte.gz; found 5",
    ),
    "label out of range": (
        "train_labels",
        gzip.compress(idx(np.array([0, 9, 10, 1, 2, 3, 200]))),
        "expected labels from 0 to 9; found 10 at index 2",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_error_that_names_the_file_what_was_expected_and_found(tmp_path: Path, damage: str) -> None:
    file, contents, message = DAMAGES[damage]
    write_idx(tmp_path, **{file: contents})
    with pytest.raises(datasets.DataError, match=re.escape(message)) as caught:
        load(tmp_path)
    name = file.replace("_", "-")
    assert str(caught.value).startswith(f"data set 'mnist': {tmp_path}/{name}-idx")


def test_every_truncation_of_a_compressed_file_is_told(tmp_path: Path) -> None:
    for size in range(0, len(whole), 61):
        write_idx(tmp_path, train_images=whole[:size])
        with pytest.raises(datasets.DataError, match=r"train-images-idx3-ubyte\.gz: expected"):
            load(tmp_path)


def test_a_changed_byte_of_a_compressed_file_never_changes_the_images(tmp_path: Path) -> None:
    items = write_idx(tmp_path)
    random = np.random.default_rng(3)
    num_told = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= random.integers(1, 256)
        (tmp_path / f"{IDX_NAMES[0]}.gz").write_bytes(damaged)
        try:
            assert_holds(load(tmp_path), items)
        except datasets.DataError:
            num_told += 1
    assert num_told > 100


def test_a_bomb_is_not_decompressed(tmp_path: Path) -> None:
    num_bytes = 200 << 20
    bomb = gzip.compress(idx(images[:1])) + gzip.compress(bytes(num_bytes), compresslevel=1)
    write_idx(tmp_path, train_images=bomb)
    tracemalloc.start()
    try:
        with pytest.raises(datasets.DataError, match=f"expected {IMAGE_BYTES} bytes .* found more"):
            load(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < num_bytes // 20
    finally:
        tracemalloc.stop()


def test_a_header_that_announces_too_much_allocates_nothing(tmp_path: Path) -> None:
    write_idx(tmp_path, train_images=idx(images, shape=(2**32 - 1, 28, 28)))
    with pytest.raises(datasets.DataError, match=r"found shape \(4294967295, 28, 28\)"):
        load(tmp_path)


def test_a_file_under_another_files_name_is_told_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = idx_set()
    monkeypatch.setattr("asap.datasets.loader.RECIPES", {"mnist": known})
    items = write_idx(tmp_path)
    swapped = gzip.compress(idx(items["t10k-labels-idx1-ubyte"]))
    write_idx(tmp_path, train_labels=swapped, train_images=gzip.compress(idx(images[:NUM_TEST])))
    with pytest.raises(datasets.DataError, match="holds t10k-labels-idx1-ubyte of data set 'mnist'"):
        load_files(known, directory=tmp_path, download=False, progress=False)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("asap.datasets.idx.open_contents", refuse)
    with pytest.raises(datasets.DataError, match=r"train-images-idx3-ubyte.gz: cannot be read \(Permission denied\)"):
        load(tmp_path)
