"""Runs cases, and takes from the shelf what was run before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock
from typing import Any

from asap import _core
from asap.callbacks import RunState
from asap.laboratory.case import Case
from asap.laboratory.outcome import Outcome
from asap.laboratory.plan import Plan
from asap.laboratory.shelf import Shelf
from asap.laboratory.subject import Subject
from asap.laboratory.watch import Watch
from asap.model import Model

__all__ = ["Runner"]


class Limit:
    """A callback that ends a run after a time, or when all are to end.

    Args:
        seconds: of wall-clock time from now on; None: never.
        halt: set when all are to end.
    """

    def __init__(self, seconds: float | None, halt: Event) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._halt = halt
        self.passed = False

    def __call__(self, state: RunState) -> None:
        """End the run if it is time."""
        if self._end is not None and time.monotonic() > self._end:
            self.passed = True
        if self.passed or self._halt.is_set():
            state.stop()


class Runner:
    """Runs cases.

    Those on threads run one after the other, so that they do not disturb each other's times; then the simulated ones,
    as many side by side as there are CPUs, for nobody looks at a clock there.

    Args:
        subject: what they train.
        plan: what their labels stand for.
        shelf: keeps what was run.
        watch: shows how far it is.
    """

    def __init__(self, subject: Subject, plan: Plan, shelf: Shelf, watch: Watch) -> None:
        self._subject, self._plan, self._shelf, self._watch = subject, plan, shelf, watch
        self._watching = Lock()
        self._halt = Event()

    @property
    def interrupted(self) -> bool:
        """Whether somebody pressed Ctrl-C."""
        return self._halt.is_set()

    def outcomes(self, cases: Sequence[Case]) -> list[Outcome]:
        """Return what becomes of the cases, in their order; after Ctrl-C of those that were done by then."""
        self._watch.expect(cases)
        done: dict[Case, Outcome] = {}
        try:
            for case in cases:
                if case.simulated is None and not self.interrupted:
                    self._settle(case, done)
            self._settle_side_by_side([case for case in cases if case.simulated is not None], done)
        except KeyboardInterrupt:
            self._halt.set()
        return [done[case] for case in cases if case in done]

    def _settle_side_by_side(self, cases: Sequence[Case], done: dict[Case, Outcome]) -> None:
        with ThreadPoolExecutor(_core.usable_cpus()) as pool:  # the core lets go of the interpreter while it simulates
            futures = [pool.submit(self._settle, case, done) for case in cases]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self._halt.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _settle(self, case: Case, done: dict[Case, Outcome]) -> None:
        """Find what became of a case, or run it."""
        if self.interrupted:
            return
        model = self._subject.start(case.seed)
        identity = self._subject.identity(self._plan, case, model)
        outcome = self._shelf.find(case, identity)
        if outcome is None:
            with self._watching:
                self._watch.begin(case)
            document = self._document(case, model)
            if document is None:
                return
            outcome = self._shelf.keep(case, identity, document)
        done[case] = outcome
        with self._watching:
            self._watch.end(outcome)

    def _document(self, case: Case, model: Model) -> Mapping[str, Any] | None:
        """Run a case and return its document; the words of whatever it raised; None after Ctrl-C."""
        limit = Limit(self._subject.timeout, self._halt)
        try:
            run = self._subject.run(self._plan, case, model, limit)
        except Exception as error:  # a case that cannot be run is a result: it is counted, kept and shown
            return {"error": f"{type(error).__name__}: {error}"}
        if run.status == "interrupted":
            self._halt.set()
        return None if self.interrupted else self._subject.document(run, model) | {"timed_out": limit.passed}
