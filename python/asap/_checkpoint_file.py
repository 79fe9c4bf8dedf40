"""Checkpoint files: safetensors with JSON in the metadata, schema "asap.checkpoint/2"; docs/checkpoints.md."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _checkpoint_document, _core
from asap._checkpoint_document import Saved, Tensors
from asap._extras import require
from asap.datasets import files

SCHEMA, FORMAT = "asap.checkpoint/", 2

_MAX_HEADER = 1 << 24
_LENGTH_BYTES = 8  # of the header, at the beginning of a safetensors file

Arrays = dict[str, NDArray[Any]]


def previous(path: Path) -> Path:
    """Return where the checkpoint before is kept."""
    return path.with_name(f"{path.name}.previous")


def expect_writable(path: Path) -> None:
    """Raise an ImportError or OSError where `write` could do nothing, as far as that can be told without writing."""
    require("safetensors.numpy", "io", "A checkpoint")
    files.expect_writable(path)


def write(path: Path, facts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a checkpoint, all or nothing; at every moment there is a complete one at `path` if there ever was."""
    safetensors = require("safetensors.numpy", "io", "A checkpoint")
    arrays = {name: np.ascontiguousarray(array) for name, array in _checkpoint_document.tensors(state).items()}
    text = _checkpoint_document.text(facts, state)
    metadata = {"schema": f"{SCHEMA}{FORMAT}", "checkpoint": text, "crc32": _checksum(text, arrays)}
    contents = safetensors.save(arrays, metadata)
    if int.from_bytes(contents[:_LENGTH_BYTES], "little") > _MAX_HEADER:
        raise ValueError(f"{path}: the settings of this run are too long for a checkpoint, beyond {_MAX_HEADER} bytes")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")  # one name, so that a killed process leaves one file at most
    try:
        temporary.write_bytes(contents)
        _keep_previous(path)
        files.publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _keep_previous(path: Path) -> None:
    """Give the present file a second name, which it keeps when its first goes to the next one."""
    link = path.with_name(f".{path.name}.link")
    link.unlink(missing_ok=True)
    try:
        os.link(path, link)
    except FileNotFoundError:
        return  # this is the first one
    except OSError:  # a file system that knows no second names
        shutil.copyfile(path, link)
    os.replace(link, previous(path))
    link.unlink(missing_ok=True)  # which is still there if both were one file already, as a killed process left them


def read(path: Path) -> Saved:
    """Read a checkpoint; ValueError that names the file and what was found in it."""
    try:
        return _read(path)
    except ValueError as error:
        if previous(path).is_file():
            raise ValueError(f"{error}; the checkpoint before it is {previous(path)}") from error
        raise


def _read(path: Path) -> Saved:
    safetensors = require("safetensors", "io", "A checkpoint")
    if not path.is_file():
        raise FileNotFoundError(f"no such checkpoint: {path}")
    _check_lengths(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            document = _document(path, file.metadata() or {})
            try:
                saved, expected = _checkpoint_document.parse(document)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
                raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from error
            _check_tensors(path, file, expected)
            tensors = _tensors(path, file, expected)
            found = file.metadata()
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error
    if (crc := _checksum(found["checkpoint"], tensors)) != found.get("crc32"):
        raise ValueError(f"{path} is damaged: its checksum is {found.get('crc32')!r:.20}; its contents have {crc!r}")
    saved = replace(saved, state=_checkpoint_document.with_tensors(saved.state, tensors))
    try:
        for state in (saved.state, *saved.state.get("shards", ())):
            _core.checkpoint_history(state)  # puts the tables together
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return saved


def _check_lengths(path: Path) -> None:
    """Refuse a header that is longer than the file, or than any of ours, before anything is made of it."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(_LENGTH_BYTES)
    length = int.from_bytes(begin, "little")
    if len(begin) < _LENGTH_BYTES or size < _LENGTH_BYTES + min(length, _MAX_HEADER):
        raise ValueError(f"{path} is truncated, or no safetensors file: it has {size} bytes")
    if length > _MAX_HEADER:
        raise ValueError(f"{path} is damaged, or no checkpoint: its header cannot have {length} bytes")


def _document(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    schema = metadata.get("schema", "")
    kind, number = schema[: len(SCHEMA)], schema[len(SCHEMA) :]
    if kind != SCHEMA:
        raise ValueError(f"{path} is no checkpoint of asap: its schema must be {SCHEMA}{FORMAT}; got {schema!r:.60}")
    if number != str(FORMAT):
        raise ValueError(f"{path} has version {number:.20} of the format; this asap reads version {FORMAT}")
    try:
        document = json.loads(metadata["checkpoint"])
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its settings cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path} is damaged: its settings must be an object")
    return document


def _check_tensors(path: Path, file: Any, expected: Tensors) -> None:
    """Refuse tensors that do not belong to the settings, before they are read."""
    names = set(file.keys())
    if names != expected.keys():
        raise ValueError(
            f"{path} is damaged: tensors missing {sorted(expected.keys() - names)!r:.200}, "
            f"unknown {sorted(names - expected.keys())!r:.200}"
        )
    for name, (dtype, shape) in expected.items():
        part = file.get_slice(name)
        found = tuple(part.get_shape())
        fits = len(found) == len(shape) and all(
            length in (None, other) for length, other in zip(shape, found, strict=True)
        )
        if part.get_dtype() != dtype or not fits:
            raise ValueError(f"{path} is damaged: {name} cannot be {part.get_dtype()} of shape {found}")


def _tensors(path: Path, file: Any, names: Iterable[str]) -> Arrays:
    try:
        return {name: file.get_tensor(name) for name in names}
    except (OverflowError, ValueError) as error:  # lengths beyond NumPy's, beside one of 0
        raise ValueError(f"{path} is damaged: {error}") from error


def _checksum(text: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    crc = zlib.crc32(text.encode())
    for name in sorted(arrays):
        crc = zlib.crc32(np.ascontiguousarray(arrays[name]).data, crc) if arrays[name].size else crc
    return f"{crc:08x}"
