"""What corrections and online sampling cost: updates per second of the MLP on MNIST beside those of a constant step.

    python benchmarks/python/adaptiveness.py [--engine leashed] [--workers 2] [--batch-size 64] [--seconds 2]

All cases run in turns; each is divided by the constant step of its round. Needs the real MNIST (ASAP_DATA_DIR).
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import asap
from asap import _names

CASES: dict[str, dict[str, Any]] = {
    "constant": {},
    "DelayCompensated": {"correction": asap.DelayCompensated()},
    "GapAware": {"correction": asap.GapAware()},
    "NormClipped": {"correction": asap.NormClipped(10.0)},
    "TailTau": {"step": asap.TailTau(0.01)},
    "TailTau, online": {"step": asap.TailTau(0.01, sample=asap.Online())},
    "TailTau, online, every=1": {"step": asap.TailTau(0.01, sample=asap.Online(every=1))},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="leashed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    data = asap.datasets.load("mnist")
    speeds: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(arguments.rounds):
        for name, case in CASES.items():
            run = asap.train(
                asap.models.MLP(data),
                data.train,
                engine=_names.engine(arguments.engine),
                workers=arguments.workers,
                batch_size=arguments.batch_size,
                seconds=arguments.seconds,
                **({"step": 0.01} | case),
            )
            assert run.status == "completed", run
            speeds[name].append(run.updates_per_second)
    for name, values in speeds.items():
        shares = [value / constant for value, constant in zip(values, speeds["constant"], strict=True)]
        print(f"{name:26} {statistics.median(values):8,.0f} updates/s {statistics.median(shares):6.3f}")


if __name__ == "__main__":
    main()
