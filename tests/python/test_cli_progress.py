"""Progress on the command line: one rule for all commands, unasked in terminals only."""

from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Command

from asap import _watched, benchmark, datasets
from asap.laboratory import Comparison
from asap.reproduction import reproducing, studies

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("rich", reason="needs the extra cli")

COMMANDS = ("train", "simulate", "compare", "reproduce", "bench")


@pytest.fixture
def arguments(digits: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[object]]:
    """Every command that shows progress, at something that takes a moment."""
    monkeypatch.setattr(benchmark, "_ROUNDS", 1)
    monkeypatch.setattr(benchmark, "_SECONDS", 1e-6)
    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())
    few = {"updates": 10, "seeds": (1,), "equal_step_to": None}
    short = [replace(study, settings={**study.settings, **few}) for study in studies("ijcai16", quick=True)]
    monkeypatch.setattr(reproducing, "studies", lambda paper, quick: short)
    one = {"engines": "locked", "steps": "constant"}
    return {
        "train": ["train", *digits],
        "simulate": ["simulate", *digits],
        "compare": ["compare", *digits, "--updates", 10, *(f"--{name}={word}" for name, word in one.items())],
        "reproduce": ["reproduce", "ijcai16", "--quick", "--save", tmp_path],
        "bench": ["bench", "--batch-size", 1],
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_progress_when_asked_only(name: str, arguments: dict[str, list[object]], command: Command) -> None:
    assert command(*arguments[name]).err == ""
    assert command(*arguments[name], "--no-progress").err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_lines_when_asked(name: str, arguments: dict[str, list[object]], command: Command) -> None:
    said = command(*arguments[name], "--progress").err
    assert said.endswith("\n")
    assert "\r" not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_who_watches_is_shown_progress_unasked(
    name: str, arguments: dict[str, list[object]], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watched, "is_watched", lambda: True)
    assert command(*arguments[name]).err != ""


@pytest.mark.parametrize(
    ("watched", "options", "shown"),
    [(False, [], False), (True, [], True), (False, ["--progress"], True), (True, ["--no-progress"], False)],
)
def test_a_download_follows_the_same_rule(
    watched: bool, options: list[str], shown: bool, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def load_files(recipe: object, *, progress: bool, **_: object) -> None:
        asked.append(progress)
        raise datasets.DataError

    monkeypatch.setattr(datasets, "load_files", load_files)
    monkeypatch.setattr(_watched, "is_watched", lambda: watched)
    for name in ("train", "simulate", "compare"):
        assert command(name, *options).status == 1
    assert asked == 3 * [shown]
