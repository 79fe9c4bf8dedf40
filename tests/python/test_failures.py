"""What goes wrong in and around a run: exceptions, gradients that are not finite, Ctrl-C, forks, the end of Python."""

import importlib.util
import multiprocessing
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap._notes import add_note
from asap.callbacks import Observer
from asap.progress import Silent

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

ENGINES = [asap.Synchronous(), asap.Locked(), asap.Hogwild(), asap.Leashed(), asap.Softsync(n=1)]


FORKS = "it ends a process that forks while threads are alive"


def run_script(script: str, *arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python of its own; one that hangs fails the test."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds)


SETTING = """
import os, signal, sys, threading, time
import numpy as np
import asap

x = np.random.default_rng(0).random((1000, 8), np.float32)
data = (x, np.arange(1000) % 2)
model = asap.models.MLP(input_shape=8, classes=2)
"""


raised: list[LookupError] = []


def fail() -> None:
    raised.append(LookupError("planted"))
    raise raised[-1]


def in_a_callback(state: asap.RunState) -> None:
    if state.updates > 0:
        fail()


def between_epochs(state: asap.RunState) -> None:
    if state.event == "tick" and state.updates > 0:
        fail()


def in_a_policy(distribution: asap.StalenessDistribution) -> list[float]:
    if distribution.total > 0:
        fail()
    return [1.0]


class InAStopRule(asap.TargetLoss):
    def reached(self, history: asap.History) -> bool:
        fail()
        return True


class InTheProgress:
    def epoch(self, row: object) -> None:
        fail()

    def tick(self, updates: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class InTheProgressBetweenEpochs(InTheProgress):
    def epoch(self, row: object) -> None:
        """Nothing."""

    def tick(self, updates: int) -> None:
        if updates > 0:
            fail()


@pytest.fixture
def watched(blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Callbacks and displays are called at every tick, and what Python starts once is started."""
    asap.train(make_model(), blobs, workers=3)
    monkeypatch.setattr("asap.callbacks.TICK_SECONDS", 0.0)
    return monkeypatch


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
@pytest.mark.parametrize("where", ["callback", "tick", "policy", "stop rule", "progress", "progress between epochs"])
def test_an_exception_of_python_ends_the_run_and_keeps_what_was_learnt(
    where: str,
    engine: Any,
    blobs: Data,
    make_model: MakeModel,
    watched: pytest.MonkeyPatch,
    same_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    raised.clear()
    settings: dict[str, Any] = {"engine": engine, "workers": 3, "epochs": 10**6}
    if where == "callback":
        settings["callbacks"] = in_a_callback
    elif where == "tick":
        settings["callbacks"] = between_epochs
    elif where == "policy":
        settings["step"] = asap.Custom(0.01, in_a_policy, sample=(1, 3))
    elif where == "stop rule":
        settings["stop"] = InAStopRule(-1.0, on="training")
    else:
        display = InTheProgress() if where == "progress" else InTheProgressBetweenEpochs()
        watched.setattr("asap.progress.choose", lambda *_: display)
    model = make_model()
    with same_threads(), pytest.raises(LookupError, match="planted") as caught:
        asap.train(model, blobs, **settings)
    assert raised == [caught.value]
    (note,) = caught.value.__notes__
    assert re.fullmatch(r"asap: on the calling thread, after [1-9]\d* updates", note)
    assert np.isfinite(model.parameters).all()
    assert not np.array_equal(model.parameters, make_model().parameters)
    watched.undo()
    assert asap.train(model, blobs, workers=3).status == "completed"


@pytest.mark.not_sanitized("thread", "address", reason="they reserve more address space than the limit set here")
def test_a_failure_of_a_worker_says_in_which_and_where() -> None:
    """Room for what the calling thread makes, not for the copies and gradients of the workers, 100 MB each."""
    script = f"""{SETTING}
import resource
model = asap.Sequential([asap.Dense(2500)], input_shape=10000)
data = np.zeros((10, 10000), np.float32), np.zeros(10, np.int32)
room = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (1000 << 20)
resource.setrlimit(resource.RLIMIT_AS, (room, room))
try:
    asap.train(model, data, engine=asap.Locked(), workers=4)
except MemoryError as error:
    print(*error.__notes__)
"""
    done = run_script(script)
    assert re.fullmatch(r"asap: in worker [0-3], before its first batch\n", done.stdout), done.stderr


def test_the_note_of_a_failure_within_a_batch_names_worker_batch_version_and_staleness() -> None:
    observer = Observer(Silent(), (), (), True, None, None, ())
    observer.on_failure(worker=2, batch=17, read=40, tau=3, updates=43)
    error = LookupError("planted")
    observer.explain(error)
    assert error.__notes__ == ["asap: in worker 2, batch 17, on parameters of update 40 (τ = 3 by then)"]


def test_notes_are_kept_where_python_does_not_know_them() -> None:
    class Old:
        pass

    error = Old()
    add_note(error, "first")  # type: ignore[arg-type]
    add_note(error, "second")  # type: ignore[arg-type]
    assert error.__notes__ == ["first", "second"]  # type: ignore[attr-defined]


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
    for engine in (asap.Synchronous(), asap.Leashed()):
        run = asap.train(
            make_model(), spoilt, engine=engine, workers=3, batch_size=20, epochs=3, on_nonfinite="skip", trace=True
        )
        assert run.skipped == 3
        assert len(run.trace) == run.gradients - 3
        assert asap.replay(run, spoilt).identical


def test_what_cannot_skip_says_so(blobs: Data, make_model: MakeModel) -> None:
    with pytest.raises(ValueError, match="a fused Hogwild cannot skip gradients"):
        asap.train(make_model(), blobs, engine=asap.Hogwild(update="fused"), on_nonfinite="skip")
    with pytest.raises(ValueError, match="on_nonfinite must be one of 'stop', 'skip'; got 'ignore'"):
        asap.train(make_model(), blobs, on_nonfinite="ignore")


def test_ctrl_c_ends_one_run_after_another() -> None:
    script = f"""{SETTING}
for number in range(2):
    ready = threading.Event()
    def callback(state):
        if not ready.is_set():
            ready.set()
            print("ready", flush=True)
    print(asap.train(model, data, workers=4, seconds=10**6, callbacks=callback).status, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(2):
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
        assert process.wait(60) == 0


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
@pytest.mark.parametrize("event", ["epoch", "tick"])
def test_ctrl_c_leaves_the_model_what_was_learnt_and_no_thread(
    event: str,
    engine: Any,
    blobs: Data,
    make_model: MakeModel,
    same_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    pressed = threading.Event()

    def callback(state: asap.RunState) -> None:
        if pressed.is_set():
            state.stop()  # a run that did not see it
        elif state.event == event and state.updates > 0:
            pressed.set()
            signal.raise_signal(signal.SIGINT)

    model = make_model()
    with same_threads():
        run = asap.train(model, blobs, engine=engine, workers=3, epochs=10**6, callbacks=callback)
    assert run.status == "interrupted"
    assert np.array_equal(model.parameters, run.parameters)
    assert not np.array_equal(model.parameters, make_model().parameters)


def test_a_second_ctrl_c_cuts_short_what_is_left_of_a_run() -> None:
    """The first one comes in a callback, the second one when the callback of the last row waits for ever."""
    script = f"""{SETTING}
long = np.zeros((10**6, 8), np.float32), np.zeros(10**6, np.int32)  # more than is worked on before the first callback
waits = threading.Event()
calls = []

def callback(state):
    calls.append(state.event)
    if len(calls) == 1:
        signal.raise_signal(signal.SIGINT)
    waits.set()
    while True:
        time.sleep(0.01)  # and no longer: a signal just before a sleep is seen after it

def press():
    waits.wait()
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

threading.Thread(target=press).start()
run = asap.train(model, long, batch_size=1, workers=4, seconds=10**6, callbacks=callback)
print(len(calls), run.status, run.updates > 0, len(run.history) > 0)
"""
    assert run_script(script).stdout == "2 interrupted True True\n"


@pytest.mark.not_sanitized("thread", reason="reports the kernel's ZeroMQ, whose atomics it does not see")
def test_an_interrupt_of_a_notebook_ends_the_run_not_the_kernel() -> None:
    if not all(map(importlib.util.find_spec, ("ipykernel", "jupyter_client"))):
        pytest.skip("needs ipykernel")
    script = f"""
from jupyter_client.manager import start_new_kernel

run = '''
said = []
def callback(state):
    if not said:
        said.append("ready")
        print(*said, flush=True)
print(asap.train(model, data, workers=4, seconds=10**6, callbacks=callback, progress=False).status)
'''

def listen(message):
    if message["content"].get("name") == "stdout":
        print(message["content"]["text"], end="")
        if "ready" in message["content"]["text"]:
            kernel.interrupt_kernel()

kernel, client = start_new_kernel(startup_timeout=300)
try:
    for cell in ({SETTING!r}, run, run, "print('next cell')"):
        assert client.execute_interactive(cell, output_hook=listen, timeout=300)["content"]["status"] == "ok"
finally:
    client.stop_channels()
    kernel.shutdown_kernel(now=True)
"""
    done = run_script(script)
    assert done.stdout.splitlines() == ["ready", "interrupted", "ready", "interrupted", "next cell"], done.stderr


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
    if not children:
        children.append(os.fork())
        if children[0] == 0:
            signal.alarm(20)  # not to outlive a test that fails

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


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
def test_python_may_end_during_a_run_in_a_daemon_thread(engine: Any) -> None:
    script = f"""{SETTING}
started = threading.Event()
settings = dict(engine=asap.{engine!r}, workers=3, seconds=10**6, callbacks=lambda state: started.set())
threading.Thread(target=asap.train, args=(model, data), kwargs=settings, daemon=True).start()
started.wait()
print("end", flush=True)
"""
    done = run_script(script)
    assert (done.stdout, done.returncode) == ("end\n", 0), done.stderr


def test_threads_of_python_train_side_by_side_and_fail_alone(blobs: Data, make_model: MakeModel) -> None:
    statuses: list[str] = []

    def train(fails: bool) -> None:
        try:
            statuses.append(asap.train(make_model(), blobs, epochs=5, callbacks=in_a_callback if fails else ()).status)
        except LookupError:
            statuses.append("failed")

    threads = [threading.Thread(target=train, args=(i % 2 == 0,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == ["completed", "completed", "failed", "failed"]


def test_ctrl_c_of_other_threads_does_not_reach_a_run(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python handles signals on the main thread: a run elsewhere goes on, and the main thread gets the interrupt."""
    monkeypatch.setattr("asap.callbacks.TICK_SECONDS", 0.0)
    begun, interrupted = threading.Event(), threading.Event()
    events: list[str] = []
    statuses: list[str] = []

    def callback(state: asap.RunState) -> None:
        begun.set()
        interrupted.wait()
        events.append(state.event)
        if events.count("tick") == 3:  # by then the run would have seen it
            state.stop()

    thread = threading.Thread(
        target=lambda: statuses.append(asap.train(make_model(), blobs, epochs=10**6, callbacks=callback).status)
    )
    thread.start()
    begun.wait()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    interrupted.set()
    thread.join()
    assert statuses == ["stopped"]
