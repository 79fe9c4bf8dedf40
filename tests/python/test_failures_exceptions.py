"""Exceptions in and around a run: they end it once, say where they came from, and leave what was learnt."""

import errno
import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from failures_setting import ENGINES, PATIENCE, SETTING, run_script
from numpy.typing import NDArray

import asap
from asap import _core
from asap._notes import add_note
from asap._snapshots import Moment, SnapshotFile
from asap.callbacks import Observer
from asap.progress import Silent

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


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


def in_a_snapshot(file: SnapshotFile, theta: NDArray[np.float32], moment: Moment) -> None:
    if moment.updates > 0:
        fail()


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


PLACES = ["callback", "tick", "policy", "stop rule", "progress", "progress between epochs", "checkpoint", "snapshot"]


def failing(where: str, watched: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the settings of a run that fails there."""
    if where == "callback":
        return {"callbacks": in_a_callback}
    if where == "tick":
        return {"callbacks": between_epochs}
    if where == "policy":
        return {"step": asap.Custom(0.01, in_a_policy, sample=(1, 3))}
    if where == "stop rule":
        return {"stop": InAStopRule(-1.0, on="training")}
    if where == "checkpoint":
        pytest.importorskip("safetensors", reason="needs the extra io")
        watched.setattr("asap._checkpoint_file.write", lambda *_: fail())
        return {"checkpoint": asap.Checkpoint("is never written")}
    if where == "snapshot":
        watched.setattr("asap._snapshots.SnapshotFile.add", in_a_snapshot)
        return {"snapshots": 10}
    display = InTheProgress() if where == "progress" else InTheProgressBetweenEpochs()
    watched.setattr("asap.progress.choose", lambda *_: display)
    return {}


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
@pytest.mark.parametrize("where", PLACES)
def test_an_exception_of_python_ends_the_run_and_keeps_what_was_learnt(
    where: str,
    engine: Any,
    blobs: Data,
    make_model: MakeModel,
    watched: pytest.MonkeyPatch,
    same_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    raised.clear()
    settings: dict[str, Any] = {"engine": engine, "workers": 3, "seconds": PATIENCE, "trace": True}
    settings |= failing(where, watched)
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
    observer.on_failure(_core.Failure(worker=2, batch=17, read=40, tau=3, updates=43))
    error = LookupError("planted")
    observer.explain(error)
    assert error.__notes__ == ["asap: in worker 2, batch 17, on parameters of update 40 (τ = 3 by then)"]


class FullDisk(io.BytesIO):
    """A file with room for the parameters that a run begins with."""

    def write(self, data: Any) -> int:
        if self.tell() > 0:
            raise OSError(errno.ENOSPC, "planted")
        return super().write(data)


class FullInTheEnd(io.BytesIO):
    """A file whose last part finds no room."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "planted")


@pytest.mark.parametrize("file", [FullDisk, FullInTheEnd])
def test_snapshots_that_find_no_room_are_an_error_and_what_was_learnt_is_kept(
    file: type[io.BytesIO], blobs: Data, make_model: MakeModel, watched: pytest.MonkeyPatch
) -> None:
    watched.setattr("tempfile.TemporaryFile", file)
    model = make_model()
    with pytest.raises(OSError, match="planted") as caught:
        asap.train(model, blobs, workers=2, epochs=100, snapshots=10)
    assert caught.value.errno == errno.ENOSPC
    assert np.isfinite(model.parameters).all()
    assert not np.array_equal(model.parameters, make_model().parameters)


@pytest.mark.parametrize("end", [SystemExit, GeneratorExit, LookupError], ids=lambda end: end.__name__)
def test_whatever_ends_a_run_is_told_where(end: type[BaseException], blobs: Data, make_model: MakeModel) -> None:
    """The end of the program, too: what a callback raises need not be an Exception."""

    def leave(state: asap.RunState) -> None:
        if state.updates > 0:
            raise end

    with pytest.raises(end) as caught:
        asap.train(make_model(), blobs, workers=2, seconds=PATIENCE, callbacks=leave)
    assert len(caught.value.__notes__) == 1


def test_a_failure_while_a_failure_is_taken_down_is_told_and_hides_nothing(
    blobs: Data, make_model: MakeModel, watched: pytest.MonkeyPatch
) -> None:
    told = []
    watched.setattr("sys.unraisablehook", lambda what: told.append((type(what.exc_value), what.err_msg)))
    watched.setattr("asap.callbacks.Observer.on_failure", lambda *_: 1 // 0)
    raised.clear()
    with pytest.raises(LookupError, match="planted") as caught:
        asap.train(make_model(), blobs, workers=2, seconds=PATIENCE, callbacks=in_a_callback)
    assert raised == [caught.value]
    assert [kind for kind, _ in told] == [ZeroDivisionError]


def test_notes_are_kept_where_python_does_not_know_them() -> None:
    class Old:
        pass

    error = Old()
    add_note(error, "first")  # type: ignore[arg-type]
    add_note(error, "second")  # type: ignore[arg-type]
    assert error.__notes__ == ["first", "second"]  # type: ignore[attr-defined]
