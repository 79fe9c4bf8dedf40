"""`asap.bench`: what it reports. How fast anything is cannot be tested, only that the figures fit together."""

import math
from typing import Any

import pytest

import asap
from asap import _core, benchmark


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure once, for a moment."""
    monkeypatch.setattr(benchmark, "_ROUNDS", 1)
    monkeypatch.setattr(benchmark, "_SECONDS", 1e-6)


def consistent(row: dict[str, Any], rate: str) -> bool:
    return all(math.isfinite(row[name]) and row[name] > 0 for name in (rate, "limit", "share")) and math.isclose(
        row["share"], row[rate] / row["limit"], rel_tol=1e-9
    )


def test_every_kernel_and_engine_has_its_figures(quick: None) -> None:
    figures = asap.bench(batch_size=3)
    assert figures.peak > 0
    assert {row["unit"] for row in figures.kernels} == {"GFLOP/s", "GB/s"}
    assert all(consistent(row, "rate") for row in figures.kernels)
    assert all(consistent(row, "updates_per_second") for row in figures.updates)
    networks, engines = ("MLP", "LeNet"), ("sequential", "synchronous", "locked", "hogwild", "hogwild:fused", "leashed")
    labels = [(row["network"], row["engine"], row["batch_size"]) for row in figures.updates]
    assert labels == [(network, engine, 3) for network in networks for engine in engines]
    assert figures.environment["isa"] == _core.isa()


def test_the_limit_counts_the_operations_of_both_passes(quick: None) -> None:
    """The first layer has no gradient by its input: 2 products there, 3 behind; 2 operations per multiply-add."""
    mlp = 2 * 784 * 128 + 3 * (2 * 128 * 128 + 128 * 10)
    lenet = 2 * 24 * 24 * 6 * 25 + 3 * (8 * 8 * 16 * 6 * 25 + 256 * 120 + 120 * 10)
    for network, engine, case in _core.update_cases(5):
        figures = case.measure(1, 1e-6)
        flops = figures["rate"] * 1e9 * figures["seconds"]
        assert math.isclose(flops, 2 * 5 * {"MLP": mlp, "LeNet": lenet}[network], rel_tol=1e-9), engine


def test_it_says_what_it_measures(quick: None, capfd: pytest.CaptureFixture[str]) -> None:
    asap.bench(batch_size=1, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("1 of 23: gemm")
    assert err.endswith("23 of 23: LeNet b=1, leashed\n")
    asap.bench(batch_size=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("given", [0, -1, 1.5, "64"])
def test_a_bad_batch_size_is_refused(given: object) -> None:
    with pytest.raises((TypeError, ValueError), match="batch_size must be an integer ≥ 1"):
        asap.bench(batch_size=given)  # type: ignore[arg-type]
