"""Model files: safetensors with the architecture as JSON in the metadata, schema "asap.model/1"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asap._extras import require
from asap.architecture import Architecture
from asap.datasets.files import write_atomically

SCHEMA = "asap.model/1"

Tensors = Mapping[str, NDArray[np.float32]]


def write(path: str | PathLike[str], architecture: Architecture, tensors: Tensors) -> None:
    """Write architecture and parameters, all or nothing."""
    safetensors = require("safetensors.numpy", "io", "Saving a model")
    metadata = {"schema": SCHEMA, "architecture": json.dumps(architecture.to_dict())}
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    write_atomically(Path(path), [safetensors.save(contiguous, metadata)])


def read(path: str | PathLike[str]) -> tuple[Architecture, Tensors]:
    """Read architecture and parameters; ValueError that names the file when it is not one of asap's."""
    safetensors = require("safetensors", "io", "Loading a model")
    if not Path(path).is_file():
        raise FileNotFoundError(f"no such model file: {path}")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except (safetensors.SafetensorError, OverflowError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error
    return _architecture(path, metadata, tensors), tensors


def _architecture(path: object, metadata: Mapping[str, str], tensors: Tensors) -> Architecture:
    if metadata.get("schema") != SCHEMA:
        raise ValueError(
            f"{path} is no model saved by asap: its schema must be {SCHEMA!r}; got {metadata.get('schema')!r}"
        )
    try:
        architecture = Architecture.from_dict(json.loads(metadata["architecture"]))
        expected = {name: tuple(shape) for name, shape, _ in architecture.to_core().parameters}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: its architecture cannot be read: {error}") from error
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        raise ValueError(f"{path} is damaged: its architecture has parameters {expected}; the file holds {found}")
    return architecture
