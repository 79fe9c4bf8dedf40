"""Where runs are kept: a folder with a run.json for each case, or the memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from asap import _run_file
from asap._plain import dumps, plain
from asap.datasets.files import write_atomically
from asap.laboratory.case import Case
from asap.laboratory.outcome import Outcome

__all__ = ["Folder", "Memory", "Shelf"]


class Shelf(Protocol):
    """Keeps what became of cases."""

    def find(self, case: Case, identity: Mapping[str, Any]) -> Outcome | None:
        """Return the outcome of a case that was run before with all the same; None to have it run."""

    def keep(self, case: Case, identity: Mapping[str, Any], document: Mapping[str, Any]) -> Outcome:
        """Keep the document of a run, or the words of a crash."""


class Memory:
    """Keeps nothing beyond the outcomes that it returns."""

    def find(self, case: Case, identity: Mapping[str, Any]) -> Outcome | None:
        """Nothing was run before."""
        return None

    def keep(self, case: Case, identity: Mapping[str, Any], document: Mapping[str, Any]) -> Outcome:
        """Return the outcome."""
        return Outcome(case, _labelled(case, identity, document))


class Folder:
    """Keeps runs/<case>/run.json in a folder, each whole or not at all.

    A run fits a case when everything that makes it is the same: settings, model and its starting parameters, data,
    version of asap, compiler and way of building, processor. What crashed or does not fit is run again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, case: Case, identity: Mapping[str, Any]) -> Outcome | None:
        """Return the run that is there if it fits; ValueError that names the file when it is damaged."""
        path = self._path(case)
        if not path.is_file():
            return None
        document = _run_file.document(path)
        wanted = _labelled(case, identity, {})["laboratory"]
        kept = document.get("laboratory")
        if not isinstance(kept, dict) or kept | {"timed_out": False} != wanted:
            return None
        _run_file.checked_fields(path, document)
        return Outcome(case, document, reused=True)

    def keep(self, case: Case, identity: Mapping[str, Any], document: Mapping[str, Any]) -> Outcome:
        """Write run.json, or crash.json, which is not looked for again."""
        labelled = _labelled(case, identity, document)
        path = self._path(case)
        target = path.with_name("crash.json") if "error" in document else path
        write_atomically(target, [dumps(labelled).encode()])
        if target == path:
            path.with_name("crash.json").unlink(missing_ok=True)
        return Outcome(case, labelled)

    def _path(self, case: Case) -> Path:
        return self._folder / "runs" / case.name / _run_file.RUN


def _labelled(case: Case, identity: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with what it is the run of."""
    about = {"case": case.to_dict(), "identity": plain(identity), "timed_out": document.get("timed_out", False)}
    rest = {name: value for name, value in document.items() if name != "timed_out"}
    labelled: dict[str, Any] = json.loads(dumps(rest | {"laboratory": about}))
    return labelled
