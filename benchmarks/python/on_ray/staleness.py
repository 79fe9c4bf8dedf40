"""Staleness of n-softsync with 30 learners on the cluster, beside simulations with the times measured there."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

import numpy as np

import asap
import asap.ray
from on_ray.exchange import Exchange
from on_ray.local_cluster import places
from on_ray.processes import Watch
from on_ray.rates import WARM_UP
from on_ray.virtual import simulated

LEARNERS, MANY, BATCH_SIZE, RATE = 30, 1_000, 4, 0.05
OF_SOFTSYNC = (1, 15, 30)
QUANTILES = 200


def staleness(seconds: float) -> Iterator[dict[str, Any]]:
    """Return the times as a row, then a row for each n and place: the cluster, and simulations."""
    data = asap.datasets.load("cifar-10")
    runs = {n: _on_cluster(data, n, LEARNERS, seconds) for n in OF_SOFTSYNC}
    for n, (run, watch) in runs.items():
        rate = watch.updates_per_second * (LEARNERS // n)
        figures = _figures(n, LEARNERS, run.staleness) | {"counts": run.staleness.counts.tolist()}
        yield {"where": "cluster", **figures, "gradients_per_second": rate}
    times = _times(data, runs[max(OF_SOFTSYNC)][1], seconds)
    yield {"times": times}
    crowd, alone = (asap.laws.Recorded(times[name]) for name in ("crowd_quantiles", "alone_quantiles"))
    in_turns = times["of_many_seconds"] / LEARNERS
    for where, m, compute, publish in (
        ("simulated, independent", LEARNERS, crowd, 0.0),
        ("simulated, in turns", LEARNERS, alone, in_turns),
        ("simulated, a machine each", LEARNERS, alone, times["server_seconds"]),
        ("simulated, a machine each", MANY, alone, times["server_seconds"]),
    ):
        for n in (*OF_SOFTSYNC, *([MANY] if m == MANY else [])):
            run = simulated(asap.Softsync(n), m, compute, publish, max(100 * m, 30_000))
            distance = _distance(run.staleness, runs[n][0].staleness) if publish in (0.0, in_turns) else None
            rate = run.gradients / run.seconds
            figures = _figures(n, m, run.staleness)
            yield {"where": where, **figures, "gradients_per_second": rate, "distance_to_cluster": distance}


def _on_cluster(data: Any, n: int, learners: int, seconds: float) -> tuple[asap.Run, Watch]:
    watch = Watch(learners, WARM_UP)
    run = asap.ray.train(
        asap.models.LeNet(data),
        "cifar-10",
        engine=asap.Softsync(n),
        step=asap.Inverse(RATE),
        learners=learners,
        batch_size=BATCH_SIZE,
        seconds=WARM_UP + seconds,
        callbacks=watch,
        progress=False,
        **places(),
    )
    return run, watch


def _times(data: Any, downpour: Watch, seconds: float) -> dict[str, Any]:
    """Return what the simulations are fed with; docs/distributed.md says how. `downpour` had all learners."""
    model = asap.models.LeNet(data)
    alone = _on_cluster(data, 1, 1, seconds / 3)[1]
    of_one, of_many = 1 / alone.updates_per_second, LEARNERS / downpour.updates_per_second
    alone_seconds = _exchanges(model.num_parameters, 1, seconds / 6)
    crowd_seconds = _exchanges(model.num_parameters, LEARNERS, seconds)
    sequential = {"engine": asap.engines.Sequential(), "step": 1e-9, "batch_size": BATCH_SIZE, "progress": False}
    thread = asap.train(model, data.train, seconds=0.5, **sequential)
    return {
        "gradient_seconds": thread.seconds / thread.updates,
        "exchange_alone_seconds": fmean(alone_seconds),
        "exchange_crowd_seconds": fmean(crowd_seconds),
        "of_one_seconds": of_one,
        "of_many_seconds": of_many,
        "server_seconds": downpour.cpu_per_update["servers"],
        "alone_quantiles": _quantiles(alone_seconds, of_one),
        "crowd_quantiles": _quantiles(crowd_seconds, of_many),
    }


def _exchanges(floats: int, senders: int, seconds: float) -> list[float]:
    exchange = Exchange(floats, senders)
    times = exchange.measure("swap", seconds).seconds
    exchange.end()
    return times


def _quantiles(seconds: list[float], mean: float) -> list[float]:
    """Return a law as values of the same probability, scaled to a mean."""
    values = np.quantile(seconds, (np.arange(QUANTILES) + 0.5) / QUANTILES)
    return [round(float(value), 7) for value in values * (mean / values.mean())]


def _figures(n: int, m: int, tau: asap.StalenessDistribution) -> dict[str, Any]:
    counts = np.asarray(tau.counts, float)
    values, share = np.arange(len(counts)), counts / counts.sum()
    return {
        "n": n,
        "learners": m,
        "c": m // n,
        "mean": tau.mean,
        "deviation": float(np.sqrt(share @ (values - tau.mean) ** 2)),
        "low": tau.quantile(0.05),
        "high": tau.quantile(0.95),
        "largest": tau.max,
        "beyond_2n": float(share[values > 2 * n].sum()),
        "gradients": tau.total,
    }


def _distance(first: asap.StalenessDistribution, second: asap.StalenessDistribution) -> float:
    """Total variation: the share of gradients that would have to be moved."""
    shares = np.zeros((2, max(len(first.counts), len(second.counts))))
    for share, tau in zip(shares, (first, second), strict=True):
        share[: len(tau.counts)] = tau.counts / tau.total
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
