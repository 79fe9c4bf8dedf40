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
_SINGLE = 10  # values of τ that have a bar of their own on a logarithmic axis


def pictures(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    """Return a panel for each engine and number of workers in which anything was stale."""
    shown = [outcome for outcome in outcomes if outcome.has_run and outcome.staleness.size]
    if not any(outcome.staleness.size > 1 for outcome in shown):
        return
    caption = (
        "Grey bars: share of the published updates with staleness τ (left axis), over all steps and seeds of a panel, "
        f"up to the {_SHARE:.1%} quantile; axes are logarithmic where most updates are in few bars. Lines: the scale "
        "C(τ) in force at the end of each step's first run (right axis); the dotted line is C = 1. "
        f"{conditions}"
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
        far = _is_far(pooled(own))
        edges, shares = _bars(pooled(own), far)
        axes.bar(edges[:-1], shares, width=np.diff(edges), align="edge", color="#CFCFCF")
        if far:
            axes.set_xscale("symlog", linthresh=_SINGLE)
            axes.xaxis.set_major_formatter("{x:.0f}")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if steep:
            axes.set_yscale("log")
        axes.grid(visible=False)
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
            along = np.arange(int(edges[-1]) + 1)
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


def _last(counts: NDArray[np.int64], share: float) -> int:
    """Return up to which τ so large a share of the updates is."""
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum()))


def _is_steep(counts: NDArray[np.int64]) -> bool:
    """Whether a linear axis of shares would show a few bars and a long flat tail."""
    shown = _last(counts, _SHARE) + 1
    highest = np.sort(counts)[::-1][: shown // 10].sum()
    return bool(shown > 20 and highest > 0.6 * counts.sum())


def _is_far(counts: NDArray[np.int64]) -> bool:
    """Whether a linear axis of τ would have most updates at its very beginning."""
    last = _last(counts, _SHARE)
    return last > 10 * _SINGLE and last > 20 * _last(counts, 0.5)


def _bars(counts: NDArray[np.int64], far: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the edges of at most so many bars, half a τ below the first one of each, and their mean share per τ."""
    end = _last(counts, _SHARE) + 1
    if far:
        above = np.geomspace(_SINGLE, max(end, _SINGLE + 1), _BARS - _SINGLE)
        firsts = np.unique(np.append(np.arange(_SINGLE), np.ceil(above))).astype(int)
    else:
        firsts = np.arange(0, end + -(-end // _BARS), -(-end // _BARS))
    padded = np.append(counts, np.zeros(max(0, firsts[-1] - counts.size), counts.dtype))
    return firsts - 0.5, np.add.reduceat(padded, firsts[:-1])[: len(firsts) - 1] / np.diff(firsts) / counts.sum()
