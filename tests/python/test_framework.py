"""The framework from Python: its verdicts on the steps, and what its bounds need."""

import re
from collections.abc import Callable

import numpy as np
import pytest

import asap
from asap import framework

SEEN = [10, 30, 20, 5, 0, 3]


def test_the_constant_keeps_everything_and_costs_nothing() -> None:
    found = framework.check(asap.Constant(0.1), SEEN)
    assert found.mean_preserving
    assert found.priority_preserving
    assert found.bounded
    assert (found.mean, found.second_moment, found.variance, found.leveraged) == (1.0, 1.0, 0.0, 0.0)
    assert found.scaled_staleness == found.mean_staleness == asap.StalenessDistribution(SEEN).mean


@pytest.mark.parametrize(
    "step", [asap.Inverse(0.1), asap.InversePlusOne(0.1), asap.FLeet(0.1), asap.TailTau(0.1, cdf="exclusive")]
)
def test_what_changes_the_mean_step_is_flagged_and_can_be_normalised(step: asap.steps.Step) -> None:
    found = framework.check(step, SEEN)
    assert not found.mean_preserving
    assert found.mean_error == found.mean - 1.0
    assert found.priority_preserving
    table = framework.normalise(step, SEEN)
    assert framework.check(table, SEEN).mean_preserving
    assert table == pytest.approx(step.table(SEEN) / found.mean)


def test_tail_tau_keeps_the_mean_and_lowers_the_effective_staleness() -> None:
    found = framework.check(asap.TailTau(0.1), SEEN)
    assert found.mean_preserving
    assert found.priority_preserving
    assert found.range == (0.0, pytest.approx(1 + 58 / 68))
    assert found.scaled_staleness < found.mean_staleness
    assert found.scaled_squared_staleness < found.mean_squared_staleness
    assert found.leveraged == pytest.approx(40 / 68)


def test_a_scale_that_prefers_staleness_is_told_where() -> None:
    found = framework.check([1.0, 0.5, 0.75, 0.5], SEEN)
    assert not found.priority_preserving
    assert found.first_violation == 2
    assert "C(2) > C(1)" in str(found)


def test_what_is_not_bounded_is_told() -> None:
    assert not framework.check([2.0, -1.0], SEEN).bounded
    assert not framework.check([np.inf, 1.0], SEEN).bounded


def test_the_page_answers_each_question() -> None:
    lines = str(framework.check(asap.Inverse(0.1), SEEN)).splitlines()
    assert [re.split(r"  +", line)[:2] for line in lines[:3]] == [
        ["mean-preserving", "no"],
        ["priority-preserving", "yes"],
        ["bounded", "yes"],
    ]
    assert set(framework.check([1.0], SEEN).to_dict()) == {*framework.Properties.__dataclass_fields__}


def test_a_run_is_judged_by_its_own_staleness() -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    run = asap.train(model, (x, x[:, :2]), workers=2, step=0.01, epochs=5, progress=False)
    assert framework.check(asap.TailTau(0.01), run.staleness).mean_preserving


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: framework.check(0.1, SEEN),
            "step must be a step such as asap.TailTau(0.01), or a one-dimensional array",
        ),
        (lambda: framework.check([1.0, np.nan], SEEN), "C(1) = nan"),
        (lambda: framework.check([1.0], []), "distribution must hold at least one update"),
        (lambda: framework.check([1.0], SEEN, tolerance=-1), "tolerance must be a finite number ≥ 0; got -1"),
        (lambda: framework.normalise([0.0], SEEN), "E[C] = 0"),
        (lambda: framework.bounds([1.0], SEEN, smoothness=0, gradient=1), "smoothness must be a finite number above 0"),
        (
            lambda: framework.bounds([1.0], SEEN, smoothness=1, gradient=1, gap=1, curvature=2),
            "curvature must be at most smoothness, 1; got 2",
        ),
        (lambda: framework.bounds([-1.0], SEEN, smoothness=1, gradient=1), "between 0 and a finite number"),
    ],
)
def test_errors_name_what_is_wrong(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_bounds_come_with_the_constants_that_they_need() -> None:
    few = framework.bounds([1.0], SEEN, smoothness=1, gradient=1, distance=1)
    assert few.convex
    assert few.convex_views
    assert few.non_convex is None
    assert few.polyak_lojasiewicz is None
    rate = few.convex.best_rate(1000)
    assert few.convex(rate, 1000) <= min(few.convex(rate * factor, 1000) for factor in (0.5, 0.9, 1.1, 2))
    assert few.convex.updates_to(few.convex(rate, 1000)) == pytest.approx(1000, abs=1)
