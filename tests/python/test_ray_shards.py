"""Runs on Ray whose parameters are cut into shards, each with a server: no shard is ahead of the lead, none is torn."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import asap

ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
from ray_setting import data, kill_one, model, now_and_then, same_bits  # noqa: E402

import asap.ray  # noqa: E402

ROUNDS = dict(engine=asap.Synchronous(), batch_size=16, epochs=3, step=0.05, momentum=0.5, weight_decay=0.01, seed=7)
MOMENTS = 20


def test_hardsync_has_the_bits_of_the_synchronous_engine_and_the_rows_of_one_server(session):
    there, here = model(), model()
    asap.train(here, data(), workers=3, **ROUNDS)
    runs = [
        asap.ray.train(there.copy(), data(), learners=3, shards=shards, validation=data(50), snapshots=5, **ROUNDS)
        for shards in (1, 2, 5)
    ]
    for run, shards in zip(runs, (1, 2, 5), strict=True):
        assert same_bits(run.parameters, here.parameters)
        for column in ("epoch", "updates", "validation_loss", "accuracy"):
            np.testing.assert_array_equal(run.history[column], runs[0].history[column])
        assert [row["loss"] for row in run.losses] == [row["loss"] for row in runs[0].losses]
        assert run.cluster.shards == shards
        assert [each.mean for each in run.cluster.shard_staleness] == [0.0] * shards


def test_one_learner_has_the_bits_of_plain_sgd(session):
    there, here = model(), model()
    asap.ray.train(there, data(), learners=1, shards=3, batch_size=16, updates=40, step=0.05)
    asap.train(here, data(), engine=asap.engines.Sequential(), batch_size=16, updates=40, step=0.05)
    assert same_bits(there.parameters, here.parameters)


@pytest.mark.parametrize(("engine", "step"), [(asap.Softsync(), asap.TailTau(0.05)), (asap.Softsync(n=2), 0.05)])
def test_every_shard_counts_every_batch_once_with_versions_of_its_own(session, engine, step):
    trained = model()
    before = trained.evaluate(data()).loss
    settings = dict(learners=3, in_flight=2, shards=3, transport="bfloat16", batch_size=8, epochs=4)
    run = asap.ray.train(trained, data(), engine=engine, step=step, **settings)
    assert [each.total for each in run.cluster.shard_staleness] == [4 * 50] * 3
    np.testing.assert_array_equal(run.cluster.shard_staleness[0].counts, run.staleness.counts)
    assert trained.evaluate(data()).loss < before


@pytest.mark.parametrize("engine", [asap.Synchronous(), asap.Softsync(n=2)])
def test_a_resumed_run_goes_on_with_all_shards(session, tmp_path, engine):
    settings = dict(engine=engine, batch_size=16, step=0.05, momentum=0.5, seed=3)
    path = tmp_path / "run.checkpoint"
    saving = asap.Checkpoint(path, every=7, unit="updates")
    asap.ray.train(model(), data(), learners=2, shards=3, updates=30, checkpoint=saving, **settings)
    with pytest.raises(ValueError, match=r"several shards; resume it with asap\.ray\.resume"):
        asap.resume(path, data())
    run = asap.ray.resume(path, data(), epochs=4)
    assert (run.gradients, run.resumed, run.cluster.shards) == (4 * 25, (30,), 3)
    assert [each.total for each in run.cluster.shard_staleness] == [run.staleness.total] * 3
    if isinstance(engine, asap.Synchronous):
        whole = model()
        asap.train(whole, data(), workers=2, epochs=4, **settings)
        assert same_bits(run.model.parameters, whole.parameters)
    else:
        assert run.staleness.total == 4 * 25


def test_a_run_that_is_stopped_within_a_round_ends_with_whole_rounds_and_goes_on_with_the_bits(session, tmp_path):
    settings = dict(engine=asap.Synchronous(), batch_size=2, step=0.01, seed=3)
    saving = asap.Checkpoint(tmp_path / "run.checkpoint", every=1000, unit="updates")
    for seconds in (0.15, 0.3):
        run = asap.ray.train(model(), data(), learners=3, shards=2, seconds=seconds, checkpoint=saving, **settings)
        here, there = model(), model()
        if run.updates:
            asap.train(here, data(), workers=3, updates=run.updates, **settings)
        assert same_bits(run.parameters, here.parameters)
        resumed = asap.ray.resume(saving.path, data(), updates=run.updates + 50)
        asap.train(there, data(), workers=3, updates=run.updates + 50, **settings)
        assert same_bits(resumed.parameters, there.parameters)


def killer(saving: asap.Checkpoint, seed: int):
    """Kills somebody, learner or server, each time when a checkpoint more has been made."""
    dice, path = random.Random(seed), Path(saving.path)
    last = 0

    def kill() -> bool:
        nonlocal last
        made = path.stat().st_mtime_ns if path.exists() else 0
        if made == last or not kill_one(*dice.choice([("Learner", 2), ("Shard", 1), ("Server", 1)]), dice):
            return False
        last = made
        return True

    return kill


def test_rounds_have_the_same_bits_and_snapshots_whoever_is_killed(session, tmp_path):
    settings = dict(engine=asap.Synchronous(), batch_size=2, epochs=30, step=0.01, seed=5)
    saving = asap.Checkpoint(tmp_path / "run.checkpoint", every=20, unit="updates")
    with now_and_then(killer(saving, 2), 10, seed=2, apart=0.3):
        run = asap.ray.train(model(), data(), learners=2, shards=2, snapshots=7, checkpoint=saving, **settings)
    assert run.cluster.learner_deaths + run.cluster.server_restarts > 0
    here = model()
    asap.train(here, data(), workers=2, **settings)
    assert same_bits(run.parameters, here.parameters)
    undisturbed = asap.ray.train(model(), data(), learners=2, snapshots=7, **settings)
    for column in ("updates", "loss"):
        assert [row[column] for row in run.losses] == [row[column] for row in undisturbed.losses]


def test_no_shard_loses_or_doubles_a_batch_whoever_is_killed(session, tmp_path):
    saving = asap.Checkpoint(tmp_path / "run.checkpoint", every=20, unit="updates")
    settings = dict(engine=asap.Softsync(n=1), batch_size=8, step=asap.TailTau(0.01), checkpoint=saving)
    with now_and_then(killer(saving, 3), MOMENTS, seed=3, apart=0.3) as enough:
        run = asap.ray.train(
            model(), data(), learners=2, shards=3, seconds=600,
            callbacks=lambda state: state.stop() if enough() else None, **settings,
        )  # fmt: skip
    assert run.cluster.learner_deaths + run.cluster.server_restarts >= MOMENTS - 1
    epochs = 2 + int(run.history[-1]["epoch"])
    rest = asap.ray.resume(saving.path, data(), epochs=epochs)
    assert rest.gradients == epochs * 50
    assert [each.total for each in rest.cluster.shard_staleness] == [epochs * 50] * 3


def test_what_does_not_fit_is_refused(session):
    with pytest.raises(ValueError, match="trace must be False with several shards"):
        asap.ray.train(model(), data(), shards=2, trace=True, epochs=1)
    with pytest.raises(ValueError, match="shards must be an integer ≤ 771; got 772"):
        asap.ray.train(model(), data(), shards=772, epochs=1)
