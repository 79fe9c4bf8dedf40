"""Draw updates to ε over the base rate, for each law of the time of a gradient, from the kept medians.

    python benchmarks/python/plot_rates.py docs/pictures/papers-rates.png

Steps at their own rates; a point is there where at least half of the runs got to ε. Lines that lie on each other can be
told apart by their widths and markers: the wider ones are drawn first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from papers.kept import Kept, number
from papers.markdown import STEPS
from papers.rates import LAWS, RATES, STUDY

LEVEL = "0.1"
# Colours as in the laboratory's figures; widths and markers by which one line is seen under another.
LOOKS = {
    "tail": ("#D55E00", 5.0, "o", 9.0),
    "tail:exclusive": ("#882255", 2.4, "o", 5.5),
    "constant": ("#000000", 1.1, "s", 3.4),
    "inverse-plus-one": ("#56B4E9", 1.6, "^", 6.0),
    "fleet": ("#009E73", 1.6, "D", 5.0),
}


def draw(axes: Axes, kept: Kept, law: str) -> None:
    """Draw a panel."""
    for step, (colour, width, marker, size) in LOOKS.items():
        rows = [kept.one(study=STUDY, simulated=law, step=step, nominal=rate) for rate in RATES]
        points = [(float(row["rate"]), way) for row in rows if (way := number(row, f"updates_{LEVEL}")) is not None]
        look = {"color": colour, "linewidth": width, "marker": marker, "markersize": size}
        axes.plot([rate for rate, _ in points], [way for _, way in points], label=STEPS[step], **look)
    axes.set_title(f"{law}, m = 32", loc="left", fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([float(rate) for rate in RATES[1:]], RATES[1:])
    axes.set_yticks([1_000, 2_000, 5_000], ["1,000", "2,000", "5,000"])
    axes.minorticks_off()
    axes.grid(color="#E4E4E4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    picture, kept = parser.parse_args().picture, Kept.read()
    figure, panels = plt.subplots(1, len(LAWS), figsize=(9.1, 2.75), sharex=True, sharey=True, layout="constrained")
    for axes, law in zip(panels, LAWS, strict=True):
        draw(axes, kept, law)
        axes.tick_params(labelsize=9, labelleft=True)
    figure.supxlabel("base rate η", fontsize=9)
    figure.supylabel(f"updates to ε = {LEVEL}", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=9)
    figure.savefig(picture, dpi=200)


if __name__ == "__main__":
    main()
