"""Draw the share of the peak over the sizes of products and convolutions, from what `make sweep` writes.

    python benchmarks/python/plot_sweep.py build/bench/sweep.txt docs/pictures/sweep.png

Each line is a series of cases in which one size grows. The wanted course has no cliffs.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

PRODUCTS = ("NN", "NT", "TN")
KERNELS = ("forward", "backward weights", "backward data")
WINDOWS = ("3", "5", "7")
# What grows along the horizontal axis; the series, by the names of their lines; the panels beside each other.
ROWS = [
    ("width", {"square, batch 100": "square", "outputs": "outputs", "inputs": "inputs"}, PRODUCTS),
    ("batch", {name: f"batch {name}" for name in ("784 to 128", "128 to 128", "128 to 10")}, PRODUCTS),
    ("filters, on 3×32×32", {f"{w}×{w}": f"filters of window {w}" for w in WINDOWS}, KERNELS),
    ("image, 3 channels", {f"{w}×{w}": f"extent, channels 3 of window {w}" for w in WINDOWS}, KERNELS),
    ("image, 1 channel", {f"{w}×{w}": f"extent, channels 1 of window {w}" for w in WINDOWS}, KERNELS[:2]),
]

Series = dict[str, list[tuple[str, float]]]


def read(text: str) -> Series:
    """Return the cases and shares of each series: the lines with tabs."""
    series: Series = {}
    for line in text.splitlines():
        if line.count("\t") == 2:
            name, case, share = line.split("\t")
            series.setdefault(name, []).append((case, float(share)))
    return series


def sizes(cases: list[str]) -> list[int]:
    """Return what grows: the first of the numbers in the names that is not always the same."""
    numbers = [[int(number) for number in re.findall(r"\d+", case)] for case in cases]
    return next(list(column) for column in zip(*numbers, strict=True) if len(set(column)) > 1)


def draw(axes: Axes, lines: dict[str, list[tuple[str, float]]]) -> None:
    """Draw some series into one panel."""
    for label, members in lines.items():
        grows = sizes([case for case, _ in members])
        axes.plot(grows, [share for _, share in members], marker=".", markersize=3, linewidth=1, label=label)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(0, 105)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=7)


def main() -> None:
    """Read and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="the text that the sweep wrote")
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    series = read(options.sweep.read_text())
    figure, grid = plt.subplots(len(ROWS), 3, figsize=(10, 2.2 * len(ROWS)), sharey=True, layout="constrained")
    for panels, (growing, names, kinds) in zip(grid, ROWS, strict=True):
        for axes in panels[len(kinds) :]:
            axes.axis("off")
        for axes, kind in zip(panels, kinds, strict=False):
            draw(axes, {label: series[f"{name} {kind}"] for label, name in names.items()})
            axes.set_title(kind, fontsize=9)
            axes.set_xlabel(growing, fontsize=8)
        panels[0].set_ylabel("% of the peak", fontsize=8)
        panels[0].legend(fontsize=7, loc="lower right", frameon=False)
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.picture, dpi=85)


if __name__ == "__main__":
    main()
