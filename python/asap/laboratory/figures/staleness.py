"""Staleness histograms with C(τ) drawn over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap.laboratory.cells import cells, groups
from asap.laboratory.figures.style import Look, Panels, Picture, panels, width_of
from asap.laboratory.outcome import Outcome

__all__ = ["pictures", "pooled"]

_SHARE = 0.999  # of the updates whose τ is shown
_BARS = 60  # at most; above that, neighbours share one


def pictures(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    """Return a panel for each engine and number of workers in which anything was stale."""
    shown = [outcome for outcome in outcomes if outcome.has_run and outcome.staleness.size]
    if not any(outcome.staleness.size > 1 for outcome in shown):
        return
    caption = (
        "Grey bars: share of the published updates with staleness τ (left axis), over all steps and seeds of a panel, "
        f"up to the {_SHARE:.1%} quantile; logarithmic where most updates are in few bars. Lines: the scale C(τ) in "
        f"force at the end of each step's first run (right axis); the dotted line is C = 1. {conditions}"
    )
    yield draw(shown, look).picture(f"staleness{suffix}", "Staleness and the scales built from it", caption)


def draw(outcomes: Sequence[Outcome], look: Look) -> Panels:
    """Draw the histograms, and the scale of each step over them."""
    from matplotlib.ticker import MaxNLocator

    stale = [(title, own) for title, own in cells(outcomes) if any(o.staleness.size > 1 for o in own)]
    titles = [title for title, _ in stale]
    columns = width_of(titles)
    steep = any(_is_steep(pooled(own)) for _, own in stale)
    highest = max(float(scale.max()) for o in outcomes if (scale := o.scale()) is not None)

    def panel(axes: Any, number: int) -> None:
        own = stale[number][1]
        taus, shares, width = _bars(pooled(own))
        axes.bar(taus, shares, width=width, color="#CFCFCF")
        if steep:
            axes.set_yscale("log")
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        right = axes.twinx()
        right.spines["right"].set_visible(True)
        right.grid(visible=False)
        right.axhline(1.0, color="#555555", linewidth=0.8, linestyle=":")
        right.set_ylim(0.0, 1.05 * max(highest, 1.0))
        last = number % columns == columns - 1 or number == len(stale) - 1
        right.tick_params(labelright=last)
        right.set_ylabel("scale C(τ) (lines)" if last else "")
        for group, members in groups(own):
            table = members[0].scale()
            assert table is not None  # crashes are not among them
            along = np.arange(int(taus[-1] + width) + 1)
            scale = table[np.minimum(along, len(table) - 1)]
            right.step(along, scale, where="mid", color=look.colours[group.step])

    figure = panels(titles, panel, share_x=False, share_y=False)
    figure.label_outer("staleness τ, updates", "share of updates (bars)")
    figure.legend(look.lines(outcomes))
    return figure


def pooled(outcomes: Sequence[Outcome]) -> NDArray[np.int64]:
    """Return the histogram over all runs."""
    counts = np.zeros(max(outcome.staleness.size for outcome in outcomes), np.int64)
    for outcome in outcomes:
        counts[: outcome.staleness.size] += outcome.staleness
    return counts


def _is_steep(counts: NDArray[np.int64]) -> bool:
    """Whether a linear axis would show a few bars and a long flat tail."""
    shares = counts / counts.sum()
    shown = int(np.searchsorted(np.cumsum(shares), _SHARE)) + 1
    return bool(shown > 20 and np.sort(shares)[::-1][: shown // 10].sum() > 0.6)


def _bars(counts: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Return centres, shares per τ and width of at most so many bars."""
    shares = counts / counts.sum()
    last = int(np.searchsorted(np.cumsum(shares), _SHARE)) + 1
    width = -(-last // _BARS)
    padded = np.append(shares[:last], np.zeros(-last % width)).reshape(-1, width)
    return np.arange(len(padded)) * width + (width - 1) / 2, padded.mean(axis=1), width
