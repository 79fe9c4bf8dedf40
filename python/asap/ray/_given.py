"""The data that `asap.ray.train` is given: what this process knows of it, and what learners are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from asap import _checks, _core, _fingerprint, datasets
from asap._unloaded import Unloaded
from asap.config import TrainConfig
from asap.datasets import DataSet, Images, Split
from asap.model import DataLike, Model
from asap.ray import _ray_data
from asap.ray._sources import DatasetParts, FileParts, Named, Pictures, Source, Stored
from asap.ray.files import Files, described, survey

Data = DataLike | Files | Images | str | Any
"""A split or arrays; files, pictures; a data set by its name, files by their pattern; or a Ray Dataset."""

Tell = Callable[[], Source]
"""Puts into the object store what learners share; needs a session."""

Known = tuple[_core.Dataset | Unloaded, Tell]

_ACCEPTED = (
    "a Split, (inputs, labels), the name of a data set, asap.ray.Files or a pattern of .npz files, asap.ray.Images, or "
    "a Ray Dataset"
)
_PATTERN = ("*", "?", "[")


def given(data: Data, model: Model, config: TrainConfig, learners: int) -> Known:
    """Return the training data, checked as far as this process reads it, and how learners come by it."""
    if isinstance(data, str) and is_pattern(data):
        data = Files(data)
    if isinstance(data, Files):
        return _files(data, model, config, learners)
    if isinstance(data, Images):
        return _images(data, model)
    if _ray_data.is_dataset(data):
        return _dataset(data, model, config, learners)
    if isinstance(data, str):
        return model._dataset(datasets.load(data).train), partial(Named, data)
    _expect_in_memory(data)
    training = model._dataset(data)
    return training, partial(_store, training)


def _expect_in_memory(data: object) -> None:
    """Refuse what is no data at all; of a data set, a split is asked for by whoever looks at arrays."""
    if not isinstance(data, (Split, tuple, DataSet)):
        raise TypeError(f"data must be {_ACCEPTED}; got {_checks.shown(data)}")


def is_pattern(text: str) -> bool:
    """Whether a string stands for files, and not for a data set by its name."""
    return text.endswith(".npz") or any(character in text for character in _PATTERN)


def _store(training: _core.Dataset) -> Source:
    answers = training.labels if training.labels is not None else training.targets
    return Stored([ray.put(training.inputs), ray.put(answers)])


def _files(files: Files, model: Model, config: TrainConfig, learners: int) -> Known:
    _expect_no_numbers(config)
    found = survey(files.files, _names(model))
    if len(found.files) < learners:
        raise ValueError(
            f"data must have at least one file per learner, {learners}; got {len(found.files)} of {files.pattern!r}"
        )
    inputs, answers = map(described, found.headers[0])
    model._dataset((inputs, answers), names=(f"inputs of {found.files[0]}", f"{found.names[1]} of {found.files[0]}"))
    source = partial(FileParts, found.files, found.counts, found.names, learners)
    return Unloaded(sum(found.counts), found.fingerprint), source


def _dataset(dataset: Any, model: Model, config: TrainConfig, learners: int) -> Known:
    _expect_no_numbers(config)
    cut = _ray_data.cut(dataset, _names(model), learners)
    model._dataset((cut.first["inputs"], cut.first[cut.names[1]]), names=_ray_data.columns(cut.names))
    return Unloaded(cut.samples, cut.fingerprint), partial(DatasetParts, cut.parts, cut.names)


def _images(images: Images, model: Model) -> Known:
    pixels = np.broadcast_to(np.uint8(0), (len(images), *images.input_shape))
    model._dataset((pixels, images.labels), names=("pictures of data", "labels of data"))

    def fingerprint() -> str:
        """Return that of the same pictures in memory."""
        chosen = np.arange(0, len(images), _fingerprint.every(pixels.nbytes))
        return _fingerprint.of_parts(pixels.dtype, pixels.shape, [images._decoded(chosen)], images.labels)

    def take(chosen: NDArray[Any]) -> _core.Dataset:
        return _core.Dataset(images._decoded(chosen), images.labels[chosen])

    return Unloaded(len(images), fingerprint, take), lambda: Pictures([ray.put(images)])


def _expect_no_numbers(config: TrainConfig) -> None:
    """Refuse what needs batch numbers that stand for the same samples everywhere, where each learner has a part."""
    if config.trace:
        raise ValueError(
            "trace must be False where each learner has its own part of the data: a replay would not know which "
            "samples a batch had"
        )
    if config.snapshots is not None:
        raise ValueError(
            "snapshots must be None where each learner has its own part of the data: the training loss is evaluated "
            "in the calling process, which reads no samples; validation data give a loss"
        )


def _names(model: Model) -> tuple[str, str]:
    """Return what files and columns are called that hold what the model needs."""
    return "inputs", "labels" if model.architecture.has_classes else "targets"
