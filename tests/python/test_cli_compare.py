"""`asap compare` and `asap reproduce`: lists, folders, equal effective steps, and exit statuses."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from command_line import Command, strict

from asap import _laws, _policies
from asap._plain import plain
from asap.laboratory import Comparison
from asap.steps.sample import SAMPLE

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("rich", reason="needs the extra cli")


def test_comparing_runs_all_combinations(command: Command, digits: list[str], tmp_path: Path) -> None:
    lists = ["--engines", "sequential,leashed:0", "--steps", "constant, tail", "--workers", "2,3", "--seeds", "0,1,2"]
    ends = ["--validate", "end", "--progress", "--json", tmp_path / "c.json"]
    result = command("compare", *digits, *lists, "--updates", 20, *ends)
    assert result.status == 0
    document = strict((tmp_path / "c.json").read_text())
    assert document["schema"] == "asap.compare/1"
    groups = [(row["engine"], row["step"], row["workers"], row["runs"]) for row in document["summary"]]
    assert groups == [
        ("sequential", "constant", 1, 3),
        ("sequential", "tail", 1, 3),
        ("leashed:0", "constant", 2, 3),
        ("leashed:0", "constant", 3, 3),
        ("leashed:0", "tail", 2, 3),
        ("leashed:0", "tail", 3, 3),
    ]
    runs = document["runs"]
    assert len(runs) == 18
    assert [run["case"]["seed"] for run in runs[:3]] == [run["config"]["seed"] for run in runs[:3]] == [0, 1, 2]
    assert all(run["results"]["updates"] == 20 for run in runs)
    accuracies = sorted(run["history"][-1]["accuracy"] for run in runs[:3])
    assert document["summary"][0]["accuracy"] == accuracies[1]
    assert result.out.count("leashed:0") == 4
    assert "run 18 of 18: leashed:0, tail, 3 workers, rate 0.01, seed 2" in result.err


def test_comparing_returns_1_when_a_run_diverged(command: Command, digits: list[str]) -> None:
    result = command("compare", *digits, "--steps", "constant", "--rate", 1e30, "--no-progress", "--json", "-")
    assert result.status == 1
    document = strict(result.out)
    assert [row["failed"] for row in document["summary"]] == [1, 1]
    assert document["summary"][0]["accuracy"] is None
    assert "run 1 of" not in result.err


def test_a_comparison_is_a_folder_that_is_gone_on_with(
    command: Command, digits: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from asap.laboratory.figures.style import Panels

    monkeypatch.setattr(Panels, "_render", lambda self, kind: b"")  # what takes the time
    lists = ["--engines", "locked", "--steps", "constant,tail", "--workers", 2, "--rates", "0.05,0.1"]
    limits = ["--updates", 40, "--snapshots", 10, "--loss-samples", 200, "--sample", 1, 5, "--progress"]
    first = command("compare", *digits, *lists, *limits, "--seeds", "1,2", "--save", tmp_path / "out")
    assert (first.status, first.err.count("run ")) == (0, 8)
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {
        "report.html",
        "measures.csv",
        "losses.csv",
        "summary.json",
        "figures/loss-by-updates-rate-0.1.svg",
    } <= files
    assert sum(name.endswith("run.json") for name in files) == 8
    more = command("compare", *digits, *lists, *limits, "--seeds", "1,2,3", "--save", tmp_path / "out", "--json", "-")
    assert more.err.count("kept from before") == 8
    document = strict(more.out)
    assert [row["runs"] for row in document["summary"]] == [3, 3, 3, 3]
    assert {run["config"]["step"]["rate"] for run in document["runs"]} == {0.05, 0.1}
    assert "asap compare --dataset digits" in (tmp_path / "out" / "report.html").read_text()


def test_cases_can_be_simulated_beside_threads(command: Command, digits: list[str]) -> None:
    lists = ["--engines", "locked", "--steps", "constant", "--workers", 4, "--compute", "threads,log-normal:2:0.5"]
    result = command(
        "compare", *digits, *lists, "--publish", 0.1, "--updates", 30, "--affinity", "compact", "--json", "-"
    )
    assert result.status == 0
    threads, simulated = strict(result.out)["runs"]
    assert threads["simulation"] is None
    assert simulated["simulation"]["compute"] == {"kind": "LogNormal", "mean": 2.0, "sigma": 0.5}
    assert [each["config"]["affinity"] for each in (threads, simulated)] == ["compact", "none"]
    assert [each["case"]["simulated"] for each in (threads, simulated)] == [None, "log-normal:2:0.5"]


def test_cases_of_unlike_workers_are_compared_by_their_words(
    command: Command, digits: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())  # what takes the time
    (tmp_path / "scale").write_text("1\n0.5\n")
    (tmp_path / "times").write_text("1 3\n2 1\n")
    laws = [
        *("spread:0.3:log-normal:2", "factors:1:4:constant", "stragglers:1:constant", "now-and-then:0.25:5:constant"),
        f"recorded:{tmp_path / 'times'}",
    ]
    steps = ["constant", f"table:{tmp_path / 'scale'}"]
    lists = ["--engines", "locked", "--steps", ",".join(steps), "--workers", 4, "--compute", ",".join(laws)]
    settings = ["--updates", 20, "--schedule", "step:0.5:5:updates", "--rates", 0.1]
    result = command("compare", *digits, *lists, *settings, "--json", "-", "--save", tmp_path / "out")
    assert result.status == 0
    runs = strict(result.out)["runs"]
    assert [(run["case"]["simulated"], run["case"]["step"]) for run in runs] == list(product(laws, steps))
    for run in runs:
        assert run["simulation"]["compute"] == plain(_laws.law("compute", run["case"]["simulated"]))
        assert run["config"]["step"] == plain(_policies.step(run["case"]["step"], 0.1, "step:0.5:5:updates", SAMPLE))
        assert run["results"]["updates"] == 20
    again = command("compare", *digits, *lists, *settings, "--progress", "--json", "-", "--save", tmp_path / "out")
    assert again.err.count("kept from before") == len(runs)
    (tmp_path / "scale").write_text("1\n0.25\n")
    again = command("compare", *digits, *lists, *settings, "--progress", "--json", "-", "--save", tmp_path / "out")
    assert again.err.count("kept from before") == len(runs) / 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--engines", "leashed,fast"], "got 'fast'"),
        (["--steps", ""], "step must be one of"),
        (["--workers", "2,x"], "workers must be integers separated by commas; got '2,x'"),
        (["--workers", "2,0"], "workers must be an integer ≥ 1; got 0"),
        (["--workers", "0:4,9:8"], "as each is compared; one that changes is for asap simulate; got '0:4,9:8'"),
        (["--seeds", "-1"], "seeds must be an integer ≥ 0; got -1"),
    ],
)
def test_bad_lists_return_2(command: Command, arguments: list[str], error: str) -> None:
    result = command("compare", *arguments)
    assert result.status == 2
    assert error in " ".join(result.err.split())


def test_steps_run_again_at_the_effective_step_of_another(command: Command, digits: list[str]) -> None:
    lists = ["--engines", "locked", "--steps", "constant,inverse", "--workers", 8, "--compute", "log-normal:1:0.3"]
    settings = ["--updates", 200, "--equal-step-to", "inverse", "--json", "-"]
    result = command("compare", *digits, *lists, *settings)
    runs = strict(result.out)["runs"]
    assert result.status == 0
    assert [(run["case"]["step"], run["case"]["equal_to"]) for run in runs] == [
        ("constant", None),
        ("inverse", None),
        ("constant", "inverse"),
    ]
    reference, again = (run["results"]["effective_step"] for run in runs[1:])
    assert again == pytest.approx(reference, rel=1e-6)


def test_a_paper_is_reproduced_into_a_folder(
    command: Command, digits: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from asap.reproduction import reproducing, studies

    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())  # what takes the time
    few = {"updates": 40, "seeds": (1,)}
    short = [replace(study, settings={**study.settings, **few}) for study in studies("ijcai16", quick=True)]
    monkeypatch.setattr(reproducing, "studies", lambda paper, quick: short if quick else [])
    status, out, _ = command("reproduce", "ijcai16", "--quick", "--save", tmp_path, "--json", tmp_path / "all.json")
    document = strict((tmp_path / "all.json").read_text())
    assert status == 0
    assert (document["schema"], document["paper"]) == ("asap.reproduce/1", "ijcai16")
    assert [study["name"] for study in document["studies"]] == [study.name for study in short]
    assert (tmp_path / "index.html").is_file()
    assert "softsync:30" in out
