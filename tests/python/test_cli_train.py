"""`asap train`, `resume` and `replay`: what goes where, and exit statuses."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Command, strict

import asap

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("rich", reason="needs the extra cli")


def test_training_prints_its_history(command: Command, digits: list[str]) -> None:
    status, out, err = command("train", *digits, "--engine", "locked", "--workers", 1, "--epochs", 3)
    assert (status, err) == (0, "")
    assert "CNN, Locked(), m = 1: completed" in out
    rows = [line.split() for line in out.splitlines() if line.strip()[:1].isdigit()]
    assert [row[:2] for row in rows] == [["1", "47"], ["2", "94"], ["3", "141"]]


def test_json_on_standard_output_is_alone_there(command: Command, digits: list[str]) -> None:
    arguments = ["--engine", "leashed:2", "--step", "tail:0.5", "--sample", 1, 5, "--seed", 3, "--progress"]
    status, out, err = command("train", *digits, *arguments, "--json", "-")
    document = strict(out)
    assert status == 0
    assert document["schema"] == "asap.run/1"
    assert document["config"]["engine"] == {"kind": "Leashed", "persistence": 2, "read": "auto"}
    assert document["config"]["step"]["amplitude"] == 0.5
    assert document["config"]["step"]["sample"] == [1, 5]
    assert document["config"]["seed"] == 3
    assert document["data"] == {"samples": 1497, "validation_samples": 300}
    assert "epoch 1: " in err
    assert "completed" in err


def test_json_goes_to_a_file_and_a_run_to_a_folder(command: Command, digits: list[str], tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    result = command("train", *digits, "--json", tmp_path / "a.json", "--save", tmp_path / "run")
    assert result.status == 0
    assert "completed" in result.out
    assert strict((tmp_path / "a.json").read_text()) == strict((tmp_path / "run" / "run.json").read_text())
    assert asap.load(tmp_path / "run" / "parameters.safetensors").input_shape == (32, 32)


def test_a_traced_run_is_replayed_from_its_folder(command: Command, digits: list[str], tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    folder, data = tmp_path / "run", digits[:2]
    assert command("train", *digits, "--workers", 2, "--trace", "--save", folder).status == 0
    status, out, _ = command("replay", folder, *data)
    assert status == 0
    assert "identical" in out
    document = strict(command("replay", folder, *data, "--json", "-").out)
    assert (document["schema"], document["exact"], document["identical"]) == ("asap.replay/1", True, True)
    missing = command("replay", tmp_path / "none", *data)
    assert (missing.status, "no such run file" in missing.err) == (1, True)
    (folder / "trace.bin").write_bytes(b"nothing")
    broken = command("replay", folder, *data)
    assert (broken.status, "is no trace of asap" in " ".join(broken.err.split())) == (2, True)


def test_a_seed_fixes_starting_parameters_and_order(command: Command, digits: list[str]) -> None:
    def losses(seed: int) -> list[float]:
        out = command("train", *digits, "--engine", "sequential", "--seed", seed, "--json", "-").out
        return [row["loss"] for row in strict(out)["history"]]

    assert losses(1) == losses(1) != losses(2)


def test_goals_end_a_run(command: Command, digits: list[str]) -> None:
    for goal in (["--target-accuracy", 0.5], ["--target-loss", 1.0]):
        result = command("train", *digits, "--epochs", 1000, *goal, "--json", "-")
        document = strict(result.out)
        assert (result.status, document["status"]) == (0, "stopped")
        assert len(document["history"]) < 1000


def test_a_diverged_run_returns_1(command: Command, digits: list[str]) -> None:
    result = command("train", *digits, "--rate", 1e30, "--json", "-")
    assert result.status == 1
    assert strict(result.out)["status"] == "diverged"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--engine", "fast"], "'sequential', 'synchronous', 'locked', 'hogwild', 'leashed', 'softsync'; got 'fast'"),
        (
            ["--engine", "leashed:often"],
            "leashed[:K][:in-place|:copy], K ≥ 0 the persistence; got 'leashed:often'",
        ),
        (["--engine", "leashed:-1"], "persistence must be an integer ≥ 0; got -1"),
        (
            ["--engine", "hogwild:sideways"],
            "engine must be hogwild[:in-place|:copy][:fused]; got 'hogwild:sideways'",
        ),
        (["--engine", "locked:2"], "engine must be locked; got 'locked:2'"),
        (["--step", "slow"], "step must be one of 'constant', 'inverse', 'inverse-plus-one', 'power'"),
        (["--step", "ringmaster"], "step must be ringmaster:R, R ≥ 1; got 'ringmaster'"),
        (["--step", "normalised:slow"], "step must be one of 'constant'"),
        (["--step", "tail:2"], "amplitude must be a number in [0, 1]; got 2"),
        (["--sample", "5", "5", "--step", "tail"], "sample must be (first, last)"),
        (["--rate", "0"], "rate must be a finite number above 0; got 0.0"),
        (["--schedule", "cosine", "--seconds", "1"], "CosineRate without a length lasts the whole run"),
        (["--schedule", "linear"], "'constant', 'step', 'cosine'; got 'linear'"),
        (["--dataset", "imagenet"], "'mnist', 'fashion-mnist', 'cifar-10', 'digits'; got 'imagenet'"),
        (["--model", "vgg"], "'mlp', 'cnn', 'lenet'; got 'vgg'"),
        (["--initialiser", "zero"], "'he', 'glorot', 'papers'; got 'zero'"),
        (["--workers", "0"], "workers must be an integer ≥ 1; got 0"),
        (["--workers", "many"], "--workers"),
        (["--engine", "sequential", "--workers", "2"], "workers must be 1 with the engine"),
        (["--epochs", "0"], "epochs must be an integer ≥ 1; got 0"),
        (["--momentum", "1"], "momentum must be a number in [0, 1); got 1.0"),
        (["--target-accuracy", "97"], "value must be a number in [0, 1]; got 97.0"),
        (["--affinity", "near"], "affinity must be one of 'none', 'compact', 'scatter'; got 'near'"),
        (["--learning-rate", "1"], "--learning-rate"),
    ],
)
def test_bad_arguments_return_2_and_say_what_is_accepted(command: Command, arguments: list[str], error: str) -> None:
    status, out, err = command("train", *arguments)
    assert (status, out) == (2, "")
    assert error in " ".join(err.split())


@pytest.mark.parametrize("command_name", ["train", "simulate"])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--engine", "softsync:9", "--workers", 4], "n must be between 1 and the number of workers, 4"),
        (["--engine", "hogwild:fused", "--momentum", 0.5], "a fused Hogwild"),
        (["--engine", "softsync:2", "--workers", 4, "--correction", "delay:0.04"], "for the softsync engine"),
    ],
)
def test_what_an_engine_cannot_do_returns_2(
    command: Command, digits: list[str], command_name: str, arguments: list[object], error: str
) -> None:
    status, out, err = command(command_name, *digits, *arguments)
    assert (status, out) == (2, "")
    assert f"asap {command_name} [OPTIONS]" in err
    assert error in " ".join(err.split())
    assert "Traceback" not in err


def test_missing_data_returns_1_and_says_where_it_looked(
    command: Command, private_places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise asap.datasets.DataError(f"not found in {tmp_path}")

    monkeypatch.setattr(asap.datasets, "load", refuse)
    status, out, err = command("train", "--json", "-")
    assert (status, out, err) == (1, "", f"Error: not found in {tmp_path}\n")


def test_ctrl_c_reports_what_was_learnt(digits: list[str]) -> None:
    arguments = [*digits, "--seconds", "1e6", "--progress", "--json", "-"]
    command = [sys.executable, "-m", "asap", "train", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch 1: ")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=300)
    assert strict(output)["status"] == "interrupted"
    assert strict(output)["results"]["updates"] > 0
    assert process.returncode == 1


def test_a_run_goes_on_from_its_checkpoint(command: Command, digits: list[str], tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    path = tmp_path / "run.checkpoint"
    settings = ["--workers", 1, "--momentum", 0.5, "--seed", 3]
    every = ["--checkpoint", path, "--checkpoint-every", 5, "--checkpoint-unit", "updates"]
    assert command("train", *digits, *settings, *every, "--epochs", 2, "--json", tmp_path / "a.json").status == 0
    resumed = command("resume", path, *digits[:2], "--epochs", 4, "--json", "-", "--save", tmp_path / "resumed")
    whole = command("train", *digits, *settings, "--epochs", 4, "--json", "-", "--save", tmp_path / "whole")
    assert (resumed.status, whole.status) == (0, 0)
    first, second, third = (strict(text) for text in ((tmp_path / "a.json").read_text(), resumed.out, whole.out))
    assert second["resumed"] == [first["results"]["updates"]]
    assert second["results"]["updates"] == third["results"]["updates"]
    models = [asap.load(tmp_path / run / "parameters.safetensors") for run in ("resumed", "whole")]
    assert models[0].parameters.tobytes() == models[1].parameters.tobytes()


def test_what_is_no_checkpoint_is_a_bad_argument(command: Command, digits: list[str], tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    (tmp_path / "text").write_text("no checkpoint")
    result = command("resume", tmp_path / "text", *digits[:2])
    assert result.status == 2
    assert "no safetensors file" in " ".join(result.err.split())
    result = command("resume", tmp_path / "none", *digits[:2])
    assert result.status == 1
    assert "no such checkpoint" in result.err
    result = command("train", *digits, "--checkpoint", tmp_path / "a", "--checkpoint-unit", "minutes")
    assert result.status == 2
    assert "unit must be one of 'epochs', 'updates', 'seconds'" in " ".join(result.err.split())


def test_threads_take_a_scale_from_a_file_and_a_schedule_of_steps(
    command: Command, digits: list[str], tmp_path: Path
) -> None:
    (tmp_path / "scale").write_text("0.5\n")
    words = ["--step", f"table:{tmp_path / 'scale'}", "--rate", 0.1, "--schedule", "step:0.5:10:updates"]
    document = strict(command("train", *digits, *words, "--workers", 1, "--updates", 30, "--json", "-").out)
    rate = {"kind": "StepRate", "rate": 0.1, "factor": 0.5, "every": 10, "unit": "updates"}
    assert document["config"]["step"] == {"kind": "Custom", "rate": rate, "scale": [0.5], "sample": None}
    assert document["results"]["effective_step"] == pytest.approx(0.5 * 0.1 * (1 + 0.5 + 0.25) / 3)


def test_affinity_is_a_setting_of_runs(command: Command, digits: list[str]) -> None:
    document = strict(command("train", *digits, "--workers", 2, "--affinity", "compact", "--json", "-").out)
    assert document["config"]["affinity"] == "compact"
    assert len(document["placement"]["cpus"]) == 2
    document = strict(command("compare", *digits, "--affinity", "scatter", "--no-progress", "--json", "-").out)
    assert [run["config"]["affinity"] for run in document["runs"]] == ["scatter"] * 4


def test_the_first_command_of_a_user_learns_mnist(need_data: Callable[[str], None]) -> None:
    need_data("mnist")
    line = "train --dataset mnist --model lenet --engine leashed --workers 4 --step tail --rate 0.05 --batch-size 32"
    arguments = [sys.executable, "-m", "asap", *line.split(), "--epochs", "2", "--json", "-"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=os.environ)
    document = strict(done.stdout)
    assert document["status"] == "completed"
    assert document["history"][-1]["accuracy"] >= 0.97
