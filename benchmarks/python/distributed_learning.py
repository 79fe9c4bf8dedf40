"""What learners on Ray learn, by the commands of docs/distributed.md and docs/reproduction.md, beside asap without Ray.

    python benchmarks/python/distributed_learning.py FOLDER [--parts lenet,softsync] [--seeds 1,2,3] [--epochs N]
        [--short]

lenet: `asap ray` with four learners, beside `asap train` with four threads at the same settings; a row per run goes to
FOLDER/distributed-lenet.csv. softsync: the evaluation of Zhang et al. (IJCAI 2016), 30 learners and batches of 4,
beside `asap simulate`; FOLDER/ijcai16-ray-medians.csv has the medians, as those of `asap reproduce`. Both sides
take turns, seed by seed. It needs CIFAR-10.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from on_ray.commands import LEARNERS, OF_SOFTSYNC, RATE, STEPS, Command, lenet, softsync

LENET_EPOCHS, SOFTSYNC_EPOCHS = 8, 1

Row = dict[str, Any]


def main() -> None:
    options = parsed()
    options.folder.mkdir(parents=True, exist_ok=True)
    epochs = options.epochs
    if "lenet" in options.parts:
        commands = list(lenet("--epochs 1" if options.short else f"--epochs {epochs or LENET_EPOCHS}"))
        rows = [figures(command, seed) for seed in options.seeds for command in commands]
        write(options.folder / "distributed-lenet.csv", rows)
    if "softsync" in options.parts:
        commands = list(softsync("--seconds 4" if options.short else f"--epochs {epochs or SOFTSYNC_EPOCHS}"))
        rows = [figures(command, seed) for seed in options.seeds for command in commands]
        write(options.folder / "ijcai16-ray-medians.csv", medians(rows))


def figures(command: Command, seed: int) -> Row:
    """Run a command, and return what it came to."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        words = [sys.executable, "-m", "asap", *command.words(seed), "--json", str(file)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        run = json.loads(file.read_text())
    last, results = run["history"][-1], run["results"]
    row = {
        **command.about,
        "seed": seed,
        "epochs": last["epoch"],
        "status": run["status"],
        "accuracy": last["accuracy"],
        "validation_loss": last["validation_loss"],
        "loss": last["loss"],
        "mean_tau": run["staleness"]["mean"],
        "effective_step": results["effective_step"],
        "updates": results["updates"],
        "gradients": results["gradients"],
        "seconds": results["seconds"],
        "vectors_high_water": results["vectors_high_water"],
    }
    print({name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()}, flush=True)
    return row


def medians(rows: Sequence[Row]) -> list[Row]:
    """Return a row for all seeds of a case, with the columns of the other medians that these have."""
    studies = list(dict.fromkeys(row["study"] for row in rows))
    cases = [(study, n, step) for study in studies for n in OF_SOFTSYNC for step in STEPS]
    found = []
    for study, n, step in cases:
        of_case = [row for row in rows if (row["study"], row["n"], row["step"]) == (study, n, step)]
        known = {
            "study": study,
            "simulated": of_case[0]["simulated"],
            "engine": f"softsync:{n}",
            "step": step,
            "equal_to": "",
            "workers": LEARNERS,
            "nominal": RATE,
            "rate": RATE,
            "epochs": f"{min(row['epochs'] for row in of_case):.3g}",
            "runs": len(of_case),
            "failed": sum(row["status"] != "completed" for row in of_case),
        }
        found.append(known | spread(of_case))
    return found


def spread(rows: Sequence[Row]) -> Row:
    """Return medians, least and largest of each figure."""
    found: Row = {}
    for name in ("effective_step", "mean_tau", "loss", "validation_loss", "accuracy", "seconds"):
        values = [row[name] for row in rows]
        shown = {"": median(values), ":low": min(values), ":high": max(values)}
        found |= {name + end: f"{value:.6g}" for end, value in shown.items()}
    return found


def write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=["lenet", "softsync"])
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[1])
    defaults = f"by default {LENET_EPOCHS} of lenet and {SOFTSYNC_EPOCHS} of softsync"
    parser.add_argument("--epochs", type=int, help=defaults)
    parser.add_argument("--short", action="store_true", help="an epoch, and some seconds: does it work?")
    return parser.parse_args()


if __name__ == "__main__":
    main()
