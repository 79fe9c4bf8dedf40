"""Ctrl-C: once, twice, in a notebook."""

import importlib.util
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from failures_setting import ENGINES, PATIENCE, SETTING, run_script
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


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
        run = asap.train(model, blobs, engine=engine, workers=3, seconds=PATIENCE, callbacks=callback)
    assert run.status == "interrupted"
    assert np.array_equal(model.parameters, run.parameters)
    assert not np.array_equal(model.parameters, make_model().parameters)


def test_a_second_ctrl_c_cuts_short_what_is_left_of_a_run() -> None:
    """The first one comes in a callback, another one whenever a later one waits for ever: of the last row."""
    script = f"""{SETTING}
long = np.zeros((10**6, 8), np.float32), np.zeros(10**6, np.int32)  # more than is worked on before the first callback
waits = threading.Event()
calls = []

def callback(state):
    if state.updates == 0:
        return
    calls.append(state.event)
    if len(calls) == 1:
        signal.raise_signal(signal.SIGINT)
    waits.set()
    while True:
        time.sleep(0.01)  # and no longer: a signal just before a sleep is seen after it

def press():
    while True:
        waits.wait()
        waits.clear()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

threading.Thread(target=press, daemon=True).start()
run = asap.train(model, long, batch_size=1, workers=4, seconds=10**6, callbacks=callback)
print(len(calls) > 1, run.status, run.updates > 0, len(run.history) > 0)
"""
    assert run_script(script).stdout == "True interrupted True True\n"


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
