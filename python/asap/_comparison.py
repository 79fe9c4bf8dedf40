"""What `asap compare` runs, and what it makes of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, product
from statistics import median
from typing import Any

from asap import _names, engines
from asap.run import Run

SCHEMA = "asap.compare/1"


@dataclass(frozen=True)
class Case:
    """One combination, in the words of the command line."""

    engine: str
    step: str
    workers: int
    seed: int

    def __str__(self) -> str:
        return f"{self.engine}, {self.step}, {self.workers} workers, seed {self.seed}"

    def settings(self, rate: float, schedule: str, sample: tuple[int, int]) -> dict[str, Any]:
        """Return the arguments of `asap.train` that it stands for."""
        return {
            "engine": _names.engine(self.engine),
            "step": _names.step(self.step, rate, schedule, sample),
            "workers": self.workers,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Outcome:
    """A case and its run."""

    case: Case
    run: Run

    @property
    def group(self) -> tuple[str, str, int]:
        """What the cases that differ in their seed alone have in common."""
        return self.case.engine, self.case.step, self.case.workers

    @property
    def is_success(self) -> bool:
        """Whether the run came to its end without diverging."""
        return self.run.status in ("completed", "stopped")


@dataclass(frozen=True)
class Summary:
    """The outcomes of one group: medians over those that succeeded, None without any."""

    engine: str
    step: str
    workers: int
    runs: int
    failed: int
    seconds: float | None
    updates_per_second: float | None
    validation_loss: float | None
    accuracy: float | None
    mean_tau: float | None
    effective_step: float | None


def cases(engine_words: str, step_words: str, workers: str, seeds: str) -> list[Case]:
    """Return all combinations of comma-separated words; the engine sequential appears with one worker only."""
    counts = _names.numbers("workers", workers, 1)
    numbers = _names.numbers("seeds", seeds, 0)
    made = []
    for engine, step in product(_names.words(engine_words), _names.words(step_words)):
        alone = isinstance(_names.engine(engine), engines.Sequential)
        made += [Case(engine, step, m, seed) for m, seed in product([1] if alone else counts, numbers)]
    return made


def summaries(outcomes: Sequence[Outcome]) -> list[Summary]:
    """Return one summary per engine, step and number of workers, in the order of the runs."""
    return [_summary(list(members)) for _, members in groupby(outcomes, lambda outcome: outcome.group)]


def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return everything as plain values."""
    runs = [{"case": asdict(outcome.case), **outcome.run.to_dict()} for outcome in outcomes]
    return {"schema": SCHEMA, "summary": [asdict(summary) for summary in summaries(outcomes)], "runs": runs}


def _summary(outcomes: list[Outcome]) -> Summary:
    engine, step, workers = outcomes[0].group
    good = [outcome.run for outcome in outcomes if outcome.is_success]

    def middle(values: list[float | int | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    return Summary(
        engine=engine,
        step=step,
        workers=workers,
        runs=len(outcomes),
        failed=len(outcomes) - len(good),
        seconds=middle([run.seconds for run in good]),
        updates_per_second=middle([run.updates_per_second for run in good]),
        validation_loss=middle([run.history[-1]["validation_loss"] for run in good]),
        accuracy=middle([run.history[-1]["accuracy"] for run in good]),
        mean_tau=middle([run.staleness.mean for run in good]),
        effective_step=middle([run.effective_step for run in good]),
    )
