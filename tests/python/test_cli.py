"""The command line: what goes where, exit statuses, and the words for the package's choices."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Command, strict

import asap
from asap import _core, benchmark, cli

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("rich", reason="needs the extra cli")


def test_without_arguments_the_commands_are_listed() -> None:
    done = subprocess.run([sys.executable, "-m", "asap"], capture_output=True, text=True, check=True)
    for name in (
        *("train", "resume", "replay", "simulate", "what-if", "compare", "check", "reproduce", "bench"),
        *("info", "datasets"),
    ):
        assert f"\n  {name} " in done.stdout
    assert done.stderr == ""


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
        (["--schedule", "linear"], "'constant', 'cosine'; got 'linear'"),
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


def test_an_unwritable_result_returns_1(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = command("info", "--json", tmp_path / "file" / "info.json")
    assert result.status == 1
    assert "Error: " in result.err


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


def test_comparing_runs_all_combinations(command: Command, digits: list[str], tmp_path: Path) -> None:
    lists = ["--engines", "sequential,leashed:0", "--steps", "constant, tail", "--workers", "2,3", "--seeds", "0,1,2"]
    result = command("compare", *digits, *lists, "--updates", 20, "--json", tmp_path / "c.json")
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
    limits = ["--updates", 40, "--snapshots", 10, "--loss-samples", 200, "--sample", 1, 5]
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


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--engines", "leashed,fast"], "got 'fast'"),
        (["--steps", ""], "step must be one of"),
        (["--workers", "2,x"], "workers must be integers separated by commas; got '2,x'"),
        (["--workers", "2,0"], "workers must be an integer ≥ 1; got 0"),
        (["--seeds", "-1"], "seeds must be an integer ≥ 0; got -1"),
    ],
)
def test_bad_lists_return_2(command: Command, arguments: list[str], error: str) -> None:
    result = command("compare", *arguments)
    assert result.status == 2
    assert error in " ".join(result.err.split())


@pytest.fixture
def quick_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "_ROUNDS", 1)
    monkeypatch.setattr(benchmark, "_SECONDS", 1e-6)


def test_benchmarks_are_a_table_and_a_document(command: Command, quick_benchmark: None) -> None:
    status, out, err = command("bench", "--batch-size", 2, "--json", "-")
    document = strict(out)
    assert status == 0
    assert document["schema"] == "asap.bench/1"
    assert document["environment"]["threads"] == 1
    assert {row["engine"] for row in document["updates"]} >= {"sequential", "hogwild", "leashed"}
    assert "1 of 23: gemm NN" in err
    assert f"FMA peak {document['peak_gflops']:.1f} GFLOP/s" in err
    result = command("bench", "--batch-size", 2, "--no-progress")
    assert (result.status, result.err) == (0, "")
    assert all(row["name"] in result.out for row in document["kernels"])


def test_a_wrong_answer_of_a_benchmark_returns_1(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        name = "wrong"

        def measure(self, rounds: int, seconds: float) -> dict[str, Any]:
            raise _core.WrongAnswerError("wrong is wrong")

    monkeypatch.setattr(_core, "update_cases", lambda batch_size: [("MLP", "hogwild", Wrong())])
    monkeypatch.setattr(_core, "kernel_cases", list)
    monkeypatch.setattr(benchmark, "_KERNELS", ())
    result = command("bench", "--no-progress", "--json", "-")
    assert (result.status, result.out, result.err) == (1, "", "Error: wrong is wrong\n")


def test_benchmarks_refuse_an_empty_batch(command: Command) -> None:
    result = command("bench", "--batch-size", 0)
    assert result.status == 2
    assert "batch_size must be an integer ≥ 1; got 0" in " ".join(result.err.split())


def test_info_tells_hardware_and_build(command: Command) -> None:
    document = strict(command("info", "--json", "-").out)
    assert document["isa"] in document["available_isas"]
    assert {"cpu", "usable_cpus", "compiler", "asap", "python", "numpy"} <= set(document)
    assert document["cpu"] in command("info").out


def test_info_shows_the_topology(command: Command) -> None:
    document = strict(command("info", "--json", "-").out)
    assert document["max_threads_per_core"] * document["cores"] >= document["logical_cpus"] >= document["usable_cpus"]
    assert document["numa_nodes"] == len(document["nodes"]) >= 1
    assert document["default_workers"] == document["usable_cpus"]
    text = " ".join(command("info").out.split())
    for name in ("sockets", "cores", "max_threads_per_core", "numa_nodes", "affinity_mask", "default_workers"):
        assert f"{name} {document[name]}" in text
    for node in document["nodes"]:
        assert f"{node['node']} with CPUs {node['cpus']}" in text


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


def test_affinity_is_a_setting_of_runs(command: Command, digits: list[str]) -> None:
    document = strict(command("train", *digits, "--workers", 2, "--affinity", "compact", "--json", "-").out)
    assert document["config"]["affinity"] == "compact"
    assert len(document["placement"]["cpus"]) == 2
    document = strict(command("compare", *digits, "--affinity", "scatter", "--no-progress", "--json", "-").out)
    assert [run["config"]["affinity"] for run in document["runs"]] == ["scatter"] * 4


def test_datasets_are_listed_with_their_places(command: Command, private_places: Path, tmp_path: Path) -> None:
    result = command("datasets", "--data-dir", tmp_path, "--json", "-")
    assert result.status == 0
    listed = {row["name"]: row for row in strict(result.out)["datasets"]}
    assert tuple(listed) == asap.datasets.names()
    assert listed["mnist"]["place"] is None
    assert str(tmp_path) in listed["mnist"]["problem"]
    assert "cifar-10" in command("datasets").out


def test_without_the_extra_its_name_is_given(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.setattr(sys, "argv", ["asap", "info"])
    with pytest.raises(SystemExit, match=r'The command line needs typer: pip install "asap\[cli\]"'):
        cli.main()


def test_the_first_command_of_a_user_learns_mnist(need_data: Callable[[str], None]) -> None:
    need_data("mnist")
    line = "train --dataset mnist --model lenet --engine leashed --workers 4 --step tail --rate 0.05 --batch-size 32"
    arguments = [sys.executable, "-m", "asap", *line.split(), "--epochs", "2", "--json", "-"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=os.environ)
    document = strict(done.stdout)
    assert document["status"] == "completed"
    assert document["history"][-1]["accuracy"] >= 0.97


def test_an_unknown_instruction_set_is_a_bad_argument() -> None:
    environment = {**os.environ, "ASAP_ISA": "foo"}
    done = subprocess.run([sys.executable, "-m", "asap", "info"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ASAP_ISA must name an instruction set")
    assert len(done.stderr.splitlines()) == 1
