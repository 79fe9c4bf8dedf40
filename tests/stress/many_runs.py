"""Train over and over in one process: its resident memory and its threads stay as they are.

PYTHONPATH=tests/python python tests/stress/many_runs.py [--short]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from own_process import resident_kib, threads, threads_since

import asap

ENGINES = [
    *(asap.Leashed(), asap.Leashed(persistence=0), asap.Hogwild(), asap.Hogwild(update="fused")),
    *(asap.Locked(), asap.Synchronous(), asap.Softsync(n=1)),
]
STEPS = [asap.TailTau(0.1, sample=(1, 3)), 0.1, asap.Custom(0.1, lambda _: [1.0, 0.5], sample=(1, 2))]
GROWTH = 0.01  # of the memory, over the last half of the runs
LEAK = 1 << 16  # bytes kept per run, where that is planted


def resumed(path: Path, model: asap.Model, data: Any) -> None:
    """Train and leave a checkpoint, and go on from there."""
    asap.train(model, data, workers=3, batch_size=20, checkpoint=asap.Checkpoint(path))
    asap.resume(path, data, epochs=2)


@dataclass
class Soak:
    """Runs of every kind, one after the other, and the memory behind each."""

    runs: int
    leak: int = 0
    resident: list[int] = field(default_factory=list)
    kept: list[np.ndarray] = field(default_factory=list)
    extra_threads: int = 0

    def run(self) -> Soak:
        """Train so many times."""
        random = np.random.default_rng(0)
        data = (random.random((200, 20), np.float32), random.integers(0, 3, 200))
        model = asap.models.MLP(data, hidden=(16,))
        before = threads()
        settings: dict[str, Any] = {"workers": 3, "batch_size": 20, "validation": data, "trace": True}
        train = partial(asap.train, model, data, **settings)
        kinds = [partial(train, engine=engine, step=step) for engine, step in itertools.product(ENGINES, STEPS)]
        kinds.append(partial(asap.simulate, model, data, step=0.1, publish=0.1, **settings))
        with tempfile.TemporaryDirectory() as folder:
            kinds.append(partial(resumed, Path(folder, "run.checkpoint"), model, data))
            for run in itertools.islice(itertools.cycle(kinds), self.runs):
                run()
                self.kept.append(np.ones(self.leak, np.uint8))
                self.resident.append(resident_kib())
        self.extra_threads = threads_since(before)
        return self

    def growth(self) -> float:
        """The memory's growth over the last half of the runs, as a share."""
        last = self.resident[self.runs // 2 :]
        return max(last) / last[0] - 1.0

    def holds(self) -> bool:
        """Whether memory and threads stayed as they were."""
        return self.growth() <= GROWTH and self.extra_threads == 0

    def figure(self) -> str:
        """What was measured, in words."""
        return (
            f"{self.growth():.2%} growth in the last half of {self.runs} runs, to {self.resident[-1]} KiB; "
            f"{self.extra_threads} threads more"
        )


def report(name: str, figure: str, passed: bool) -> bool:
    """Print the line of a check."""
    print(f"stress: {name:<44} {figure}  {'ok' if passed else 'FAILED'}", flush=True)
    return passed


def main() -> None:
    """Run the check and its planted fault, and end with status 1 when one did not pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="200 runs instead of 1,000")
    options = parser.parse_args()
    soak = Soak(200 if options.short else 1000).run()
    passed = report("runs from Python", soak.figure(), soak.holds())
    leaking = Soak(100, LEAK).run()
    passed &= report("finds runs that leak", leaking.figure(), not leaking.holds())
    sys.exit(not passed)


if __name__ == "__main__":
    main()
