"""asap beside PyTorch, JAX and scikit-learn: updates per second in turns, and the time to a training loss.

    python benchmarks/python/peers.py [--quick] [--json FILE] [--models mlp,lenet] [--batches 16,64,512] …

Every form of every peer runs in a process of its own, with its threads limited before it is loaded, and is timed only
after its update was found to subtract asap's gradient. Ratios above 1 mean that asap is faster; the best form of each
peer has a star. The data are MNIST's where `asap.datasets` finds it, else random bytes of its shape, which have no loss
to reach. asap needs no peer; `pip install ".[peers]"` brings them, and those not installed are listed as absent.

On one core the clock is the process's CPU time, on several it is the wall's: others on the machine then spoil figures,
those of threads that wait for each other most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from asap import _names
from asap.environment import environment
from side_by_side import figures, target
from side_by_side.forms import MODELS, PEERS, Form, forms, ours
from side_by_side.races import Races
from side_by_side.rates import Bench, Rates
from side_by_side.reference import Reference, mnist


def main() -> None:
    """Measure, print tables, and write a result file where asked."""
    options = parsed()
    data, source = mnist()
    reach = source == "MNIST" and options.target_loss > 0
    with TemporaryDirectory() as folder:
        reference = Reference(Path(folder), data)
        for model in options.models:
            reference.write(model, {*options.batches, *options.target_batches})
        bench = Bench(reference)
        print(f"data: {source}", flush=True)
        rows = measured_rates(bench, options) if options.repeats else []
        if rows:
            print(figures.table(rows), flush=True)
        arrivals = measured_arrivals(bench, options, rows) if reach else []
    if arrivals:
        print(f"\ntime to a training loss of {options.target_loss:g}, {options.seeds} seeds\n{target.table(arrivals)}")
    if options.json:
        document = {
            "environment": known(bench.versions),
            "data": source,
            "clock": "CPU time of the process on one core, wall-clock time on several",
            "seconds_per_turn": options.seconds,
            "rows": [row.plain() for row in rows],
            "target_loss": options.target_loss,
            "arrivals": [arrival.plain() for arrival in arrivals],
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n")


def measured_rates(bench: Bench, options: argparse.Namespace) -> list[figures.Row]:
    """Return asap beside all forms of all peers, and beside its own other engines."""
    rates = Rates(bench, options.repeats, options.seconds)
    first, *others = options.engines
    rows = []
    for cores, model, batch in product(options.cores, options.models, options.batches):
        engines = [ours(engine) for engine in others if cores == 1 or engine != "sequential"]
        theirs = [form for peer in options.peers for form in forms(peer, model, cores)]
        rows += rates.compare(ours(first), engines + theirs, model, batch, cores)
        lacking = [peer for peer in options.peers if not forms(peer, model, cores)]
        rows += [figures.Row(model, batch, cores, peer, "–", absent="not available there") for peer in lacking]
    return rows


def measured_arrivals(bench: Bench, options: argparse.Namespace, rows: Sequence[figures.Row]) -> list[target.Arrival]:
    """Return when asap and PyTorch arrive, PyTorch in the forms that were its best at some batch size."""
    races = Races(bench, options.target_loss, options.target_batches, options.target_rates, options.seeds)
    arrivals = []
    for cores, model in product(options.cores, options.models):
        contenders = {"asap": [ours(options.engines[0])]}
        if "pytorch" in options.peers:
            contenders["pytorch"] = candidates(forms("pytorch", model, cores), rows, model, cores)
        arrivals += races.arrivals(contenders, model, cores)
    return arrivals


def candidates(all_forms: list[Form], rows: Sequence[figures.Row], model: str, cores: int) -> list[Form]:
    """Return the forms that were the best of their library at some batch size; all of them where none was timed."""
    leaders = {(row.peer, row.form) for row in figures.best(rows) if (row.model, row.cores) == (model, cores)}
    return [form for form in all_forms if (form.peer, form.name) in leaders] or all_forms


def known(versions: dict[str, str]) -> dict[str, Any]:
    """Return commit, hardware and versions."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return {"commit": commit} | dict(environment()) | versions


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; `--quick` replaces lengths that were not given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=words(MODELS), default=MODELS)
    parser.add_argument("--batches", type=numbers(int), default=(16, 64, 512))
    parser.add_argument("--peers", type=words(PEERS), default=PEERS, help="none: '' compares engines alone")
    parser.add_argument("--engines", type=engines, default=("hogwild",), help="the first is beside all others")
    parser.add_argument("--cores", type=numbers(int), default=(1, 2))
    parser.add_argument("--repeats", type=int, default=5, help="pairs per comparison; 0 leaves the rates out")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    parser.add_argument("--target-loss", type=float, default=0.1, help="0 leaves the time to it out")
    parser.add_argument("--target-batches", type=numbers(int), default=(16, 32, 64))
    parser.add_argument("--target-rates", type=numbers(float), default=(0.05, 0.1, 0.2, 0.4))
    parser.add_argument("--seeds", type=int, default=5, help="starts that are timed to the target")
    parser.add_argument("--quick", action="store_true", help="batch 64, short turns, a small sweep: does it work?")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.quick:
        short = {
            "batches": (64,),
            "repeats": 2,
            "seconds": 0.3,
            "target_batches": (32,),
            "target_rates": (0.1,),
            "seeds": 2,
        }
        for name, value in short.items():
            if getattr(options, name) == parser.get_default(name):
                setattr(options, name, value)
    return options


def engines(text: str) -> tuple[str, ...]:
    """Return a comma-separated list of engines, which asap knows."""
    found = tuple(_names.words(text))
    for word in found:
        try:
            _names.engine(word)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return found


def words(accepted: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads a comma-separated list of these words."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(word for word in _names.words(text) if word)
        if unknown := set(found) - set(accepted):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: none of {', '.join(accepted)}")
        return found

    return read


def numbers(kind: type[int] | type[float]) -> Callable[[str], tuple[float, ...]]:
    """Return what reads a comma-separated list of positive numbers."""

    def read(text: str) -> tuple[float, ...]:
        found = tuple(kind(word) for word in text.split(","))
        if min(found) <= 0:
            raise argparse.ArgumentTypeError(f"{text}: numbers above 0 are accepted")
        return found

    return read


if __name__ == "__main__":
    main()
