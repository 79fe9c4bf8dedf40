"""Trace files: header as JSON, starting parameters, records; docs/trace.md describes every byte."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from asap._plain import plain
from asap.arrays import blocks
from asap.datasets.files import write_atomically
from asap.simulation import MAX_WORKERS
from asap.trace import RECORD, Trace, records_in

MAGIC = b"\x89asaptr\n"
VERSION = 2

_FIXED = struct.Struct("<8sII")  # magic, version, length of the JSON text
_ALIGNMENT = 64
_MAX_HEADER = 1 << 24
_PARTS = ("velocity", "movement")  # of the state that a run began with, behind the parameters
_NUMBERS = ("parameters", "records", "first", "workers", "stalls", "crc32")


def write(path: Path, trace: Trace, config: dict[str, Any]) -> None:
    """Write a trace, all or nothing, with the settings of its run."""
    vectors = [trace.start, trace.velocity, trace.movement]
    sections = [*(vector.astype("<f4", copy=False) for vector in vectors if vector is not None), trace.records]
    header = {
        "parameters": len(trace.start),
        "velocity": trace.velocity is not None,
        "movement": trace.movement is not None,
        "records": len(trace),
        "first": trace.first,
        "workers": trace.workers,
        "stalls": trace.stalls,
        "crc32": _crc(sections),
        "origin": trace.origin,
        "config": config,
    }
    text = json.dumps(plain(header), allow_nan=False).encode()
    text += b" " * (-(_FIXED.size + len(text)) % _ALIGNMENT)
    write_atomically(path, _parts(_FIXED.pack(MAGIC, VERSION, len(text)) + text, *sections))


def read(path: Path) -> tuple[Trace, dict[str, Any]]:
    """Return a trace and the settings of its run; ValueError that names the file and what was found in it."""
    if not path.is_file():
        raise FileNotFoundError(f"no such trace file: {path}")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header, begin = _header(path, file)
        names = ["start", *(name for name in _PARTS if header[name])]
        each = 4 * header["parameters"]
        first_record = _aligned(begin + each) + _aligned(each) * (len(names) - 1)
        end = first_record + RECORD.itemsize * header["records"]
        if size != end:
            found = "is truncated" if size < end else "is damaged"
            raise ValueError(f"{path} {found}: its header announces {end} bytes; the file has {size}")
        vectors = {name: _vector(file, begin + i * _aligned(each), each) for i, name in enumerate(names)}
        records = records_in(file, header["records"], first_record)
    if (crc := _crc([*vectors.values(), records])) != header["crc32"]:
        raise ValueError(f"{path} is damaged: its checksum is {header['crc32']:08x}; its contents have {crc:08x}")
    return _trace(path, header, records, vectors), header["config"]


def _vector(file: IO[bytes], position: int, size: int) -> NDArray[np.float32]:
    file.seek(position)
    vector = np.frombuffer(file.read(size), "<f4").astype(np.float32, copy=False)
    vector.flags.writeable = False
    return vector


def _trace(
    path: Path,
    header: dict[str, Any],
    records: NDArray[np.void],
    vectors: dict[str, NDArray[np.float32]],
) -> Trace:
    figures = {name: header[name] for name in ("first", "workers", "stalls", "origin")}
    velocity, movement = (vectors.get(name) for name in _PARTS)
    trace = Trace(records, vectors["start"], velocity=velocity, movement=movement, **figures)
    try:
        trace.check()
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return trace


def _header(path: Path, file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Return the header and where it ends."""
    fixed = file.read(_FIXED.size)
    if not fixed.startswith(MAGIC):
        raise ValueError(f"{path} is no trace of asap: it must begin with {MAGIC!r}; got {fixed[: len(MAGIC)]!r}")
    if len(fixed) < _FIXED.size:
        raise ValueError(f"{path} is truncated: its header has {_FIXED.size} bytes; the file has {len(fixed)}")
    _, version, length = _FIXED.unpack(fixed)
    if version != VERSION:
        raise ValueError(f"{path} has version {version} of the format; this asap reads version {VERSION}")
    if length > _MAX_HEADER or (_FIXED.size + length) % _ALIGNMENT:
        raise ValueError(f"{path} is damaged: its header cannot have {length} bytes")
    text = file.read(length)
    if len(text) < length:
        raise ValueError(f"{path} is truncated: its header has {length} bytes; the file has {len(text)} of them")
    return _parsed(path, text), _FIXED.size + length


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
        numbers = [header[name] for name in _NUMBERS]
        parts = [header["origin"], header["config"]]
        flags = [header["velocity"], header.setdefault("movement", False)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its header cannot be read: {type(error).__name__}: {error}") from error
    for name, number in zip(_NUMBERS, numbers, strict=True):
        most = MAX_WORKERS if name == "workers" else 1 << 56
        if type(number) is not int or not 0 <= number <= most:
            raise ValueError(f"{path} is damaged: {name} must be an integer from 0 to {most}; got {number!r:.60}")
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError(f"{path} is damaged: origin and config must be objects")
    for name, flag in zip(_PARTS, flags, strict=True):
        if not isinstance(flag, bool):
            raise ValueError(f"{path} is damaged: {name} must be true or false; got {flag!r:.60}")
    return header  # type: ignore[no-any-return]


def _parts(header: bytes, *sections: NDArray[Any]) -> Iterator[bytes]:
    *vectors, records = sections
    yield header
    for vector in vectors:
        yield vector.tobytes()
        yield b"\0" * (_aligned(vector.nbytes) - vector.nbytes)  # the header ends on the same boundary
    yield from (block.tobytes() for _, block in blocks(records)) if len(records) else ()


def _crc(sections: list[NDArray[Any]]) -> int:
    crc = 0
    for section in sections:
        for _, block in blocks(section) if section.size else ():
            crc = zlib.crc32(block.tobytes(), crc)
    return crc


def _aligned(position: int) -> int:
    return -(-position // _ALIGNMENT) * _ALIGNMENT
