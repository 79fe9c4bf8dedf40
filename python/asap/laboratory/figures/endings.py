"""How runs ended: shares of diverged and non-converged ones; the effective step of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from asap.laboratory.case import Group
from asap.laboratory.cells import engine_names, groups, in_order
from asap.laboratory.figures.convergence import target_level
from asap.laboratory.figures.style import Look, Panels, Picture, panels, plain_log
from asap.laboratory.outcome import Outcome
from asap.laboratory.summary import summaries

__all__ = ["kind_of", "pictures"]

_KINDS = {  # greys and hatches: colours are steps
    "converged": ("#D0D0D0", ""),
    "not converged": ("#FFFFFF", "////"),
    "completed": ("#EEEEEE", ""),
    "diverged": ("#606060", ""),
    "timed out": ("#A0A0A0", "...."),
    "crashed": ("#000000", ""),
}
_ROW = 0.19  # inches


def kind_of(outcome: Outcome, level: float) -> str:
    """Return how a run ended: a failure, or whether its loss got to ε of where it began, if it had snapshots."""
    if not outcome.is_success:
        return outcome.status
    if outcome.losses is None:
        return "completed"
    return "not converged" if outcome.time_to(level) is None else "converged"


def pictures(outcomes: Sequence[Outcome], look: Look, suffix: str, conditions: str) -> Iterator[Picture]:
    """Return the endings and the effective steps."""
    level = target_level(outcomes)
    shown = any(outcome.losses is not None for outcome in outcomes)
    converged = f"Converged: the training loss fell to ε = {level:.4g} of where it began. " if shown else ""
    caption = (
        f"Share of the runs over the seeds that ended in each way. {converged}Diverged: a loss or a parameter was not "
        f"finite. The numbers count runs. {conditions}"
    )
    yield draw_endings(outcomes, level).picture(f"endings{suffix}", "How the runs ended", caption)
    caption = (
        "Effective step E[C]·η: the mean of η·C(τ) over the published and the rejected updates of a run; points are "
        "medians over the seeds that succeeded, lines the range between the quartiles. The dotted line is the base "
        f"rate η. {conditions}"
    )
    if any(outcome.is_success for outcome in outcomes):
        yield draw_steps(outcomes, look).picture(f"effective-step{suffix}", "Effective steps", caption)


def draw_endings(outcomes: Sequence[Outcome], level: float) -> Panels:
    """Draw a bar for each group."""
    from matplotlib.patches import Patch

    rows = groups(in_order(outcomes))
    present = [kind for kind in _KINDS if any(kind_of(outcome, level) == kind for outcome in outcomes)]

    def panel(axes: Any, number: int) -> None:
        for y, (_, members) in enumerate(rows):
            left = 0.0
            for kind in present:
                count = sum(kind_of(outcome, level) == kind for outcome in members)
                colour, hatch = _KINDS[kind]
                share = count / len(members)
                axes.barh(
                    y, share, left=left, height=0.75, facecolor=colour, hatch=hatch, edgecolor="#555555", linewidth=0.6
                )
                if count:
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
                    axes.text(left + share / 2, y, str(count), ha="center", va="center", fontsize=7, bbox=box)
                left += share
        _name_rows(axes, [group for group, _ in rows], engine_names(outcomes))
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of runs")

    figure = panels([""], panel, columns=1, size=(5.2, _ROW * len(rows) + 0.5))
    patches = [
        Patch(facecolor=_KINDS[kind][0], hatch=_KINDS[kind][1], edgecolor="#555555", label=kind) for kind in present
    ]
    figure.legend(patches)
    return figure


def draw_steps(outcomes: Sequence[Outcome], look: Look) -> Panels:
    """Draw a point for each group."""
    found = [each for each in summaries(in_order(outcomes)) if each.measures["effective_step"] is not None]

    def panel(axes: Any, number: int) -> None:
        for y, each in enumerate(found):
            low, median, high = each.measures["effective_step"] or (0.0, 0.0, 0.0)
            colour = look.colours[each.group.step]
            axes.plot([low, high], [y, y], color=colour)
            axes.plot([median], [y], marker=look.markers[each.group.engine], color=colour, linestyle="", markersize=5)
        for nominal in dict.fromkeys(each.group.nominal for each in found):
            axes.axvline(nominal, color="#555555", linewidth=0.8, linestyle=":")
        _name_rows(axes, [each.group for each in found], engine_names(outcomes))
        plain_log(axes.xaxis)
        axes.set_xlabel("effective step E[C]·η")

    return panels([""], panel, columns=1, size=(5.2, _ROW * len(found) + 0.5))


def _name_rows(axes: Any, named: Sequence[Group], name: Callable[[Group], str]) -> None:
    axes.set_yticks(range(len(named)), [f"{name(group)}, m = {group.workers}, {group.label}" for group in named])
    axes.set_ylim(len(named) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelsize=8)
