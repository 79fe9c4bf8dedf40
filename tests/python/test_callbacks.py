"""Callbacks: the live state, stopping, exceptions, Ctrl-C."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
from failures_setting import PATIENCE, SETTING
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


def test_callbacks_see_the_live_state_on_the_calling_thread(blobs: Data, make_model: MakeModel) -> None:
    model = make_model()
    start = model.parameters.copy()
    seen = []

    def look(state: asap.RunState) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert state.parameters().shape == start.shape
        assert state.updates == 0 or not np.array_equal(state.parameters(), start)
        assert np.array_equal(model.parameters, start)  # the result comes at the end
        assert state.updates <= state.staleness.total + 8
        seen.append((state.event, state.epoch, state.updates, state.seconds, len(state.history)))

    run = asap.train(model, blobs, workers=2, epochs=5, callbacks=look)
    epochs = [row for row in seen if row[0] == "epoch"]
    assert [row[4] for row in epochs] == list(range(1, len(run.history) + 1))
    assert [row[1:4] for row in seen] == sorted(row[1:4] for row in seen)
    assert seen[-1][2] == run.updates
    assert seen[-1][1] == 5.0


def test_ticks_come_between_epochs(blobs: Data, make_model: MakeModel) -> None:
    """Two of them here, then the row of the epoch they stopped."""
    events = []
    big = tuple(np.repeat(part, 2000, axis=0) for part in blobs)

    def stop_at_the_second(state: asap.RunState) -> None:
        events.append(state.event)
        if events.count("tick") == 2:
            state.stop()

    run = asap.train(make_model(), big, workers=1, batch_size=1, seconds=PATIENCE, callbacks=stop_at_the_second)
    assert run.status == "stopped"
    assert events[-1] == "epoch"


def test_all_callbacks_are_called_in_order(blobs: Data, make_model: MakeModel) -> None:
    order: list[str] = []
    callbacks = [lambda _: order.append("first"), lambda _: order.append("second")]
    asap.train(make_model(), blobs, epochs=1, callbacks=callbacks)
    assert order[:2] == ["first", "second"]


def test_a_callback_can_stop_the_run(blobs: Data, make_model: MakeModel) -> None:
    def stop_at_3(state: asap.RunState) -> None:
        if state.epoch >= 3:
            state.stop()

    run = asap.train(make_model(), blobs, workers=2, seconds=PATIENCE, callbacks=stop_at_3)
    assert run.status == "stopped"
    assert run.history[-1]["epoch"] >= 3


def test_the_state_is_over_with_its_callback(blobs: Data, make_model: MakeModel) -> None:
    states: list[asap.RunState] = []
    asap.train(make_model(), blobs, callbacks=states.append)
    last = states[-1]
    assert last.updates > 0
    assert "RunState(epoch: epoch 1.00" in repr(last)
    for use in (last.parameters, last.stop, lambda: last.staleness):
        with pytest.raises(RuntimeError, match="only be used during the callback"):
            use()


def test_an_exception_ends_the_run_and_is_raised_once(
    blobs: Data, make_model: MakeModel, same_threads: Callable[[], AbstractContextManager[None]]
) -> None:
    asap.train(make_model(), blobs, workers=4)
    calls = []

    def fail(state: asap.RunState) -> None:
        if state.updates > 0:
            calls.append(state.parameters())
            raise LookupError("in the callback")

    model = make_model()
    with same_threads(), pytest.raises(LookupError, match="in the callback"):
        asap.train(model, blobs, workers=4, seconds=PATIENCE, callbacks=fail)
    assert len(calls) == 1
    assert np.isfinite(model.parameters).all()
    assert not np.array_equal(model.parameters, make_model().parameters)  # what was learnt is kept


@pytest.mark.parametrize("stays", [False, True], ids=["between", "within a callback"])
def test_ctrl_c_returns_what_was_learnt(stays: bool) -> None:
    script = f"""{SETTING}
def ready(state):
    if state.event == "tick" and state.updates > 0:
        print("ready", flush=True)
        while {stays}:
            time.sleep(0.01)  # and no longer: a signal just before a sleep is seen after it
run = asap.train(model, data, workers=4, seconds=10**6, callbacks=ready)
print(run.status, run.updates > 0, bool(np.isfinite(run.parameters).all()))
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert output.splitlines()[-1] == "interrupted True True"
    assert errors == ""
    assert process.returncode == 0
