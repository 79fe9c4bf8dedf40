"""Progress: a bar where somebody watches, lines in files, silence otherwise; always on standard error."""

import io
import sys
import types
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
import asap.progress
from asap.history import Row
from asap.rates import Span

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Watch = Callable[[], Terminal]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Put a terminal in the place of standard error; to be called in the test, for pytest does the same before it."""

    def replace() -> Terminal:
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return replace


def without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, module, None)


def test_a_file_gets_a_plain_line_per_epoch(
    blobs: Data, make_model: MakeModel, capfd: pytest.CaptureFixture[str]
) -> None:
    asap.train(make_model(), blobs, workers=1, epochs=3, validation=blobs, progress=True)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "\r" not in captured.err
    assert "\x1b" not in captured.err
    lines = captured.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2", "epoch 3"]
    assert all("mean τ" in line for line in lines)
    assert "validation loss" in lines[0]
    assert "accuracy" in lines[0]


@pytest.mark.parametrize("progress", [None, False])
def test_a_file_gets_nothing_unasked(
    progress: bool | None, blobs: Data, make_model: MakeModel, capfd: pytest.CaptureFixture[str]
) -> None:
    asap.train(make_model(), blobs, progress=progress)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(blobs: Data, make_model: MakeModel, watch: Watch) -> None:
    pytest.importorskip("tqdm", reason="needs the extra progress")
    terminal = watch()
    asap.train(make_model(), blobs, epochs=2)
    assert "38/38" in terminal.getvalue()
    assert "\r" in terminal.getvalue()
    assert "loss" in terminal.getvalue()


def test_a_notebook_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm", reason="needs the extra progress")
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    display = asap.progress.choose(None, Span(updates=10))
    assert isinstance(display, asap.progress.Bar)
    display.close()


def test_a_terminal_gets_nothing_when_told_so(blobs: Data, make_model: MakeModel, watch: Watch) -> None:
    terminal = watch()
    asap.train(make_model(), blobs, progress=False)
    assert terminal.getvalue() == ""


def test_without_tqdm_a_terminal_gets_lines(
    blobs: Data, make_model: MakeModel, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tqdm(monkeypatch)
    terminal = watch()
    asap.train(make_model(), blobs, epochs=2)
    assert len(terminal.getvalue().splitlines()) == 2
    assert "\r" not in terminal.getvalue()


class Recorder:
    """A display that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def epoch(self, row: Row) -> None:
        self.told.append(row["epoch"])

    def tick(self, updates: int) -> None: ...

    def close(self) -> None:
        self.told.append("closed")


def test_the_display_is_closed_once_even_when_a_run_fails(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(state: asap.RunState) -> None:
        if len(state.history) == 2:
            raise LookupError

    recorder = Recorder()
    monkeypatch.setattr(asap.progress, "choose", lambda progress, span: recorder)
    with pytest.raises(LookupError):
        asap.train(make_model(), blobs, workers=1, epochs=3, callbacks=fail)
    assert recorder.told == [1.0, 2.0, "closed"]


def test_a_display_that_fails_to_close_leaves_the_model_what_was_learnt(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(Recorder):
        def close(self) -> None:
            raise LookupError

    monkeypatch.setattr(asap.progress, "choose", lambda progress, span: Stuck())
    model = make_model()
    with pytest.raises(LookupError):
        asap.train(model, blobs)
    assert not np.array_equal(model.parameters, make_model().parameters)


class Deaf(Terminal):
    def write(self, text: str) -> int:
        raise OSError("planted")


def test_lines_that_cannot_be_written_end_the_run(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tqdm(monkeypatch)
    monkeypatch.setattr(sys, "stderr", Deaf())
    with pytest.raises(OSError, match="planted"):
        asap.train(make_model(), blobs, workers=2, epochs=5, progress=True)


class Tired(Terminal):
    """Takes so many writes and no more."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left = writes

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError("nobody listens")
        return super().write(text)


@pytest.mark.parametrize("writes", [0, 3])
def test_a_bar_that_cannot_be_written_ends_the_run_with_its_first_error(
    writes: int, blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm", reason="needs the extra progress")
    monkeypatch.setattr(sys, "stderr", Tired(writes))
    rows: list[int] = []
    with pytest.raises(OSError, match="nobody listens") as raised:
        asap.train(
            make_model(), blobs, epochs=2000, progress=True, callbacks=lambda state: rows.append(len(state.history))
        )
    assert raised.value.__context__ is None
    assert max(rows, default=0) < 100  # it did not go on without its bar


def test_the_error_of_a_run_counts_where_the_display_cannot_be_closed_either(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Recorder):
        def epoch(self, row: Row) -> None:
            raise error

        def close(self) -> None:
            raise RuntimeError("it cannot be closed either")

    error = KeyError("first")
    monkeypatch.setattr(asap.progress, "choose", lambda *_: Broken())
    with pytest.raises(KeyError) as raised:
        asap.train(make_model(), blobs, epochs=3)
    assert raised.value is error
