"""asap.ray.train on several Ray nodes of this machine, beside what Ray's object stores allow and beside threads.

    python benchmarks/python/distributed.py [--short] [--json FILE] [--parts limits,rates,staleness,rounds]
        [--shards 1,2] [--models mlp,lenet] [--nodes 2] [--repeats 3] [--seconds 3]

Every exchange of the limit carries the sum of what was sent, and rounds on the cluster must have the bits of rounds on
threads, before anything is timed. Limit, cluster and threads take turns; ratios are taken within a turn. Staleness is
that of LeNet on CIFAR-10, batches of 4, 30 learners; simulations are fed with the times measured there. The tables are
those of docs/distributed.md, which `reproduction_tables.py --write` makes from the kept file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import ray

import asap
from asap.environment import environment
from on_ray.limits import limits
from on_ray.local_cluster import local_cluster
from on_ray.rates import MODELS, noise, rates
from on_ray.staleness import MANY, staleness
from on_ray.virtual import rounds
from papers import distributed

PARTS = ("limits", "rates", "staleness", "rounds")
LARGE = 10_000_000
LAWS = {
    "log-normal, σ = 0.1": asap.LogNormal(1.0, 0.1),
    "log-normal, σ = 0.3": asap.LogNormal(1.0, 0.3),
    "log-normal, σ = 1": asap.LogNormal(1.0, 1.0),
    "exponential": asap.laws.Exponential(1.0),
    "σ = 0.3, one of 100 takes 10 times as long": asap.Stragglers(asap.LogNormal(1.0, 0.3), 10.0, probability=0.01),
}
TEAMS = (4, 30, MANY)


def main() -> None:
    options = parsed()
    document: dict[str, Any] = {
        "environment": {"commit": commit(), **environment(), "ray": ray.__version__, "nodes": options.nodes + 1},
        "short": options.short,
        "settings": {"repeats": options.repeats, "seconds": options.seconds},
    }
    with local_cluster(options.nodes):
        for part, measure in parts(options).items():
            if part in options.parts:
                document[part] = shown(part, measure())
    print(*(f"\n{name}\n\n{table}" for name, table in distributed.tables_of(document)), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def parts(options: argparse.Namespace) -> dict[str, Callable[[], Iterable[dict[str, Any]]]]:
    """Return what can be measured."""
    sizes = {model: MODELS[model](noise()).num_parameters for model in options.models}
    sizes |= {f"{model}, half": size // 2 for model, size in sizes.items()} | {"large": LARGE}
    return {
        "limits": lambda: limits(sizes, options.seconds / 2),
        "rates": lambda: rates(options.models, options.shards, options.repeats, options.seconds),
        "staleness": lambda: staleness(4 * options.seconds),
        "rounds": lambda: rounds(LAWS, TEAMS),
    }


def shown(part: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows, and say of each that it is there."""
    found = []
    for row in rows:
        found.append(row)
        known = {key: value for key, value in row.items() if isinstance(value, str | int | bool)}
        print(f"{part}: {known}", flush=True)
    return found


def commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=words(PARTS), default=PARTS)
    parser.add_argument("--models", type=words(tuple(MODELS)), default=tuple(MODELS))
    parser.add_argument("--shards", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2])
    parser.add_argument("--nodes", type=int, default=2, help="for learners, besides the head")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a run; of one with 30 learners four times that")
    parser.add_argument("--short", action="store_true", help="one repeat of a second: does it work?")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.short:
        options.repeats, options.seconds = 1, 1.0
    return options


def words(accepted: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads some of these words."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if unknown := set(found) - set(accepted):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(accepted)}")
        return found

    return read


if __name__ == "__main__":
    main()
