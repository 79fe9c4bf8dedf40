"""`asap simulate` and `asap what-if`: every step, engine and law by its word, and what is refused."""

import re
from pathlib import Path

import pytest
from command_line import Command, strict

import asap
from asap import _laws, _names, _policies
from asap._plain import plain

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("rich", reason="needs the extra cli")


def test_a_simulation_is_made_and_its_schedule_tried_under_another_step(
    command: Command, digits: list[str], tmp_path: Path
) -> None:
    times = ["--compute", "log-normal:1:0.5", "--publish", "0.01", "--spread", "0.2", "--stragglers", "1"]
    settings = ["--workers", "0:4,30:8", "--engine", "locked", *times, "--trace", "--save", tmp_path / "run"]
    status, out, _ = command("simulate", *digits, *settings, "--json", "-")
    simulated = strict(out)
    assert (status, simulated["status"], simulated["config"]["workers"]) == (0, "completed", 8)
    assert simulated["simulation"]["team"] == [[0.0, 4], [30.0, 8]]
    assert simulated["simulation"]["compute"]["kind"] == "Stragglers"
    assert command("replay", tmp_path / "run", "--dataset", "digits").status == 0
    same = ["what-if", tmp_path / "run", "--dataset", "digits", "--step", "constant", "--json", "-"]
    status, out, _ = command(*same)
    assert (status, strict(out)["what_if"]) == (0, True)
    assert strict(out)["staleness"] == simulated["staleness"]
    assert [row["loss"] for row in strict(out)["history"]] == [row["loss"] for row in simulated["history"]]
    other = strict(command(*same, "--step", "inverse").out)
    assert other["results"]["effective_step"] < simulated["results"]["effective_step"]


@pytest.fixture
def moment(digits: list[str]) -> list[object]:
    """Arguments for a simulation of a moment, with staleness and a sample."""
    return [*digits, "--workers", 4, "--batch-size", 8, "--updates", 30, "--sample", 1, 3, "--compute", "exponential"]


@pytest.mark.parametrize(
    "word",
    [
        *("constant", "inverse", "inverse-plus-one", "power:1", "hinge:2:1", "exponential:0.1", "delay-adaptive"),
        *("threshold:2", "threshold:m:4", "ringmaster:3", "fleet", "fleet:4", "tail", "tail:0.5", "tail:exclusive"),
        *("tail:0.5:inclusive", "mind-the-step", "mind-the-step:poisson:3:20", "normalised:inverse"),
        *("clipped:0:1.5:tail", "online:tail", "online:5:10:normalised:inverse", "window:2:4:tail"),
    ],
)
def test_every_step_runs_by_its_word(command: Command, moment: list[object], word: str) -> None:
    status, out, _ = command("simulate", *moment, "--step", word, "--json", "-")
    document = strict(out)
    assert (status, document["status"], document["results"]["updates"]) == (0, "completed", 30)
    assert document["config"]["step"] == plain(_policies.step(word, 0.01, "constant", (1, 3)))


@pytest.mark.parametrize(
    "word", ["synchronous", "locked", "hogwild:copy", "leashed:1", "leashed:0:copy", "softsync", "softsync:2"]
)
def test_every_engine_of_several_workers_runs_by_its_word(command: Command, moment: list[object], word: str) -> None:
    status, out, _ = command("simulate", *moment, "--engine", word, "--json", "-")
    assert status == 0
    assert strict(out)["config"]["engine"] == plain(_names.engine(word))


@pytest.mark.parametrize("word", ["delay:0.1", "gap", "gap:0.5", "norm:0.01"])
def test_every_correction_runs_by_its_word(command: Command, moment: list[object], word: str) -> None:
    plainly = strict(command("simulate", *moment, "--json", "-").out)
    status, out, _ = command("simulate", *moment, "--correction", word, "--json", "-")
    corrected = strict(out)
    assert status == 0
    assert corrected["config"]["correction"] == plain(_names.correction(word))
    assert corrected["staleness"] == plainly["staleness"]
    assert corrected["history"][-1]["validation_loss"] != plainly["history"][-1]["validation_loss"]


def test_threads_take_softsync_and_corrections_by_their_words(command: Command, digits: list[str]) -> None:
    for words in (["--engine", "softsync:2"], ["--engine", "locked", "--correction", "delay:0.1"]):
        document = strict(command("train", *digits, "--workers", 4, *words, "--updates", 20, "--json", "-").out)
        assert (document["status"], document["results"]["updates"]) == ("completed", 20)


def test_recorded_times_come_from_a_file(command: Command, moment: list[object], tmp_path: Path) -> None:
    (tmp_path / "times").write_text("0.5\n1.5\n")
    status, out, _ = command("simulate", *moment, "--compute", f"recorded:{tmp_path / 'times'}", "--json", "-")
    assert status == 0
    assert strict(out)["simulation"]["compute"] == plain(asap.Recorded((0.5, 1.5)))


def test_recorded_times_have_counts_in_a_second_column(command: Command, moment: list[object], tmp_path: Path) -> None:
    (tmp_path / "times").write_text("0.5 3\n1.5 1\n")
    status, out, _ = command("simulate", *moment, "--compute", f"recorded:{tmp_path / 'times'}", "--json", "-")
    assert status == 0
    assert strict(out)["simulation"]["compute"] == plain(asap.Recorded((0.5, 1.5), (3, 1)))


@pytest.mark.parametrize(
    "word",
    [
        *("spread:0.3:log-normal", "factors:1:1:4:constant:2", "stragglers:1:exponential"),
        *("stragglers:1:3:spread:0.2:constant", "now-and-then:0.25:5:constant"),
    ],
)
def test_every_law_of_unlike_workers_runs_by_its_word(command: Command, moment: list[object], word: str) -> None:
    status, out, _ = command("simulate", *moment, "--compute", word, "--publish", word, "--json", "-")
    document = strict(out)
    assert (status, document["results"]["updates"]) == (0, 30)
    expected = plain(_laws.law("compute", word))
    assert [document["simulation"][name] for name in ("compute", "publish")] == [expected, expected]


def test_words_and_options_make_the_same_workers(command: Command, moment: list[object]) -> None:
    by_options = ["--compute", "log-normal:1:0.5", "--spread", 0.2, "--stragglers", 1, "--slowdown", 3]
    by_words = ["--compute", "stragglers:1:3:spread:0.2:log-normal:1:0.5"]
    runs = [strict(command("simulate", *moment, *words, "--json", "-").out) for words in (by_options, by_words)]
    assert runs[0]["simulation"] == runs[1]["simulation"]
    assert runs[0]["history"] == runs[1]["history"]


def test_a_scale_from_a_file_is_the_one_that_is_used(command: Command, moment: list[object], tmp_path: Path) -> None:
    (tmp_path / "scale").write_text("1\n0.5\n0.25\n0\n")
    arguments = [*moment, "--workers", 3, "--compute", "constant", "--rate", 0.1, "--json", "-"]
    document = strict(command("simulate", *arguments, "--step", f"table:{tmp_path / 'scale'}").out)
    assert document["config"]["step"] == plain(asap.Custom(0.1, (1.0, 0.5, 0.25, 0.0)))
    assert document["tables"][-1]["entries"] == [1.0, 0.5, 0.25, 0.0]
    inverse = strict(command("simulate", *arguments, "--step", "power:0").out)
    assert document["results"]["effective_step"] < inverse["results"]["effective_step"]


def test_a_schedule_is_the_one_that_is_used(command: Command, moment: list[object]) -> None:
    arguments = [*moment, "--workers", 1, "--rate", 0.1, "--json", "-"]
    document = strict(command("simulate", *arguments, "--schedule", "step:0.5:10:updates").out)
    assert document["config"]["step"]["rate"] == plain(asap.StepRate(0.1, 0.5, 10, "updates"))
    assert document["results"]["effective_step"] == pytest.approx(0.1 * (1 + 0.5 + 0.25) / 3)


def test_a_limit_of_memory_refuses_with_the_figure_that_would_do(command: Command, moment: list[object]) -> None:
    status, out, err = command("simulate", *moment, "--memory-limit", 1000)
    words = " ".join(err.split())
    found = re.search(r"memory_limit must be at least (\d+) bytes for 4 workers", words)
    assert (status, out) == (2, "")
    assert found, words
    assert command("simulate", *moment, "--memory-limit", found[1]).status == 0
    assert command("simulate", *moment, "--memory-limit", int(found[1]) - 1).status == 2
