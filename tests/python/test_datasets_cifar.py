import re
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from datasets_files import (
    CIFAR_FOLDER,
    CIFAR_RECORDS_PER_FILE,
    COMPRESS,
    cifar_files,
    cifar_members,
    cifar_set,
    file_member,
    link_member,
    tar,
)

from asap import datasets
from asap.datasets.loader import load_files

FIRST = CIFAR_FOLDER + "data_batch_1.bin"
SIZE = CIFAR_RECORDS_PER_FILE * 3073


@pytest.fixture(autouse=True)
def cache(private_places: Path) -> Path:
    return private_places / "asap" / "datasets" / "cifar-10"


def load(folder: Path, recipe: object = None) -> datasets.DataSet:
    """Load the tiny set, of which all contents are known: no warning is let pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_files(recipe or cifar_set(), directory=folder, download=False, progress=False)


def write_archive(folder: Path, suffix: str = ".tar.gz", members: list | None = None) -> Path:
    path = folder / f"cifar-10-binary{suffix}"
    path.write_bytes(COMPRESS[suffix](tar(cifar_members() if members is None else members)))
    return path


def with_first(*members: tuple[tarfile.TarInfo, bytes]) -> list:
    """The usual members, the first file's place taken by the given ones."""
    return [*members, *(member for member in cifar_members() if member[0].name != FIRST)]


def assert_holds_the_files(data: datasets.DataSet) -> None:
    for split, names in ((data.train, list(cifar_files())[:5]), (data.test, ["test_batch.bin"])):
        records = np.frombuffer(b"".join(cifar_files()[name] for name in names), np.uint8).reshape(-1, 3073)
        np.testing.assert_array_equal(split.labels, records[:, 0])
        for channel in range(3):
            plane = records[:, 1 + 1024 * channel : 1 + 1024 * (channel + 1)].reshape(-1, 32, 32)
            np.testing.assert_array_equal(split.inputs[..., channel], plane)


@pytest.mark.parametrize("subfolder", ["", CIFAR_FOLDER])
def test_plain_files_load(tmp_path: Path, subfolder: str) -> None:
    (tmp_path / subfolder).mkdir(exist_ok=True)
    for name, contents in cifar_files().items():
        (tmp_path / subfolder / name).write_bytes(contents)
    assert_holds_the_files(load(tmp_path))


@pytest.mark.parametrize("suffix", COMPRESS)
def test_archives_load_and_load_again_from_the_cache(tmp_path: Path, suffix: str) -> None:
    write_archive(tmp_path, suffix)
    for _ in range(2):
        assert_holds_the_files(load(tmp_path))


def test_images_are_views_of_the_planar_records(tmp_path: Path) -> None:
    write_archive(tmp_path)
    data = load(tmp_path)
    assert data.train.inputs.strides == data.test.inputs.strides == (3073, 32, 1, 1024)
    assert data.train.inputs.base is not None
    assert data.train.inputs.dtype == np.uint8
    assert data.train.labels.dtype == np.int32
    assert data.train.labels.flags.c_contiguous


def test_the_second_load_maps_the_kept_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_archive(tmp_path, ".tar.xz")
    load(tmp_path)
    monkeypatch.setattr("asap.datasets.cifar.read_members", None)  # unpacking again would fail
    data = load(tmp_path)
    assert_holds_the_files(data)
    assert is_mapped(data.train.inputs)


def is_mapped(array: np.ndarray) -> bool:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return isinstance(array, np.memmap)


@pytest.mark.parametrize("position", [0, 5000, -1])
def test_damaged_kept_records_are_written_anew(tmp_path: Path, cache: Path, position: int) -> None:
    write_archive(tmp_path)
    load(tmp_path)
    (kept,) = cache.glob("*.records")
    intact = kept.read_bytes()
    damaged = bytearray(intact)
    damaged[position] ^= 1
    for contents in (bytes(damaged), intact[:-1], b""):
        kept.write_bytes(contents)
        assert_holds_the_files(load(tmp_path))
        assert kept.read_bytes() == intact


def test_another_archive_of_the_same_name_is_not_taken_for_the_kept_one(tmp_path: Path) -> None:
    write_archive(tmp_path)
    load(tmp_path)
    other = cifar_files()["data_batch_1.bin"][::-1].replace(b"\xff", b"\0")
    labels_fit = bytearray(other)
    labels_fit[::3073] = bytes(CIFAR_RECORDS_PER_FILE)
    write_archive(tmp_path, members=cifar_members(data_batch_1=bytes(labels_fit)))
    with pytest.warns(UserWarning, match="data_batch_1.bin"):
        data = load_files(cifar_set(), directory=tmp_path, download=False, progress=False)
    assert data.train.labels[:CIFAR_RECORDS_PER_FILE].tolist() == [0] * CIFAR_RECORDS_PER_FILE


def test_without_a_cache_that_can_be_written_archives_still_load(tmp_path: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"a file where the folder should be")
    write_archive(tmp_path)
    for _ in range(2):
        assert_holds_the_files(load(tmp_path))


def test_without_a_home_archives_still_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asap.datasets.places.cache_folder", lambda name: None)
    write_archive(tmp_path)
    assert_holds_the_files(load(tmp_path))


def test_an_archive_is_recognised_by_its_own_hash_or_by_its_files(tmp_path: Path) -> None:
    path = write_archive(tmp_path)
    assert load(tmp_path).source == f"original contents (recognised by hash), in {path}"
    members = cifar_members(data_batch_1=bytes(SIZE))  # other files than those that are known
    path = write_archive(tmp_path, members=members)
    assert "original" in load(tmp_path, cifar_set(archive=path.read_bytes())).source
    with pytest.warns(UserWarning, match="not known"):
        data = load_files(cifar_set(), directory=tmp_path, download=False, progress=False)
    assert data.source == f"unknown contents, in {path}"


HOSTILE = {
    "path escape": (
        with_first(file_member("../" + FIRST, bytes(SIZE)), file_member("/" + FIRST, bytes(SIZE))),
        f"found none named {FIRST}",
    ),
    "link to a file": (
        with_first(link_member(FIRST, "/etc/passwd", tarfile.SYMTYPE)),
        f"a plain file as member {FIRST}",
    ),
    "hard link": (
        [*with_first(), link_member(FIRST, CIFAR_FOLDER + "test_batch.bin", tarfile.LNKTYPE)],
        f"a plain file as member {FIRST}",
    ),
    "device": (with_first(link_member(FIRST, "", tarfile.CHRTYPE)), f"a plain file as member {FIRST}"),
    "folder": (with_first(link_member(FIRST, "", tarfile.DIRTYPE)), f"a plain file as member {FIRST}"),
    "twice": ([*cifar_members(), file_member(FIRST, bytes(SIZE))], f"expected one member {FIRST}; found two"),
    "too small": (with_first(file_member(FIRST, bytes(SIZE - 1))), f"{SIZE} bytes in member {FIRST}; found {SIZE - 1}"),
    "too large": (with_first(file_member(FIRST, bytes(SIZE + 1))), f"{SIZE} bytes in member {FIRST}; found {SIZE + 1}"),
    "missing": (with_first(), f"found none named {FIRST}"),
    "nothing": ([], "found none named"),
    "bomb before": ([file_member("bomb", bytes(2 << 20)), *cifar_members()], "bytes of contents; found more"),
    "bomb behind": ([*cifar_members(), file_member("bomb", bytes(2 << 20))], "bytes of contents; found more"),
    "label out of range": (
        with_first(file_member(FIRST, bytes(3073) + b"\x0a" + bytes(SIZE - 3074))),
        "expected labels from 0 to 9; found 10 in record 1 of data_batch_1.bin",
    ),
}


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused_and_leave_nothing_on_disk(tmp_path: Path, case: str, suffix: str) -> None:
    members, message = HOSTILE[case]
    folder = tmp_path / "data"
    folder.mkdir()
    path = write_archive(folder, suffix, members)
    with pytest.raises(datasets.DataError, match=re.escape(message)) as caught:
        load(folder)
    assert str(caught.value).startswith(f"data set 'cifar-10': {path}: expected ")
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_links_out_of_the_archive_beside_the_files_are_neither_followed_nor_made(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    escapes = [
        link_member("cifar-10-batches-bin", "/etc", tarfile.SYMTYPE),
        file_member("../escaped", b"x"),
        link_member("out", "../..", tarfile.SYMTYPE),
    ]
    path = write_archive(folder, members=[*escapes, *cifar_members()])
    assert_holds_the_files(load(folder))
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_a_sparse_member_is_refused(tmp_path: Path) -> None:
    member, contents = file_member(FIRST, bytes(SIZE))
    member.pax_headers = {"GNU.sparse.map": f"0,{SIZE}", "GNU.sparse.size": str(SIZE)}
    write_archive(tmp_path, members=with_first((member, contents)))
    with pytest.raises(datasets.DataError, match="a plain file as member"):
        load(tmp_path)


def test_headers_that_nest_endlessly_are_refused(tmp_path: Path) -> None:
    block = file_member("././@LongLink", b"")[0]
    block.type, block.size = tarfile.GNUTYPE_LONGNAME, 0
    (tmp_path / "cifar-10-binary.tar").write_bytes(block.tobuf() * 1500 + tar(cifar_members()))
    with pytest.raises(datasets.DataError, match="expected an intact tar archive; found damage"):
        load(tmp_path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_truncation_of_an_archive_is_told(tmp_path: Path, suffix: str) -> None:
    path = write_archive(tmp_path, suffix)
    whole = path.read_bytes()
    needed = whole.rstrip(b"\0") if suffix == ".tar" else whole  # a plain archive ends in zeros that hold nothing
    for size in range(0, len(needed), len(needed) // 40):
        path.write_bytes(whole[:size])
        with pytest.raises(datasets.DataError, match=re.escape(str(path))):
            load(tmp_path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_changed_byte_of_a_compressed_archive_never_changes_the_images(tmp_path: Path, suffix: str) -> None:
    path = write_archive(tmp_path, suffix)
    whole = path.read_bytes()
    random = np.random.default_rng(4)
    num_told = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= random.integers(1, 256)
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert_holds_the_files(load(tmp_path))
        except (datasets.DataError, UserWarning):
            num_told += 1
    assert num_told > 30


@pytest.mark.parametrize(("size", "found"), [(SIZE - 1, f"{SIZE - 1} bytes"), (SIZE + 3073, "more"), (0, "0 bytes")])
def test_a_plain_file_of_the_wrong_size_is_told(tmp_path: Path, size: int, found: str) -> None:
    for name, contents in cifar_files().items():
        (tmp_path / name).write_bytes(contents)
    (tmp_path / "test_batch.bin").write_bytes(bytes(size))
    with pytest.raises(datasets.DataError, match=f"test_batch.bin: expected {SIZE} bytes .* found {found}"):
        load(tmp_path)


def test_plain_files_with_a_label_out_of_range_are_told(tmp_path: Path) -> None:
    for name, contents in cifar_files().items():
        (tmp_path / name).write_bytes(contents)
    (tmp_path / "data_batch_4.bin").write_bytes(b"\xff" * SIZE)
    with pytest.raises(datasets.DataError, match=r"found 255 in record 0 of data_batch_4.bin"):
        load(tmp_path)


def test_status_tells_known_unknown_and_damaged_archives_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_archive(tmp_path)
    monkeypatch.setattr("asap.datasets.RECIPES", {"cifar-10": cifar_set(archive=path.read_bytes())})
    known = datasets.status(tmp_path)[0]
    assert (known.found, known.place, known.size_bytes) == (True, tmp_path, path.stat().st_size)
    assert known.source == f"original contents (recognised by hash), in {path}"

    monkeypatch.setattr("asap.datasets.RECIPES", {"cifar-10": cifar_set()})
    assert "unknown sha256" in datasets.status(tmp_path)[0].source
    load(tmp_path)
    assert "original contents" in datasets.status(tmp_path)[0].source  # by its files, which the first load has kept


def test_a_companion_that_announces_more_than_can_be_is_refused_at_once(tmp_path: Path) -> None:
    companion = tarfile.TarInfo("readme.html")
    companion.size = 1 << 60
    (tmp_path / "cifar-10-binary.tar").write_bytes(companion.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(datasets.DataError, match="bytes of contents; found more"):
        load(tmp_path)
