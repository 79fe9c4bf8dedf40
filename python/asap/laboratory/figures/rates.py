"""How much the base rate matters: updates to ε against η."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from asap.laboratory.cells import cells
from asap.laboratory.figures.convergence import target_level
from asap.laboratory.figures.style import Look, Panels, Picture, panels, plain_log
from asap.laboratory.outcome import Outcome
from asap.laboratory.summary import summaries

__all__ = ["pictures"]


def pictures(outcomes: Sequence[Outcome], look: Look, conditions: str) -> Iterator[Picture]:
    """Return a panel for each engine and number of workers, with a line for each step; nothing for a single rate."""
    level = target_level(outcomes)
    if len({outcome.case.nominal for outcome in outcomes}) < 2 or all(o.time_to(level) is None for o in outcomes):
        return
    caption = (
        f"Median over the seeds of the updates until the training loss fell to ε = {level:.4g} of where it began, "
        "against the base rate η, with the range between the quartiles; an arrow where a quarter of the runs did not "
        f"get there. Without a point: half of the runs did not. {conditions}."
    )
    yield draw(outcomes, look, level).picture("rates", f"Updates to ε = {level:.4g} by base rate", caption)


def draw(outcomes: Sequence[Outcome], look: Look, level: float) -> Panels:
    """Draw the panels."""
    shown = [(title, summaries(own)) for title, own in cells(outcomes)]

    def panel(axes: Any, number: int) -> None:
        for step in look.steps:
            found = [each for each in shown[number][1] if each.group.step == step]
            _draw_line(axes, found, level, look)
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)

    figure = panels([title for title, _ in shown], panel)
    figure.label_outer("base rate η", f"updates to ε = {level:.4g}")
    figure.legend(look.lines(outcomes))
    return figure


def _draw_line(axes: Any, found: Sequence[Any], level: float, look: Look) -> None:
    reached = [each for each in found if each.time(level, "updates")]
    points = sorted(((each.rate, each.times["updates", level]) for each in reached), key=lambda point: point[0])
    for rate, (low, median, high) in points:
        colour = look.colours[reached[0].group.step]
        end = high if math.isfinite(high) else 1.5 * median
        axes.plot([rate, rate], [low, end], color=colour, linewidth=1.0)
        if end != high:
            axes.plot([rate], [end], marker="^", color=colour, markersize=4, linestyle="")
    if points:
        group = reached[0].group
        line = {"color": look.colours[group.step], "marker": look.markers[group.engine], "markersize": 4}
        axes.plot([rate for rate, _ in points], [median for _, (_, median, _) in points], **line)
