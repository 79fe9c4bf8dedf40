"""Adaptiveness told from step size: steps at their own rates beside the same steps at equal effective steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from asap.laboratory.cells import cells, groups
from asap.laboratory.figures.along import UPDATES
from asap.laboratory.figures.convergence import target_level
from asap.laboratory.figures.curves import draw as draw_curves
from asap.laboratory.figures.style import Look, Panels, Picture, panels, plain_log, say
from asap.laboratory.outcome import Outcome
from asap.laboratory.summary import summaries

__all__ = ["pictures"]

_AXIS = {"updates": "updates to ε = {level:.4g}", "seconds": "time to ε = {level:.4g}, s"}


def pictures(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    """Return what changes when each step runs at the effective step of the reference, if any did."""
    again = {outcome.case.equal_to for outcome in outcomes} - {None}
    if not again or not all(outcome.losses is not None for outcome in outcomes if outcome.has_run):
        return
    (reference,) = again
    level = target_level(outcomes)
    caption = (
        f"Median over the seeds of the updates until the training loss fell to ε = {level:.4g} of where it began, with "
        "the range between the quartiles; an arrow where a quarter of the runs did not get there. Hollow: the step at "
        f"the nominal rate. Filled: at the rate at which its effective step equals that of {reference}. Vertical line: "
        f"{reference} itself. What remains between a filled point and the line is the effect of adapting to staleness; "
        "what lies between hollow and filled is that of the step size. Without a point: half of the runs did not get "
        f"there. {conditions}"
    )
    yield draw_pairs(outcomes, look, level, reference or "").picture(
        f"equal-step{suffix}", f"At equal effective step: updates to ε = {level:.4g}", caption
    )
    caption = (
        f"Updates until the training loss fell to ε = {level:.4g} of where it began, against the effective step of the "
        "run. Each point is a run, hollow at the nominal rate, filled at the effective step of the reference. Where "
        f"steps differ in their effective step alone, their points lie on one curve. {conditions}"
    )
    if any(outcome.time_to(level) is not None for outcome in outcomes):
        yield draw_scatter(outcomes, look, level, reference or "").picture(
            f"equal-step-scatter{suffix}", "Updates to ε against the effective step", caption
        )
    compared = [o for o in outcomes if o.has_run and (o.case.equal_to or o.case.step == reference)]
    caption = (
        f"Training loss against updates of {reference} (solid) and of the other steps at its effective step (dashed): "
        f"medians and quartiles over the seeds. {conditions}"
    )
    yield draw_curves(compared, look, UPDATES).picture(
        f"equal-step-loss{suffix}", "At equal effective step: training loss", caption
    )


def draw_pairs(outcomes: Sequence[Outcome], look: Look, level: float, reference: str) -> Panels:
    """Draw a panel for each engine and number of workers, with a row for each step."""
    steps = [step for step in look.steps if step != reference]
    found = [(title, {each.group.label: each for each in summaries(own)}) for title, own in cells(outcomes)]

    def panel(axes: Any, number: int) -> None:
        by_label = found[number][1]
        if reference in by_label and (time := by_label[reference].time(level, "updates")) is not None:
            axes.axvline(time, color=look.colours[reference], linewidth=1.4)
        for y, step in enumerate(steps):
            for label, filled in ((step, False), (f"{step} at the step of {reference}", True)):
                each = by_label.get(label)
                if each is None or (time := each.time(level, "updates")) is None:
                    continue
                low, _, high = each.times["updates", level] or (time, time, time)
                colour = look.colours[step]
                place = y + (0.14 if filled else -0.14)
                end = high if math.isfinite(high) else 1.5 * time
                axes.plot([low, end], [place, place], color=colour, linewidth=1.0)
                if end != high:
                    axes.plot([end], [place], marker=">", color=colour, markersize=4, linestyle="")
                face = colour if filled else "white"
                axes.plot([time], [place], marker="o", color=colour, markerfacecolor=face, markersize=5, linestyle="")
        if not axes.lines:
            say(axes, "half of the runs of each\ndid not get to ε")
        axes.set_yticks(range(len(steps)), steps)
        axes.set_ylim(len(steps) - 0.5, -0.5)
        plain_log(axes.xaxis)
        axes.grid(visible=False, axis="y")

    size = (2.9, 0.3 * len(steps) + 0.9)
    figure = panels([title for title, _ in found], panel, size=size)
    figure.label_outer(_AXIS["updates"].format(level=level), "")
    figure.legend([*look.lines(o for o in outcomes if o.case.step == reference), *_fillings(reference)])
    return figure


def draw_scatter(outcomes: Sequence[Outcome], look: Look, level: float, reference: str) -> Panels:
    """Draw a panel for each engine and number of workers, with a point for each run."""
    shown = cells(o for o in outcomes if o.is_success)

    def panel(axes: Any, number: int) -> None:
        for group, members in groups(shown[number][1]):
            points = [(o.result("effective_step"), time) for o in members if (time := o.time_to(level, "updates"))]
            colour = look.colours[group.step]
            face = colour if group.equal_to else "white"
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    linestyle="",
                    marker=look.markers[group.engine],
                    markersize=4.5,
                    color=colour,
                    markerfacecolor=face,
                    alpha=0.85,
                )
        if not axes.lines:
            say(axes, "no run got to ε")
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)

    figure = panels([title for title, _ in shown], panel)
    figure.label_outer("effective step E[C]·η", _AXIS["updates"].format(level=level))
    figure.legend([*look.patches(o for o in outcomes if not o.case.equal_to), *_fillings(reference)])
    return figure


def _fillings(reference: str) -> list[Any]:
    from matplotlib.lines import Line2D

    labels = {"at the nominal rate": "white", f"at the effective step of {reference}": "#555555"}
    return [
        Line2D([], [], color="#555555", marker="o", linestyle="", markerfacecolor=face, label=label)
        for label, face in labels.items()
    ]
