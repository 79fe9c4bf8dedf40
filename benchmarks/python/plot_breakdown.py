"""Draw where the time of an update goes, from what benchmarks/native/breakdown prints.

    python benchmarks/python/plot_breakdown.py build/dev/benchmarks/native/breakdown docs/pictures/update.svg --peak 117

Each bar is an update of one Hogwild worker, its parts in the order in which they come. The dark share of a part is the
time its multiplications would take at the peak, in GFLOP/s of one core.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

CASES = [("mlp", 16), ("mlp", 64), ("lenet", 16), ("lenet", 64)]
COLOURS = {
    "order": "#9a9a9a",
    "gather": "#c8a14b",
    "prefetch": "#e0c98f",
    "forward": "#4f81bd",
    "loss": "#8064a2",
    "backward": "#c0504d",
    "publish": "#77933c",
}
LEAST_LABELLED = 0.04  # of the whole
RUNS = 5


def measure(program: Path, model: str, batch: int) -> dict[str, Any]:
    """Return one update's parts: the fastest of a few runs, which other load on the machine disturbed least."""
    command = [program, model, str(batch)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(RUNS)]
    return min(runs, key=whole)


def whole(update: dict[str, Any]) -> float:
    """Return the microseconds of an update."""
    return sum(part["microseconds"] for part in update["parts"])


def draw(axes: Axes, update: dict[str, Any], peak: float) -> None:
    """Draw one update as a bar of parts."""
    total = whole(update)
    at_peak = sum(part["flops"] for part in update["parts"]) / peak * 1e-3
    start = 0.0
    for part in update["parts"]:
        width, ideal = part["microseconds"], part["flops"] / peak * 1e-3
        kind, _, label = part["part"].partition(": ")
        colour = COLOURS[kind.split()[0]]
        axes.barh(0, width, left=start, color=colour, alpha=0.45, edgecolor="white", linewidth=0.8)
        axes.barh(0, min(ideal, width), left=start, color=colour, edgecolor="white", linewidth=0.8)
        if width > LEAST_LABELLED * total:
            ink = "white" if ideal > 0 else "black"
            text = (label or kind).replace(", ", ",\n").replace(" to ", " → ")
            axes.text(
                start + width / 2,
                0,
                f"{text}\n{width:.0f}",
                color=ink,
                ha="center",
                va="center",
                fontsize=6,
                rotation=90,
            )
        start += width
    axes.set_xlim(0, total)
    axes.set_yticks([])
    axes.set_title(
        f"{ {'mlp': 'MLP', 'lenet': 'LeNet'}[update['model']] }, batch {update['batch_size']}: {total:.0f} µs, "
        f"multiplications {at_peak / total:.0%} of it at the peak",
        fontsize=9,
        loc="left",
    )
    axes.set_xlabel("µs", fontsize=7)
    axes.tick_params(labelsize=7)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--peak", type=float, required=True, help="GFLOP/s of one core")
    options = parser.parse_args()
    figure, rows = plt.subplots(len(CASES), 1, figsize=(10, 2.1 * len(CASES)), layout="constrained")
    for axes, case in zip(rows, CASES, strict=True):
        draw(axes, measure(options.program, *case), options.peak)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    figure.legend(handles, COLOURS, loc="outside lower center", ncols=len(COLOURS), fontsize=8, frameon=False)
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.picture)


if __name__ == "__main__":
    main()
