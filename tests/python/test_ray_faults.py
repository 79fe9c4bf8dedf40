"""What may go wrong on a cluster, each at twenty random moments: no batch is lost, none counts twice."""

from __future__ import annotations

import _thread
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import asap

ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
import ray_learners  # noqa: E402
from ray_setting import data, descendants, kill_one, model, now_and_then, processes, same_bits  # noqa: E402

import asap.ray  # noqa: E402

MOMENTS = 20
ASYNCHRONOUS = dict(batch_size=16, seconds=600, step=asap.TailTau(0.01), trace=True)


def check(run):
    """Each batch counts at most once, all but those on their way at the end do, and a replay has the bits."""
    batches = run.trace["batch"]
    assert len(set(batches)) == len(batches)
    assert max(batches) < len(batches) + run.config.workers
    replay = asap.replay(run)
    assert replay.exact
    assert same_bits(replay.parameters, run.parameters)


def stop_when(enough):
    return lambda state: state.stop() if enough() else None


def test_a_learner_that_is_killed_is_replaced_and_its_batch_goes_to_another(session):
    dice = random.Random(1)
    with now_and_then(lambda: kill_one("Learner", 3, dice), MOMENTS, seed=1, apart=0.3) as enough:
        run = asap.ray.train(model(), data(), learners=3, callbacks=stop_when(enough), **ASYNCHRONOUS)
    assert run.cluster.learner_deaths >= MOMENTS - 1  # the last one may be at the very end
    check(run)


def test_rounds_have_the_same_bits_whoever_is_killed(session):
    dice = random.Random(2)
    settings = dict(engine=asap.Synchronous(), batch_size=2, epochs=60, step=0.01, seed=5)
    with now_and_then(lambda: kill_one("Learner", 2, dice), 5, seed=2, apart=0.3):
        run = asap.ray.train(model(), data(), learners=2, **settings)
    assert run.cluster.learner_deaths > 0
    here = model()
    asap.train(here, data(), workers=2, **settings)
    assert same_bits(run.parameters, here.parameters)


def test_a_server_that_is_killed_is_restored_from_the_last_checkpoint(session, tmp_path):
    dice = random.Random(3)
    saving = asap.Checkpoint(tmp_path / "run.checkpoint", every=50, unit="updates")
    with now_and_then(lambda: kill_one("Server", 1, dice), MOMENTS, seed=3, apart=0.3) as enough:
        run = asap.ray.train(
            model(), data(), learners=2, callbacks=stop_when(enough), checkpoint=saving, **ASYNCHRONOUS
        )
    assert run.cluster.server_restarts >= MOMENTS - 1
    assert run.updates >= 50
    check(run)


def test_without_a_checkpoint_the_end_of_the_server_is_an_error_that_says_so(session):
    dice = random.Random(4)
    with (
        now_and_then(lambda: kill_one("Server", 1, dice), 1, seed=4, apart=0.5),
        pytest.raises(RuntimeError, match=r"the parameter server died.*give checkpoint="),
    ):
        asap.ray.train(model(), data(), learners=2, **ASYNCHRONOUS)


def test_a_learner_that_raises_begins_anew(session, monkeypatch):
    monkeypatch.setattr("asap.ray._crew.Learner", ray_learners.Failing)
    run = asap.ray.train(model(), data(), learners=2, **ASYNCHRONOUS | {"seconds": None, "updates": 40 * MOMENTS})
    assert run.cluster.learner_errors >= MOMENTS
    check(run)


def test_errors_without_end_are_raised_with_their_cause(session, monkeypatch):
    monkeypatch.setattr("asap.ray._crew.Learner", ray_learners.Hopeless)
    with pytest.raises(RuntimeError, match="failed 4 times in a row, and the run does not get on") as raised:
        asap.ray.train(model(), data(), learners=2, **ASYNCHRONOUS)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_a_slow_learner_stops_nobody(session, monkeypatch):
    monkeypatch.setattr("asap.ray._crew.Learner", ray_learners.Slow)
    run = asap.ray.train(model(), data(), learners=3, **ASYNCHRONOUS | {"seconds": None, "epochs": 8})
    check(run)
    assert sorted(run.trace["batch"]) == list(range(8 * 25))
    gradients = [int((run.trace["worker"] == worker).sum()) for worker in range(3)]
    assert 0 < gradients[0] < min(gradients[1:])
    assert run.staleness.per_worker[0].mean > max(each.mean for each in run.staleness.per_worker[1:])


def interrupt():
    """Ctrl-C, once there is a server; before it is there a run has not begun."""
    if not processes("Server"):
        return False
    _thread.interrupt_main()
    return True


def test_ctrl_c_returns_the_run(session):
    for moment in range(MOMENTS):
        with now_and_then(interrupt, 1, seed=moment, apart=0.4):
            run = asap.ray.train(model(), data(), learners=1, **ASYNCHRONOUS)
        assert run.status == "interrupted"
        if run.gradients:
            check(run)


TO_BE_KILLED = """
import asap, asap.ray
from ray_setting import data, model
asap.ray.train(model(), data(), engine=asap.Synchronous(), learners=2, batch_size=16, epochs=100_000, step=0.01,
               checkpoint=asap.Checkpoint({path!r}, every=20, unit="updates"))
"""


def test_a_run_of_which_everything_is_killed_goes_on_from_its_checkpoint(session, tmp_path):
    path = tmp_path / "run.checkpoint"
    folders = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    whole = subprocess.Popen(
        [sys.executable, "-c", TO_BE_KILLED.format(path=str(path))], env=os.environ | {"PYTHONPATH": folders}
    )
    while not path.exists() and whole.poll() is None:
        time.sleep(0.1)
    time.sleep(random.Random(5).uniform(0.0, 1.0))
    for process in descendants(whole.pid):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    whole.wait()
    epochs = 2 + int(asap.ray.resume(path, data(), updates=1).history[-1]["epoch"])
    run = asap.ray.resume(path, data(), epochs=epochs)
    here = model()
    asap.train(here, data(), engine=asap.Synchronous(), workers=2, batch_size=16, epochs=epochs, step=0.01)
    assert same_bits(run.parameters, here.parameters)
