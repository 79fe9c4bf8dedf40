"""How throughput grows with the workers: engines × models × batch sizes × workers, in turns.

    python benchmarks/python/scaling.py FOLDER [--workers 1,2,4,…] [--engines …] [--models …] [--batch-sizes 16,64]
    python benchmarks/python/scaling.py FOLDER --pairs 10

Writes FOLDER/scaling.json and, where matplotlib is installed, FOLDER/scaling.png. Each repetition measures every number
of workers once, so that a machine whose speed wanders is wrong about all of them alike; ratios are taken within a
repetition. `--pairs` compares two workers with one, and with two processes of one worker each: what the machine allows
to two that share nothing. Data are random bytes in MNIST's shape.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import asap
from asap.environment import environment

ENGINES = {
    "hogwild": asap.Hogwild(),
    "hogwild-in-place": asap.Hogwild(read="in-place"),
    "hogwild-copy": asap.Hogwild(read="copy"),
    "hogwild-fused": asap.Hogwild(update="fused"),
    "hogwild-fused-copy": asap.Hogwild(read="copy", update="fused"),
    "leashed": asap.Leashed(),
    "leashed-in-place": asap.Leashed(read="in-place"),
    "leashed-copy": asap.Leashed(read="copy"),
    "locked": asap.Locked(),
    "synchronous": asap.Synchronous(),
}
MODELS = {"mlp": asap.models.MLP, "lenet": asap.models.LeNet}
SAMPLES = 60_000


def random_data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (SAMPLES, 28, 28), np.uint8), random.integers(0, 10, SAMPLES)


def measure(model: str, engine: str, batch_size: int, workers: int, seconds: float, data: Any) -> dict[str, float]:
    """One run: what it did per second."""
    run = asap.train(
        MODELS[model](data),
        data,
        engine=ENGINES[engine],
        step=1e-4,
        workers=workers,
        batch_size=batch_size,
        seconds=seconds,
        progress=False,
    )
    return {
        "updates_per_second": run.updates / run.seconds,
        "samples_per_second": run.samples / run.seconds,
        "attempts_per_update": run.attempts / max(1, run.updates),
        "mean_tau": run.staleness.mean,
    }


def summary(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def rows(options: argparse.Namespace, data: Any) -> Iterator[dict[str, Any]]:
    """A row per engine, model, batch size and number of workers."""
    for model in options.models:
        for batch_size in options.batch_sizes:
            for engine in options.engines:
                turns = [
                    [measure(model, engine, batch_size, workers, options.seconds, data) for workers in options.workers]
                    for _ in range(options.repeats)
                ]
                for number, workers in enumerate(options.workers):
                    row: dict[str, Any] = {"model": model, "batch": batch_size, "engine": engine, "workers": workers}
                    for key in turns[0][0]:
                        row[key] = summary([turn[number][key] for turn in turns])
                    samples = [[result["samples_per_second"] for result in turn] for turn in turns]
                    row["ratio_to_first"] = summary([turn[number] / turn[0] for turn in samples])
                    row["share_of_best"] = summary([turn[number] / max(turn) for turn in samples])
                    yield row


def print_row(row: dict[str, Any]) -> None:
    print(
        f"{row['model']:6} {row['batch']:5} {row['engine']:13} {row['workers']:7} "
        f"{row['updates_per_second']['median']:9.0f} {row['samples_per_second']['median']:10.0f} "
        f"{row['ratio_to_first']['median']:6.2f} ({row['ratio_to_first']['least']:.2f} – "
        f"{row['ratio_to_first']['most']:.2f}) {row['share_of_best']['median']:7.2f} "
        f"{row['attempts_per_update']['median']:6.3f} {row['mean_tau']['median']:6.2f}",
        flush=True,
    )


def alone(model: str, batch_size: int, seconds: float, turns: Any, results: Any) -> None:
    """A process with one worker, which measures when it is told to."""
    data = random_data()
    while turns.get():
        results.put(measure(model, "hogwild", batch_size, 1, seconds, data)["samples_per_second"])


def pairs(options: argparse.Namespace, data: Any) -> Iterator[dict[str, Any]]:
    """Two workers by one, and two processes by one, in turns."""
    context = multiprocessing.get_context("spawn")
    for model in options.models:
        for batch_size in options.batch_sizes:
            turns, results = [context.Queue(), context.Queue()], context.Queue()
            peers = [
                context.Process(target=alone, args=(model, batch_size, options.seconds, t, results)) for t in turns
            ]
            for peer in peers:
                peer.start()
            ratios: dict[str, list[float]] = {"two processes": [], **{engine: [] for engine in options.engines}}
            for repetition in range(options.pairs + 1):
                turns[0].put(True)
                one = results.get()
                for turn in turns:
                    turn.put(True)
                both = results.get() + results.get()
                if repetition:  # the first one warms up
                    ratios["two processes"].append(both / one)
                for engine in options.engines:
                    first, second = (
                        measure(model, engine, batch_size, workers, options.seconds, data)["samples_per_second"]
                        for workers in (1, 2)
                    )
                    if repetition:
                        ratios[engine].append(second / first)
            for turn in turns:
                turn.put(False)
            for peer in peers:
                peer.join()
            for engine, values in ratios.items():
                yield {"model": model, "batch": batch_size, "engine": engine, "two_by_one": summary(values)}


def print_pair(row: dict[str, Any]) -> None:
    ratio = row["two_by_one"]
    print(
        f"{row['model']:6} {row['batch']:5} {row['engine']:13} {ratio['median']:5.2f} "
        f"({ratio['least']:.2f} – {ratio['most']:.2f})",
        flush=True,
    )


def plot(table: list[dict[str, Any]], file: Path) -> None:
    """Samples per second by workers, relative to the first number of workers: a panel per model and batch size."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        print("no picture: it needs matplotlib (pip install 'asap[plot]')")
        return
    panels = sorted({(row["model"], row["batch"]) for row in table})
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 3.6), sharey=True, squeeze=False)
    for axis, (model, batch) in zip(axes[0], panels, strict=True):
        for engine in sorted({row["engine"] for row in table}):
            line = [row for row in table if (row["model"], row["batch"], row["engine"]) == (model, batch, engine)]
            workers = [row["workers"] for row in line]
            ratio = [row["ratio_to_first"] for row in line]
            axis.plot(workers, [r["median"] for r in ratio], marker="o", markersize=3, label=engine)
            axis.fill_between(workers, [r["least"] for r in ratio], [r["most"] for r in ratio], alpha=0.15)
        axis.set(title=f"{model}, batch {batch}", xlabel="workers", xscale="log", ylim=(0, None))
        axis.set_xticks(workers, [str(count) for count in workers])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel(f"samples/s by those of {table[0]['workers']} worker(s)")
    axes[0][-1].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file, dpi=120)


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def words(choices: dict[str, Any]) -> Any:
    def parse(text: str) -> list[str]:
        unknown = [word for word in text.split(",") if word not in choices]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(choices)}")
        return text.split(",")

    return parse


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=numbers, default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--engines", type=words(ENGINES), default=list(ENGINES))
    parser.add_argument("--models", type=words(MODELS), default=list(MODELS))
    parser.add_argument("--batch-sizes", type=numbers, default=[16, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--pairs", type=int, default=0, help="pairs of one and two workers, instead of all numbers")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    data = random_data()
    known = {
        "commit": subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True
        ).stdout.strip(),
        **environment(),
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.pairs:
        print("model  batch engine        two by one (least – most)")
        table = [row for row in pairs(options, data) if print_pair(row) is None]
        name = "pairs"
    else:
        print("model  batch engine        workers updates/s  samples/s  ratio (least – most) of best  tries  mean τ")
        table = [row for row in rows(options, data) if print_row(row) is None]
        plot(table, options.folder / "scaling.png")
        name = "scaling"
    document = {"environment": known, "seconds": options.seconds, "rows": table}
    (options.folder / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
