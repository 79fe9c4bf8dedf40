"""Recorded schedules under other steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import laws

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]
Simulate = Callable[..., asap.Run]


@pytest.fixture
def simulate(blobs: Data, make_model: MakeModel) -> Simulate:
    """Simulate three epochs of six workers at a lock, with a trace, unless told otherwise."""

    def run(**settings: Any) -> asap.Run:
        defaults: dict[str, Any] = {
            "engine": asap.Locked(),
            "workers": 6,
            "epochs": 3,
            "batch_size": 16,
            "step": 0.05,
            "compute": laws.Exponential(1.0),
            "publish": 0.02,
        }
        return asap.simulate(make_model(), blobs, trace=True, **(defaults | settings))

    return run


STEPS = [
    asap.Constant(0.05),
    asap.Inverse(asap.CosineRate(0.1)),
    asap.TailTau(0.05, sample=(1, 4)),
    asap.TailTau(0.05, sample=asap.Online(every=2, half_life=4)),
    asap.Ringmaster(0.05, 5),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "engine", [asap.Synchronous(), asap.Locked(), asap.Leashed(), asap.Leashed(persistence=1), asap.Softsync(2)]
)
def test_under_its_own_step_a_run_has_its_own_bits(
    simulate: Simulate, step: asap.steps.Step, engine: asap.engines.Engine
) -> None:
    run = simulate(step=step, engine=engine, momentum=0.5)
    again = asap.what_if(run, step=step)
    assert again.parameters.tobytes() == run.parameters.tobytes()
    assert (again.updates, again.rejected, again.drops) == (run.updates, run.rejected, run.drops)
    assert again.staleness == run.staleness


@pytest.mark.parametrize("step", STEPS)
def test_under_another_step_it_is_the_simulation_with_that_step(simulate: Simulate, step: asap.steps.Step) -> None:
    found, wanted = asap.what_if(simulate(), step=step), simulate(step=step)
    assert found.parameters.tobytes() == wanted.parameters.tobytes()
    assert found.history["loss"].tolist() == wanted.history["loss"].tolist()
    assert found.effective_step == wanted.effective_step


def test_a_run_on_threads_is_a_schedule_too(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs, workers=4, epochs=2, batch_size=16, step=asap.Inverse(0.1), trace=True)
    assert asap.what_if(run, step=asap.Inverse(0.1)).parameters.tobytes() == run.parameters.tobytes()
    other = asap.what_if(run, blobs, step=0.02, validation=blobs, snapshots=10, trace=True)
    assert other.trace.updates["read"].tolist() == run.trace.updates["read"].tolist()
    assert other.trace.updates["batch"].tolist() == run.trace.updates["batch"].tolist()
    assert asap.replay(other).identical
    assert other.losses.updates[-1] == other.updates
    assert (other.seconds, other.what_if, run.what_if) == (0.0, True, False)
    assert other.config.step == asap.Constant(0.02)


def test_the_given_run_and_its_model_stay(simulate: Simulate) -> None:
    run = simulate()
    before = run.model.parameters.copy(), run.parameters.copy()
    asap.what_if(run, step=0.5)
    assert np.array_equal(run.model.parameters, before[0])
    assert np.array_equal(run.parameters, before[1])


def test_it_is_saved_and_loaded(simulate: Simulate, blobs: Data, tmp_path: Path) -> None:
    run = simulate(workers=5000)
    loaded = asap.Run.load(run.save(tmp_path / "run"))
    other = asap.what_if(loaded, blobs, step=asap.Inverse(0.05))
    assert other.parameters.tobytes() == asap.what_if(run, step=asap.Inverse(0.05)).parameters.tobytes()
    saved = asap.Run.load(other.save(tmp_path / "other"))
    assert saved.what_if
    assert saved.to_dict() == other.to_dict()


def test_callbacks_end_it_and_exceptions_are_passed_on(simulate: Simulate) -> None:
    run = simulate()
    stopped = asap.what_if(run, step=0.1, callbacks=lambda state: state.stop())
    assert (stopped.status, stopped.gradients) == ("stopped", 38)

    def fails(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asap.what_if(run, step=0.1, callbacks=fails)


def test_what_is_no_schedule_is_refused(simulate: Simulate, blobs: Data, make_model: MakeModel) -> None:
    run = simulate()
    with pytest.raises(ValueError, match="the fingerprint of data must be the run's"):
        asap.what_if(run, (blobs[0] + 1, blobs[1]), step=0.1)
    untraced = asap.train(make_model(), blobs, workers=2)
    with pytest.raises(ValueError, match="run must have a trace, which is its schedule"):
        asap.what_if(untraced, step=0.1)
