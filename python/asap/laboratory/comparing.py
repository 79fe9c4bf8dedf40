"""Comparing engines and steps: the laboratory's front door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from asap import _checks
from asap.config import stop_rules
from asap.corrections import Correction
from asap.datasets.files import expect_writable
from asap.engines import Engine
from asap.laboratory import watch
from asap.laboratory.case import Case
from asap.laboratory.comparison import REPORT, Comparison
from asap.laboratory.outcome import Outcome
from asap.laboratory.plan import Plan, make_plan
from asap.laboratory.runner import Runner
from asap.laboratory.shelf import Folder, Memory
from asap.laboratory.subject import COMMON, VALIDATE, Subject, checked
from asap.laws import Law
from asap.model import DataLike, Model
from asap.steps import Step

__all__ = ["check", "compare"]

Policy = Step | float | tuple[Step | float, Correction]
"""What can be compared as a step."""


def compare(
    model: Model | Callable[[int], Model],
    data: DataLike,
    *,
    engines: Sequence[Engine] | Mapping[str, Engine],
    steps: Sequence[Policy] | Mapping[str, Policy],
    workers: Sequence[int] | int,
    rates: Sequence[float] | None = None,
    seeds: Sequence[int] | int = (0, 1, 2, 3, 4),
    compute: Law | float | Mapping[str, Law | float | None] | None = None,
    publish: Law | float = 0.0,
    equal_step_to: str | None = None,
    validation: DataLike | None = None,
    validate: str = "epochs",
    folder: str | PathLike[str] | None = None,
    timeout: float | None = None,
    progress: bool | None = None,
    title: str | None = None,
    command: str | None = None,
    **settings: Any,
) -> Comparison:
    """Train with every combination of engines, steps, workers, rates and seeds, and compare.

    Cases on threads run one after the other, so that they do not disturb each other's times; simulated ones then side
    by side, one on each CPU. In a folder every case leaves its
    run.json, whole or not at all; called again with the same folder, compare runs only what is missing or was made by
    something else: other settings, data or model, another version of asap, compiler, way of building or processor. The
    folder then gets tables and a report, too.

    Args:
        model: makes the model of a seed, as in ``lambda seed: asap.models.LeNet(data, seed=seed)``; or a model, from
            whose present parameters every case begins, and which stays as it is.
        data: the training data, as for `asap.train`.
        engines: a list, or a dict by labels of your own.
        steps: likewise; those that are numbers are constant steps, pairs a step with a correction of gradients:
            ``(0.05, asap.DelayCompensated(0.04))``.
        workers: numbers of workers; `asap.engines.Sequential()` always has one.
        rates: base rates at which each step is tried instead of its own; a schedule keeps its shape.
        seeds: of starting parameters and batch orders. Medians and quartiles are taken over them.
        compute: None runs the cases on threads. A law of the time of a gradient, as for `asap.simulate`, simulates
            them; a dict of laws by labels does so under each, and on threads under a label whose value is None.
        publish: the law of the time of an attempt to publish in simulated cases.
        equal_step_to: the label of one of the steps: your own, or the command line's word for it, such as "tail". Each
            of the others is run again at the rate at which its effective step E[C]·η equals that of this one, so that
            adaptiveness is told from a mere change of step size.
        validation: as for `asap.train`.
        validate: when that is evaluated: "epochs", after each one, on the calling thread while the workers work; or
            "end", once, when they have ended, which leaves the times of threads undisturbed.
        folder: where runs, tables and report go; None keeps them in memory.
        timeout: seconds of wall-clock time after which a case is given up and counted as a failure.
        progress: whether to show progress on standard error: a table in a terminal, a line per case elsewhere. None
            shows it in terminals and notebooks only.
        title: of the report; by default the model's name and the size of the data.
        command: how to have it again, for the report; by default this call.
        settings: any other argument of `asap.train` or `asap.simulate`, for all cases: `batch_size`, `epochs`,
            `updates`, `seconds`, `momentum`, `snapshots` and so on. What only one of the two knows concerns its cases
            alone. Without `snapshots=` there are no times to ε.

    Returns:
        All outcomes. A run that diverged, raised an error or was given up is a result as well: it is counted and shown.
        After Ctrl-C there are those of the cases before.

    Raises:
        TypeError, ValueError: an argument does not fit; names the argument, what was given and what is accepted. Or a
            run.json in the folder is damaged; names the file.
        OSError: the folder cannot be written.
    """
    for name, words in (("title", title), ("command", command)):
        if words is not None:
            _checks.text(name, words)
    plan = make_plan(engines, steps, workers, rates, seeds, equal_step_to, compute, publish)
    check(plan, timeout, settings, validate)
    place = None if folder is None else Path(_checks.path("folder", folder, "the name of a folder, or None"))
    if place is not None:
        expect_writable(place / REPORT)
    subject = Subject(model, data, validation, settings, timeout, validate)
    first = subject.begin(plan)
    samples = len(first._dataset(data))
    shelf = Memory() if place is None else Folder(place)
    display = watch.choose(progress)
    runner = Runner(subject, plan, shelf, display)
    try:
        outcomes = runner.outcomes(cases := plan.cases())
        if not runner.interrupted:
            again, equal = _at_equal_steps(plan, runner, outcomes)
            cases, outcomes = cases + again, outcomes + equal
    finally:
        display.close()
    named = title or f"{type(first).__name__}, {samples:,} training samples"
    result = Comparison(outcomes, len(cases), named, command or _call(plan, settings))
    if place is not None:
        result.save(place)
    return result


def _at_equal_steps(plan: Plan, runner: Runner, outcomes: Sequence[Outcome]) -> tuple[list[Case], list[Outcome]]:
    """Run again what is to have the reference's effective step, and once more what missed it; the last try counts."""
    cases = plan.equal_cases(outcomes)
    found = runner.outcomes(cases)
    if runner.interrupted:
        return cases, found
    corrected = plan.corrected_cases(found)
    missed = {case.group for case in corrected}
    kept = [outcome for outcome in found if outcome.case.group not in missed]
    return [outcome.case for outcome in kept] + corrected, kept + runner.outcomes(corrected)


def check(plan: Plan, timeout: object, settings: Mapping[str, Any], validate: object = "epochs") -> None:
    """Refuse settings that fit no case."""
    for name in settings:
        if name not in COMMON:
            raise TypeError(f"{name} is no setting of all cases; accepted are {', '.join(COMMON)}")
    if timeout is not None:
        _checks.positive("timeout", timeout)
    if _checks.choice("validate", validate, VALIDATE) == "end":
        for rule in stop_rules(settings.get("stop")):
            if rule.column != "loss":
                raise ValueError(
                    f"validate must be 'epochs' for stop={rule!r}, which is judged after each one; got 'end'"
                )
    for case in plan.cases():
        checked(plan, case, settings)


def _call(plan: Plan, settings: Mapping[str, Any]) -> str:
    """Return the call in Python, as far as it consists of values."""
    parts = {
        "engines": list(plan.engines.values()),
        "steps": [(step, plan.corrections[at]) if at in plan.corrections else step for at, step in plan.steps.items()],
        "workers": list(plan.workers),
        "rates": list(plan.rates) or None,
        "seeds": list(plan.seeds),
        "compute": list(plan.compute.values()) if any(plan.compute.values()) else None,
        "publish": plan.publish if any(plan.compute.values()) else None,
        "equal_step_to": plan.equal_to,
        **settings,
    }
    shown = ", ".join(f"{name}={value!r}" for name, value in parts.items() if value is not None)
    return f"asap.compare(model, data, {shown})"
