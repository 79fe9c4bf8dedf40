"""The figures of a report, as SVG and PNG; they need the extra "plot"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asap._extras import require
from asap.laboratory.cells import by_rate
from asap.laboratory.figures import convergence, curves, endings, equal_steps, staleness
from asap.laboratory.figures import rates as sweep
from asap.laboratory.figures.style import Look, Picture
from asap.laboratory.outcome import Outcome

__all__ = ["Picture", "pictures"]


def pictures(outcomes: Sequence[Outcome], conditions: str) -> list[Picture]:
    """Return all figures; where several base rates were tried, those of each rate by itself.

    Raises:
        ImportError: matplotlib is not installed (extra "plot").
    """
    require("matplotlib", "plot", "Figures of a report")
    look, rates = Look.of(outcomes), by_rate(outcomes)
    made: list[Picture] = []
    for rate, own in rates:
        suffix = f"-rate-{rate:g}" if len(rates) > 1 else ""
        made += _of_one_rate(own, look, suffix, f"{conditions}, η = {rate:g}.")
    made += sweep.pictures([each for each in outcomes if each.case.equal_to is None], look, conditions)
    return made


def _of_one_rate(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    first = [outcome for outcome in outcomes if outcome.case.equal_to is None]
    for room in (curves, convergence, endings, staleness):
        yield from room.pictures(first, look, suffix, conditions)
    yield from equal_steps.pictures(outcomes, look, suffix, conditions)
