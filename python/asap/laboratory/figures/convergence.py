"""The way to ε-convergence: box plots over the seeds, and a heat map of workers × step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from asap._numerals import number
from asap.laboratory.cells import cells, engine_names, groups
from asap.laboratory.figures.along import EPOCHS, UPDATES, Along, clocks
from asap.laboratory.figures.style import Look, Panels, Picture, panels, plain_log
from asap.laboratory.outcome import LEVELS, Outcome
from asap.laboratory.summary import Summary, summaries

__all__ = ["boxes", "heat_map", "pictures", "target_level"]

_SMALL = {"fontsize": 6, "ha": "center", "va": "top", "rotation": 90}
_SPAN = 2  # of the colours of a heat map, lest cells that hardly differ look as if they did


def target_level(outcomes: Sequence[Outcome]) -> float:
    """Return the lowest level that at least half of all runs reached; the highest one where there is none."""
    reached = [level for level in LEVELS if 2 * sum(o.time_to(level) is not None for o in outcomes) >= len(outcomes)]
    return min(reached, default=LEVELS[0])


def pictures(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    """Return box plots for time, updates and epochs, and the heat maps."""
    shown = [outcome for outcome in outcomes if outcome.losses is not None]
    if not any(outcome.time_to(LEVELS[0]) is not None for outcome in shown):
        return
    ways = [*clocks(shown), (UPDATES, shown)]
    for along, own in (*ways, (EPOCHS, shown)):
        word = along.words.capitalize()
        caption = (
            f"{word} until the training loss fell to a fraction ε of where it began. Boxes span the quartiles over the "
            "seeds that got there, with the median as a line, whiskers the whole range; points are runs. k/n above a "
            f"box: only k of n runs got there, 0/n: none. {conditions}"
        )
        drawn = boxes(own, look, along, shown)
        yield drawn.picture(f"{along.name}-to-epsilon{suffix}", f"{word} to ε-convergence", caption)
    level = target_level(shown)
    for along, own in ways:
        caption = (
            f"Median over the seeds of the {along.words} until the training loss fell to ε = {level:.4g} of "
            "where it began; runs that did not get there count as infinitely late, and a cross stands where half of "
            "them did not. Darker is faster; colours are on a logarithmic scale that spans a factor of "
            f"{_SPAN} at least. {conditions}"
        )
        title = f"{along.words.capitalize()} to ε = {level:.4g}, workers × step"
        yield heat_map(own, level, along, shown).picture(f"heat-map-{along.name}{suffix}", title, caption)


def boxes(outcomes: Sequence[Outcome], look: Look, along: Along, among: Sequence[Outcome] = ()) -> Panels:
    """Draw a panel for each engine and number of workers; groups of boxes are levels, colours steps."""
    shown = [(title, groups(own)) for title, own in cells(outcomes, among)]
    levels = [level for level in LEVELS if any(o.time_to(level) is not None for o in outcomes)]
    most = max(len(own) for _, own in shown)

    def panel(axes: Any, number: int) -> None:
        own = shown[number][1]
        for place, (group, members) in enumerate(own):
            x = np.arange(len(levels)) + (place - (len(own) - 1) / 2) * 0.8 / len(own)
            _draw_boxes(axes, x, 0.6 / len(own), members, levels, along.column, look.colours[group.step])
        axes.set_xticks(range(len(levels)), [f"{level:.4g}" for level in levels])
        plain_log(axes.yaxis)
        axes.set_xlim(-0.6, len(levels) - 0.4)
        axes.grid(visible=False, axis="x")

    width = max(2.9, 0.095 * most * len(levels) + 0.7)
    titles = [title for title, _ in shown]
    figure = panels(titles, panel, size=(width, 2.5))
    _make_room(figure.axes)
    figure.label_outer("fraction ε of the initial training loss", along.label("to ε"))
    figure.legend(look.patches(outcomes))
    return figure


def _draw_boxes(
    axes: Any, x: Any, width: float, outcomes: Sequence[Outcome], levels: Sequence[float], along: str, colour: str
) -> None:
    from matplotlib.colors import to_rgba

    values = [[value for o in outcomes if (value := o.time_to(level, along)) is not None] for level in levels]
    drawn = [(place, found) for place, found in zip(x, values, strict=True) if found]
    if drawn:
        line = {"color": colour, "linewidth": 0.8}
        axes.boxplot(
            [found for _, found in drawn],
            positions=[place for place, _ in drawn],
            widths=width,
            whis=(0, 100),
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": to_rgba(colour, 0.25), "edgecolor": colour, "linewidth": 0.8},
            medianprops={"color": colour, "linewidth": 1.6},
            whiskerprops=line,
            capprops=line,
        )
        points = [(place, value) for place, found in drawn for value in found]
        axes.plot(*zip(*points, strict=True), linestyle="", marker=".", markersize=2.5, color=colour)
    for place, found in zip(x, values, strict=True):
        if len(found) < len(outcomes):
            share = f"{len(found)}/{len(outcomes)}"
            axes.text(place, 1.0, share, transform=axes.get_xaxis_transform(), color=colour, **_SMALL)


def _make_room(axes: Sequence[Any]) -> None:
    """Leave the upper sixth of the panels to the counts of runs that did not get there."""
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low, high * (high / low) ** 0.2)


def heat_map(outcomes: Sequence[Outcome], level: float, along: Along, among: Sequence[Outcome] = ()) -> Panels:
    """Draw a panel for each engine, with rows of workers and columns of steps."""
    found, name = summaries(outcomes), engine_names([*outcomes, *among])
    engines = list(dict.fromkeys(name(each.group) for each in found))
    steps = list(dict.fromkeys(each.group.step for each in found))
    times = [time for each in found if (time := each.time(level, along.column)) is not None]
    ends = (min(times, default=1.0), max(times, default=1.0))

    def panel(axes: Any, number: int) -> None:
        own = [each for each in found if name(each.group) == engines[number]]
        _draw_map(axes, own, steps, level, along.column, ends)

    rows = max(len({each.group.workers for each in found if name(each.group) == engine}) for engine in engines)
    size = (0.62 * len(steps) + 0.7, 0.32 * rows + 1.0)
    figure = panels(engines, panel, columns=3, size=size, share_x=False, share_y=False)
    figure.label_outer(f"step; in the cells: {along.label(f'to ε = {level:.4g}')}", "workers m")
    return figure


def _draw_map(
    axes: Any, own: Sequence[Summary], steps: Sequence[str], level: float, along: str, ends: tuple[float, float]
) -> None:
    from matplotlib import colormaps

    workers = sorted({each.group.workers for each in own})
    low, high = np.log(ends)
    span = max(high - low, np.log(_SPAN))
    for each in own:
        x, y = steps.index(each.group.step), workers.index(each.group.workers)
        time = each.time(level, along)
        shade = 0.0 if time is None else float((high - np.log(time)) / span)
        colour = "#F2F2F2" if time is None else colormaps["YlGnBu"](0.1 + 0.75 * shade)
        axes.fill([x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5], color=colour)
        text = "×" if time is None else number(time)
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color="white" if shade > 0.6 else "black")
    axes.set_xticks(range(len(steps)), steps, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(workers)), map(str, workers))
    axes.set_xlim(-0.5, len(steps) - 0.5)
    axes.set_ylim(len(workers) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
