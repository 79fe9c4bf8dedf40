"""What is fuzzed: every reader of files, the files it begins with, and how the fuzzer's bytes become a file."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import seeds
from edits import MOST_BYTES, edited

import asap
from asap import _checkpoint_file, _laws, _policies, _trace_file
from asap.datasets import DataError, cifar, npz, unpacked
from asap.datasets.cifar_set import CifarSet
from asap.datasets.idx import IdxFile, read_idx
from asap.datasets.recipe import Finding

LAYOUT = cifar.Layout(seeds.CIFAR_FILES[:1], seeds.CIFAR_FILES[1:], 1)
CIFAR = CifarSet("cifar-10", tuple("0123456789"), (), "cifar-10-binary", seeds.PREFIX, LAYOUT, ())


@dataclass(frozen=True)
class Target:
    """A reader of files.

    Attributes:
        file: the name of the file that it reads, in a folder of its own.
        read: reads it, and looks at what was read.
        error: what it may raise, with the path in the message; anything else is a finding.
        contents: from the fuzzer's bytes to those of the file.
        seeds: bytes to begin with.
        beside: other files of the folder.
    """

    file: str
    read: Callable[[Path], object]
    error: type[Exception]
    contents: Callable[[bytes], bytes]
    seeds: list[bytes]
    beside: dict[str, bytes] = field(default_factory=dict)


def chosen(*ways: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return a function that lets the first byte choose what becomes of the others."""
    return lambda data: ways[data[0] % len(ways)](data[1:]) if data else b""


def zipped(data: bytes) -> bytes:
    """Compress, so that the reader comes to see these bytes, whatever they are."""
    return gzip.compress(data, 1, mtime=0)


def _read_idx(path: Path) -> None:
    items, _ = read_idx(path, IdxFile("images", (3, 3), 5, ""))
    items.sum()


def _read_cifar(path: Path) -> None:
    CIFAR.read(Finding(path.parent, (path,), ()), None).data_set.train.inputs.sum()


def _read_unpacked(path: Path) -> None:
    kept = unpacked.load(path.parent, path.stem, LAYOUT)
    assert kept is None or kept[0].sum() >= 0


def _read_npz(path: Path) -> None:
    names = ("inputs", "labels")
    found = npz.headers(str(path), names)
    assert found == [(array.shape, array.dtype) for array in npz.arrays(str(path), names)]


def _with_digests(data: bytes) -> bytes:
    data = data.ljust(LAYOUT.num_bytes)[: LAYOUT.num_bytes]
    halves = data[: LAYOUT.num_bytes // 2], data[LAYOUT.num_bytes // 2 :]
    return data + b"".join(hashlib.sha256(half).digest() for half in halves)


def _read_model(path: Path) -> None:
    model = asap.load(path)
    repr(model)
    model.copy()


def _edited_safetensors(content: bytes, document: str) -> Callable[[bytes], bytes]:
    """The first bytes are edits of header and document, the others of the tensors."""
    header, tensors = seeds.parts(content, document)

    def make(data: bytes) -> bytes:
        behind = data[MOST_BYTES:]
        return seeds.joined(edited(header, data), behind + tensors[len(behind) :], document)

    return make


def _read_checkpoint(path: Path) -> None:
    saved = _checkpoint_file.read(path)
    repr(saved.config)
    assert len(saved.records) >= 0


def _read_run(path: Path) -> None:
    run = asap.Run.load(path.parent)
    repr(run)
    run.to_dict()


def _edited_run(data: bytes) -> bytes:
    return json.dumps(edited(seeds.untraced(), data)).encode()


def _read_trace(path: Path) -> None:
    trace, _ = _trace_file.read(path)
    repr(trace)
    trace.staleness.mean  # noqa: B018  # looked at


def _edited_trace(data: bytes) -> bytes:
    """The first bytes are edits of the header, the others of the body."""
    header, body = seeds.trace_parts()
    behind = data[MOST_BYTES:]
    return seeds.trace_file(edited(header, data), behind + body[len(behind) :])


def _read_recorded(path: Path) -> None:
    law = _laws.law("compute", f"recorded:{path}")
    repr(law)
    assert (law.draw(8) >= 0).all()


def _read_table(path: Path) -> None:
    step = _policies.step(f"table:{path}", 0.1, "constant", (10, 110))
    repr(step)
    assert (step.table([1, 2]) >= 0).all()


def _as_numbers(data: bytes) -> bytes:
    """Text that is nearly always one of numbers, with all that Python writes and reads as one."""
    words = [seeds.NUMBERS[byte % len(seeds.NUMBERS)] for byte in data]
    return b"".join(words)


def _trusting(path: Path) -> int:
    """Planted: takes the number of items from the header as it is."""
    content = path.read_bytes()
    count = int.from_bytes(content[4:8], "big")
    return content[16 + 9 * count - 1] if content[:3] == b"\0\0\x08" else 0


def _greedy(path: Path) -> int:
    """Planted: makes room for all that the header announces."""
    return len(bytearray(int.from_bytes(path.read_bytes()[4:8], "big")))


def _endless(path: Path) -> None:
    """Planted: goes on until a byte is there, which may never be."""
    content = path.read_bytes()
    while content[:1] != b"\0":
        pass


def readers() -> dict[str, Target]:
    """Return all readers by their names, the slowest first."""
    raw, made = b"\0", b"\1"
    files = seeds.run_files()
    beside_run = {name: content for name, content in files.items() if name != "run.json"}
    first, last = seeds.cifar().items()
    packed = chosen(bytes, zipped)
    tars = [raw + contents for contents in seeds.packed(seeds.tar())]
    images = [raw + contents for contents in seeds.packed(seeds.idx())]
    models = chosen(bytes, _edited_safetensors(files["parameters.safetensors"], "architecture"))
    checkpoints = chosen(bytes, _edited_safetensors(seeds.checkpoint_of_shards(), "checkpoint"))
    saved = [raw + seeds.checkpoint(), raw + seeds.checkpoint_of_shards()]
    members = chosen(bytes, lambda data: seeds.npz(inputs=data, labels=data))
    numbers, few = chosen(bytes, _as_numbers), made + bytes([0, 3, 1, 8, 0])
    model, run, trace = (raw + part for part in (files["parameters.safetensors"], seeds.untraced(), files["trace.bin"]))
    return {
        "run": Target("run.json", _read_run, ValueError, chosen(bytes, _edited_run), [run, made], beside_run),
        "checkpoint": Target("x", _read_checkpoint, ValueError, checkpoints, [*saved, made]),
        "trace": Target("x", _read_trace, ValueError, chosen(bytes, _edited_trace), [trace, made]),
        "archive": Target("cifar-10-binary.tar", _read_cifar, DataError, packed, [*tars, made + seeds.tar()]),
        "model": Target("x", _read_model, ValueError, models, [model, made]),
        "cifar": Target(last[0], _read_cifar, DataError, bytes, [last[1]], dict([first])),
        "unpacked": Target("x.records", _read_unpacked, DataError, chosen(bytes, _with_digests), [made]),
        "recorded": Target(
            "x", _read_recorded, ValueError, numbers, [raw + seeds.histogram(), raw + seeds.numbers(), few]
        ),
        "table": Target("x", _read_table, ValueError, numbers, [raw + seeds.numbers(), few]),
        "npz": Target("x", _read_npz, DataError, members, [raw + seeds.npz(), made + seeds.npy()]),
        "idx": Target("x", _read_idx, DataError, packed, [*images, made + seeds.idx()]),
    }


def planted() -> dict[str, Target]:
    """Return readers with a fault, by what is wrong with them."""
    faults = {"trust in a header": _trusting, "too much memory": _greedy, "an endless loop": _endless}
    return {name: Target("x", read, DataError, bytes, [seeds.idx()]) for name, read in faults.items()}
