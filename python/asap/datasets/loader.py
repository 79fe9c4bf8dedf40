"""Finds, downloads and reads the data sets that come in files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import partial

from asap.datasets import download as downloads
from asap.datasets import places
from asap.datasets.recipe import Fetch, Finding, Reading, Recipe
from asap.datasets.registry import RECIPES
from asap.datasets.types import DataError, DataSet, SetStatus

__all__ = ["load_files", "status_of_files"]


def load_files(
    recipe: Recipe,
    *,
    directory: str | os.PathLike[str] | None,
    download: bool,
    progress: bool,
    _allow_loopback_http: bool = False,
) -> DataSet:
    """Load a set from the first place that holds it whole; see :func:`asap.datasets.load`."""
    fetch = partial(downloads.fetch, progress=progress, _allow_loopback_http=_allow_loopback_http)
    try:
        finding = _find(recipe, directory) or _download(recipe, directory, fetch if download else None)
        reading = recipe.read(finding, places.cache_folder(recipe.name))
        _check_names(reading.unknown)
    except DataError as error:
        raise DataError(f"data set '{recipe.name}': {error}") from error.__cause__
    _warn(recipe.name, reading)
    return reading.data_set


def status_of_files(recipe: Recipe, directory: str | os.PathLike[str] | None) -> SetStatus:
    """Say where a set stands; damage is reported, not raised."""
    finding = _find(recipe, directory)
    if finding is None:
        searched = ", ".join(map(str, places.search(recipe.name, directory)))
        return SetStatus(recipe.name, None, 0, "", f"not found in {searched}")
    try:
        source, problem = recipe.identify(finding, places.cache_folder(recipe.name)), ""
    except DataError as error:
        source, problem = "", str(error)
    return SetStatus(recipe.name, finding.folder, finding.size_bytes(), source, problem)


def _find(recipe: Recipe, directory: str | os.PathLike[str] | None) -> Finding | None:
    findings = map(recipe.find, places.search(recipe.name, directory))
    return next((finding for finding in findings if not finding.missing), None)


def _download(recipe: Recipe, directory: str | os.PathLike[str] | None, fetch: Fetch | None) -> Finding:
    cache = places.cache_folder(recipe.name)
    if fetch is None:
        raise _not_found(recipe, directory, "not allowed (download=False)")
    if cache is None:
        raise _not_found(recipe, directory, "impossible: there is no cache directory (neither XDG_CACHE_HOME nor HOME)")
    try:
        recipe.fetch(cache, fetch)
    except DataError as error:
        raise _not_found(recipe, directory, f"failed\n{error}") from error.__cause__
    return recipe.find(cache)


def _not_found(recipe: Recipe, directory: str | os.PathLike[str] | None, download: str) -> DataError:
    looked = [f"    {_describe(recipe.find(place))}" for place in places.search(recipe.name, directory)]
    return DataError(
        "\n".join(
            [
                "not found",
                f"  expected: {recipe.expected}",
                "  looked in:",
                *looked,
                f"  download: {download}",
                "  Put the files into one of these folders, or name theirs in the environment variable ASAP_DATA_DIR.",
            ]
        )
    )


def _describe(finding: Finding) -> str:
    if not os.access(finding.folder, os.R_OK | os.X_OK):
        return f"{finding.folder}: no such folder, or not readable"
    if not finding.paths:
        return f"{finding.folder}: none of the files"
    return f"{finding.folder}: without {', '.join(finding.missing)}"


def _check_names(unknown: Mapping[str, str]) -> None:
    owners = {digest: (recipe.name, file) for recipe in RECIPES.values() for digest, file in recipe.contents.items()}
    for path, digest in unknown.items():
        if digest in owners:
            name, file = owners[digest]
            raise DataError(f"{path}: this file holds {file} of data set '{name}' (told by its sha256)")


def _warn(name: str, reading: Reading) -> None:
    if reading.unknown:
        files = "".join(f"\n  {path}: sha256 {digest}" for path, digest in reading.unknown.items())
        message = f"data set '{name}': the format is right, but these contents are not known:{files}"
        warnings.warn(message, UserWarning, stacklevel=4)
