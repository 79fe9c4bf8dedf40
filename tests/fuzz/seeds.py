"""Small files of every kind that asap reads, as they should be."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import struct
import tarfile
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import asap

PREFIX = "cifar-10-batches-bin/"
CIFAR_FILES = ("data_batch_1.bin", "test_batch.bin")
RECORD_BYTES = 3073


def idx() -> bytes:
    """Four images of 3×3 pixels."""
    return struct.pack(">4I", 0x0803, 4, 3, 3) + bytes(range(36))


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
def untraced() -> bytes:
    """The run.json of that run, had it not been traced: traces are another reader's."""
    document = json.loads(run_files()["run.json"])
    document["config"]["trace"] = False
    return json.dumps(document).encode()


@cache
def model_parts() -> tuple[bytes, bytes]:
    """The header of a model file, with its architecture as a document within, and what is behind it."""
    content = run_files()["parameters.safetensors"]
    end = 8 + struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:end])
    header["__metadata__"]["architecture"] = json.loads(header["__metadata__"]["architecture"])
    return json.dumps(header).encode(), content[end:]


def model_file(header: Any, data: bytes) -> bytes:
    """A model file of such parts."""
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if isinstance(metadata, dict) and "architecture" in metadata:
        metadata["architecture"] = json.dumps(metadata["architecture"])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


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
        header["crc32"] = zlib.crc32(body[size + -size % 64 :], zlib.crc32(body[:size]))
    text = json.dumps(header).encode()
    text += b" " * (-(16 + len(text)) % 64)
    return b"\x89asaptr\n" + struct.pack("<II", 1, len(text)) + text + body
