"""Engines: as values, one worker against Sequential bit by bit, several workers by their counts."""

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import engines
from asap.engines import Engine

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

PARALLEL: list[Engine] = [
    asap.Synchronous(),
    asap.Locked(),
    asap.Hogwild(),
    asap.Hogwild(read="copy"),
    asap.Leashed(),
    asap.Leashed(persistence=0),
    asap.Leashed(persistence=2),
    asap.Softsync(),
    asap.Softsync(n=1),
]
FUSED = asap.Hogwild(update="fused")
ALL: list[Engine] = [engines.Sequential(), *PARALLEL, FUSED]
SETTINGS = {
    "plain": {"step": 0.05},
    "momentum": {"step": 0.02, "momentum": 0.9},
    "weight decay": {"step": 0.05, "weight_decay": 0.01},
    "both, step schedule": {
        "step": asap.TailTau(asap.StepRate(0.05, 0.5, every=1), sample=(2, 9)),
        "momentum": 0.5,
        "weight_decay": 0.001,
    },
    "cosine schedule": {"step": asap.InversePlusOne(asap.CosineRate(0.1)), "momentum": 0.9},
    "scaled": {"step": asap.Custom(0.05, [0.5, 0.1])},
}


@pytest.mark.parametrize("engine", [*ALL, asap.Leashed(read="copy")], ids=repr)
def test_engines_are_values(engine: Engine) -> None:
    assert pickle.loads(pickle.dumps(engine)) == engine
    assert eval(repr(engine), vars(engines)) == engine


def test_unbounded_persistence_has_one_form() -> None:
    assert asap.Leashed(math.inf) == asap.Leashed(None) == asap.Leashed()


@pytest.mark.parametrize("persistence", [-1, 1.5, "2", math.nan, -math.inf])
def test_wrong_persistence_is_refused(persistence: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"persistence must be an integer ≥ 0; got .*; None stands for ∞"):
        asap.Leashed(persistence)


@pytest.mark.parametrize("n", [0, -1, 1.5, "2"])
def test_wrong_numbers_of_softsync_are_refused(n: object, blobs: Data, make_model: MakeModel) -> None:
    with pytest.raises((TypeError, ValueError), match="n must be an integer ≥ 1; got"):
        asap.Softsync(n)
    with pytest.raises(ValueError, match=r"n must be between 1 and the number of workers, 3: .* got n = 4"):
        asap.train(make_model(), blobs, engine=asap.Softsync(4), workers=3, updates=1)


@pytest.mark.parametrize(("n", "workers"), [(1, 4), (2, 4), (2, 5), (4, 4), (None, 3)])
def test_softsync_makes_an_update_of_so_many_gradients(
    n: int | None, workers: int, blobs: Data, make_model: MakeModel
) -> None:
    run = asap.train(make_model(), blobs, engine=asap.Softsync(n), workers=workers, batch_size=8, epochs=7, trace=True)
    gradients = workers // (n or workers)
    assert run.updates == run.gradients // gradients
    gathered = run.trace.records["outcome"] == asap.trace.OUTCOMES["gathered"]
    replaced, counts = np.unique(run.trace["replaced"][gathered], return_counts=True)
    assert (counts[replaced < run.updates] == gradients - 1).all()  # the rest was left over
    assert counts[replaced >= run.updates].sum() == run.gradients % gradients
    assert asap.replay(run).identical


@pytest.mark.parametrize(("n", "workers"), [(1, 4), (2, 4), (2, 5), (4, 4), (None, 3)])
def test_the_mean_staleness_of_softsync_is_that_of_busy_workers_less_what_they_idle(
    n: int | None, workers: int, blobs: Data, make_model: MakeModel
) -> None:
    """A gradient's τ are the versions from its read to its turn: those of a worker, the updates that it completes and
    the versions that pass while it has no gradient make up all versions of the run, on any schedule.

    Over all workers Σ τ = (m − 1)·updates − idle: the mean is (m − 1)/c, less what is idle, and never more.
    """
    run = asap.train(make_model(), blobs, engine=asap.Softsync(n), workers=workers, batch_size=8, epochs=7, trace=True)
    idle = 0
    for worker, own in enumerate(run.staleness.per_worker):
        records = run.trace.records[run.trace["worker"] == worker]
        read, replaced = (records[name].astype(np.int64) for name in ("read", "replaced"))
        completed = records["outcome"] == asap.trace.OUTCOMES["published"]
        without = np.append(0, replaced + completed)  # the versions from which on it had no gradient
        pauses = np.append(read, run.updates) - without
        assert (pauses >= 0).all()  # nobody reads an older version than it left
        assert own.tau_sum == run.updates - completed.sum() - pauses.sum()
        idle += int(pauses.sum())
    gradients = workers // (n or workers)
    assert run.staleness.tau_sum == (workers - 1) * run.updates - idle
    assert 0 <= run.staleness.mean <= (workers - 1) / gradients


def test_hogwild_reads_in_place_or_a_copy() -> None:
    with pytest.raises(ValueError, match="read must be one of 'auto', 'in-place', 'copy'; got 'locked'"):
        asap.Hogwild(read="locked")
    with pytest.raises(ValueError, match="update must be one of 'buffered', 'fused'; got 'lazy'"):
        asap.Hogwild(update="lazy")


def test_a_fused_hogwild_is_sequential_up_to_rounding(blobs: Data, make_model: MakeModel) -> None:
    common = {"batch_size": 32, "epochs": 3, "seed": 5, "step": 0.05}
    expected = asap.train(make_model(), blobs, engine=engines.Sequential(), **common)
    run = asap.train(make_model(), blobs, engine=FUSED, workers=1, **common)
    np.testing.assert_allclose(run.model.parameters, expected.model.parameters, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match=r"momentum must be 0 for a fused Hogwild.*got 0\.5"):
        asap.train(make_model(), blobs, engine=FUSED, momentum=0.5, **common)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("engine", PARALLEL, ids=repr)
def test_with_one_worker_every_engine_is_sequential_bit_by_bit(
    engine: Engine, settings: dict[str, object], blobs: Data, make_model: MakeModel
) -> None:
    common = {"batch_size": 32, "epochs": 3, "seed": 5, **settings}
    expected = asap.train(make_model(), blobs, engine=engines.Sequential(), **common)
    run = asap.train(make_model(), blobs, engine=engine, workers=1, **common)
    assert run.updates == expected.updates == 3 * 19
    assert not np.array_equal(run.parameters, make_model().parameters)
    assert np.array_equal(run.parameters, expected.parameters)


@pytest.mark.parametrize("engine", ALL, ids=repr)
def test_every_engine_separates_the_clouds(engine: Engine, blobs: Data, make_model: MakeModel) -> None:
    model = make_model()
    workers = 1 if engine == engines.Sequential() else 3
    run = asap.train(model, blobs, engine=engine, workers=workers, step=0.1, epochs=5, validation=blobs)
    assert run.status == "completed"
    assert model.evaluate(blobs).accuracy > 0.99


@pytest.mark.parametrize("engine", ALL, ids=repr)
@pytest.mark.parametrize("step", [asap.Constant(0.02), asap.Custom(0.02, [1.0, 0.0])], ids=["constant", "rejecting"])
def test_counts_add_up_and_updates_are_exact(
    engine: Engine, step: asap.Constant | asap.Custom, blobs: Data, make_model: MakeModel
) -> None:
    workers = 1 if engine == engines.Sequential() else 4
    run = asap.train(make_model(), blobs, engine=engine, workers=workers, step=step, batch_size=8, updates=501)
    assert run.updates == 501
    merged = 501 * 3 if engine in (asap.Synchronous(), asap.Softsync(n=1)) else 0
    assert merged == run.gradients - run.updates - run.drops - run.rejected
    scaled = 501 + merged if engine == asap.Softsync(n=1) else 501
    assert len(run.staleness.per_worker) == workers
    assert run.staleness.total == sum(worker.total for worker in run.staleness.per_worker) == scaled
    assert run.rejected == run.rejections.total
    for column, total in (("attempts", run.attempts), ("drops", run.drops), ("rejections", run.rejected)):
        assert run.history[column].sum() == total
    if step.table().size > 1:
        assert run.staleness.max == 0
    assert run.effective_step == pytest.approx(0.02 * scaled / (scaled + run.rejected))
    if not isinstance(engine, asap.Leashed):
        assert run.drops == 0
    elif engine.persistence is not None:
        assert run.attempts <= (run.updates + run.drops + run.rejected) * (engine.persistence + 1)


def test_vectors_alive_stay_below_the_papers_bounds(blobs: Data, make_model: MakeModel) -> None:
    for engine, bound in (
        (asap.Leashed(read="in-place"), 2 * 4 + 1),
        (asap.Leashed(read="copy"), 3 * 4 + 1),
        (asap.Hogwild(read="copy"), 4 + 1),
        (asap.Locked(), 4 + 1),
    ):
        run = asap.train(make_model(), blobs, engine=engine, workers=4, updates=300, batch_size=4)
        assert 1 <= run.vectors_high_water <= bound


@pytest.mark.not_sanitized("thread", reason="this build of Hogwild reads copies, made by relaxed atomics")
def test_hogwild_in_place_has_one_vector(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs, engine=asap.Hogwild(read="in-place"), workers=4, updates=300, batch_size=4)
    assert run.vectors_high_water == 1


def test_synchronous_averages_over_its_workers(blobs: Data, make_model: MakeModel) -> None:
    """One round of 4 workers × 16 samples is one update on those 64 samples."""
    common = {"step": 0.1, "updates": 3, "seed": 2}
    wide = asap.train(make_model(), blobs, engine=engines.Sequential(), batch_size=64, **common)
    run = asap.train(make_model(), blobs, engine=asap.Synchronous(), workers=4, batch_size=16, **common)
    assert run.samples == wide.samples == 3 * 64
    assert run.staleness.max == 0
    np.testing.assert_allclose(run.parameters, wide.parameters, rtol=1e-5, atol=1e-6)
