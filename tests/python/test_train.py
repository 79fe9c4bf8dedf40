"""Training: arithmetic, limits, warm start, divergence, side by side, and the checks at the front door."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import engines

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

SEQUENTIAL = engines.Sequential()


def test_an_update_is_the_documented_arithmetic(blobs: Data, make_model: MakeModel) -> None:
    """Full batches, so that the gradient does not depend on the order: θ and u by hand in float64."""
    rate, beta, decay = asap.StepRate(0.3, 0.5, every=2, unit="updates"), 0.8, 0.05
    model, probe = make_model(), make_model()
    step = asap.Custom(rate, [0.7])
    asap.train(model, blobs, engine=SEQUENTIAL, step=step, batch_size=599, updates=5, momentum=beta, weight_decay=decay)
    theta, velocity = probe.parameters.astype(np.float64), np.zeros(probe.num_parameters)
    for update in range(5):
        probe.parameters = theta
        _, gradient = probe.gradient(blobs, range(599))
        velocity = beta * velocity + 0.7 * (gradient + decay * theta)
        theta = theta - rate(update) * velocity
    np.testing.assert_allclose(model.parameters, theta, rtol=1e-4, atol=1e-5)


def test_training_continues_from_the_present_parameters(blobs: Data, make_model: MakeModel) -> None:
    model = make_model()
    first = asap.train(model, blobs, engine=SEQUENTIAL, step=0.05, updates=10)
    assert np.array_equal(model.parameters, first.parameters)
    loss = model.evaluate(blobs).loss
    second = asap.train(model, blobs, engine=SEQUENTIAL, step=0.05, batch_size=599, updates=1)
    assert second.history[0]["loss"] == pytest.approx(loss, rel=1e-5)
    assert model.evaluate(blobs).loss < loss
    assert not np.array_equal(first.parameters, second.parameters)
    assert first.model is second.model is model


def test_a_batch_larger_than_the_data_is_all_of_it(blobs: Data, make_model: MakeModel) -> None:
    runs = [asap.train(make_model(), blobs, engine=SEQUENTIAL, batch_size=size, epochs=3) for size in (599, 2**62)]
    assert np.array_equal(runs[0].parameters, runs[1].parameters)
    assert runs[1].model.evaluate(blobs, batch_size=2**62) == runs[0].model.evaluate(blobs, batch_size=599)
    assert np.array_equal(runs[1].model.predict(blobs[0], 2**62), runs[0].model.predict(blobs[0], 599))


def test_a_seed_fixes_a_run_of_one_worker(blobs: Data, make_model: MakeModel) -> None:
    first, again, other = (
        asap.train(make_model(), blobs, engine=SEQUENTIAL, seed=seed).parameters for seed in (1, 1, 2**64 - 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_default_is_one_epoch_of_leashed_on_all_cpus(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs)
    assert run.config.engine == asap.Leashed()
    assert run.config.step == asap.Constant(0.01)
    assert run.config.workers == len(run.staleness.per_worker) == run.environment["usable_cpus"]
    assert run.history["epoch"].tolist() == [1.0]
    assert run.samples == 599


def test_epochs_give_a_row_each(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs, engine=asap.Locked(), workers=1, epochs=4, batch_size=100, validation=blobs)
    assert run.status == "completed"
    assert run.history["epoch"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert run.history["updates"][-1] == run.updates == 4 * 6
    assert (np.diff(run.history["seconds"]) >= 0).all()
    assert run.history[-1]["validation_loss"] == pytest.approx(run.model.evaluate(blobs).loss, rel=1e-6)
    assert run.history[-1]["accuracy"] == run.model.evaluate(blobs).accuracy


def test_the_first_limit_reached_ends_the_run(blobs: Data, make_model: MakeModel) -> None:
    by_updates = asap.train(make_model(), blobs, workers=2, updates=25, epochs=100, seconds=600)
    assert (by_updates.status, by_updates.updates) == ("completed", 25)
    assert by_updates.history[-1]["epoch"] == pytest.approx(25 / 19, abs=0.2)
    by_seconds = asap.train(make_model(), blobs, workers=2, updates=10**12, seconds=0.2)
    assert by_seconds.status == "completed"
    assert by_seconds.seconds >= 0.2
    assert by_seconds.updates < 10**12


def test_a_whole_run_schedule_ends_at_its_final_rate(blobs: Data, make_model: MakeModel) -> None:
    step = asap.Constant(asap.CosineRate(0.1, final=0.02))
    for limits in ({"epochs": 4}, {"updates": 76}):
        run = asap.train(make_model(), blobs, engine=SEQUENTIAL, step=step, **limits)
        rates = [step.rate_at(update, updates=76) for update in range(76)]
        assert run.effective_step == pytest.approx(np.mean(rates))
        np.testing.assert_allclose(run.history["effective_step"], np.reshape(rates, (4, 19)).mean(axis=1), rtol=1e-9)
    with pytest.raises(ValueError, match="CosineRate without a length"):
        asap.train(make_model(), blobs, step=step, seconds=1)


def test_epochs_of_a_schedule_count_rounds_of_the_synchronous_engine(blobs: Data, make_model: MakeModel) -> None:
    step = asap.Constant(asap.StepRate(0.1, 0.5, every=1))
    run = asap.train(make_model(), blobs, engine=asap.Synchronous(), workers=5, batch_size=30, epochs=3, step=step)
    assert run.updates == 12
    np.testing.assert_allclose(run.history["effective_step"], [0.1, 0.05, 0.025], rtol=1e-12)


def stop_beyond(updates: int) -> Callable[[asap.RunState], None]:
    """A callback that ends a run half a second after so many updates: a policy has got its window by then."""
    ticks: list[asap.RunState] = []

    def callback(state: asap.RunState) -> None:
        if state.event == "tick" and state.updates >= updates:
            ticks.append(state)
        if len(ticks) == 2:
            state.stop()

    return callback


def test_tail_tau_is_built_in_the_run_from_its_window(blobs: Data, make_model: MakeModel) -> None:
    step = asap.TailTau(0.05, amplitude=0.5, sample=(5, 25))
    run = asap.train(make_model(), blobs, workers=4, step=step, seconds=10**6, callbacks=stop_beyond(4 * 25))
    first, second = run.tables
    assert (first.update, first.entries.tolist()) == (0, [1.0])
    assert second.update >= 4 * 25
    assert second.entries[-1] == 0.5
    assert (np.diff(second.entries) <= 0).all()


def test_a_function_is_called_once_with_its_window(blobs: Data, make_model: MakeModel) -> None:
    seen: list[tuple[asap.StalenessDistribution, threading.Thread]] = []

    def scale(distribution: asap.StalenessDistribution) -> list[float]:
        seen.append((distribution, threading.current_thread()))
        return [0.25]

    step = asap.Custom(0.05, scale, sample=(2, 12))
    run = asap.train(make_model(), blobs, workers=3, step=step, seconds=10**6, callbacks=stop_beyond(3 * 12))
    ((distribution, thread),) = seen
    assert distribution.total == 3 * 10
    assert thread is threading.current_thread()
    assert run.tables[1].entries.tolist() == [0.25]


def test_an_exception_of_a_scale_function_is_raised(blobs: Data, make_model: MakeModel) -> None:
    def scale(distribution: asap.StalenessDistribution) -> list[float]:
        raise ZeroDivisionError("in the scale")

    with pytest.raises(ZeroDivisionError, match="in the scale"):
        asap.train(make_model(), blobs, workers=2, step=asap.Custom(0.05, scale, sample=(1, 2)), seconds=10**6)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_diverging_run_keeps_finite_parameters(workers: int) -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    run = asap.train(model, (x, x[:, :2]), engine=asap.Leashed(), workers=workers, step=1e6, epochs=1000)
    assert run.status == "diverged"
    assert np.isfinite(run.parameters).all()
    assert np.array_equal(run.parameters, model.parameters)
    assert run.history[-1]["epoch"] < 1000


def test_runs_go_on_side_by_side(blobs: Data, make_model: MakeModel) -> None:
    def result(seed: int) -> NDArray[np.float32]:
        run = asap.train(make_model(), blobs, engine=SEQUENTIAL, step=0.05, epochs=20, seed=seed)
        return run.parameters

    expected = {seed: result(seed) for seed in range(3)}
    together: dict[int, NDArray[np.float32]] = {}
    threads = [threading.Thread(target=lambda s=seed: together.update({s: result(s)})) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[seed], expected[seed]) for seed in expected)


def test_strided_and_byte_inputs_train_like_their_plain_copies(make_model: MakeModel) -> None:
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (100, 20, 10, 6), np.uint8)
    labels = (np.arange(100) % 4).astype(np.int64)
    strided, plain = wide[::-1, ::2, :, 1:4], (np.ascontiguousarray(wide[::-1, ::2, :, 1:4]) / np.float32(255))
    runs = [
        asap.train(asap.models.CNN(input_shape=(10, 10, 3), classes=4), (x, labels), engine=SEQUENTIAL, epochs=2)
        for x in (strided, plain)
    ]
    np.testing.assert_allclose(runs[0].parameters, runs[1].parameters, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"engine": asap.Sequential}, r"engine must be an engine; got a network.*asap\.engines\.Sequential\(\)"),
        ({"engine": asap.models.MLP(input_shape=2, classes=2)}, r"got a network.*asap\.engines\.Sequential\(\)"),
        ({"engine": asap.Leashed}, r"got the class Leashed: add \(\), as in Leashed\(\)"),
        ({"engine": "leashed"}, r"engine must be an engine such as asap\.Leashed\(\); got 'leashed' \(str\)"),
        ({"step": asap.TailTau}, r"got the class TailTau: add \(rate\)"),
        ({"step": -0.1}, "step must be a step such as .*or a rate above 0; got -0.1"),
        ({"step": np.ones(3)}, r"asap\.Custom\(rate, scale\)"),
        ({"workers": 0}, "workers must be an integer ≥ 1; got 0"),
        ({"workers": 5000}, "workers must be an integer ≤ 4096; got 5000"),
        (
            {"workers": 2, "engine": SEQUENTIAL},
            r"workers must be 1 with the engine asap\.engines\.Sequential\(\); got 2",
        ),
        ({"batch_size": 0}, "batch_size must be an integer ≥ 1; got 0"),
        ({"batch_size": 32.0}, r"batch_size must be an integer ≥ 1; got 32\.0"),
        ({"epochs": 0}, "epochs must be an integer ≥ 1; got 0"),
        ({"epochs": 1.5}, r"epochs must be an integer ≥ 1; got 1\.5"),
        ({"updates": -3}, "updates must be an integer ≥ 1; got -3"),
        ({"updates": 10**30}, "updates must be an integer ≤ 9223372036854775807; got 1000"),
        ({"seconds": 0}, "seconds must be a finite number above 0; got 0"),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\); got 1\.0"),
        ({"weight_decay": -1e-3}, "weight_decay must be a finite number ≥ 0; got -0.001"),
        ({"seed": -1}, "seed must be an integer ≥ 0; got -1"),
        ({"seed": 2**64}, "seed must be an integer ≤ 18446744073709551615; got"),
        ({"affinity": "close"}, "affinity must be one of 'none', 'compact', 'scatter'; got 'close'"),
        ({"affinity": None}, "affinity must be one of 'none', 'compact', 'scatter'; got None"),
        ({"stop": asap.Patience}, r"stop must be None, a rule.*got the class Patience: add \(\)"),
        ({"stop": [asap.TargetLoss(0.1), 0.5]}, "stop must be None, a rule.*got 0.5"),
        ({"stop": asap.TargetLoss(0.1)}, r"stop=TargetLoss\(value=0\.1, on='validation'\) needs validation data"),
        ({"stop": asap.TargetAccuracy(0.9)}, r"stop=TargetAccuracy\(value=0\.9\) needs validation data"),
        ({"callbacks": 3}, r"callbacks\[0\] must be callable with a RunState; got 3"),
        ({"callbacks": [print, "x"]}, r"callbacks\[1\] must be callable with a RunState; got 'x'"),
        ({"progress": "yes"}, "progress must be True, False or None; got 'yes'"),
        ({"validation": np.ones(3)}, r"validation must be a Split or a tuple \(inputs, labels\); got"),
        ({"data": (np.ones((5, 3)), np.zeros(5, int))}, r"data\[0\] must have shape \(n, 2\); got \(5, 3\)"),
        ({"data": (np.ones((5, 2)), np.arange(5))}, r"data\[1\] must be in 0…2; data\[1\]\[3\] is 3"),
        ({"model": asap.Leashed()}, r"model must be a model such as .*; got Leashed\(persistence=None, read='auto'\)"),
        ({"model": asap.Sequential}, r"model must be a model.*; got the class Sequential: add \(\)"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: dict[str, object], error: str, blobs: Data, make_model: MakeModel
) -> None:
    model = make_model()
    before = model.parameters.copy()
    with pytest.raises((TypeError, ValueError), match=error):
        asap.train(**{"model": model, "data": blobs, **arguments})
    assert np.array_equal(model.parameters, before)


def test_stop_on_accuracy_needs_classes() -> None:
    data = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    model = asap.Sequential([asap.Dense(1)], input_shape=2, loss="mean-squared-error")
    with pytest.raises(ValueError, match="needs classes"):
        asap.train(model, data, validation=data, stop=asap.TargetAccuracy(0.5))
