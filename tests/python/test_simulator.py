"""Simulated runs: what they share with runs on threads, and what is theirs."""

import json
import signal
import threading
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

ASYNCHRONOUS = [
    asap.Locked(),
    asap.Leashed(),
    asap.Leashed(persistence=0),
    asap.Leashed(persistence=2),
    asap.Softsync(),
    asap.Softsync(1),
]
CONSISTENT = [asap.Synchronous(), *ASYNCHRONOUS]
LAWS = [
    laws.Constant(1.0),
    laws.Exponential(1.0),
    laws.LogNormal(1.0, 0.5),
    laws.Heterogeneous(laws.Exponential(1.0), sigma=0.5),
    laws.Stragglers(1.0, factor=20.0, probability=0.05),
]


@pytest.fixture
def simulate(blobs: Data, make_model: MakeModel) -> Simulate:
    """Simulate two epochs of five workers, unless told otherwise."""

    def run(engine: asap.engines.Engine | None = None, **settings: Any) -> asap.Run:
        defaults: dict[str, Any] = {"workers": 5, "epochs": 2, "batch_size": 16, "step": 0.05}
        return asap.simulate(make_model(), blobs, engine=engine, **(defaults | settings))

    return run


def document(run: asap.Run) -> dict[str, Any]:
    """Everything that a run says of itself."""
    return run.to_dict()


@pytest.mark.parametrize("engine", [*CONSISTENT, asap.engines.Sequential()])
@pytest.mark.parametrize("workers", [1, 4])
def test_one_worker_and_synchronous_ones_have_the_bits_of_train(
    blobs: Data, make_model: MakeModel, engine: asap.engines.Engine, workers: int
) -> None:
    if workers > 1 and not isinstance(engine, asap.Synchronous):
        pytest.skip("the order of their updates depends on timing")
    settings: dict[str, Any] = {
        "engine": engine,
        "workers": workers,
        "epochs": 3,
        "batch_size": 16,
        "step": asap.TailTau(asap.CosineRate(0.1), sample=(1, 4)),
        "momentum": 0.9,
        "weight_decay": 0.001,
        "seed": 5,
    }
    trained = asap.train(make_model(), blobs, **settings)
    simulated = asap.simulate(make_model(), blobs, publish=0.1, **settings)
    assert np.array_equal(simulated.parameters, trained.parameters)
    assert (simulated.updates, simulated.gradients) == (trained.updates, trained.gradients)
    if workers == 1:  # a row of several is made by the thread that ends the epoch, while others count their gradients
        assert np.allclose(simulated.history["loss"], trained.history["loss"])
    assert trained.simulation is None


@pytest.mark.parametrize("engine", [*CONSISTENT, *(asap.Hogwild(read=read) for read in ("copy", "in-place"))])
def test_the_same_seed_gives_the_same_bytes(simulate: Simulate, blobs: Data, engine: asap.engines.Engine) -> None:
    settings: dict[str, Any] = {
        "engine": engine,
        "step": asap.TailTau(0.05, sample=(1, 4)),
        "publish": laws.Exponential(0.1),
        "validation": blobs,
        "trace": True,
    }
    one, two = simulate(seed=3, **settings), simulate(seed=3, **settings)
    assert document(one) == document(two)
    assert one.parameters.tobytes() == two.parameters.tobytes()
    assert one.trace.records.tobytes() == two.trace.records.tobytes()
    assert simulate(seed=4, **settings).parameters.tobytes() != one.parameters.tobytes()


@pytest.mark.parametrize("engine", CONSISTENT)
@pytest.mark.parametrize("law", LAWS)
def test_a_replay_has_the_bits_of_the_simulation(
    simulate: Simulate, engine: asap.engines.Engine, law: laws.Law
) -> None:
    for workers, momentum in ((1, 0.0), (4, 0.9), (33, 0.0)):
        run = simulate(
            engine,
            workers=workers,
            compute=law,
            publish=laws.Exponential(0.1),
            momentum=momentum,
            step=asap.Ringmaster(asap.CosineRate(0.1), 20),
            trace=True,
        )
        run.trace.check()
        replay = asap.replay(run)
        assert (replay.exact, replay.identical) == (True, True)
        assert run.trace.staleness == run.staleness


@pytest.mark.parametrize("engine", [asap.Locked(), asap.Leashed()])
def test_constant_times_make_every_gradient_as_stale(simulate: Simulate, engine: asap.engines.Engine) -> None:
    run = simulate(engine, workers=7, compute=0.1, trace=True)
    taus = run.trace.updates["replaced"] - run.trace.updates["read"]
    assert taus.tolist() == [min(i, 6) for i in range(run.updates)]
    assert run.seconds == pytest.approx(0.1 * np.ceil(run.updates / 7))


@pytest.mark.parametrize("n", [1, 15, 30])
def test_softsync_makes_gradients_as_stale_as_zhang_found_them(simulate: Simulate, n: int) -> None:
    run = simulate(asap.Softsync(n), workers=30, compute=asap.LogNormal(1.0, 0.3), epochs=60, batch_size=4)
    assert run.staleness.mean == pytest.approx(29 / (30 // n), rel=0.1)
    assert run.updates == run.gradients // (30 // n)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_all_workers_take_part_however_few_updates_there_are_to_be(simulate: Simulate, n: int) -> None:
    run = simulate(asap.Softsync(n), workers=40, compute=1.0, epochs=None, updates=2 * n, batch_size=4, trace=True)
    assert (run.updates, run.gradients) == (2 * n, 80)
    assert np.bincount(run.trace["worker"]).tolist() == [2] * 40
    assert run.seconds == pytest.approx(2.0)  # two gradients of each, at a time


def test_updates_are_counted_where_the_team_changes(simulate: Simulate) -> None:
    team = {"workers": {0: 4, 3.0: 8}, "compute": 1.0, "epochs": None, "batch_size": 4}
    run = simulate(asap.Softsync(2), updates=9, **team)
    assert (run.updates, run.gradients) == (9, 36)


def test_it_runs_on_threads_of_nobody(simulate: Simulate, same_threads: Any) -> None:
    with same_threads():
        simulate(workers=300)


def test_many_workers_are_not_told_apart(simulate: Simulate) -> None:
    few, many = simulate(workers=256), simulate(workers=257)
    assert len(few.staleness.per_worker) == 256
    assert many.staleness.per_worker == []
    assert many.staleness.total == many.updates


def test_staleness_beyond_the_bins_of_threads_is_told(blobs: Data, make_model: MakeModel) -> None:
    run = asap.simulate(make_model(), blobs, workers=5000, updates=12_000, compute=1.0, batch_size=1, trace=True)
    assert run.staleness.max == 4999
    assert run.staleness.counts[4999] == 12_000 - 4999
    assert run.trace.staleness == run.staleness
    table = asap.Inverse(0.1).table(workers=5000)
    assert len(table) == 8 * 5000
    assert table[4999] == pytest.approx(1 / 4999)


@pytest.mark.parametrize(
    ("step", "curve"),
    [
        (asap.Inverse(0.05), lambda tau: 1 / np.maximum(tau, 1)),
        (asap.Hinge(0.05, slope=1, grace=5_000), lambda tau: 1 / (np.maximum(tau - 5_000, 0) + 1)),
        (asap.Hinge(0.05, grace=10_000), np.ones_like),
        (asap.Threshold(0.05, critical=5_000), lambda tau: tau <= 5_000),
        (asap.Ringmaster(0.05, limit=5_000), lambda tau: tau < 5_000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_six_thousand_workers_are_scaled_by_the_formula(
    blobs: Data, make_model: MakeModel, step: asap.steps.Step, curve: Callable[[NDArray[np.float64]], NDArray[Any]]
) -> None:
    run = asap.simulate(
        make_model(), blobs, workers=6_000, updates=13_000, compute=1.0, batch_size=1, step=step, trace=True
    )
    taus = run.trace["tau"].astype(np.float64)
    assert taus.max() == (5_999 if run.rejected == 0 else 5_001 - isinstance(step, asap.Ringmaster))
    np.testing.assert_allclose(run.trace["scale"], curve(taus), rtol=1e-12)
    assert run.effective_step == pytest.approx(0.05 * np.mean(curve(taus)), rel=1e-9)


def test_the_workers_in_a_formula_are_those_of_the_moment(simulate: Simulate) -> None:
    run = simulate(
        workers={0: 2, 20.5: 20, 30.75: 5},
        compute=laws.Stragglers(1.0, factor=7.0, workers=1),
        epochs=None,
        updates=400,
        step=asap.DelayAdaptive(0.05),
        trace=True,
    )
    assert [table.update for table in run.tables] == [0, 22, 214]
    m = np.array([2, 20, 5])[np.searchsorted([22, 214], run.trace["replaced"], side="right")]
    np.testing.assert_allclose(run.trace["scale"], np.minimum(1, m / np.maximum(run.trace["tau"], 1)), rtol=1e-12)


def test_workers_may_change(simulate: Simulate) -> None:
    run = simulate(workers={0: 2, 5.5: 8, 10.5: 1}, compute=1.0, epochs=None, updates=60, trace=True)
    assert run.simulation.team == ((0.0, 2), (5.5, 8), (10.5, 1))
    assert (run.config.workers, run.simulation.workers, run.staleness.max) == (8, 8, 7)
    assert run.trace.updates["worker"][-5:].tolist() == [0] * 5
    assert asap.replay(run).identical


def test_rows_come_as_often_as_asked(simulate: Simulate, blobs: Data) -> None:
    run = simulate(row_every=10, epochs=None, updates=45, validation=blobs)
    assert run.history["updates"].tolist() == [10, 20, 30, 40, 45]
    assert np.isfinite(run.history["validation_loss"]).all()
    stopped = simulate(
        row_every=10, epochs=20, validation=blobs, stop=asap.TargetLoss(run.history[2]["validation_loss"])
    )
    assert (stopped.status, stopped.updates) == ("stopped", 30)


def test_contention_is_measured_beside_the_model(simulate: Simulate) -> None:
    run = simulate(workers=4, compute=1.0, publish=0.25, epochs=30)
    simulation = run.simulation
    assert (simulation.compute_seconds, simulation.publish_seconds) == (1.0, 0.25)
    assert simulation.modelled == pytest.approx(4 / (1.0 / 0.25 + 1))
    assert run.attempts >= run.updates
    assert simulate().simulation.publishing == simulate().simulation.modelled == 0.0


def test_virtual_seconds_limit_it(simulate: Simulate) -> None:
    run = simulate(compute=1.0, epochs=None, seconds=4.5)
    assert (run.updates, run.seconds) == (20, 4.5)
    assert run.updates_per_second == pytest.approx(20 / 4.5)


def test_it_is_saved_and_loaded(simulate: Simulate, tmp_path: Path) -> None:
    run = simulate(
        workers={0: 3, 4.0: 5000},
        compute=laws.Stragglers(laws.Heterogeneous(laws.Recorded([1.0, 2.0], [3, 1]), sigma=0.1), workers=2),
        publish=laws.Constant(0.01),
        step=asap.Constant(0.05),  # a name that laws have, too
        row_every=30,
        memory_limit=10**9,
        trace=True,
    )
    loaded = asap.Run.load(run.save(tmp_path / "run"))
    assert document(loaded) | {"model": None} == document(run) | {"model": None}
    assert loaded.simulation == run.simulation
    assert loaded.config == run.config
    assert json.loads((tmp_path / "run/run.json").read_text())["simulation"]["compute"]["kind"] == "Stragglers"
    assert loaded.trace.records.tobytes() == run.trace.records.tobytes()


def test_callbacks_see_virtual_time_and_end_it(simulate: Simulate) -> None:
    seen: list[float] = []

    def look(state: asap.RunState) -> None:
        if state.event == "epoch":
            seen.append(state.seconds)
            assert state.parameters().shape == (99,)
            assert state.staleness.total == state.updates
            if len(seen) == 2:
                state.stop()

    run = simulate(epochs=5, compute=1.0, callbacks=look)
    assert run.status == "stopped"
    assert seen == run.history["seconds"].tolist()


def test_exceptions_of_policies_and_callbacks_are_passed_on(simulate: Simulate) -> None:
    class MineError(Exception):
        pass

    def fails(*_: object) -> Any:
        raise MineError

    for settings in ({"callbacks": fails}, {"step": asap.Custom(0.05, fails, sample=(1, 2))}):
        with pytest.raises(MineError):
            simulate(**settings)


def test_what_is_not_finite_diverges(simulate: Simulate) -> None:
    run = simulate(step=1e6, epochs=50)
    assert run.status == "diverged"
    assert np.isfinite(run.parameters).all()
    assert run.version <= run.updates


def test_ctrl_c_ends_it(simulate: Simulate) -> None:
    main = threading.main_thread().ident
    threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
    run = simulate(epochs=10**9)
    assert run.status == "interrupted"
    assert run.updates > 0


def test_several_may_go_on_at_the_same_time(simulate: Simulate) -> None:
    alone = [simulate(seed=seed).parameters.tobytes() for seed in range(4)]
    together: dict[int, bytes] = {}

    def work(seed: int) -> None:
        together[seed] = simulate(seed=seed).parameters.tobytes()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[seed] for seed in range(4)] == alone


def test_more_memory_than_allowed_is_refused_with_the_figure(simulate: Simulate) -> None:
    with pytest.raises(ValueError, match=r"memory_limit must be at least (\d+) bytes for 1000 workers") as refused:
        simulate(workers=1000, memory_limit=1000)
    least = int(str(refused.value).split()[5])
    assert least == (1000 + 3) * 448  # views, the present version, gradient and kept parameters of 99 floats
    assert simulate(workers=1000, memory_limit=least).status == "completed"


def test_snapshots_are_of_exactly_the_updates_asked_for(simulate: Simulate) -> None:
    run = simulate(snapshots=asap.Snapshots(10, samples=None), epochs=None, updates=45)
    assert run.losses.updates.tolist() == [0, 10, 20, 30, 40, 45]
    again = simulate(snapshots=asap.Snapshots(10, samples=None), epochs=None, updates=45)
    assert again.losses.loss.tolist() == run.losses.loss.tolist()
    assert again.losses.seconds.tolist() == run.losses.seconds.tolist()
    assert run.time_to(0.5) == again.time_to(0.5) <= run.seconds


@pytest.mark.parametrize("correction", [asap.DelayCompensated(0.1), asap.GapAware(), asap.NormClipped(0.5)])
def test_gradients_may_be_corrected(
    simulate: Simulate, blobs: Data, make_model: MakeModel, correction: asap.corrections.Correction
) -> None:
    run = simulate(asap.Leashed(), correction=correction, momentum=0.5, publish=0.1, trace=True)
    assert asap.replay(run).identical
    assert run.parameters.tobytes() != simulate(asap.Leashed(), momentum=0.5, publish=0.1).parameters.tobytes()
    assert asap.what_if(run, step=0.05).parameters.tobytes() == run.parameters.tobytes()
    alone = simulate(workers=1, correction=correction)
    settings: dict[str, Any] = {"workers": 1, "epochs": 2, "batch_size": 16, "step": 0.05}
    trained = asap.train(make_model(), blobs, correction=correction, **settings)
    assert trained.parameters.tobytes() == alone.parameters.tobytes()
