"""The small set of handwritten digits that comes with scikit-learn: no file and no download needed."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from asap._extras import require
from asap.datasets.files import read_only
from asap.datasets.types import DataSet, SetStatus, Split

__all__ = ["load_digits", "status_of_digits"]

_ENLARGEMENT = 4  # 8×8 → 32×32, which LeNet takes
_TEST_PER_CLASS = 30
_INSTALL = 'comes with scikit-learn, which is not installed: pip install "asap[data]"'


def load_digits() -> DataSet:
    """Return scikit-learn's 1,797 digits as uint8 images of 32×32.

    Each of the 8×8 values v = 0…16 becomes a square of 4×4 pixels with the value ⌊255·v/16 + ½⌋. The last 30 samples
    of each class, in scikit-learn's order, are the 300 to test; the other 1,497, in the same order, are to train.
    Neighbouring samples stem from the same writer, so that those to test are mostly by other hands.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    sklearn = require("sklearn", "data", "The data set 'digits'")
    bunch = require("sklearn.datasets", "data", "The data set 'digits'").load_digits()
    images, labels = _enlarge(bunch.images), bunch.target.astype(np.int32)
    is_test = _last_of_each_class(labels)
    source = f"load_digits of scikit-learn {sklearn.__version__}, enlarged ×{_ENLARGEMENT}"
    train, test = (Split(read_only(images[rows]), read_only(labels[rows])) for rows in (~is_test, is_test))
    return DataSet("digits", train, test, tuple("0123456789"), source)


def status_of_digits() -> SetStatus:
    """Say whether the digits can be loaded."""
    if importlib.util.find_spec("sklearn") is None:
        return SetStatus("digits", None, 0, "", _INSTALL)
    return SetStatus("digits", None, 0, "load_digits of scikit-learn", "")


def _enlarge(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    pixels = np.floor(images * (255 / 16) + 0.5).astype(np.uint8)
    return pixels.repeat(_ENLARGEMENT, axis=1).repeat(_ENLARGEMENT, axis=2)


def _last_of_each_class(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    chosen = np.zeros(len(labels), np.bool_)
    for label in range(10):
        chosen[np.flatnonzero(labels == label)[-_TEST_PER_CLASS:]] = True
    return chosen
