"""Learners that join and leave during a run on several nodes: m follows, rounds keep their bits."""

from __future__ import annotations

import _thread
import threading
import time
from typing import Any

import pytest

import asap
import asap.cluster

ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
from ray.cluster_utils import Cluster  # noqa: E402
from ray_setting import data, model, same_bits  # noqa: E402

import asap.ray  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    """Of one node, with room for two learners and for what is needed to look after them."""
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()


class Guests:
    """A callback: two nodes with room for a learner each join, when all others are at work; one leaves; then the end.

    Nodes must be added by the main thread.
    """

    def __init__(self, nodes: Cluster, counted: list[asap.cluster.Cluster]) -> None:
        self._nodes, self._counted = nodes, counted
        self._there: list[Any] = []
        self._stages = [(2, self._come), (3, self._come), (4, self._go), (3, None)]

    def __call__(self, state: asap.RunState) -> None:
        learners, act = self._stages[0]
        if state.updates == 0 or self._counted[0].team[-1][1] != learners:
            return
        if act is None:
            state.stop()
        else:
            act()
            self._stages.pop(0)

    def leave(self) -> None:
        while self._there:
            self._go()
        while sum(node["Alive"] for node in ray.nodes()) > 1:
            time.sleep(0.1)

    def _come(self) -> None:
        self._there.append(self._nodes.add_node(num_cpus=1))

    def _go(self) -> None:
        self._nodes.remove_node(self._there.pop(), allow_graceful=False)


@pytest.fixture
def guests(cluster, monkeypatch):
    counted = []

    def counting(*settings: Any) -> asap.cluster.Cluster:
        counted.append(asap.cluster.Cluster(*settings))
        return counted[-1]

    monkeypatch.setattr("asap.ray.trainer.Cluster", counting)
    there = Guests(cluster, counted)
    yield there
    there.leave()


def learners_of(run: asap.Run) -> list[int]:
    return [learners for _, learners in run.cluster.team]


def test_the_workers_of_a_formula_are_the_learners_present_and_a_replay_has_the_bits(guests):
    scales = asap.DelayAdaptive(0.01)  # C has m in it
    run = asap.ray.train(
        model(), data(), min_learners=2, max_learners=4, batch_size=16, seconds=120, step=scales, trace=True,
        callbacks=guests,
    )  # fmt: skip
    assert run.status == "stopped"
    assert {2, 3, 4} <= set(learners_of(run))
    assert learners_of(run)[-1] == 3
    assert run.cluster.learner_deaths == 1
    assert len(run.tables) >= 4  # one for each m
    batches = list(run.trace["batch"])
    assert len(set(batches)) == len(batches)
    assert max(batches) < len(batches) + run.config.workers
    replay = asap.replay(run)
    assert replay.exact
    assert same_bits(replay.parameters, run.parameters)


def test_rounds_have_the_bits_of_the_most_learners_whoever_is_there(guests, tmp_path):
    settings = dict(engine=asap.Synchronous(), batch_size=16, step=0.01, seed=4)
    saving = asap.Checkpoint(tmp_path / "run.checkpoint", every=100, unit="updates")  # a shard may be at a guest's
    run = asap.ray.train(
        model(),
        data(),
        min_learners=1,
        max_learners=4,
        shards=2,
        seconds=120,
        callbacks=guests,
        checkpoint=saving,
        **settings,
    )
    assert {2, 3, 4} <= set(learners_of(run))
    here = model()
    asap.train(here, data(), workers=4, updates=run.updates, **settings)
    assert same_bits(run.parameters, here.parameters)


def test_learners_for_whom_there_is_no_room_are_told_of(cluster, monkeypatch):
    monkeypatch.setattr("asap.ray._driver.WAITING_SECONDS", 5.0)
    timer = threading.Timer(15.0, _thread.interrupt_main)
    timer.start()
    with pytest.warns(RuntimeWarning, match=r"[12] of at least 3 learners have come so far"):
        run = asap.ray.train(model(), data(), learners=3, batch_size=16, epochs=1)
    timer.cancel()
    assert run.status == "interrupted"
    assert run.gradients == 0


@pytest.mark.parametrize(
    ("team", "message"),
    [
        (dict(learners=2, max_learners=3), "learners must be left out where min_learners or max_learners is given"),
        (dict(min_learners=2), "max_learners must be given with min_learners; got min_learners=2"),
        (dict(min_learners=4, max_learners=3), "max_learners must be an integer ≥ 4; got 3"),
        (dict(workers_per_learner=2, within=asap.ray.Within(2)), "workers_per_learner must be left out where within"),
    ],
)
def test_teams_that_do_not_fit_are_refused(team, message):
    with pytest.raises(ValueError, match=message):
        asap.ray.train(model(), data(), epochs=1, **team)
