"""`asap check`: the framework's figures on the command line, of counts and of saved runs."""

from pathlib import Path

import pytest
from command_line import Command, strict

import asap
from asap import framework
from asap._plain import dumps

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("rich", reason="needs the extra cli")

COUNTS = [10, 30, 20, 5]
WORD = "10,30,20,5"


@pytest.mark.parametrize(
    ("word", "step"),
    [
        ("inverse", asap.Inverse(0.01)),
        ("tail", asap.TailTau(0.01)),
        ("tail:0.5:exclusive", asap.TailTau(0.01, 0.5, "exclusive")),
        ("clipped:0:3:normalised:inverse", asap.Clipped(asap.Normalised(asap.Inverse(0.01)), 0, 3)),
    ],
)
def test_the_figures_are_those_of_the_framework(command: Command, word: str, step: asap.steps.Step) -> None:
    status, out, _ = command("check", WORD, "--step", word, "--normalise", "--json", "-")
    document = strict(out)
    assert (status, document["schema"], document["staleness"]) == (0, "asap.check/1", COUNTS)
    found = framework.check(step, COUNTS).to_dict()
    assert document["properties"]["C"] == found | {"range": list(found["range"])}
    assert document["properties"]["C / E[C]"]["mean_preserving"]
    assert document["tables"]["C"] == step.table(COUNTS)[:5].tolist()
    assert document["tables"]["C / E[C]"] == framework.normalise(step, COUNTS)[:5].tolist()


def test_the_table_answers_each_question(command: Command) -> None:
    status, out, _ = command("check", WORD, "--step", "tail:exclusive", "--normalise")
    rows = {line.rpartition("  ")[0].strip(): line.split()[-2:] for line in out.splitlines() if line.strip()}
    assert status == 0
    answers = {name: values for line, values in rows.items() for name in ("mean-preserving", "bounded") if name in line}
    assert answers == {"mean-preserving": ["no", "yes"], "bounded": ["yes", "yes"]}
    assert all(name in out for name in ("E[C]", "E[Cτ]", "mean τ", "Var C", "leveraged", "first τ"))


def test_a_violated_priority_is_told_with_its_staleness(command: Command) -> None:
    out = command("check", WORD, "--step", "mind-the-step:geometric:100", "--json", "-").out
    assert strict(out)["properties"]["C"]["first_violation"] == 1


def test_constants_give_bounds(command: Command) -> None:
    constants = {"smoothness": 4.0, "gradient": 9.0, "distance": 2.0, "gap": 5.0, "curvature": 0.5}
    options = [text for name, value in constants.items() for text in (f"--{name}", value)]
    status, out, _ = command("check", WORD, "--step", "tail", *options, "--error", 0.1, "--json", "-")
    found = {row["name"]: row for row in strict(out)["bounds"]}
    bounds = framework.bounds(asap.TailTau(0.01), COUNTS, **constants)
    assert status == 0
    assert set(found) == {"convex", "convex_views", "non_convex", "polyak_lojasiewicz"}
    for name, row in found.items():
        bound = getattr(bounds, name)
        assert row["updates"] == bound.updates_to(0.1)
        assert row["best_rate"] == bound.best_rate(row["updates"])
        assert row["error"] == bound(row["best_rate"], row["updates"]) <= 0.1
    assert "non convex" in command("check", WORD, *options, "--error", 0.1).out


def test_bounds_hold_at_a_given_rate_after_given_updates(command: Command) -> None:
    constants = {"smoothness": 4.0, "gradient": 9.0, "distance": 2.0, "gap": 5.0, "curvature": 0.5}
    options = [text for name, value in constants.items() for text in (f"--{name}", value)]
    given = ["--step", "tail", *options, "--rate", 0.003, "--updates", 5000]
    status, out, err = command("check", WORD, *given, "--json", "-")
    found = {row["name"]: row for row in strict(out)["bounds_at"]}
    bounds = framework.bounds(asap.TailTau(0.003), COUNTS, **constants)
    assert (status, strict(out)["bounds"]) == (0, [])
    assert set(found) == {"convex", "convex_views", "non_convex", "polyak_lojasiewicz"}
    for name, row in found.items():
        bound = getattr(bounds, name)
        assert (row["rate"], row["updates"], row["error"]) == (0.003, 5000, bound(0.003, 5000))
        assert (row["best_rate"], row["best_error"]) == (bound.best_rate(5000), bound(bound.best_rate(5000), 5000))
        assert row["best_error"] <= row["error"]
        assert f"{row['error']:.4g}" in err
    assert "Bounds at η = 0.003 after 5,000 updates" in err
    both = strict(command("check", WORD, *given, "--error", 0.1, "--json", "-").out)
    assert (len(both["bounds"]), len(both["bounds_at"])) == (4, 4)


def test_a_bound_that_does_not_hold_at_a_rate_has_no_error(command: Command) -> None:
    constants = ["--smoothness", 4, "--gradient", 9, "--gap", 5, "--curvature", 0.5]
    rows = strict(command("check", WORD, *constants, "--rate", 3, "--updates", 100, "--json", "-").out)["bounds_at"]
    assert [(row["name"], row["error"] is None) for row in rows] == [
        ("non_convex", False),
        ("polyak_lojasiewicz", True),
    ]


def test_a_scale_comes_from_a_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "scale").write_text("1\n0.5\n0\n")
    document = strict(command("check", WORD, "--step", f"table:{tmp_path / 'scale'}", "--json", "-").out)
    assert document["tables"]["C"] == [1.0, 0.5, 0.0]
    assert document["properties"]["C"] == strict(dumps(framework.check([1.0, 0.5, 0.0], COUNTS).to_dict()))


def test_counts_come_from_a_file_too(command: Command, tmp_path: Path) -> None:
    for text in ("10\n30\n20\n5\n", "10,30,20,5\n"):
        (tmp_path / "counts.csv").write_text(text)
        assert strict(command("check", tmp_path / "counts.csv", "--json", "-").out)["staleness"] == COUNTS


def test_a_saved_run_brings_its_staleness_its_step_and_its_workers(
    command: Command, digits: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    settings = ["--workers", 4, "--step", "tail:0.5", "--sample", 1, 5, "--updates", 60, "--save", tmp_path]
    run = strict(command("simulate", *digits, *settings, "--json", "-").out)
    for place in (tmp_path, tmp_path / "run.json"):
        document = strict(command("check", place, "--json", "-").out)
        assert document["staleness"] == run["staleness"]["counts"]
        assert document["step"] == run["config"]["step"]
        assert document["workers"] == 4
        assert document["properties"]["C"]["mean_error"] == pytest.approx(0, abs=1e-12)
    bounds = ["--smoothness", 4, "--gradient", 9, "--gap", 5, "--updates", 100]
    for rate, options in ((0.01, []), (0.5, ["--rate", 0.5])):
        document = strict(command("check", tmp_path, *bounds, *options, "--json", "-").out)
        assert document["step"] == run["config"]["step"] | {"rate": rate}
        assert [row["rate"] for row in document["bounds_at"]] == [rate]
    other = strict(command("check", tmp_path, "--step", "delay-adaptive", "--json", "-").out)
    assert other["tables"]["C"] == [min(1.0, 4 / max(tau, 1)) for tau in range(len(other["tables"]["C"]))]
