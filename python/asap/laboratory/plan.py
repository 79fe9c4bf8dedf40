"""What is compared with what: all combinations of engines, steps, workers, rates and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from statistics import median
from typing import Any

from asap import _checks, engines, rates
from asap.config import MAX_SEED, as_engine
from asap.corrections import Correction
from asap.corrections import checked as checked_correction
from asap.engines import Engine
from asap.laboratory.case import Case, Group
from asap.laboratory.labels import Policy, labelled, several
from asap.laboratory.outcome import SAME_STEP, Outcome
from asap.laws import Law, as_law
from asap.rates import CosineRate, Rate
from asap.simulation import MAX_WORKERS
from asap.steps import Step, as_step

__all__ = ["Plan", "with_rate"]


@dataclass(frozen=True)
class Plan:
    """The combinations.

    Attributes:
        engines, steps: by their labels.
        corrections: of gradients, by the labels of the steps that go with one.
        workers, seeds: the numbers.
        rates: base rates that replace those of the steps; (): each step at its own.
        compute: laws of the time of a gradient by their labels, for simulated cases; under the label None the cases
            are run on threads.
        publish: the law of the time of an attempt to publish in simulated cases.
        equal_to: the label of the step at whose effective step the others run again; None: they do not.
    """

    engines: Mapping[str, Engine]
    steps: Mapping[str, Step]
    corrections: Mapping[str, Correction]
    workers: tuple[int, ...]
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    compute: Mapping[str | None, Law | None]
    publish: Law
    equal_to: str | None = None

    def cases(self) -> list[Case]:
        """Return all combinations, seeds innermost; the engine sequential appears with one worker only."""
        return [
            Case(engine, step, workers, rate, rate, seed, simulated=law)
            for law, engine, step in product(self.compute, self.engines, self.steps)
            for workers, rate in product(self._workers_of(engine), self._rates_of(step))
            for seed in self.seeds
        ]

    def equal_cases(self, outcomes: Sequence[Outcome]) -> list[Case]:
        """Return the cases to be run again, at rates at which their effective steps equal that of the step `equal_to`.

        In each cell of engine, workers, rate and simulation the effective step E[C]·η of a step is the median over the
        seeds that succeeded. As E[C] does not depend on η, a step with e at rate η has e' at rate η · e'/e.
        """
        if self.equal_to is None:
            return []
        steps = effective_steps(outcomes)
        cases = []
        for case in (outcome.case for outcome in outcomes):
            own = steps.get(case.group)
            reference = steps.get(self._reference(case.group))
            if case.step == self.equal_to or not own or not reference:
                continue
            if abs(reference / own - 1.0) > SAME_STEP:
                rate = case.rate * (reference / own)
                cases.append(replace(case, rate=rate, equal_to=self.equal_to, wanted=reference))
        return cases

    def corrected_cases(self, outcomes: Sequence[Outcome]) -> list[Case]:
        """Return those of the cases run again to be run once more, for they missed the effective step that they wanted.

        On threads staleness is not the same at all times, and with it E[C]. What had e at rate η runs at η · wanted/e.
        """
        steps = effective_steps(outcomes)
        cases = []
        for case in (outcome.case for outcome in outcomes):
            own = steps.get(case.group)
            if own and case.wanted and abs(case.wanted / own - 1.0) > SAME_STEP:
                cases.append(replace(case, rate=case.rate * (case.wanted / own), corrected=True))
        return cases

    def arguments(self, case: Case) -> dict[str, Any]:
        """Return the arguments of `asap.train` or `asap.simulate` in which cases differ."""
        others: dict[str, Any] = (
            {} if case.simulated is None else {"compute": self.compute[case.simulated], "publish": self.publish}
        )
        if case.step in self.corrections:
            others["correction"] = self.corrections[case.step]
        return others | {
            "engine": self.engines[case.engine],
            "step": with_rate(self.steps[case.step], case.rate),
            "workers": case.workers,
            "seed": case.seed,
        }

    def _reference(self, group: Group) -> Group:
        assert self.equal_to is not None  # asked for by equal_cases alone
        nominal = group.nominal if self.rates else rate_of(self.steps[self.equal_to])
        return replace(group, step=self.equal_to, nominal=nominal)

    def _workers_of(self, engine: str) -> Iterable[int]:
        return (1,) if isinstance(self.engines[engine], engines.Sequential) else self.workers

    def _rates_of(self, step: str) -> Sequence[float]:
        return self.rates or (rate_of(self.steps[step]),)


def make_plan(
    engines: object,
    steps: object,
    workers: object,
    rates: object,
    seeds: object,
    equal_step_to: object = None,
    compute: object = None,
    publish: object = 0.0,
) -> Plan:
    """Check what `asap.compare` was given."""
    policies = labelled("steps", steps, _policy)
    laws = {None: None} if compute is None else labelled("compute", compute, _law)
    plan = Plan(
        engines=labelled("engines", engines, as_engine),
        steps={label: policy.step for label, policy in policies.items()},
        corrections={label: policy.correction for label, policy in policies.items() if policy.correction},
        workers=_numbers("workers", workers, 1, MAX_WORKERS),
        rates=() if rates is None else tuple(_checks.positive("rates", rate) for rate in several(rates)),
        seeds=_numbers("seeds", seeds, 0, MAX_SEED),
        compute={None if law is None else label: law for label, law in laws.items()},
        publish=as_law("publish", publish),
        equal_to=None if equal_step_to is None else _checks.choice("equal_step_to", equal_step_to, policies),
    )
    for name in ("engines", "steps", "workers", "seeds", "compute"):
        if not getattr(plan, name):
            raise ValueError(f"{name} must have at least one entry; got none")
    return plan


def effective_steps(outcomes: Sequence[Outcome]) -> dict[Any, float]:
    """Return the median effective step of each group, over the runs that succeeded."""
    found: dict[Any, list[float]] = {}
    for outcome in outcomes:
        if outcome.is_success and outcome.result("effective_step") is not None:
            found.setdefault(outcome.case.group, []).append(outcome.result("effective_step"))
    return {group: median(values) for group, values in found.items()}


def rate_of(step: Step) -> float:
    """Return the base rate of a step; of a schedule its first one."""
    return rates.as_rate(step._schedule).rate


def with_rate(step: Step, rate: float) -> Step:
    """Return the step at another base rate; a schedule keeps its shape."""
    if rate == rate_of(step):
        return step
    own = {field.name for field in fields(step)}
    if "rate" in own:
        return replace(step, rate=_scaled(step._schedule, rate))  # type: ignore[arg-type]
    return replace(step, step=with_rate(step.step, rate))  # type: ignore[union-attr, arg-type]


def _scaled(schedule: float | Rate, rate: float) -> float | Rate:
    if not isinstance(schedule, Rate):
        return rate
    if isinstance(schedule, CosineRate):
        return replace(schedule, rate=rate, final=schedule.final * (rate / schedule.rate))
    return replace(schedule, rate=rate)


def _numbers(name: str, values: object, minimum: int, maximum: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_checks.integer(name, value, minimum, maximum) for value in several(values)))


def _policy(value: object) -> Policy:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return Policy(as_step(value[0]), checked_correction(value[1]))
    return Policy(as_step(value), None)


def _law(value: object) -> Law | None:
    return None if value is None else as_law("compute", value)
