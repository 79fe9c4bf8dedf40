"""Threads of Python that train, and those beside them."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from failures_setting import ENDLESS, ENGINES, PATIENCE, SETTING, run_script
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


def fail(_: asap.RunState) -> None:
    raise LookupError("planted")


def test_threads_of_python_train_side_by_side_and_fail_alone(blobs: Data, make_model: MakeModel) -> None:
    statuses: list[str] = []

    def train(fails: bool) -> None:
        try:
            statuses.append(asap.train(make_model(), blobs, epochs=5, callbacks=fail if fails else ()).status)
        except LookupError:
            statuses.append("failed")

    threads = [threading.Thread(target=train, args=(i % 2 == 0,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == ["completed", "completed", "failed", "failed"]


@pytest.mark.parametrize("run", ["train", "simulate"])
def test_threads_of_python_go_on_while_a_run_works(run: str) -> None:
    """Ctrl-C comes from a thread that sees the main one in the core, where no line of Python gives others a turn."""
    script = f"""{SETTING}
from asap import _execution

begun = threading.Event()
main = threading.main_thread().ident

def press():
    begun.wait()
    while sys._current_frames()[main].f_code is not _execution._run.__code__:
        time.sleep(0.001)
    signal.pthread_kill(main, signal.SIGINT)

threading.Thread(target=press).start()
print(asap.{run}(model, data, workers=2, epochs={ENDLESS}, callbacks=lambda state: begun.set()).status)
"""
    assert run_script(script).stdout == "interrupted\n"


@pytest.mark.usefixtures("watched")
def test_ctrl_c_of_other_threads_does_not_reach_a_run(blobs: Data, make_model: MakeModel) -> None:
    """Python handles signals on the main thread: a run elsewhere goes on, and the main thread gets the interrupt."""
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
        target=lambda: statuses.append(asap.train(make_model(), blobs, seconds=PATIENCE, callbacks=callback).status)
    )
    thread.start()
    begun.wait()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    interrupted.set()
    thread.join()
    assert statuses == ["stopped"]


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
