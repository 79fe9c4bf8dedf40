"""Gradients that are not finite: they stop a run, or are skipped and counted."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from counted import as_counted
from failures_setting import ENGINES
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


@pytest.fixture
def spoilt(blobs: Data) -> Data:
    """The clouds with a sample so far off that its loss is never finite."""
    inputs = blobs[0].copy()
    inputs[17] = 3e38
    return inputs, blobs[1]


@pytest.mark.parametrize("engine", [asap.engines.Sequential(), *ENGINES], ids=lambda engine: type(engine).__name__)
def test_gradients_that_are_not_finite_stop_the_run_or_are_skipped(
    engine: Any, spoilt: Data, make_model: MakeModel
) -> None:
    workers = 1 if isinstance(engine, asap.engines.Sequential) else 3
    settings: dict[str, Any] = {"engine": engine, "workers": workers, "batch_size": 20}
    stopped = asap.train(make_model(), spoilt, epochs=5, **settings)
    assert (stopped.status, stopped.skipped) == ("diverged", 0)
    skipping = asap.train(make_model(), spoilt, epochs=5, on_nonfinite="skip", **settings)
    assert (skipping.status, skipping.skipped) == ("completed", 5)  # the sample's batch of every epoch
    assert skipping.gradients == 5 * 30
    assert skipping.samples < 5 * 599
    assert np.isfinite(skipping.parameters).all()
    assert np.isfinite(skipping.history["loss"]).all()
    assert skipping.to_dict()["results"]["skipped"] == 5
    counted = asap.train(make_model(), spoilt, updates=100, on_nonfinite="skip", **settings)
    assert (counted.status, counted.updates) == ("completed", 100)
    assert counted.skipped > 0


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
def test_a_run_that_could_only_skip_ends_as_diverged(engine: Any, blobs: Data, make_model: MakeModel) -> None:
    nowhere = np.full_like(blobs[0], 3e38)
    for workers in (1, 2):
        settings: dict[str, Any] = {"engine": engine, "workers": workers, "batch_size": 20, "updates": 10}
        run = asap.train(make_model(), (nowhere, blobs[1]), on_nonfinite="skip", **settings)
        assert (run.status, run.updates) == ("diverged", 0)
        assert 30 <= run.skipped <= 30 * workers  # an epoch's batches, by the worker that gives up
        assert np.array_equal(run.parameters, make_model().parameters)


def test_a_skipping_run_can_be_traced_and_replayed(spoilt: Data, make_model: MakeModel) -> None:
    for engine in ENGINES:
        run = asap.train(
            make_model(), spoilt, engine=engine, workers=3, batch_size=20, epochs=3, on_nonfinite="skip", trace=True
        )
        assert run.skipped == 3
        assert len(run.trace) == run.gradients - 3
        assert as_counted(run.trace.staleness) == run.staleness
        replay = asap.replay(run, spoilt)
        assert replay.identical or not replay.exact


def test_what_cannot_skip_says_so(blobs: Data, make_model: MakeModel) -> None:
    with pytest.raises(ValueError, match="on_nonfinite must be stop for a fused Hogwild"):
        asap.train(make_model(), blobs, engine=asap.Hogwild(update="fused"), on_nonfinite="skip")
    with pytest.raises(ValueError, match="on_nonfinite must be one of 'stop', 'skip'; got 'ignore'"):
        asap.train(make_model(), blobs, on_nonfinite="ignore")
