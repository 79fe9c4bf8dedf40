"""Data sets by name: found on this machine or downloaded, checked, and ready for training. And pictures in folders.

>>> data = asap.datasets.load("mnist")          # doctest: +SKIP
>>> data.train.inputs.shape, data.train.labels.dtype   # doctest: +SKIP
((60000, 28, 28), dtype('int32'))
"""

from __future__ import annotations

import difflib
import os

from asap import _checks
from asap._watched import shows
from asap.datasets.digits import load_digits, status_of_digits
from asap.datasets.images import Images
from asap.datasets.loader import load_files, status_of_files
from asap.datasets.registry import RECIPES
from asap.datasets.types import DataError, DataSet, SetStatus, Split

__all__ = ["DataError", "DataSet", "Images", "SetStatus", "Split", "load", "names", "status"]


def names() -> tuple[str, ...]:
    """Return the names that :func:`load` takes."""
    return (*RECIPES, "digits")


def load(
    name: str,
    *,
    directory: str | os.PathLike[str] | None = None,
    download: bool = True,
    progress: bool | None = None,
) -> DataSet:
    """Load a data set by name.

    It is looked for in `directory` (or, when that is None, in the folder that the environment variable
    ASAP_DATA_DIR names): in the sub-folder of the set's name, then in the folder itself; then in
    ``$XDG_CACHE_HOME/asap/datasets/<name>`` (``~/.cache`` when the variable is not set). If no place has all of its
    files, they are downloaded into the latter, checked by sha256, over https, from the set's public mirrors.

    ============= ================================== ======== ==========================================
    name          inputs (uint8)                     classes  files
    ============= ================================== ======== ==========================================
    mnist         (60000, 28, 28), (10000, 28, 28)   10       four IDX files, plain or .gz
    fashion-mnist (60000, 28, 28), (10000, 28, 28)   10       four IDX files, plain or .gz
    cifar-10      (50000, 32, 32, 3), (10000, …)     10       six .bin files or .tar, .tar.gz, .tar.xz
    digits        (1497, 32, 32), (300, 32, 32)      10       none: comes with scikit-learn
    ============= ================================== ======== ==========================================

    CIFAR-10's images are channel-last views of the planar memory. An archive of it is unpacked into the cache at the
    first load and mapped from there at the next ones. All arrays are read-only.

    Args:
        name: one of :func:`names`.
        directory: a folder to look in first, instead of ASAP_DATA_DIR.
        download: whether a download is allowed.
        progress: whether a download shows its progress on standard error. None shows it in terminals and notebooks
            only.

    Returns:
        The samples to train and to test; ``source`` says where they come from and how they were recognised.

    Raises:
        TypeError, ValueError: there is no set of this name, or another argument does not fit.
        DataError: the set was not found and could not be downloaded, or a file is truncated or corrupt; the message
            names the file or the places, what was expected and what was found.
        ImportError: ``"digits"`` without scikit-learn.

    Warns:
        UserWarning: a file has the right format but contents that are not known; names the file and its sha256.
    """
    _check_name(name)
    if directory is not None:
        _checks.path("directory", directory, "the name of a folder, or None")
    download, shown = _checks.flag("download", download), shows(progress)
    if name == "digits":
        return load_digits()
    return load_files(RECIPES[name], directory=directory, download=download, progress=shown)


def status(directory: str | os.PathLike[str] | None = None) -> list[SetStatus]:
    """Return for each set where it is found, its size, and what its contents are; never downloads or raises DataError.

    Args:
        directory: a folder to look in first, instead of ASAP_DATA_DIR.
    """
    return [*(status_of_files(recipe, directory) for recipe in RECIPES.values()), status_of_digits()]


def _check_name(name: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"name must be one of {', '.join(names())}; got {_checks.shown(name)}")
    if name not in names():
        similar = difflib.get_close_matches(name.lower(), names(), n=1)
        hint = f" (did you mean '{similar[0]}'?)" if similar else ""
        raise ValueError(f"name must be one of {', '.join(names())}; got '{name}'{hint}")
