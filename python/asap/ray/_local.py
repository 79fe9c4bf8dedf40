"""What a learner computes for a batch: a gradient, or what its workers change in a run of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap.config import TrainConfig
from asap.ray._batches import Batches
from asap.ray.within import Within
from asap.staleness import StalenessDistribution
from asap.steps import Custom, Step, as_step

Vector = NDArray[np.float32]


class Gradients:
    """Gradients, with the bits of those of a worker thread."""

    def __init__(self, network: _core.Network, batches: Batches, config: TrainConfig, _: Within | None = None) -> None:
        self._batches = batches
        self._core = _core.Learner(network, batches.data, config._to_core(len(batches.data)))
        self._gradient = np.empty(network.num_parameters, np.float32)

    def compute(self, batch: int, theta: Vector) -> tuple[float, Vector]:
        """Return loss and gradient, which is valid until the next call."""
        return self._core.gradient_of(self._batches.samples(batch), theta, self._gradient), self._gradient

    def staleness(self) -> None:
        """There is none within."""


class Accumulated:
    """Updates of several workers, who train a copy of the parameters on the samples of a batch of batches."""

    def __init__(self, network: _core.Network, batches: Batches, config: TrainConfig, within: Within | None) -> None:
        assert within is not None  # whoever has none computes gradients
        self._network, self._batches, self._config, self._within = network, batches, config, within
        self._counts = np.zeros(0, np.uint64)
        self._adaptation = _adaptation(within, config.batch_size)

    def compute(self, batch: int, theta: Vector) -> tuple[float, Vector]:
        """Return the mean loss on the way, and what was taken from theta."""
        samples, data = self._batches.samples(batch), self._batches.data
        chosen = _core.Dataset(data.inputs[samples], *(_part(each, samples) for each in _answers(data)))
        config = self._within._config(
            max(1, self._config.batch_size // self._within.batches),
            (self._config.seed + batch) % 2**64,
            self._config.weight_decay,
            self._config.correction,
            self._step(),
        )
        trained = theta.copy()
        report = _core.train(
            self._network,
            trained,
            chosen,
            config._to_core(len(samples)),
            validation=None,
            trace=None,
            resume=None,
            observer=_Silent(),
        )
        staleness, rejections = (StalenessDistribution._merge(report[name]) for name in ("staleness", "rejections"))
        counts = report["counts"]
        self._counts = staleness.counts
        self._adaptation.count(staleness._core, rejections._core, counts["published"])
        loss = np.nan if report["status"] == "diverged" else counts["loss_sum"] / max(1, counts["samples"])
        return float(loss), np.subtract(theta, trained)

    def staleness(self) -> NDArray[np.uint64]:
        """Return the counts of τ within, of the last update."""
        return self._counts

    def _step(self) -> Step | None:
        """Return the step of the next update, which is too short for a sample of τ: with the present table of all."""
        step = as_step(self._within.step)
        return Custom(step._schedule, tuple(self._adaptation.table)) if self._adaptation.is_adaptive else None


def _adaptation(within: Within, samples: int) -> _core.RepeatedAdaptation:
    config = within._config(max(1, samples // within.batches), 0, 0.0, None)
    rate = config.step._rate_to_core(config.span(samples))
    return _core.RepeatedAdaptation(config.step._to_core(), within.workers, rate)


class _Silent:
    """An observer that does nothing."""

    def on_epoch(self, *_: Any) -> None:
        """Do nothing."""

    def on_tick(self, *_: Any) -> None:
        """Do nothing."""

    def on_checkpoint(self, *_: Any) -> None:
        """Do nothing."""

    def on_snapshot(self, *_: Any) -> None:
        """Do nothing."""

    def on_failure(self, *_: Any) -> None:
        """Do nothing."""


def _answers(data: _core.Dataset) -> tuple[NDArray[np.int32] | None, NDArray[np.float32] | None]:
    return data.labels, data.targets


def _part(array: NDArray[Any] | None, samples: NDArray[np.uint64]) -> Any:
    return None if array is None else array[samples]
