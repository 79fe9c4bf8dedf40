"""The laboratory: what is compared, what is run again, what the files and the report hold."""

import base64
import csv
import dataclasses
import json
import math
import re
import statistics
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laboratory_outcomes import INITIAL, case, crash, document, losses, outcome
from numpy.typing import NDArray

import asap
from asap.laboratory import LEVELS, MEASURES, Comparison, Outcome, quartiles, subject, watch
from asap.laboratory.cells import cells, groups
from asap.laboratory.plan import make_plan, with_rate
from asap.laboratory.summary import summaries

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

SETTINGS: dict[str, Any] = {"batch_size": 16, "updates": 60, "snapshots": 20, "progress": False}


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


# --- what is compared


def test_the_plan_has_all_combinations_and_sequential_one_worker() -> None:
    plan = make_plan(
        [asap.engines.Sequential(), asap.Leashed()], [0.1, asap.TailTau(0.1)], [2, 4], [0.05, 0.2], (1, 2), None
    )
    found = [(each.engine, each.step, each.workers, each.rate, each.seed) for each in plan.cases()]
    assert len(found) == len(set(found)) == 2 * 1 * 2 * 2 + 2 * 2 * 2 * 2
    assert {workers for engine, _, workers, _, _ in found if engine == "sequential"} == {1}
    assert [seed for *_, seed in found[:2]] == [1, 2]
    assert len({each.name for each in plan.cases()}) == len(found)


def test_labels_are_the_words_of_the_command_line() -> None:
    steps = [
        0.1,
        asap.TailTau(0.1),
        asap.TailTau(0.1, cdf="exclusive"),
        asap.TailTau(0.1, 0.5),
        asap.Normalised(asap.Inverse(0.1)),
        asap.Ringmaster(0.1, 8),
    ]
    plan = make_plan([asap.Leashed(0), asap.Locked()], steps, 2, None, 0, None)
    assert list(plan.engines) == ["leashed:0", "locked"]
    assert list(plan.steps) == [
        "constant",
        "tail",
        "tail:exclusive",
        "tail:0.5",
        "normalised:inverse",
        "ringmaster:8",
    ]


@pytest.mark.parametrize(
    "step",
    [
        asap.Constant(0.1),
        asap.TailTau(asap.CosineRate(0.1, final=0.02)),
        asap.Clipped(asap.Normalised(asap.Inverse(asap.StepRate(0.1, 0.5, every=3, unit="updates"))), 0, 3),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_step_at_another_rate_has_the_same_shape(step: asap.steps.Step) -> None:
    scaled = with_rate(step, 0.25)
    for update in (0, 1, 5, 40):
        assert scaled.rate_at(update, updates_per_epoch=10, updates=50) == pytest.approx(
            2.5 * step.rate_at(update, updates_per_epoch=10, updates=50)
        )
    assert scaled.table([3, 2, 1]).tolist() == step.table([3, 2, 1]).tolist()
    assert with_rate(step, 0.1) is step


# --- equal effective steps


def test_a_step_runs_again_at_the_rate_that_equals_the_effective_steps() -> None:
    plan = make_plan([asap.Leashed()], [0.1, asap.Inverse(0.1), asap.TailTau(0.1)], 2, [0.1], (0, 1, 2), "tail")
    effective = {"constant": (0.1, 0.1, 0.1), "inverse": (0.03, 0.025, 0.02), "tail": (0.12, 0.11, 0.13)}
    outcomes = [
        outcome(each, effective_step=effective[each.step][each.seed]) for each in plan.cases()
    ]  # fmt: skip
    again = plan.equal_cases(outcomes)
    assert {(each.step, each.seed) for each in again} == {(s, i) for s in ("constant", "inverse") for i in range(3)}
    assert {each.equal_to for each in again} == {"tail"}
    assert {each.nominal for each in again} == {0.1}
    for each in again:
        own = statistics.median(effective[each.step])
        assert each.rate * (own / 0.1) == pytest.approx(0.12)
        assert plan.arguments(each)["step"].rate == each.rate
    assert not {each.name for each in again} & {each.name for each in plan.cases()}


def test_steps_that_are_equal_or_failed_do_not_run_again() -> None:
    plan = make_plan([asap.Leashed()], [0.1, asap.Inverse(0.1), asap.TailTau(0.1)], 2, None, (0,), "tail")
    constant, inverse, tail = plan.cases()
    outcomes = [outcome(constant, effective_step=0.1), crash(inverse), outcome(tail, effective_step=0.1004)]
    assert plan.equal_cases(outcomes) == []
    outcomes[2] = outcome(tail, effective_step=0.2, status="diverged")
    assert plan.equal_cases(outcomes) == []
    assert dataclasses.replace(plan, equal_to=None).equal_cases(outcomes) == []


def test_effective_steps_are_equal_in_the_end(blobs: Data, make_model: MakeModel) -> None:
    """With one worker every τ is 0, so that a step that halves C(0) needs twice the rate, exactly."""
    steps = {"half": asap.Custom(0.05, [0.5]), "whole": asap.Constant(0.05)}
    result = asap.compare(
        make_model(), blobs, engines=[asap.Locked()], steps=steps, workers=1, seeds=(1, 2), equal_step_to="whole",
        **SETTINGS,
    )  # fmt: skip
    assert result.planned == len(result.outcomes) == 6
    again = [each for each in result.outcomes if each.case.equal_to]
    assert [each.case.rate for each in again] == [pytest.approx(0.1)] * 2
    assert [each.result("effective_step") for each in again] == [pytest.approx(0.05)] * 2


# --- medians and quartiles


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    found = quartiles(values)
    assert found is not None
    assert list(found) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]).tolist(), rel=1e-12, abs=1e-9)


@given(st.lists(st.floats(0, 1e6), max_size=10), st.integers(0, 10))
def test_runs_that_never_arrive_come_last(values: list[float], missing: int) -> None:
    found = quartiles([*values, *[None] * missing])
    if not values and not missing:
        assert found is None
        return
    assert found is not None
    assert found.low <= found.median <= found.high
    assert math.isinf(found.median) == (2 * missing >= len(values) + missing and missing > 0)


def test_a_summary_tells_medians_over_the_runs_that_succeeded_and_counts_the_others() -> None:
    outcomes = [outcome(case(seed=seed), effective_step=0.01 * seed) for seed in range(1, 6)]
    outcomes += [
        outcome(case(seed=6), status="diverged", effective_step=None),
        outcome(case(seed=7), timed_out=True),
        crash(case(seed=8)),
    ]
    (summary,) = summaries(outcomes)
    assert (summary.runs, summary.failed) == (8, 3)
    assert summary.failures == {"diverged": 1, "crashed": 1, "timed out": 1}
    assert summary.measures["effective_step"] == pytest.approx((0.02, 0.03, 0.04))


def test_the_way_to_epsilon_has_the_closed_form_of_the_curve() -> None:
    """loss = L·e^(−ct) falls to ε at t = −ln ε / c, up to the straight line between two snapshots."""
    decays = (0.008, 0.01, 0.0125)
    (summary,) = summaries([outcome(case(seed=i), rows=losses(c, every=1)) for i, c in enumerate(decays)])
    for level in LEVELS:
        expected = [-math.log(level) / c for c in decays]
        reached = sum(each <= 400 for each in expected)
        assert summary.reached[level] == reached
        if reached == 3:
            assert summary.time(level, "updates") == pytest.approx(expected[1], rel=1e-4)
            assert summary.time(level, "seconds") == pytest.approx(expected[1] / 1000, rel=1e-4)
            assert summary.time(level, "epoch") == pytest.approx(expected[1] / 100, rel=1e-4)


def test_groups_and_cells_part_the_outcomes() -> None:
    outcomes = [
        outcome(case(engine, step, workers, seed=seed))
        for seed in range(2)
        for workers in (1, 2)
        for step in ("constant", "tail")
        for engine in ("locked", "leashed")
    ]
    for parts, number in ((groups(outcomes), 8), (cells(outcomes), 4)):
        assert len(parts) == number
        assert sorted(map(id, outcomes)) == sorted(id(each) for _, members in parts for each in members)


# --- what is run again


def compared(blobs: Data, model: asap.Model, folder: Path | None, **changes: Any) -> Comparison:
    settings = SETTINGS | {"workers": 1, "seeds": (1, 2, 3)} | changes
    return asap.compare(
        model, blobs, engines=[asap.Locked()], steps=[0.05, asap.TailTau(0.05)], validation=blobs, folder=folder,
        **settings,
    )  # fmt: skip


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


# --- files


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    """A comparison of made-up runs with a failure of each kind, and its folder with all figures."""
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    made = [
        outcome(
            case(engine, step, workers, seed=seed),
            rows=losses(decay * (1 + 0.1 * seed)),
            effective_step=effective,
            table=table,
        )
        for engine in ("locked", "leashed")
        for step, decay, effective, table in (("constant", 0.01, 0.05, (1.0,)), ("tail", 0.012, 0.06, (2.0, 1.0, 0.0)))
        for workers in (2, 4)
        for seed in range(3)
    ]
    again = [
        outcome(dataclasses.replace(case("leashed", seed=seed, equal_to="tail"), rate=0.06), effective_step=0.06)
        for seed in range(3)
    ]
    made[0] = outcome(made[0].case, rows=[*losses(0.01)[:5], {**losses(0.01)[5], "loss": None}], status="diverged")
    made[1] = crash(made[1].case, "MemoryError: <no> room")
    result = Comparison([*made, *again], 27, "MLP on <nothing>", "asap compare --steps 'a & b'")
    return result, result.save(tmp_path_factory.mktemp("saved"))


class References(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("link", "script", "iframe", "object"):
            self.found.append(tag)
        self.found += [value or "" for name, value in attributes if name in ("src", "href", "srcset", "data", "style")]


def outside(page: str) -> list[str]:
    """What a page needs that is not in it; images are looked into."""
    found = [each for each in References(page).found if not each.startswith(("data:image/svg+xml;base64,", "#"))]
    found += re.findall(r"url\([^)]*\)|@import.*", page)
    for image in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page):
        for element in ElementTree.fromstring(base64.b64decode(image)).iter():
            for name, value in element.attrib.items():
                if name.endswith("href") and not value.startswith(("#", "data:")):
                    found.append(value)
                found += [each for each in re.findall(r"url\(([^)]*)\)", value) if not each.startswith("#")]
    return found


def test_the_report_needs_nothing_outside(saved: tuple[Comparison, Path]) -> None:
    _, folder = saved
    page = (folder / "report.html").read_text()
    assert outside(page) == []
    assert "http" not in re.sub(r"base64,[^\"]+", "", page)
    figures = sorted((folder / "figures").glob("*.svg"))
    assert page.count("<img ") == len(figures) >= 12
    assert [path.stem for path in sorted((folder / "figures").glob("*.png"))] == [path.stem for path in figures]


@pytest.mark.parametrize(
    "planted",
    ['<img src="http://a/b.png">', '<script src="a.js"></script>', "<style>@import 'a.css'</style>"],
)
def test_a_reference_to_the_outside_is_found(planted: str, saved: tuple[Comparison, Path]) -> None:
    page = (saved[1] / "report.html").read_text()
    assert outside(page.replace("<h1>", f"{planted}<h1>"))


def test_the_report_shows_what_was_compared(saved: tuple[Comparison, Path]) -> None:
    result, folder = saved
    page = (folder / "report.html").read_text()
    assert "MLP on &lt;nothing&gt;" in page
    assert "&#x27;a &amp; b&#x27;" in page
    assert "27 of 27 runs" in page
    assert "2 failed" in page
    assert "MemoryError: &lt;no&gt; room" in page
    assert "a processor" in page
    for each in result.summaries():
        assert each.group.label in page


def test_the_tables_hold_what_run_json_holds(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    result = compared(blobs, make_model(), tmp_path)
    with (tmp_path / "measures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({(row["run"], row["measure"], row["level"]) for row in rows}) == len(rows)
    assert len(rows) == 6 * (len(MEASURES) + 3 * len(LEVELS))
    for row in rows:
        run = json.loads((tmp_path / "runs" / row["run"] / "run.json").read_text())
        assert (row["step"], int(row["seed"])) == (run["laboratory"]["case"]["step"], run["config"]["seed"])
        value = float(row["value"]) if row["value"] else None
        if row["measure"] in run["results"]:
            assert value == run["results"][row["measure"]]
        if row["measure"] == "accuracy":
            assert value == run["history"][-1]["accuracy"]
        if row["measure"] == "mean_tau":
            assert value == run["staleness"]["mean"]
        if row["measure"].endswith("_to"):
            curve = asap.Losses._of(run["losses"])
            assert value == curve.at(float(row["level"]), row["measure"].removesuffix("_to"))
    with (tmp_path / "losses.csv").open() as file:
        snapshots = list(csv.DictReader(file))
    for each in result.outcomes:
        mine = [row for row in snapshots if row["run"] == each.case.name]
        assert [float(row["loss"]) for row in mine] == [row["loss"] for row in each.document["losses"]]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["schema"] == "asap.compare/1"
    assert [row["runs"] for row in summary["summary"]] == [3, 3]


def test_without_matplotlib_there_are_tables_and_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = Comparison([outcome()], 1, "a title", "a command")
    with pytest.warns(RuntimeWarning, match=r'needs matplotlib: pip install "asap\[plot\]"'):
        result.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"summary.json", "measures.csv", "losses.csv", "report.html"}
    assert "<img" not in (tmp_path / "report.html").read_text()


def test_several_rates_have_a_set_of_figures_each_and_one_together() -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures import pictures

    made = [
        outcome(case(step=step, rate=rate, seed=seed), rows=losses(0.2 * rate * (1 + seed)))
        for step in ("constant", "tail")
        for rate in (0.01, 0.05)
        for seed in range(2)
    ]
    names = [picture.name for picture in pictures(made, "made up")]
    assert len(set(names)) == len(names)
    assert {"rates", "loss-by-updates-rate-0.01", "loss-by-updates-rate-0.05"} <= set(names)
    (together,) = (picture for picture in pictures(made[:2], "made up") if picture.name == "loss-by-updates")
    assert "η = 0.01" in together.caption


def test_a_comparison_without_any_run_has_a_report(tmp_path: Path) -> None:
    result = Comparison([crash(case())], 1, "a title", "a command")
    assert "1 failed" in (result.save(tmp_path) / "report.html").read_text()
    assert Comparison([], 4, "a title", "a command").save(tmp_path) == tmp_path
    assert "0 of 4 runs" in (tmp_path / "report.html").read_text()


def test_runs_without_snapshots_have_a_report(tmp_path: Path) -> None:
    made = [Outcome(case(seed=seed), document() | {"losses": None}) for seed in range(2)]
    page = (Comparison(made, 2, "a title", "a command").save(tmp_path) / "report.html").read_text()
    assert "Seconds until" not in page
    assert made[0].time_to(0.5) is None
    assert INITIAL > 0


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"engines": []}, ValueError, "engines must have at least one entry; got none"),
        ({"steps": [0.1, 0.2]}, ValueError, "steps must differ, or be a dict with a label for each; got 'constant'"),
        ({"seeds": -1}, ValueError, "seeds must be an integer ≥ 0; got -1"),
        ({"rates": [0]}, ValueError, "rates must be a finite number above 0; got 0"),
        ({"equal_step_to": "tail"}, ValueError, "equal_step_to must be one of 'constant'; got 'tail' (str)"),
        ({"timeout": 0}, ValueError, "timeout must be a finite number above 0; got 0"),
        ({"seed": 3}, TypeError, "seed is no setting of all cases; accepted are batch_size, epochs"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer ≥ 1; got 0"),
        ({"progress": 1}, TypeError, "progress must be True, False or None; got 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    changes: dict[str, Any], error: type[Exception], words: str, blobs: Data, make_model: MakeModel
) -> None:
    arguments: dict[str, Any] = {"engines": [asap.Locked()], "steps": [0.1], "workers": 2, "progress": False}
    with pytest.raises(error, match=re.escape(words)):
        asap.compare(make_model(), blobs, **arguments | changes)
