"""Training loss against time and against updates: medians and quartiles over the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asap.laboratory.cells import cells, groups
from asap.laboratory.figures.along import UPDATES, Along, clocks
from asap.laboratory.figures.style import DASHES, Look, Panels, Picture, panels, plain_log, say
from asap.laboratory.outcome import Outcome
from asap.laboratory.summary import quartiles

__all__ = ["Band", "band", "draw", "pictures"]

_POINTS = 160


class Band(NamedTuple):
    """Quartiles of curves on a common axis; NaN where that many curves have no finite value."""

    x: NDArray[np.float64]
    low: NDArray[np.float64]
    median: NDArray[np.float64]
    high: NDArray[np.float64]


def band(curves: Sequence[tuple[NDArray[Any], NDArray[Any]]], last: float) -> Band:
    """Return the quartiles of curves (x, y), each on straight lines between its points and kept up to `last`.

    A value that is not finite stands above all others, from the point before it on.
    """
    x = np.linspace(0.0, last, _POINTS)
    heights = [np.interp(x, *curve) for curve in curves]
    found = [
        quartiles(None if np.isnan(each) else float(each) for each in column) for column in zip(*heights, strict=True)
    ]
    rows = np.array([[value if math.isfinite(value) else np.nan for value in each] for each in found if each])
    return Band(x, *rows.T)


def pictures(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    """Return loss against time and against updates, a panel for each engine and number of workers."""
    shown = [outcome for outcome in outcomes if outcome.losses is not None]
    if shown:
        for along, own in (*clocks(shown), (UPDATES, shown)):
            figure = draw(own, look, along, shown)
            caption = (
                f"Training loss against {along.words}: medians over the seeds (lines) and the range between "
                "the quartiles (bands), on snapshots evaluated after the runs. A line ends where the first of its "
                f"runs does; runs that diverge count as infinitely high from there on. {conditions}"
            )
            yield figure.picture(f"loss-by-{along.name}{suffix}", f"Training loss by {along.words}", caption)


def draw(outcomes: Sequence[Outcome], look: Look, along: Along, among: Sequence[Outcome] = ()) -> Panels:
    """Draw a panel for each engine and number of workers, with a line for each step."""
    shown = cells(outcomes, among)

    def panel(axes: Any, number: int) -> None:
        drawn = [line(axes, members, look, along.column) for _, members in groups(shown[number][1])]
        if not any((each.x[np.isfinite(each.median)] > 0).any() for each in drawn):
            say(axes, "no finite loss after the start")
        plain_log(axes.yaxis)

    figure = panels([title for title, _ in shown], panel)
    figure.axes[0].set_xlim(left=0)  # the panels share it, and it goes as far as the longest of them
    figure.label_outer(along.label(), "training loss")
    figure.legend(look.lines(outcomes))
    return figure


def line(axes: Any, outcomes: Sequence[Outcome], look: Look, along: str) -> Band:
    """Draw the band and the median of one group, and return them."""
    curves = [(getattr(o.losses, along), o.losses.loss) for o in outcomes if o.losses is not None]
    ended = [x[-1] for outcome, (x, _) in zip(outcomes, curves, strict=True) if outcome.is_success]
    drawn = band(curves, min(ended, default=max(x[-1] for x, _ in curves)))
    group = outcomes[0].case.group
    colour, dashes = look.colours[group.step], DASHES[bool(group.equal_to)]
    axes.fill_between(drawn.x, drawn.low, drawn.high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(drawn.x, drawn.median, color=colour, linestyle=dashes)
    return drawn
