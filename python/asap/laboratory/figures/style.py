"""How all figures look: one colour per step and one marker per engine throughout, sizes, axes, files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import cycle
from typing import Any

from asap._extras import require
from asap.laboratory.outcome import Outcome

__all__ = ["Look", "Panels", "Picture", "panels", "plain_log", "say"]

# Okabe and Ito (2008) without yellow, which is too light for lines, and three of Tol's muted colours: all can be told
# apart with the common forms of colour blindness.
_FIXED_COLOURS = {
    "constant": "#000000",
    "tail": "#D55E00",
    "inverse": "#0072B2",
    "inverse-plus-one": "#56B4E9",
    "fleet": "#009E73",
    "mind-the-step": "#CC79A7",
    "delay-adaptive": "#E69F00",
}
_OTHER_COLOURS = ("#882255", "#44AA99", "#999933", "#332288", "#AA4499", "#7F7F7F")
_FIXED_MARKERS = {"sequential": "P", "synchronous": "s", "locked": "^", "hogwild": "o", "leashed": "D", "softsync": "v"}
_OTHER_MARKERS = ("X", "p", "h", "<", ">", "*")

_SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.edgecolor": "#555555",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "asap",
}
DASHES = {False: "-", True: "--"}
"""Of lines at the nominal rate, and at another step's effective step."""

_PANEL = (2.9, 2.25)  # inches
_PAGE = 11.0
_LETTER, _HANDLE, _LINE = 0.075, 0.6, 0.18  # of a legend
_DPI = 200


@dataclass(frozen=True)
class Picture:
    """A figure as files.

    Attributes:
        name: of its files.
        title: what it shows.
        caption: what is seen, and under which conditions.
        files: "svg" and "png" → contents.
    """

    name: str
    title: str
    caption: str
    files: dict[str, bytes]


@dataclass(frozen=True)
class Look:
    """The colours of steps and the markers of engines, the same in all figures of a report.

    Attributes:
        steps, engines: labels in the order of the plan.
    """

    steps: Sequence[str]
    engines: Sequence[str]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Look:
        """Return the look of a report."""
        groups = [outcome.case.group for outcome in outcomes]
        return cls(*(tuple(dict.fromkeys(getattr(group, name) for group in groups)) for name in ("step", "engine")))

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for each step."""
        return _assigned(self.steps, _FIXED_COLOURS, _OTHER_COLOURS)

    @cached_property
    def markers(self) -> dict[str, str]:
        """A marker for each engine."""
        return _assigned(self.engines, _FIXED_MARKERS, _OTHER_MARKERS)

    def lines(self, outcomes: Iterable[Outcome]) -> list[Any]:
        """Return a line for the legend per step, dashed where it ran at another one's effective step."""
        lines = require("matplotlib.lines", "plot", "A figure")
        found = dict.fromkeys(replace(outcome.case.group, engine="", workers=0) for outcome in outcomes)
        labelled = {group.label: group for group in found}
        return [
            lines.Line2D([], [], color=self.colours[group.step], linestyle=DASHES[bool(group.equal_to)], label=label)
            for label, group in labelled.items()
        ]

    def patches(self, outcomes: Iterable[Outcome]) -> list[Any]:
        """Return a patch for the legend per step."""
        patches = require("matplotlib.patches", "plot", "A figure")
        steps = dict.fromkeys(outcome.case.step for outcome in outcomes)
        return [patches.Patch(facecolor=self.colours[step], alpha=0.7, label=step) for step in steps]


@dataclass(frozen=True)
class Panels:
    """A figure of several panels.

    Attributes:
        figure: matplotlib's.
        axes: one per panel.
    """

    figure: Any
    axes: Sequence[Any]

    def legend(self, handles: Sequence[Any]) -> None:
        """Put a legend above the panels, where it covers nothing, in as many columns as there is room for."""
        widest = max(len(handle.get_label()) for handle in handles)
        columns = max(1, int(self.figure.get_figwidth() / (_LETTER * widest + _HANDLE)))
        lines = -(-len(handles) // columns)
        self.figure.set_figheight(self.figure.get_figheight() + _LINE * (lines - 1))
        with _settings():
            self.figure.legend(handles=handles, loc="outside upper left", ncols=min(columns, len(handles)))

    def label_outer(self, x: str, y: str) -> None:
        """Name the axes of the whole figure."""
        self.figure.supxlabel(x, fontsize=9)
        self.figure.supylabel(y, fontsize=9)

    def picture(self, name: str, title: str, caption: str) -> Picture:
        """Render it."""
        return Picture(name, title, caption, {kind: self._render(kind) for kind in ("svg", "png")})

    def _render(self, kind: str) -> bytes:
        contents = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with _settings():
            self.figure.savefig(contents, format=kind, dpi=_DPI, metadata=metadata)
        return contents.getvalue()


def width_of(titles: Sequence[str], width: float = _PANEL[0]) -> int:
    """Return how many panels stand side by side: those of an engine where they fit, else as many as do."""
    fit = max(1, int(_PAGE // width))
    first = titles[0].partition(", m = ")[0]
    same = sum(title.partition(", m = ")[0] == first for title in titles)
    return same if 1 < same <= fit and len(titles) % same == 0 else min(fit, 3)


def plain_log(axis: Any) -> None:
    """Make an axis logarithmic, with plain numbers at its ticks, be it a decade long or less."""
    tickers = require("matplotlib.ticker", "plot", "A figure")
    axis._set_axes_scale("log")
    few, many = tickers.MaxNLocator(4, steps=[1, 2, 5, 10]), tickers.LogLocator(subs=(1.0,))
    some = tickers.LogLocator(subs=(1.0, 2.0, 5.0))

    class Plain(tickers.Locator):  # type: ignore[misc, name-defined]
        """Chooses by the span of the view."""

        def __call__(self) -> Any:
            low, high = self.axis.get_view_interval()
            chosen = few if high < 5 * low else some if high < 100 * low else many
            return [tick for tick in chosen.tick_values(low, high) if low <= tick <= high]

    axis.set_major_locator(Plain())
    axis.set_minor_locator(tickers.NullLocator())
    axis.set_major_formatter(
        tickers.FuncFormatter(lambda value, _: f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}")
    )


def say(axes: Any, words: str) -> None:
    """Say in a panel why it is empty."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=8, color="#777777")


def panels(
    titles: Sequence[str],
    draw: Callable[[Any, int], None],
    *,
    columns: int | None = None,
    size: tuple[float, float] = _PANEL,
    share_x: bool = True,
    share_y: bool = True,
) -> Panels:
    """Return a figure with a panel per title, each drawn by `draw(axes, number)`."""
    figures = require("matplotlib.figure", "plot", "A figure")
    columns = min(columns or width_of(titles, size[0]), len(titles))
    rows = -(-len(titles) // columns)
    width, height = max(columns * size[0], 4.2) + 0.4, rows * size[1] + 0.5
    with _settings():
        figure = figures.Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y).ravel()
        for number, (axes, title) in enumerate(zip(grid, titles, strict=False)):
            axes.set_title(title, loc="left")
            axes.tick_params(labelbottom=True, labelleft=True)
            draw(axes, number)
        for axes in grid[len(titles) :]:
            axes.set_visible(False)
    return Panels(figure, grid[: len(titles)])


def _settings() -> Any:
    return require("matplotlib", "plot", "A figure").rc_context(_SETTINGS)


def _assigned(labels: Sequence[str], fixed: dict[str, str], others: Sequence[str]) -> dict[str, str]:
    """Return each label's own, the first of its kind first, and others for the rest."""
    found: dict[str, str] = {}
    rest = cycle([*others, *(value for kind, value in fixed.items() if kind not in labels)])
    for label in sorted(labels, key=lambda label: label not in fixed):
        own = fixed.get(label.partition(":")[0])
        found[label] = own if own is not None and own not in found.values() else next(rest)
    return {label: found[label] for label in labels}
