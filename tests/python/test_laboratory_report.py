"""The laboratory: what its files and its report hold."""

import base64
import csv
import dataclasses
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laboratory_outcomes import INITIAL, again_at, case, compared, crash, document, losses, outcome
from numpy.typing import NDArray

import asap
from asap._numerals import number
from asap.laboratory import LEVELS, MEASURES, Comparison, Outcome

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


FIGURES = {
    *("loss-by-seconds", "loss-by-updates", "heat-map-seconds", "heat-map-updates"),
    *("seconds-to-epsilon", "updates-to-epsilon", "epoch-to-epsilon"),
    *("staleness", "endings", "effective-step", "equal-step", "equal-step-loss", "equal-step-scatter"),
}


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
        outcome(again_at(0.06, case("leashed", seed=seed, equal_to="tail")), effective_step=0.06) for seed in range(3)
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
    assert page.count("<img ") == len(figures)
    assert {path.stem for path in figures} == FIGURES
    assert {path.stem for path in (folder / "figures").glob("*.png")} == FIGURES


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
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for each in result.summaries():
        assert each.group.label in text


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
        if row["measure"] == "sigma_tau":
            taus = np.repeat(np.arange(len(run["staleness"]["counts"])), run["staleness"]["counts"])
            assert value == pytest.approx(np.std(taus))
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


def test_how_equal_effective_steps_are_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())
    achieved = {"fleet": 0.0588, "inverse": 0.0602}
    made = [
        outcome(again_at(0.06, case(step=step, seed=seed, equal_to="tail")), effective_step=effective)
        for step, effective in achieved.items()
        for seed in range(3)
    ]
    result = Comparison([outcome(case(step="tail"), effective_step=0.06), *made], 7, "a title", "a command")
    page = (result.save(tmp_path) / "report.html").read_text()
    rows = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*at the step of tail.*?</tr>", page[page.index("it was to have") :])
    assert [("off by -2.0%" in row, "0.9800" in row, "1.0033" in row) for row in rows[:2]] == [
        (True, True, False),
        (False, False, True),
    ]
    assert page.count("off by -") == 1
    with (tmp_path / "measures.csv").open() as file:
        found = [row for row in csv.DictReader(file) if row["equal_to"]]
    for row in found:
        wanted = {"wanted_step": 0.06, "effective_step": achieved[row["step"]]}
        wanted["step_ratio"] = wanted["effective_step"] / wanted["wanted_step"]
        if row["measure"] in wanted:
            assert float(row["value"]) == pytest.approx(wanted[row["measure"]], rel=1e-12)
    assert sum(row["measure"] == "step_ratio" for row in found) == 6
    alone = Comparison([outcome(case(step="tail"))], 1, "a title", "a command").save(tmp_path / "alone")
    assert "it was to have" not in (alone / "report.html").read_text()


def test_without_matplotlib_there_are_tables_and_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = Comparison([outcome()], 1, "a title", "a command")
    with pytest.warns(RuntimeWarning, match=r'needs matplotlib: pip install "asap\[plot\]"'):
        result.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"summary.json", "measures.csv", "losses.csv", "report.html"}
    assert "<img" not in (tmp_path / "report.html").read_text()


def test_figures_of_before_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures.style import Panels

    monkeypatch.setattr(Panels, "_render", lambda self, kind: b"")
    Comparison([outcome()], 1, "a title", "a command").save(tmp_path)
    assert (tmp_path / "figures/loss-by-updates.svg").is_file()
    Comparison([crash(case())], 1, "a title", "a command").save(tmp_path)
    assert [path.name for path in sorted((tmp_path / "figures").iterdir())] == ["endings.png", "endings.svg"]


def test_several_rates_have_a_set_of_figures_each_and_one_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures import pictures
    from asap.laboratory.figures.style import Panels

    monkeypatch.setattr(Panels, "_render", lambda self, kind: b"")  # what takes the time
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


def test_each_clock_has_figures_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of threads is none of the virtual ones: on one axis either would be a line at its edge."""
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures import pictures
    from asap.laboratory.figures.along import clocks
    from asap.laboratory.figures.style import Panels

    monkeypatch.setattr(Panels, "_render", lambda self, kind: b"")  # what takes the time
    threads = [outcome(case(seed=seed), rows=losses(0.01)) for seed in range(2)]
    virtual = [
        outcome(dataclasses.replace(case(seed=seed), simulated=law), rows=losses(0.01, per_second=1.0))
        for law in ("constant", "exponential")
        for seed in range(2)
    ]
    assert [(along.label("to ε"), own) for along, own in clocks([*virtual, *threads])] == [
        ("wall-clock time to ε, s", threads),
        ("virtual time to ε, s", virtual),
    ]
    of_threads, of_both = ({"loss-by-seconds", "seconds-to-epsilon", "heat-map-seconds"} for _ in range(2))
    of_both |= {"loss-by-virtual-seconds", "virtual-seconds-to-epsilon", "heat-map-virtual-seconds"}
    for made, expected in ((threads, of_threads), (virtual, of_both - of_threads), ([*threads, *virtual], of_both)):
        assert {picture.name for picture in pictures(made, "made up") if "seconds" in picture.name} == expected


def test_a_panel_without_points_says_why() -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures import equal_steps
    from asap.laboratory.figures.style import Look

    made = [
        outcome(case(step=step, workers=workers, seed=seed), rows=losses(0.01 if workers == 2 else 1e-9))
        for step in ("constant", "tail")
        for workers in (2, 8)
        for seed in range(2)
    ]
    look = Look.of(made)
    for figure in (equal_steps.draw_pairs(made, look, 0.1, "tail"), equal_steps.draw_scatter(made, look, 0.1, "tail")):
        full, empty = ([text.get_text() for text in axes.texts] for axes in figure.axes)
        assert full == []
        assert "got to ε" in " ".join(empty) or "get to ε" in " ".join(empty)


def test_curves_of_runs_that_diverged_at_once_are_told_to_be_missing() -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures import curves
    from asap.laboratory.figures.along import UPDATES
    from asap.laboratory.figures.style import Look

    good = [outcome(case(seed=seed)) for seed in range(2)]
    wild = [outcome(case(workers=8, seed=seed), rows=losses(0.01)[:1], status="diverged") for seed in range(2)]
    drawn = curves.draw([*good, *wild], Look.of(good), UPDATES)
    assert [[text.get_text() for text in axes.texts] for axes in drawn.axes] == [[], ["no finite loss after the start"]]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (1571.4, "", "1,571"),
        (1.9238, "", "1.92"),
        (99.96, "", "100"),
        (0.0123456, "", "0.0123"),
        (0.5, ".2%", "50.00%"),
    ],
)
def test_numbers_have_three_digits_or_all_before_the_point(value: float, form: str, shown: str) -> None:
    assert number(value, form) == shown


def test_an_axis_goes_as_far_as_the_longest_of_the_runs_that_share_it() -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures import curves
    from asap.laboratory.figures.along import UPDATES
    from asap.laboratory.figures.style import Look

    made = [
        outcome(case(workers=workers, seed=seed), rows=losses(0.01, updates=100 * workers))
        for workers in (1, 8)
        for seed in range(2)
    ]
    drawn = curves.draw(made, Look.of(made), UPDATES)
    assert [axes.get_xlim()[0] for axes in drawn.axes] == [0, 0]
    assert all(axes.get_xlim()[1] >= 800 for axes in drawn.axes)


def test_a_comparison_without_any_run_has_a_report(tmp_path: Path) -> None:
    result = Comparison([crash(case())], 1, "a title", "a command")
    assert "1 failed" in (result.save(tmp_path) / "report.html").read_text()
    assert Comparison([], 4, "a title", "a command").save(tmp_path) == tmp_path
    assert "0 of 4 runs" in (tmp_path / "report.html").read_text()


def test_of_runs_without_snapshots_nobody_knows_whether_they_converged() -> None:
    from asap.laboratory.figures.endings import kind_of

    assert kind_of(Outcome(case(), document() | {"losses": None}), 0.1) == "completed"
    assert kind_of(outcome(rows=losses(1.0)), 0.1) == "converged"
    assert kind_of(outcome(rows=losses(1e-9)), 0.1) == "not converged"
    assert kind_of(crash(case()), 0.1) == "crashed"


def test_bars_hold_all_updates_on_either_axis() -> None:
    """Each bar has the mean share of its values of τ, so that height times width adds up."""
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures.staleness import _bars

    for counts in ([1], [0, 5], [3, 2, 1], range(1, 2000), [10**6, *[1] * 100]):
        for far in (False, True):
            edges, shares = _bars(np.array(counts, np.int64), far)
            assert (np.diff(edges) > 0).all()
            assert 0.999 <= (shares * np.diff(edges)).sum() <= 1 + 1e-12


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
