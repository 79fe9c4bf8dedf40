"""The laboratory: what is run, run again, fails, and is seen meanwhile."""

import csv
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laboratory_outcomes import SETTINGS, case, compared, crash, outcome
from numpy.typing import NDArray

import asap
from asap import _core
from asap.laboratory import Comparison, Outcome, subject, watch

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested are the runs; figures take seconds."""
    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of each run that is made, as it is made."""
    made: list[dict[str, Any]] = []

    def train(*arguments: Any, **settings: Any) -> asap.Run:
        made.append(settings)
        return asap.train(*arguments, **settings)

    monkeypatch.setattr(subject, "train", train)
    return made


# --- when held-out data are evaluated


def test_validation_at_the_end_is_of_the_last_parameters_and_takes_nothing_from_the_workers(
    blobs: Data, make_model: MakeModel, calls: list[dict[str, Any]]
) -> None:
    at_epochs, at_end = (compared(blobs, make_model(), None, validate=when) for when in ("epochs", "end"))
    assert [settings["validation"] is None for settings in calls] == [False] * 6 + [True] * 6
    for before, after in zip(at_epochs.outcomes, at_end.outcomes, strict=True):
        *rows, last = after.document["history"]
        assert rows
        assert all(row["validation_loss"] is row["accuracy"] is None for row in rows)
        assert last["accuracy"] == before.last("accuracy")
        assert last["validation_loss"] == pytest.approx(before.last("validation_loss"), rel=1e-5)
        assert after.document["data"] == before.document["data"]


@pytest.mark.usefixtures("no_figures")
def test_runs_validated_at_another_time_are_run_again(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    reused = [
        {each.reused for each in compared(blobs, make_model(), tmp_path, validate=when).outcomes}
        for when in ("epochs", "end", "end", "epochs")
    ]
    assert reused == [{False}, {False}, {True}, {False}]


# --- what is run again


def timeless(each: Outcome) -> dict[str, Any]:
    """A document without what depends on when things happened."""
    kept = {name: each.document[name] for name in ("status", "model", "data", "config", "staleness", "laboratory")}
    figures = {name: value for name, value in each.document["results"].items() if "second" not in name}
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in each.document["history"]]
    return kept | {"results": figures, "history": rows, "loss": each.document["losses"][-1]["loss"]}


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("done", [0, 1, 4])
def test_an_interrupted_comparison_runs_the_rest_only(
    done: int,
    blobs: Data,
    make_model: MakeModel,
    calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    train = subject.train

    def interrupted(*arguments: Any, **settings: Any) -> asap.Run:
        run = train(*arguments, **settings)
        return run if len(calls) <= done else dataclasses.replace(run, status="interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(subject, "train", interrupted)
        first = compared(blobs, make_model(), tmp_path / "a")
    assert (len(first.outcomes), first.is_complete, first.is_success) == (done, False, False)
    assert len(list((tmp_path / "a/runs").glob("*/run.json"))) == done
    calls.clear()
    second = compared(blobs, make_model(), tmp_path / "a")
    assert len(calls) == 6 - done
    assert [each.reused for each in second.outcomes] == [True] * done + [False] * (6 - done)
    whole = compared(blobs, make_model(), tmp_path / "b")
    assert whole.is_success
    assert [timeless(each) for each in second.outcomes] == [timeless(each) for each in whole.outcomes]


@pytest.mark.usefixtures("no_figures")
def test_what_is_there_is_not_run_again_and_reads_the_same(
    blobs: Data, make_model: MakeModel, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    first = compared(blobs, make_model(), tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    second = compared(blobs, make_model(), tmp_path)
    assert len(calls) == 6
    assert second.to_dict() == first.to_dict()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == files
    in_memory = compared(blobs, make_model(), None)
    assert [set(each.document) for each in in_memory.outcomes] == [set(each.document) for each in first.outcomes]


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("change", ["settings", "model", "data", "timeout"])
def test_what_was_made_by_something_else_is_run_again(
    change: str, blobs: Data, make_model: MakeModel, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    compared(blobs, make_model(), tmp_path)
    calls.clear()
    model, (x, y) = make_model(), blobs
    changes: dict[str, Any] = {"settings": {"batch_size": 17}, "timeout": {"timeout": 1e6}}.get(change, {})
    if change == "model":
        model.parameters[0] += 1
    compared((x + 1, y) if change == "data" else blobs, model, tmp_path, **changes)
    assert len(calls) == 6


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("part", sorted(_core.build_info()))
def test_what_another_build_made_is_run_again(
    part: str,
    blobs: Data,
    make_model: MakeModel,
    calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    compared(blobs, make_model(), tmp_path)
    calls.clear()
    other = _core.build_info() | {part: "another one"}
    monkeypatch.setattr(_core, "build_info", lambda: other)
    result = compared(blobs, make_model(), tmp_path)
    assert len(calls) == 6
    assert not any(each.reused for each in result.outcomes)


@pytest.mark.usefixtures("no_figures")
def test_a_damaged_run_is_named(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    compared(blobs, make_model(), tmp_path)
    path = sorted(tmp_path.glob("runs/*/run.json"))[0]
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        compared(blobs, make_model(), tmp_path)


# --- failures


@pytest.mark.usefixtures("no_figures")
def test_failures_are_counted_and_shown_and_crashes_run_again(
    blobs: Data, make_model: MakeModel, tmp_path: Path
) -> None:
    steps = {"wild": asap.Constant(1e30), "broken": asap.Custom(0.1, [0.0]), "good": asap.Constant(0.1)}
    settings = SETTINGS | {"engines": [asap.Locked()], "steps": steps, "workers": 2, "seeds": 1, "folder": tmp_path}
    result = asap.compare(make_model(), blobs, **settings)
    assert [each.status for each in result.outcomes] == ["diverged", "crashed", "completed"]
    assert not result.is_success
    assert result.is_complete
    assert repr(result) == "Comparison(3 of 3 runs, 2 failed)"
    page = (tmp_path / "report.html").read_text()
    assert "2 failed" in page
    assert "ValueError: policy &#x27;table&#x27; rejects fresh gradients (C(0) = 0)" in page
    rows = list(csv.DictReader((tmp_path / "measures.csv").open()))
    assert {(row["step"], row["status"]) for row in rows} == {
        ("wild", "diverged"),
        ("broken", "crashed"),
        ("good", "completed"),
    }
    again = asap.compare(make_model(), blobs, **settings)
    assert [each.reused for each in again.outcomes] == [True, False, True]


def test_a_case_that_takes_too_long_is_given_up(blobs: Data, make_model: MakeModel) -> None:
    result = asap.compare(
        make_model(), blobs, engines=[asap.Locked()], steps=[0.05], workers=1, seeds=0, updates=10**12, timeout=0.01,
        progress=False,
    )  # fmt: skip
    assert [each.status for each in result.outcomes] == ["timed out"]
    assert result.summaries()[0].failures["timed out"] == 1


# --- what is seen meanwhile


def test_progress_counts_what_is_run_and_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    lines = watch.Lines()
    lines.expect([case(seed=seed) for seed in range(3)])
    lines.end(dataclasses.replace(outcome(case(seed=0)), reused=True))
    lines.begin(case(seed=1))
    lines.end(crash(case(seed=1)))
    lines.begin(case(seed=2))
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said if line.startswith("run")] == [f"run {i} of 3" for i in (1, 2, 3)]
    assert said[0].endswith("kept from before")
    assert said[2].endswith("crashed: MemoryError: no room")


def test_the_live_table_shows_groups_and_what_is_running(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich", reason="needs the extra cli")
    monkeypatch.setenv("COLUMNS", "150")
    live = watch.Live()
    live.expect([case(step=step, seed=seed) for step in ("constant", "tail") for seed in range(2)])
    live.begin(case())
    live.end(outcome())
    live.begin(case(step="tail"))
    live.close()
    said = capsys.readouterr().err
    assert "1 of 4 runs" in said
    assert [line.split()[1] for line in said.splitlines() if "leashed" in line] == ["constant", "tail"]
    assert "0 of 2 ←" in said


def test_nobody_is_shown_what_nobody_watches() -> None:
    assert isinstance(watch.choose(None), watch.Silent)
    assert isinstance(watch.choose(False), watch.Silent)
    assert isinstance(watch.choose(True), watch.Lines)
