"""The comparison with other libraries: what it makes of figures, and that it does without any of them."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import peers
from side_by_side import figures, target
from side_by_side.figures import Row
from side_by_side.forms import MODELS, PEERS, Form, forms
from side_by_side.problem import Batches, Problem
from side_by_side.process import AbsentError, WrongGradientError, checked
from side_by_side.reference import Reference

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "python" / "peers.py"
FORM = Form("jax", "scan", "jax_forms", "scan")


def row(form: str, *pairs: tuple[float, float], peer: str = "jax", absent: str = "") -> Row:
    return Row("mlp", 64, 1, peer, form, pairs, absent)


def test_turns_alternate_and_the_first_pair_is_not_counted() -> None:
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    pairs = figures.in_turns(3, lambda: side("A"), lambda: side("B"))
    assert "".join(calls) == "ABABABAB"
    assert pairs == ((3, 4), (5, 6), (7, 8))


def test_ratios_are_taken_pair_by_pair() -> None:
    measured = row("scan", (30.0, 10.0), (10.0, 10.0), (20.0, 40.0))
    assert measured.ratios == [0.5, 1.0, 3.0]
    assert (measured.asap, measured.theirs) == (20.0, 10.0)
    assert measured.plain()["ratios"] == [0.5, 1.0, 3.0]


def test_the_best_form_is_the_one_that_asap_leads_by_least() -> None:
    rows = [
        row("slow", (4.0, 1.0)),
        row("fast", (2.0, 1.0), (8.0, 4.0)),
        row("none", absent="No module named 'jax'"),
        row("other", (9.0, 1.0), peer="pytorch"),
    ]
    assert [(leader.peer, leader.form) for leader in figures.best(rows)] == [("jax", "fast"), ("pytorch", "other")]
    assert peers.candidates([FORM, Form("jax", "fast", "", "")], rows, "mlp", 1) == [Form("jax", "fast", "", "")]
    assert peers.candidates([FORM], rows, "lenet", 1) == [FORM]


def test_the_table_marks_the_best_and_lists_the_absent() -> None:
    rows = [row("step", (4.0, 1.0)), row("scan", (3.0, 1.0), (2.0, 1.0)), row("none", absent="No module named 'jax'")]
    head, step, scan, none = figures.table(rows).splitlines()
    assert head.split() == ["model", "batch", "cores", "peer", "form", "asap", "peer", "ratio", "min", "–", "max"]
    assert step.split() == ["mlp", "64", "1", "jax", "step", "4", "1", "4.00", "4.00", "–", "4.00"]
    assert scan.split() == ["mlp", "64", "1", "jax", "scan", "*", "2", "1", "2.50", "2.00", "–", "3.00"]
    assert none.endswith("absent: No module named 'jax'")
    assert rows[2].plain()["absent"] == "No module named 'jax'"
    assert step.index("4.00") == scan.index("2.50") == head.index("ratio") + 1


@pytest.mark.parametrize("error", [1e-3, math.nan])
def test_a_wrong_gradient_is_refused(error: float) -> None:
    with pytest.raises(WrongGradientError, match="jax, scan: the gradient differs"):
        checked(FORM, {"versions": {}, "gradient_error": error})


def test_a_contender_is_absent_or_ready() -> None:
    with pytest.raises(AbsentError, match="No module named 'jax'"):
        checked(FORM, {"absent": "No module named 'jax'"})
    assert checked(FORM, {"versions": {"jax": "1"}, "gradient_error": 1e-6}) == {"jax": "1"}


def test_environments_limit_threads_and_forget_what_slows_peers() -> None:
    outer = {"PATH": "/bin", "OPENBLAS_CORETYPE": "Prescott", "OMP_NUM_THREADS": "7", "XLA_FLAGS": "--slow"}
    for uses, cores, threads in (("threads", 1, "1"), ("threads", 2, "2"), ("processes", 2, "1")):
        environment = Form("", "", "", "", uses).environment(outer, cores)
        assert environment["PATH"] == "/bin"
        assert "OPENBLAS_CORETYPE" not in environment
        assert {environment[f"{library}_NUM_THREADS"] for library in ("OMP", "MKL", "OPENBLAS")} == {threads}
        assert ("multi_thread_eigen=false" in environment.get("XLA_FLAGS", "")) == (threads == "1")


def test_every_form_has_its_module_and_one_core_no_processes() -> None:
    package = PROGRAM.parent / "side_by_side"
    for peer in PEERS:
        for model in MODELS:
            assert {form.uses for form in forms(peer, model, 1)} <= {"threads"}
            assert all((package / f"{form.module}.py").exists() for form in forms(peer, model, 2))
    assert "processes" in {form.uses for form in forms("pytorch", "mlp", 2)}
    assert forms("scikit-learn", "lenet", 1) == []


def test_batches_of_an_epoch_are_disjoint_and_repeat_with_the_seed() -> None:
    batches = Batches(10, 3)
    first = batches.take(2)
    epoch = np.concatenate([first.ravel(), batches.take()[0]])
    assert first.shape == (2, 3)
    assert len(set(epoch)) == 9
    assert set(epoch) <= set(range(10))
    batches.restart(0)
    np.testing.assert_array_equal(batches.take(2), first)


def test_the_problem_comes_back_as_it_was_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    data = random.integers(0, 256, (8, 28, 28), np.uint8), random.integers(0, 10, 8)
    reference = Reference(tmp_path, data)
    for model in MODELS:
        reference.write(model, {4})
        problem = Problem(tmp_path, model)
        parameters = problem.parameters()
        arrays = problem.split(parameters)
        np.testing.assert_array_equal(problem.join(arrays), parameters)
        assert all((array != 0).any() for array in arrays)
        assert problem.gradient(4).shape == parameters.shape
        np.testing.assert_allclose(problem.pixels().reshape(data[0].shape), data[0] / 255.0, rtol=1e-6)


def test_the_clock_runs_while_work_is_done_until_the_target() -> None:
    losses = iter([3.0, 2.0, 1.0, 0.0])

    def advance(updates: int) -> tuple[int, float]:
        return updates, 0.5

    assert target.time_to(1.0, 30, advance, lambda: next(losses)) == (1.5, 9000)
    assert target.time_to(1.0, 30, advance, lambda: math.nan) == (math.inf, 3000)
    assert target.time_to(1.0, 30, advance, lambda: 2.0) == (math.inf, target.MAX_SAMPLES)
    assert target.time_to(1.0, 30, advance, lambda: 2.0, limit=1.0) == (math.inf, 6000)


def test_the_fastest_setting_is_shown_and_nothing_infinite_is_written() -> None:
    slow, fast = target.Setting("eager", 16, 0.1), target.Setting("eager", 32, 0.2)
    tried = ((slow, math.inf), (fast, 2.0))
    assert target.fastest(tried) == fast
    arrival = target.Arrival("mlp", 1, "pytorch", fast, ((3.0, 1.0), (1.0, 1.0), (2.0, 1.5)), tried)
    _, line = target.table([arrival]).splitlines()
    assert line.split() == ["mlp", "1", "pytorch", "eager", "32", "0.2", "1.00", "2.00", "1.00", "–", "3.00"]
    document = json.loads(json.dumps(arrival.plain(), allow_nan=False))
    assert document["tried"][0] == {"form": "eager", "batch": 16, "rate": 0.1, "seconds": None}


def test_a_quick_run_shortens_what_was_not_given() -> None:
    assert peers.parsed([]).batches == (16, 64, 512)
    quick = peers.parsed(
        ["--quick", "--repeats", "9", "--peers", "jax, pytorch", "--models", "lenet", "--engines", "leashed:2"]
    )
    assert (quick.batches, quick.repeats, quick.peers, quick.models) == ((64,), 9, ("jax", "pytorch"), ("lenet",))
    assert quick.engines == ("leashed:2",)


@pytest.mark.parametrize(
    "arguments",
    [["--peers", "numpy"], ["--batches", "0"], ["--cores", "x"], ["--models", "vgg"], ["--engines", "fast"]],
)
def test_bad_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        peers.parsed(arguments)
    assert arguments[0] in capsys.readouterr().err


def test_without_any_peer_all_are_listed_as_absent(tmp_path: Path) -> None:
    for name in ("torch", "jax", "sklearn"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('there is no {name} here')")
    options = ["--models", "mlp,lenet", "--batches", "16", "--cores", "1", "--repeats", "1", "--seconds", "0.01"]
    done = subprocess.run(
        [sys.executable, PROGRAM, *options, "--target-loss", "0", "--json", tmp_path / "peers.json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "peers.json").read_text())
    assert {row["absent"] for row in document["rows"]} == {
        "there is no torch here",
        "there is no jax here",
        "there is no sklearn here",
        "not available there",
    }
    assert all(f"absent: {row['absent']}" in done.stdout for row in document["rows"])
    assert {"commit", "cpu", "isa", "compiler", "asap"} <= set(document["environment"])
