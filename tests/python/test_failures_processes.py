"""Runs and processes: forks, and what goes to other processes and back."""

import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from failures_setting import ENGINES, SETTING, run_script
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

FORKS = "it ends a process that forks while threads are alive"


@pytest.mark.not_sanitized("thread", reason=FORKS)
def test_a_fork_while_idle_can_train() -> None:
    script = f"""{SETTING}
asap.train(model, data, workers=3)
child = os.fork()
status = asap.train(model, data, workers=3).status
if child == 0:
    os._exit(0 if status == "completed" else 1)
print(os.waitpid(child, 0)[1], status)
"""
    assert run_script(script).stdout == "0 completed\n"


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
@pytest.mark.parametrize("traced", [False, True], ids=["plain", "traced"])
@pytest.mark.not_sanitized("thread", reason=FORKS)
def test_a_fork_during_a_run_is_an_error_in_the_child(engine: Any, traced: bool) -> None:
    script = f"""{SETTING}
children = []
def fork(state):
    if os.getpid() != parent:
        os._exit(1)  # the child goes on with the run of its parent
    if not children:
        children.append(os.fork())

parent = os.getpid()
try:
    run = asap.train(model, data, engine=asap.{engine!r}, workers=3, epochs=100, callbacks=fork, trace={traced})
    print("parent", run.status, run.history[-1]["epoch"], flush=True)
except RuntimeError as error:
    assert os.getpid() != parent
    print("child", error, flush=True)
    print("child", asap.train(model, data, workers=2).status, flush=True)
    sys.stdout.flush()
    os._exit(0)
print(os.waitpid(children[0], 0)[1])
"""
    lines = run_script(script).stdout.splitlines()
    assert lines[-1] == "0", lines
    assert "parent completed 100.0" in lines
    assert any(line.startswith("child this process was forked while a run was going on") for line in lines)
    assert "child completed" in lines


def trained_in_a_process(model: asap.Model, engine: Any, step: Any, data: Data) -> asap.Run:
    return asap.train(model, data, engine=engine, step=step, workers=2, epochs=2, validation=data)


def test_models_engines_steps_and_runs_go_to_spawned_processes_and_back(blobs: Data, make_model: MakeModel) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        model, engine, step = make_model(), asap.Leashed(persistence=2), asap.TailTau(0.05, sample=(1, 5))
        run = pool.apply(trained_in_a_process, (model, engine, step, blobs))
    assert (run.status, run.config.engine, run.config.step) == ("completed", engine, step)
    assert np.array_equal(run.parameters, run.model.parameters)
    assert np.array_equal(model.parameters, make_model().parameters)  # the process had a copy


def test_runs_are_pickled_whole(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"workers": 2, "epochs": 2, "momentum": 0.5, "snapshots": 10, "trace": True}
    checkpoint = asap.Checkpoint(tmp_path / "checkpoint")
    for run in (
        asap.train(make_model(), blobs, validation=blobs, checkpoint=checkpoint, **settings),
        asap.resume(checkpoint.path, blobs, epochs=4, trace=True),
        asap.simulate(make_model(), blobs, **settings),
    ):
        copy = pickle.loads(pickle.dumps(run))
        assert copy.to_dict() == run.to_dict()
        assert copy.staleness == run.staleness
        assert np.array_equal(copy.parameters, run.parameters)
        assert asap.replay(copy, blobs).identical
