"""Pictures in folders, one folder per class: decoded when they are needed, so memory need not hold all of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _checks, _core
from asap._extras import require
from asap.datasets.files import read_only
from asap.datasets.types import DataError, Split

__all__ = ["Images"]

_CHANNELS = 3


class Images:
    """Pictures in folders, as ImageNet has them: the folder that a file lies in is its class.

    `load` decodes all of them, for `asap.train`; learners of `asap.ray.train` decode those of a batch. A picture
    becomes RGB of the given size, uint8, shape (height, width, 3), as those of ``datasets.load("cifar-10")``: whole
    (not cut) and resized with Pillow's bilinear filter, which is left out where the size is right. Models take it as
    value / 255.

    >>> images = asap.datasets.Images("imagenet/train/*/*.JPEG", size=(64, 64))  # doctest: +SKIP
    >>> asap.train(asap.models.LeNet(images), images.load())                     # doctest: +SKIP

    Args:
        pattern: of the files, as in a shell; ** stands for folders in folders. Their sorted names are their order.
        size: (height, width) that all are resized to.
        classes: names of the folders in the order of their labels, such as those of the training set for a test set;
            None: those found, sorted.

    Attributes:
        files: the pictures, absolute names, in the order of samples.
        labels: the class of each, int32, shape (n,), read-only.
        classes: the name of the folder per label.
        size: (height, width).

    Raises:
        TypeError, ValueError: an argument does not fit, or a folder is none of `classes`.
        FileNotFoundError: no file matches.
        ImportError: Pillow is not installed (extra "images").
    """

    def __init__(self, pattern: str, size: tuple[int, int], *, classes: Sequence[str] | None = None) -> None:
        require("PIL.Image", "images", "asap.datasets.Images")
        self.pattern = _checks.path("pattern", pattern, "a pattern of files, such as 'train/*/*.JPEG'")
        self.size = _checked_size(size)
        self.files = tuple(sorted(glob.glob(os.path.abspath(self.pattern), recursive=True)))
        if not self.files:
            raise FileNotFoundError(f"no file matches {self.pattern!r}")
        folders = [_folder(file) for file in self.files]
        self.classes = tuple(sorted(set(folders))) if classes is None else _checked_classes(classes)
        self.labels = read_only(self._labels(folders))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of a sample: (height, width, 3)."""
        return (*self.size, _CHANNELS)

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        height, width = self.size
        return f"Images({self.pattern!r}: {len(self):,} pictures of {self.num_classes} classes, {height} × {width})"

    def load(self) -> Split:
        """Decode all pictures into memory, on as many threads as there are CPUs.

        Raises:
            DataError: a file is damaged or no picture; names it.
        """
        inputs = self._decoded(np.arange(len(self)))
        return Split(read_only(inputs), self.labels)

    def _decoded(self, chosen: NDArray[Any]) -> NDArray[np.uint8]:
        inputs = np.empty((len(chosen), *self.input_shape), np.uint8)
        with ThreadPoolExecutor(_core.usable_cpus()) as pool:
            self._decode(chosen, inputs, pool)
        return inputs

    def _decode(self, chosen: Iterable[int], inputs: NDArray[np.uint8], pool: Executor | None) -> None:
        """Decode the pictures of these numbers into `inputs`, one behind the other."""
        for _ in (map if pool is None else pool.map)(self._decode_one, chosen, inputs):
            pass

    def _decode_one(self, number: int, pixels: NDArray[np.uint8]) -> None:
        from PIL import Image

        height, width = self.size
        file = self.files[number]
        try:
            with Image.open(file) as picture:
                rgb = picture.convert("RGB")
            if rgb.size != (width, height):
                rgb = rgb.resize((width, height), Image.Resampling.BILINEAR)
            pixels[...] = np.asarray(rgb)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # as Pillow tells of damage
            raise DataError(f"{file}: expected a picture; found damage ({error})") from error

    def _labels(self, folders: Sequence[str]) -> NDArray[np.int32]:
        label_of = {name: label for label, name in enumerate(self.classes)}
        for file, folder in zip(self.files, folders, strict=True):
            if folder not in label_of:
                raise ValueError(f"classes must name the folder of every picture; {file} lies in {folder!r}")
        return np.array([label_of[folder] for folder in folders], np.int32)


def _folder(file: str) -> str:
    return os.path.basename(os.path.dirname(file))


def _checked_size(size: object) -> tuple[int, int]:
    accepted = "size must be (height, width)"
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise TypeError(f"{accepted}; got {_checks.shown(size)}")
    height, width = (_checks.integer(f"{accepted}: each", each, 1) for each in size)
    return height, width


def _checked_classes(classes: object) -> tuple[str, ...]:
    accepted = "classes must be None or a list of different names of folders"
    if not isinstance(classes, (tuple, list)) or not all(isinstance(name, str) for name in classes):
        raise TypeError(f"{accepted}; got {_checks.shown(classes)}")
    if len(set(classes)) < len(classes):
        raise ValueError(f"{accepted}; got {_checks.shown(classes)}")
    return tuple(classes)
