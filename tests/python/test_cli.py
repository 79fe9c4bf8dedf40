"""The command line as a whole, and the commands that tell of data and machine."""

import os
import subprocess
import sys
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


def test_without_the_extra_its_name_is_given(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.setattr(sys, "argv", ["asap", "info"])
    with pytest.raises(SystemExit, match=r'The command line needs typer: pip install "asap\[cli\]"'):
        cli.main()


def test_an_unwritable_result_returns_1(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = command("info", "--json", tmp_path / "file" / "info.json")
    assert result.status == 1
    assert "Error: " in result.err


@pytest.fixture
def quick_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "_ROUNDS", 1)
    monkeypatch.setattr(benchmark, "_SECONDS", 1e-6)


def test_benchmarks_are_a_table_and_a_document(command: Command, quick_benchmark: None) -> None:
    status, out, err = command("bench", "--batch-size", 2, "--progress", "--json", "-")
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


def test_benchmarks_refuse_an_empty_batch(command: Command) -> None:
    result = command("bench", "--batch-size", 0)
    assert result.status == 2
    assert "batch_size must be an integer ≥ 1; got 0" in " ".join(result.err.split())


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


def test_datasets_are_listed_with_their_places(command: Command, private_places: Path, tmp_path: Path) -> None:
    result = command("datasets", "--data-dir", tmp_path, "--json", "-")
    assert result.status == 0
    listed = {row["name"]: row for row in strict(result.out)["datasets"]}
    assert tuple(listed) == asap.datasets.names()
    assert listed["mnist"]["place"] is None
    assert str(tmp_path) in listed["mnist"]["problem"]
    assert "cifar-10" in command("datasets").out


def test_an_unknown_instruction_set_is_a_bad_argument() -> None:
    environment = {**os.environ, "ASAP_ISA": "foo"}
    done = subprocess.run([sys.executable, "-m", "asap", "info"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ASAP_ISA must name an instruction set")
    assert len(done.stderr.splitlines()) == 1
