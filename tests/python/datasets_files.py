"""Tiny data sets in every container that the readers accept, and sets that know their contents."""

import gzip
import hashlib
import io
import lzma
import struct
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from asap.datasets.cifar import Layout
from asap.datasets.cifar_set import CifarSet, Edition
from asap.datasets.idx import IdxFile
from asap.datasets.idx_set import IdxSet
from asap.datasets.registry import RECIPES

NUM_TRAIN, NUM_TEST = 7, 3
IMAGE_BYTES = 28 * 28
IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CIFAR_FOLDER = "cifar-10-batches-bin/"
CIFAR_RECORDS_PER_FILE = 3
COMPRESS = {".tar": bytes, ".tar.gz": gzip.compress, ".tar.xz": lzma.compress}


def idx(items: np.ndarray, magic: int | None = None, shape: Iterable[int] | None = None) -> bytes:
    """An IDX file of uint8 items; magic number and shape can be made to lie."""
    shape = tuple(items.shape if shape is None else shape)
    header = struct.pack(f">{1 + len(shape)}I", 0x0800 + items.ndim if magic is None else magic, *shape)
    return header + items.astype(np.uint8).tobytes()


def idx_items() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    counts = (NUM_TRAIN, NUM_TRAIN, NUM_TEST, NUM_TEST)
    shapes = [(count, 28, 28) if "images" in name else (count,) for name, count in zip(IDX_NAMES, counts, strict=True)]
    return {
        name: random.integers(0, 256 if len(shape) == 3 else 10, shape, np.uint8)
        for name, shape in zip(IDX_NAMES, shapes, strict=True)
    }


def write_idx(folder: Path, suffix: str = ".gz", **replaced: bytes) -> dict[str, np.ndarray]:
    """Write the four files; a keyword such as train_labels replaces the bytes on disk of one. Returns the items."""
    folder.mkdir(parents=True, exist_ok=True)
    items = idx_items()
    for name, array in items.items():
        short = name.rsplit("-", 2)[0].replace("-", "_").replace("t10k", "test")
        plain = idx(array)
        (folder / f"{name}{suffix}").write_bytes(
            replaced.get(short, gzip.compress(plain) if suffix == ".gz" else plain)
        )
    return items


def idx_set(*mirrors: str) -> IdxSet:
    """MNIST's likeness, with the tiny contents as the original ones."""
    files = [
        IdxFile(name, items.shape[1:], len(items), hashlib.sha256(idx(items)).hexdigest())
        for name, items in idx_items().items()
    ]
    return IdxSet("mnist", tuple("0123456789"), mirrors, *files)


def cifar_files() -> dict[str, bytes]:
    """Six files of three records: labels, then planar images."""
    random = np.random.default_rng(2)
    names = [f"data_batch_{k}.bin" for k in range(1, 6)] + ["test_batch.bin"]
    records = random.integers(0, 256, (len(names), CIFAR_RECORDS_PER_FILE, 3073), np.uint8)
    records[:, :, 0] %= 10
    return {name: part.tobytes() for name, part in zip(names, records, strict=True)}


def cifar_set(*mirrors: str, archive: bytes = b"") -> CifarSet:
    """CIFAR-10's likeness: the given archive and, told by their git names, the tiny files are the original contents."""
    original = Edition(
        "original contents (recognised by hash)",
        frozenset({hashlib.sha256(archive).hexdigest()}),
        {name: "git:" + git_name(contents) for name, contents in cifar_files().items()},
    )
    layout = Layout(tuple(cifar_files())[:5], ("test_batch.bin",), CIFAR_RECORDS_PER_FILE)
    classes = RECIPES["cifar-10"].classes
    return CifarSet("cifar-10", classes, mirrors, "cifar-10-binary", CIFAR_FOLDER, layout, (original,))


def git_name(contents: bytes) -> str:
    return hashlib.sha1(b"blob " + str(len(contents)).encode() + b"\0" + contents).hexdigest()


def file_member(name: str, contents: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    return member, contents


def link_member(name: str, target: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, contents in members:
            archive.addfile(member, io.BytesIO(contents))
    return buffer.getvalue()


def cifar_members(**replaced: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The members of an archive like the original: a readme, and the six files."""
    files = {"readme.html": b"<a>"} | cifar_files()
    return [
        file_member(CIFAR_FOLDER + name, replaced.get(name.partition(".")[0], body)) for name, body in files.items()
    ]
