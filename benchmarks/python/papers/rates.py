"""ASAP.SGD: several rates under three laws of the time of a gradient, each step also at the mean step of TAIL-τ."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from statistics import median

import numpy as np

import asap
from asap.reproduction import studies
from papers.kept import Kept, Row, mean_scale, number, total, value
from papers.markdown import STEPS, counted, spread, table

STUDY = "lenet-mnist-rates"
LAWS = ("log-normal", "exponential", "uneven")
RATES = ("0.0005", "0.001", "0.002", "0.005", "0.01")
LARGEST = RATES[-1]


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the tables with their names."""
    yield "icml22-rates-updates", _updates(kept)
    yield "icml22-rates-ratios", _ratios(kept)


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    rows = kept.rows(study=STUDY)
    assert total(rows, "failed") == 0
    yield f"(study `{STUDY}`, {total(rows, 'runs')} runs, none diverged)"
    yield "its standard deviation is {} (log-normal, σ = 0.3), {} (exponential) and {} (uneven".format(*_spreads())
    ratios = [ratio for law in LAWS for rate in RATES if (ratio := _ratio(kept, law, "tail", rate)) is not None]
    *most, largest = sorted(ratios)
    yield f"{most[0]:.2f} to {most[-1]:.2f} times the updates, and once {largest:.2f}"
    constant = [value(_row(kept, law, "constant", LARGEST), "updates_0.1") for law in LAWS]
    yield "at η = 0.01 a constant step takes {:,.0f}, {:,.0f} and {:,.0f} updates".format(*constant)
    others = [
        ratio
        for law in LAWS
        for step in ("inverse-plus-one", "fleet")
        for rate in RATES
        if (ratio := _ratio(kept, law, step, rate)) is not None
    ]
    yield f"take more updates to 10 % than a constant one in {sum(r > 1 for r in others)} of {len(others)} cells"
    for law, rate in (("exponential", "0.01"), ("uneven", "0.01"), ("exponential", "0.005"), ("uneven", "0.005")):
        own, other = (value(_row(kept, law, step, rate, True), "updates_0.05") for step in ("fleet", "constant"))
        yield f"{own:,.0f} beside {other:,.0f} (η = {rate}, {law})"


@cache
def _spreads() -> tuple[str, ...]:
    """Return σ of τ under each law: of the study's schedules, which do not depend on what is trained."""
    settings = next(study for study in studies("icml22") if study.name == STUDY).settings
    data = np.zeros((64, 1), np.float32), np.zeros((64, 1), np.float32)
    shown = []
    same = {"engine": settings["engines"]["leashed"], "publish": settings["publish"], "updates": settings["updates"]}
    for law in settings["compute"].values():
        found = []
        for seed in settings["seeds"]:
            model = asap.Sequential([asap.Dense(1)], input_shape=1, loss="mean-squared-error")
            run = asap.simulate(model, data, compute=law, workers=settings["workers"][0], seed=seed, **same)
            taus = np.repeat(np.arange(run.staleness.max + 1), run.staleness.counts.astype(int))
            found.append(float(taus.std()))
        shown.append(spread(found, median(found), ".0f"))
    return tuple(shown)


def _row(kept: Kept, law: str, step: str, rate: str, equal: bool = False) -> Row:
    """Return a row, at the mean step of TAIL-τ if it was run again there; else its own is within 1 % of it."""
    fields = {"study": STUDY, "simulated": law, "step": step, "nominal": rate}
    again = kept.rows(**fields, equal_to="tail") if equal else []
    return again[0] if again else kept.one(**fields)


def _updates(kept: Kept) -> str:
    lines = []
    for law in LAWS:
        own = [(step, "", name) for step, name in STEPS.items()]
        equal = [
            (step, "tail", f"{STEPS[step]} at the mean step of TAIL-τ") for step in STEPS if step != "tail:exclusive"
        ]
        for step, equal_to, name in own + equal:
            rows = [kept.rows(study=STUDY, simulated=law, step=step, nominal=rate, equal_to=equal_to) for rate in RATES]
            if all(rows):
                found = [row for (row,) in rows]
                scale = median(scale for row in found if (scale := mean_scale(row)) is not None)
                lines.append([law, name, f"{scale:.2f}", *(counted(row, "0.1", "updates") for row in found)])
    return table(["times of a gradient", "step", "E[C]", *(f"η = {rate}" for rate in RATES)], lines)


def _ratio(kept: Kept, law: str, step: str, rate: str, level: str = "0.1") -> float | None:
    """Return the updates of a step by those of a constant one, both at the mean step of TAIL-τ."""
    own, constant = (number(_row(kept, law, each, rate, True), f"updates_{level}") for each in (step, "constant"))
    return None if own is None or constant is None else own / constant


def _ratios(kept: Kept) -> str:
    lines = []
    for level in ("0.1", "0.05"):
        for law in LAWS:
            for step in STEPS:
                if step != "constant":
                    found = [_ratio(kept, law, step, rate, level) for rate in RATES[1:]]
                    cells = ["–" if each is None else f"{each:.2f}" for each in found]
                    lines.append([f"{100 * float(level):g} %", law, STEPS[step], *cells])
    return table(["ε", "times of a gradient", "step", *(f"η = {rate}" for rate in RATES[1:])], lines)
