"""Small files of every kind that asap reads, as they should be."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import asap
from asap import _checkpoint_document, _checkpoint_file

PREFIX = "cifar-10-batches-bin/"
CIFAR_FILES = ("data_batch_1.bin", "test_batch.bin")
RECORD_BYTES = 3073


def idx() -> bytes:
    """Four images of 3×3 pixels."""
    return struct.pack(">4I", 0x0803, 4, 3, 3) + bytes(range(36))


def npz(**members: bytes) -> bytes:
    """Two samples of three features with their labels; or these members instead, as they are."""
    buffer = io.BytesIO()
    if not members:
        np.savez_compressed(buffer, inputs=np.arange(6, dtype=np.float32).reshape(2, 3), labels=np.arange(2))
        return buffer.getvalue()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy() -> bytes:
    """The member of the inputs."""
    with zipfile.ZipFile(io.BytesIO(npz())) as archive:
        return archive.read("inputs.npy")


def cifar() -> dict[str, bytes]:
    """Files of one record each."""
    return {name: bytes([label]) + bytes(RECORD_BYTES - 1) for label, name in enumerate(CIFAR_FILES)}


def tar(**options: Any) -> bytes:
    """An archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        files = {"readme.html": b"<a>"} | {PREFIX + name: body for name, body in cifar().items()}
        for name, contents in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return buffer.getvalue()


def numbers() -> bytes:
    """Six numbers, a line each."""
    return b"0.5\n1.5e-3\n2\n0\n.25\n1_0\n"


def histogram() -> bytes:
    """Three numbers with counts."""
    return b"0.5 3\n1.5e-3,2\n2 0\n"


NUMBERS = [
    *(b"1", b"7", b"0", b".", b"-", b"+", b"_", b"e", b"\n", b" ", b"\t", b"0.5\n", b"nan\n", b"inf\n", b"1e308\n"),
    *(b"5e-324\n", b"1e400\n", b"0x1p3\n", b"9" * 400, "٣".encode(), "\u2028".encode(), b"\xff", b"\0", b"\r"),
]
"""Of what texts of numbers are made, and what some take for a part of one."""


def packed(contents: bytes) -> list[bytes]:
    """The contents as they are, and compressed."""
    return [contents, gzip.compress(contents, mtime=0), lzma.compress(contents, preset=0)]


@cache
def run_files() -> dict[str, bytes]:
    """The files of a traced run with a policy of every kind of part."""
    random = np.random.default_rng(0)
    data = (random.random((40, 4), np.float32), random.integers(0, 2, 40))
    model = asap.Sequential([asap.Dense(3), asap.Tanh(), asap.Dense(2)], input_shape=4)
    step = asap.TailTau(asap.CosineRate(0.05), sample=(1, 3))
    rules = [asap.Patience(9), asap.TargetLoss(-1.0)]
    run = asap.train(model, data, workers=2, batch_size=5, step=step, stop=rules, validation=data, trace=True)
    with TemporaryDirectory() as folder:
        run.save(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@cache
def checkpoint() -> bytes:
    """A checkpoint of a run with momentum, and a table that came into force."""
    random = np.random.default_rng(0)
    data = (random.random((40, 4), np.float32), random.integers(0, 2, 40))
    model = asap.Sequential([asap.Dense(2)], input_shape=4)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        step = asap.TailTau(0.05, sample=(1, 3))
        saving = asap.Checkpoint(path, every=1)
        asap.train(model, data, workers=2, batch_size=5, epochs=2, step=step, momentum=0.5, checkpoint=saving)
        return path.read_bytes()


@cache
def checkpoint_of_shards() -> bytes:
    """As if that run had had a parameter server with two shards."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        path.write_bytes(checkpoint())
        saved = _checkpoint_file.read(path)
        arrays = saved.state["arrays"]
        shard = {name: array for name, array in arrays.items() if name not in ("parameters", "velocity")}
        shard["open"] = np.array([3, 4], np.uint64)
        facts = _checkpoint_document.facts(saved.architecture, saved.config, saved.samples, saved.data, ())
        _checkpoint_file.write(path, facts, {**saved.state, "shards": [{**saved.state, "arrays": shard}]})
        return path.read_bytes()


@cache
def untraced() -> bytes:
    """The run.json of that run, had it not been traced: traces are another reader's."""
    document = json.loads(run_files()["run.json"])
    document["config"]["trace"] = False
    return json.dumps(document).encode()


def parts(content: bytes, document: str) -> tuple[bytes, bytes]:
    """The header of a safetensors file, with the document in its metadata as one within, and what is behind it."""
    end = 8 + struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:end])
    header["__metadata__"][document] = json.loads(header["__metadata__"][document])
    return json.dumps(header).encode(), content[end:]


def joined(header: Any, data: bytes, document: str) -> bytes:
    """A safetensors file of such parts, with the checksum of a checkpoint made right."""
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if isinstance(metadata, dict) and document in metadata:
        metadata[document] = json.dumps(metadata[document])
        if "crc32" in metadata:
            metadata["crc32"] = f"{_crc(metadata[document], header, data):08x}"
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _crc(document: str, header: dict[str, Any], data: bytes) -> int:
    crc = zlib.crc32(document.encode())
    for name in sorted(header.keys() - {"__metadata__"}):
        with suppress(TypeError, ValueError, KeyError):  # of a tensor that is none any more
            begin, end = header[name]["data_offsets"]
            crc = zlib.crc32(data[begin:end], crc)
    return crc


def trace_parts() -> tuple[bytes, bytes]:
    """The header of a trace file, and what is behind it."""
    content = run_files()["trace.bin"]
    end = 16 + struct.unpack_from("<I", content, 12)[0]
    return content[16:end], content[end:]


def trace_file(header: Any, body: bytes) -> bytes:
    """A trace file of such parts, with the checksum that the body has."""
    if isinstance(header, dict) and header.get("crc32"):
        parameters = header.get("parameters")
        size = 4 * parameters if type(parameters) is int and 0 <= parameters < 1 << 16 else 0
        vectors = 2 if header.get("velocity") else 1
        padded = size + -size % 64
        sections = [*(body[i * padded :][:size] for i in range(vectors)), body[vectors * padded :]]
        header["crc32"] = zlib.crc32(b"".join(sections))
    text = json.dumps(header).encode()
    text += b" " * (-(16 + len(text)) % 64)
    return b"\x89asaptr\n" + struct.pack("<II", 2, len(text)) + text + body
