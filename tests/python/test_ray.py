"""Runs on Ray: the bits of runs on threads, exact staleness, what is kept and told of them."""

from __future__ import annotations

import numpy as np
import pytest

import asap

ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
from ray_setting import data, model, same_bits  # noqa: E402
from test_server import config as settings  # noqa: E402

import asap.ray  # noqa: E402
from asap.ray._batches import Whole  # noqa: E402
from asap.ray._local import Accumulated  # noqa: E402

ROUNDS = dict(engine=asap.Synchronous(), batch_size=16, epochs=3, step=0.05, momentum=0.5, weight_decay=0.01, seed=7)


@pytest.mark.parametrize("learners", [1, 3])
def test_hardsync_has_the_bits_of_the_synchronous_engine(session, learners):
    there, here = model(), model()
    run = asap.ray.train(there, data(), learners=learners, validation=data(50), **ROUNDS)
    expected = asap.train(here, data(), workers=learners, **ROUNDS)
    assert same_bits(there.parameters, here.parameters)
    assert (run.status, run.updates, run.gradients) == ("completed", expected.updates, expected.gradients)
    np.testing.assert_array_equal(run.history["epoch"], expected.history["epoch"])
    assert run.history[-1]["validation_loss"] == here.evaluate(data(50)).loss
    assert run.staleness.mean == 0.0


def test_one_learner_has_the_bits_of_plain_sgd(session):
    there, here = model(), model()
    asap.ray.train(there, data(), learners=1, batch_size=16, updates=40, step=0.05)
    asap.train(here, data(), engine=asap.engines.Sequential(), batch_size=16, updates=40, step=0.05)
    assert same_bits(there.parameters, here.parameters)


@pytest.mark.parametrize(
    ("engine", "step"),
    [
        (asap.Softsync(), asap.Inverse(0.05)),
        (asap.Softsync(n=1), 0.05),
        (asap.Softsync(n=2), asap.TailTau(0.05, sample=(2, 6))),
    ],
)
def test_a_replay_of_a_traced_run_has_its_bits(session, engine, step):
    trained = model()
    run = asap.ray.train(
        trained, data(), engine=engine, step=step, learners=3, in_flight=2, batch_size=8, epochs=4, trace=True
    )
    replay = asap.replay(run)
    assert replay.exact
    assert same_bits(replay.parameters, trained.parameters)
    assert sorted(run.trace["batch"]) == list(range(4 * 50))  # each counts once
    counted = np.bincount(run.trace["tau"][np.isin(run.trace["outcome"], [0, 6])])
    np.testing.assert_array_equal(run.staleness.counts, counted)
    assert [len(each.counts) > 0 for each in run.staleness.per_worker] == [True] * 6
    assert (run.cluster.learners, run.cluster.in_flight, run.config.workers) == (3, 2, 6)


@pytest.mark.parametrize("transport", ["float16", "bfloat16"])
def test_half_floats_train_alike_in_half_the_bytes(session, transport):
    bytes_of, loss_of = {}, {}
    for name in ("float32", transport):
        trained = model()
        run = asap.ray.train(trained, data(), learners=1, batch_size=16, updates=50, step=0.05, transport=name)
        bytes_of[name], loss_of[name] = run.cluster.bytes, trained.evaluate(data()).loss
    assert bytes_of[transport] == pytest.approx(bytes_of["float32"] / 2, rel=0.05)
    assert loss_of[transport] == pytest.approx(loss_of["float32"], rel=0.05)
    assert loss_of[transport] != loss_of["float32"]


def test_rules_callbacks_snapshots_and_files_are_those_of_any_run(session, tmp_path):
    events = []
    run = asap.ray.train(
        model(), data(), learners=2, batch_size=16, epochs=10_000, step=0.2, validation=data(100), snapshots=20,
        stop=asap.TargetLoss(0.5), callbacks=lambda state: events.append((state.event, state.parameters().shape)),
    )  # fmt: skip
    assert run.status == "stopped"
    assert min(run.history["validation_loss"]) <= 0.5
    assert {event for event, _ in events} >= {"epoch"}
    assert {shape for _, shape in events} == {(771,)}
    assert len(run.losses) >= 3
    assert run.updates_to(0.9) > 0
    loaded = asap.Run.load(run.save(tmp_path / "run"))
    assert loaded.cluster == run.cluster
    assert loaded.to_dict() | {"model": None} == run.to_dict() | {"model": None}


def test_a_callback_that_fails_ends_the_run_and_its_actors(session):
    def fail(state):
        if state.event == "epoch":
            raise KeyError("mine")

    trained = model()
    before = trained.parameters.copy()
    with pytest.raises(KeyError, match="mine"):
        asap.ray.train(trained, data(), learners=2, batch_size=16, epochs=20, step=0.05, callbacks=fail)
    assert not same_bits(trained.parameters, before)  # what was learnt is kept


def test_what_a_policy_raises_at_the_server_is_raised_here(session):
    def scale(distribution):
        if distribution.total:
            raise LookupError("mine")
        return [1.0]

    with pytest.raises(LookupError, match="mine"):
        asap.ray.train(
            model(), data(), learners=2, batch_size=16, epochs=20, step=asap.Custom(0.05, scale, sample=(1, 3))
        )


@pytest.mark.parametrize("engine", [asap.Synchronous(), asap.Softsync(n=2)])
def test_a_resumed_run_goes_on_as_if_it_had_never_been_interrupted(session, tmp_path, engine):
    settings = dict(engine=engine, batch_size=16, step=0.05, momentum=0.5, seed=3)
    path = tmp_path / "run.checkpoint"
    asap.ray.train(model(), data(), learners=2, epochs=2, checkpoint=asap.Checkpoint(path), **settings)
    run = asap.ray.resume(path, data(), epochs=4, trace=True)
    assert run.gradients == 4 * 25
    assert run.resumed == (run.updates - len(run.trace.updates),)
    assert asap.replay(run).exact
    if isinstance(engine, asap.Synchronous):
        whole = model()
        asap.train(whole, data(), workers=2, epochs=4, **settings)
        assert same_bits(run.model.parameters, whole.parameters)


def test_batches_that_were_with_learners_at_a_checkpoint_are_handed_out_again(session, tmp_path):
    path = tmp_path / "run.checkpoint"
    saving = asap.Checkpoint(path, every=10, unit="updates")
    settings = dict(learners=3, batch_size=16, step=0.05, checkpoint=saving)
    first = asap.ray.train(model(), data(), updates=35, trace=True, **settings)
    middle = path.with_name("run.checkpoint.previous").rename(tmp_path / "middle")  # at 30
    with pytest.raises(ValueError, match="a checkpoint of a parameter server must be resumed by one"):
        asap.resume(middle, data())
    rest = asap.ray.resume(middle, data(), epochs=3, trace=True)
    assert rest.resumed == (30,)
    before = first.trace["batch"][first.trace["replaced"] < 30]
    assert sorted([*before, *rest.trace["batch"]]) == list(range(3 * 25))


def test_one_worker_within_on_one_batch_is_plain_sgd_up_to_rounding(session):
    there, here = model(), model()
    within = asap.ray.Within(workers=1, step=0.05, batches=1)
    run = asap.ray.train(there, data(), within=within, learners=1, batch_size=16, updates=40, seed=4)
    asap.train(here, data(), engine=asap.engines.Sequential(), batch_size=16, updates=40, step=0.05, seed=4)
    np.testing.assert_allclose(there.parameters, here.parameters, atol=1e-5)
    assert run.cluster.within.total == 40


def test_staleness_has_two_levels(session):
    within = asap.ray.Within(workers=3, engine=asap.Hogwild(), step=asap.InversePlusOne(0.05), batches=8)
    trained = model()
    before = trained.evaluate(data()).loss
    run = asap.ray.train(trained, data(), within=within, learners=2, batch_size=5, epochs=6, step=asap.Inverse(1.0))
    assert run.updates == run.gradients == 6 * 10
    assert run.cluster.within.total == 6 * 80  # one τ for each gradient within
    assert run.staleness.total == 60
    assert trained.evaluate(data()).loss < before


def test_a_policy_within_samples_all_updates_of_a_learner_and_takes_its_table_along():
    step = asap.TailTau(asap.CosineRate(0.05, final=0.01), sample=(2, 10))
    within = asap.ray.Within(workers=3, engine=asap.Softsync(), step=step, batches=9)
    config = settings(batch_size=36, epochs=1)
    trained = model()
    local = Accumulated(trained._network, Whole(trained._dataset(data()), config), config, within)
    assert local._step().scale == (1.0,)
    counted = np.zeros(3, np.int64)
    for batch in range(5):
        local.compute(batch, trained.parameters)
        if 1 <= batch <= 3:  # updates 9 to 35 of those from 6 on: begun behind 6, and 24 are enough
            counts = local.staleness()
            counted[: len(counts)] += counts.astype(np.int64)
    np.testing.assert_allclose(local._step().scale, step.table(counted, workers=3))
    assert local._step().rate == step.rate
    plain = Accumulated(trained._network, Whole(trained._dataset(data()), config), config, asap.ray.Within(3))
    assert plain._step() is None
