"""Runs cases, and takes from the shelf what was run before."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asap.callbacks import RunState
from asap.laboratory.case import Case
from asap.laboratory.outcome import Outcome
from asap.laboratory.plan import Plan
from asap.laboratory.shelf import Shelf
from asap.laboratory.subject import Subject
from asap.laboratory.watch import Watch
from asap.trainer import train

__all__ = ["Runner"]


class Limit:
    """A callback that ends a run after a time.

    Args:
        seconds: of wall-clock time from now on; None: never.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.passed = False

    def __call__(self, state: RunState) -> None:
        """End the run if it is time."""
        if self._end is not None and time.monotonic() > self._end:
            self.passed = True
            state.stop()


class Runner:
    """Runs cases on threads, one after the other, so that they do not disturb each other's times.

    Args:
        subject: what they train.
        plan: what their labels stand for.
        shelf: keeps what was run.
        watch: shows how far it is.
    """

    def __init__(self, subject: Subject, plan: Plan, shelf: Shelf, watch: Watch) -> None:
        self._subject, self._plan, self._shelf, self._watch = subject, plan, shelf, watch
        self.interrupted = False

    def outcomes(self, cases: Sequence[Case]) -> Iterator[Outcome]:
        """Return what becomes of the cases, in their order; ends early after Ctrl-C."""
        self._watch.expect(cases)
        for case in cases:
            model = self._subject.start(case.seed)
            identity = self._subject.identity(self._plan, case, model)
            outcome = self._shelf.find(case, identity)
            if outcome is None:
                self._watch.begin(case)
                document = self._document(case, model)
                if document is None:
                    self.interrupted = True
                    return
                outcome = self._shelf.keep(case, identity, document)
            self._watch.end(outcome)
            yield outcome

    def _document(self, case: Case, model: Any) -> Mapping[str, Any] | None:
        """Run a case and return its document; the words of whatever it raised; None after Ctrl-C."""
        limit = Limit(self._subject.timeout)
        settings = self._subject.arguments(self._plan, case)
        data, held_out = self._subject.data, self._subject.validation
        try:
            run = train(model, data, validation=held_out, callbacks=limit, progress=False, **settings)
        except Exception as error:  # a case that cannot be run is a result: it is counted, kept and shown
            return {"error": f"{type(error).__name__}: {error}"}
        if run.status == "interrupted":
            return None
        return run.to_dict() | {"timed_out": limit.passed}
