"""Train LeNet with every engine and compare: a table, a run.json for each, and a picture in demo/.

Uses MNIST when it is in reach (ASAP_DATA_DIR, the cache, or its mirrors), else scikit-learn's digits. It needs the
extras: pip install "asap[all]".
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table

import asap

FOLDER = Path("demo")
WORKERS = 4
ENGINES = {
    "sequential": asap.engines.Sequential(),
    "synchronous": asap.Synchronous(),
    "locked": asap.Locked(),
    "hogwild": asap.Hogwild(),
    "leashed": asap.Leashed(),
}


def load_data() -> tuple[asap.datasets.DataSet, int]:
    """Return MNIST or, where it cannot be had, digits; and how many epochs suit it."""
    try:
        return asap.datasets.load("mnist"), 3
    except asap.datasets.DataError as error:
        print(f"MNIST is not in reach, so the demo takes scikit-learn's digits instead.\n  ({error})", file=sys.stderr)
        return asap.datasets.load("digits"), 30


def train_all(data: asap.datasets.DataSet, epochs: int) -> dict[str, asap.Run]:
    """Train the same network from the same start with every engine."""
    runs = {}
    for name, engine in ENGINES.items():
        print(f"training with {engine!r} …", file=sys.stderr)
        runs[name] = asap.train(
            asap.models.LeNet(data, seed=1),
            data.train,
            engine=engine,
            step=asap.TailTau(0.05),
            workers=1 if name == "sequential" else WORKERS,
            batch_size=32,
            epochs=epochs,
            validation=data.test,
            seed=1,
        )
    return runs


def table(runs: dict[str, asap.Run], title: str) -> Table:
    """One row per engine."""
    result = Table(title=title)
    result.add_column("engine", no_wrap=True)
    for heading in ("workers", "seconds", "updates/s", "samples/s", "loss", "accuracy", "mean τ", "effective step"):
        result.add_column(heading, justify="right", no_wrap=True)
    for name, run in runs.items():
        last = run.history[-1]
        result.add_row(
            name,
            f"{run.config.workers}",
            f"{run.seconds:.2f}",
            f"{run.updates_per_second:,.0f}",
            f"{run.samples_per_second:,.0f}",
            f"{last['validation_loss']:.4f}",
            f"{last['accuracy']:.2%}",
            f"{run.staleness.mean:.2f}",
            f"{run.effective_step:.4f}",
        )
    return result


def picture(runs: dict[str, asap.Run], title: str) -> plt.Figure:
    """Loss and accuracy over time, and Leashed's staleness with the scale that was built from it."""
    figure, (losses, accuracies, staleness) = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
    for name, run in runs.items():
        losses.plot(run.history["seconds"], run.history["loss"], marker="o", label=name)
        validated = ~np.isnan(run.history["accuracy"])
        seconds, accuracy = run.history["seconds"][validated], run.history["accuracy"][validated]
        accuracies.plot(seconds, 100 * accuracy, marker="o", label=name)
    losses.set(xlabel="seconds", ylabel="training loss", yscale="log", title="Training loss per epoch")
    accuracies.set(xlabel="seconds", ylabel="accuracy on held-out data, %", title="Accuracy per epoch")
    losses.legend()
    draw_staleness(staleness, runs["leashed"])
    figure.suptitle(title)
    return figure


def draw_staleness(axes: plt.Axes, run: asap.Run) -> None:
    """Draw the histogram of τ and C(τ) over the same axis."""
    counts = run.staleness.counts
    taus = np.arange(run.staleness.quantile(0.999) + 2)
    shares = np.append(counts, np.zeros(len(taus)))[: len(taus)] / run.staleness.total
    axes.bar(taus, shares, color="lightgray")
    axes.set(xlabel="staleness τ", ylabel="share of updates", title="Leashed: staleness, and the scale built from it")
    entries = run.tables[-1].entries
    scale = axes.twinx()
    scale.step(taus, entries[np.minimum(taus, len(entries) - 1)], where="mid", color="tab:red")
    scale.set_ylabel("C(τ)", color="tab:red")
    scale.set_ylim(bottom=0)


def main() -> None:
    """Run the demo."""
    data, epochs = load_data()
    title = f"LeNet on {data.name}, {epochs} epochs, batch 32, TAIL-τ with η = 0.05"
    runs = train_all(data, epochs)
    console = Console()
    console.width = max(console.width, 120)  # whole columns in files and narrow terminals too
    console.print(table(runs, title))
    for name, run in runs.items():
        run.save(FOLDER / name)
    picture(runs, title).savefig(FOLDER / "demo.png", dpi=120)
    print(f"Written: {FOLDER}/demo.png and a run.json with the parameters in {FOLDER}/<engine>/")


if __name__ == "__main__":
    main()
