"""Updates per second on the cluster, beside exchanges in which nothing is learnt, and beside threads; all in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np

import asap
import asap.ray
from on_ray.exchange import Exchange
from on_ray.local_cluster import places
from on_ray.processes import Watch

MODELS = {"mlp": asap.models.MLP, "lenet": asap.models.LeNet}
BATCH_SIZE, STEP = 16, 1e-4
WARM_UP = 0.5

Data = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Form:
    """How a run is distributed.

    Attributes:
        learners: processes that compute gradients.
        transport: what travels.
        in_flight: gradients that each learner has under way.
        shards: servers that share the parameters.
    """

    learners: int = 2
    transport: str = "float32"
    in_flight: int = 1
    shards: int = 1

    @property
    def bytes_per_parameter(self) -> int:
        """Of what travels."""
        return 4 if self.transport == "float32" else 2

    def settings(self) -> dict[str, Any]:
        """Return the arguments of `asap.ray.train`."""
        return asdict(self) | places()


def forms(shards: Sequence[int]) -> list[Form]:
    """Return one that the others differ from in one respect each, and one in all that make it faster."""
    plain = Form()
    parted = [replace(plain, shards=count) for count in shards if count > 1]
    faster = replace(plain, transport="bfloat16", in_flight=2)
    return [
        plain,
        Form(learners=1),
        Form(learners=4),
        replace(plain, transport="bfloat16"),
        replace(plain, in_flight=2),
        *parted,
        *([replace(faster, shards=max(shards))] if parted else [faster]),
    ]


def noise() -> Data:
    """Return random bytes in MNIST's shape."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (8_192, 28, 28), np.uint8), random.integers(0, 10, 8_192).astype(np.int32)


def check(model: str, data: Data) -> None:
    """Rounds on the cluster must have the bits of rounds on threads, before anything is timed."""
    there, threads = MODELS[model](data, seed=1), MODELS[model](data, seed=1)
    rounds: dict[str, Any] = {
        "engine": asap.Synchronous(),
        "batch_size": BATCH_SIZE,
        "updates": 20,
        "step": 0.01,
        "progress": False,
    }
    run = asap.ray.train(there, data, learners=2, **places(), **rounds)
    asap.train(threads, data, workers=2, **rounds)
    assert np.array_equal(run.parameters.view(np.uint32), threads.parameters.view(np.uint32)), model


def rates(models: Sequence[str], shards: Sequence[int], repeats: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Return a row for each model and form."""
    data = noise()
    for model in models:
        check(model, data)
        for form in forms(shards):
            yield _row(model, form, data, repeats, seconds)


def _row(model: str, form: Form, data: Data, repeats: int, seconds: float) -> dict[str, Any]:
    parameters = MODELS[model](data).num_parameters
    there_and_back = 2 * form.bytes_per_parameter * parameters
    exchange = Exchange(form.bytes_per_parameter * parameters // 4, form.learners, form.shards)
    limits, threads, watches = [], [], []
    for _ in range(repeats):
        limits.append(exchange.measure("swap", seconds / 2, form.in_flight).per_second)
        watches.append(_on_cluster(model, form, data, seconds))
        threads.append(_on_threads(model, form, data, seconds / 4))
    exchange.end()
    ours = [watch.updates_per_second for watch in watches]
    return {
        "model": model,
        "parameters": parameters,
        **asdict(form),
        "updates_per_second": summary(ours),
        "bytes_per_second": summary([there_and_back * rate for rate in ours]),
        "limit_per_second": summary(limits),
        "of_limit": summary([rate / limit for rate, limit in zip(ours, limits, strict=True)]),
        "threads_per_second": summary(threads),
        "of_threads": summary([rate / other for rate, other in zip(ours, threads, strict=True)]),
        "overhead_seconds": summary([1 / rate - 1 / other for rate, other in zip(ours, threads, strict=True)]),
        "cpu_seconds": {
            part: median(watch.cpu_per_update[part] for watch in watches) for part in watches[0].cpu_per_update
        },
    }


def _on_cluster(model: str, form: Form, data: Data, seconds: float) -> Watch:
    watch = Watch(form.learners, WARM_UP)
    asap.ray.train(
        MODELS[model](data),
        data,
        engine=asap.Softsync(),
        step=STEP,
        batch_size=BATCH_SIZE,
        seconds=WARM_UP + seconds,
        callbacks=watch,
        progress=False,
        **form.settings(),
    )
    return watch


def _on_threads(model: str, form: Form, data: Data, seconds: float) -> float:
    run = asap.train(
        MODELS[model](data),
        data,
        engine=asap.Softsync(),
        step=STEP,
        workers=form.learners * form.in_flight,
        batch_size=BATCH_SIZE,
        seconds=seconds,
        progress=False,
    )
    return run.updates / run.seconds


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the median, and how far values lie apart."""
    return {"median": median(values), "least": min(values), "most": max(values)}
