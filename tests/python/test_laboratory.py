"""The laboratory: what is compared with what, at which effective step, and what is summed up."""

import dataclasses
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laboratory_outcomes import SETTINGS, case, crash, losses, outcome
from numpy.typing import NDArray

import asap
from asap.laboratory import LEVELS, MEASURES, quartiles
from asap.laboratory.cells import cells, groups
from asap.laboratory.plan import make_plan, with_rate
from asap.laboratory.summary import summaries

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


# --- what is compared


def test_the_plan_has_all_combinations_and_sequential_one_worker() -> None:
    plan = make_plan(
        [asap.engines.Sequential(), asap.Leashed()], [0.1, asap.TailTau(0.1)], [2, 4], [0.05, 0.2], (1, 2), None
    )
    found = [(each.engine, each.step, each.workers, each.rate, each.seed) for each in plan.cases()]
    assert len(found) == len(set(found)) == 2 * 1 * 2 * 2 + 2 * 2 * 2 * 2
    assert {workers for engine, _, workers, _, _ in found if engine == "sequential"} == {1}
    assert [seed for *_, seed in found[:2]] == [1, 2]
    assert len({each.name for each in plan.cases()}) == len(found)


def test_labels_are_the_words_of_the_command_line() -> None:
    steps = [
        0.1,
        asap.TailTau(0.1),
        asap.TailTau(0.1, cdf="exclusive"),
        asap.TailTau(0.1, 0.5),
        asap.Normalised(asap.Inverse(0.1)),
        asap.Ringmaster(0.1, 8),
        asap.Clipped(asap.TailTau(0.1, sample=asap.Online()), 0, 3),
    ]
    plan = make_plan([asap.Leashed(0), asap.Locked()], steps, 2, None, 0, None)
    assert list(plan.engines) == ["leashed:0", "locked"]
    assert list(plan.steps) == [
        "constant",
        "tail",
        "tail:exclusive",
        "tail:0.5",
        "normalised:inverse",
        "ringmaster:8",
        "clipped:0:3:online:tail",
    ]


def test_a_step_may_go_with_a_correction() -> None:
    compensated = asap.DelayCompensated(0.5)
    plan = make_plan([asap.Locked()], [0.1, (asap.Inverse(0.1), compensated)], 2, [0.2], 0, "constant")
    plain, corrected = plan.cases()
    assert [plain.step, corrected.step] == ["constant", "inverse+delay:0.5"]
    assert "correction" not in plan.arguments(plain)
    assert plan.arguments(corrected)["correction"] == compensated
    assert plan.arguments(corrected)["step"] == asap.Inverse(0.2)


@pytest.mark.parametrize(
    "step",
    [
        asap.Constant(0.1),
        asap.TailTau(asap.CosineRate(0.1, final=0.02)),
        asap.Clipped(asap.Normalised(asap.Inverse(asap.StepRate(0.1, 0.5, every=3, unit="updates"))), 0, 3),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_step_at_another_rate_has_the_same_shape(step: asap.steps.Step) -> None:
    scaled = with_rate(step, 0.25)
    for update in (0, 1, 5, 40):
        assert scaled.rate_at(update, updates_per_epoch=10, updates=50) == pytest.approx(
            2.5 * step.rate_at(update, updates_per_epoch=10, updates=50)
        )
    assert scaled.table([3, 2, 1]).tolist() == step.table([3, 2, 1]).tolist()
    assert with_rate(step, 0.1) is step


# --- equal effective steps


def test_a_step_runs_again_at_the_rate_that_equals_the_effective_steps() -> None:
    plan = make_plan([asap.Leashed()], [0.1, asap.Inverse(0.1), asap.TailTau(0.1)], 2, [0.1], (0, 1, 2), "tail")
    effective = {"constant": (0.1, 0.1, 0.1), "inverse": (0.03, 0.025, 0.02), "tail": (0.12, 0.11, 0.13)}
    outcomes = [
        outcome(each, effective_step=effective[each.step][each.seed]) for each in plan.cases()
    ]  # fmt: skip
    again = plan.equal_cases(outcomes)
    assert {(each.step, each.seed) for each in again} == {(s, i) for s in ("constant", "inverse") for i in range(3)}
    assert {each.equal_to for each in again} == {"tail"}
    assert {(each.nominal, each.wanted, each.corrected) for each in again} == {(0.1, 0.12, False)}
    for each in again:
        own = statistics.median(effective[each.step])
        assert each.rate * (own / 0.1) == pytest.approx(0.12)
        assert plan.arguments(each)["step"].rate == each.rate
    assert not {each.name for each in again} & {each.name for each in plan.cases()}


def test_steps_that_are_equal_or_failed_do_not_run_again() -> None:
    plan = make_plan([asap.Leashed()], [0.1, asap.Inverse(0.1), asap.TailTau(0.1)], 2, None, (0,), "tail")
    constant, inverse, tail = plan.cases()
    outcomes = [outcome(constant, effective_step=0.1), crash(inverse), outcome(tail, effective_step=0.1004)]
    assert plan.equal_cases(outcomes) == []
    outcomes[2] = outcome(tail, effective_step=0.2, status="diverged")
    assert plan.equal_cases(outcomes) == []
    assert dataclasses.replace(plan, equal_to=None).equal_cases(outcomes) == []


def test_effective_steps_are_equal_in_the_end(blobs: Data, make_model: MakeModel) -> None:
    """With one worker every τ is 0, so that a step that halves C(0) needs twice the rate, exactly."""
    steps = {"half": asap.Custom(0.05, [0.5]), "whole": asap.Constant(0.05)}
    result = asap.compare(
        make_model(), blobs, engines=[asap.Locked()], steps=steps, workers=1, seeds=(1, 2), equal_step_to="whole",
        **SETTINGS,
    )  # fmt: skip
    assert result.planned == len(result.outcomes) == 6
    again = [each for each in result.outcomes if each.case.equal_to]
    assert [each.case.rate for each in again] == [pytest.approx(0.1)] * 2
    assert [each.result("effective_step") for each in again] == [pytest.approx(0.05)] * 2
    assert [each.step_ratio() for each in again] == [pytest.approx(1)] * 2
    assert not any(each.case.corrected for each in again)
    assert [each.step_ratio() for each in result.outcomes[:4]] == [None] * 4


def test_what_missed_the_effective_step_runs_once_more() -> None:
    """E[C] was 0.25, and is 0.2 in the second try: η·E[C] is 0.8 of what was wanted, and η has to be 1/0.8 as large."""
    plan = make_plan([asap.Leashed()], [asap.Inverse(0.1), asap.TailTau(0.1)], (2, 4), None, (0, 1, 2), "tail")
    effective = {"inverse": 0.025, "tail": 0.1}
    again = plan.equal_cases([outcome(each, effective_step=effective[each.step]) for each in plan.cases()])
    assert [each.rate for each in again] == [pytest.approx(0.4)] * 6
    found = [outcome(each, effective_step=each.rate * (0.2 if each.workers == 4 else 0.249)) for each in again]
    corrected = plan.corrected_cases([*found, outcome(plan.cases()[0])])
    assert [(each.workers, each.seed) for each in corrected] == [(4, 0), (4, 1), (4, 2)]
    for each in corrected:
        assert each.rate * 0.2 == pytest.approx(each.wanted)
        assert (each.group, each.corrected) == (again[-1].group, True)
    assert not {each.name for each in corrected} & {each.name for each in again}
    assert [summary.misses_step for summary in summaries(found)] == [False, True]


def test_a_step_that_depends_on_the_rate_is_corrected(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    """C(τ) = 1/(4Lητ) beyond the threshold: there η·C does not follow η, and a first try falls short."""
    steps = {"threshold": asap.Threshold(0.1, critical=7, smoothness=2.0), "constant": asap.Constant(0.1)}
    settings = SETTINGS | {"engines": [asap.Locked()], "steps": steps, "workers": 8, "seeds": (1, 2, 3)}
    settings |= {"compute": asap.LogNormal(1.0, 0.5), "updates": 300, "equal_step_to": "constant"}
    result = asap.compare(make_model(), blobs, folder=tmp_path, **settings)
    (last,) = (each for each in result.summaries() if each.group.equal_to)
    assert result.is_success
    assert result.planned == len(result.outcomes) == 9
    tries = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*equal-to*/run.json")]
    short = [each["results"]["effective_step"] / 0.1 for each in tries if not each["laboratory"]["case"]["corrected"]]
    assert len(tries) == 2 * len(short) == 6
    assert statistics.median(short) - 1 < last.step_error < 0
    again = asap.compare(make_model(), blobs, folder=tmp_path, **settings)
    assert all(each.reused for each in again.outcomes)
    assert again.to_dict() == result.to_dict()


# --- medians and quartiles


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    found = quartiles(values)
    assert found is not None
    assert list(found) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]).tolist(), rel=1e-12, abs=1e-9)


@given(st.lists(st.floats(0, 1e6), max_size=10), st.integers(0, 10))
def test_runs_that_never_arrive_come_last(values: list[float], missing: int) -> None:
    found = quartiles([*values, *[None] * missing])
    if not values and not missing:
        assert found is None
        return
    assert found is not None
    assert found.low <= found.median <= found.high
    assert math.isinf(found.median) == (2 * missing >= len(values) + missing and missing > 0)


def test_a_summary_tells_medians_over_the_runs_that_succeeded_and_counts_the_others() -> None:
    outcomes = [outcome(case(seed=seed), effective_step=0.01 * seed) for seed in range(1, 6)]
    outcomes += [
        outcome(case(seed=6), status="diverged", effective_step=None),
        outcome(case(seed=7), timed_out=True),
        crash(case(seed=8)),
    ]
    (summary,) = summaries(outcomes)
    assert (summary.runs, summary.failed) == (8, 3)
    assert summary.failures == {"diverged": 1, "crashed": 1, "timed out": 1}
    assert summary.measures["effective_step"] == pytest.approx((0.02, 0.03, 0.04))


@pytest.mark.parametrize("counts", [(10, 60, 30), (5,), (0, 0, 3), (1, 0, 0, 0, 1)])
def test_sigma_of_tau_is_that_of_all_updates(counts: tuple[int, ...]) -> None:
    taus = [tau for tau, count in enumerate(counts) for _ in range(count)]
    assert MEASURES["sigma_tau"].of(outcome(counts=counts)) == pytest.approx(statistics.pstdev(taus))


def test_the_way_to_epsilon_has_the_closed_form_of_the_curve() -> None:
    """loss = L·e^(−ct) falls to ε at t = −ln ε / c, up to the straight line between two snapshots."""
    decays = (0.008, 0.01, 0.0125)
    (summary,) = summaries([outcome(case(seed=i), rows=losses(c, every=1)) for i, c in enumerate(decays)])
    for level in LEVELS:
        expected = [-math.log(level) / c for c in decays]
        reached = sum(each <= 400 for each in expected)
        assert summary.reached[level] == reached
        if reached == 3:
            assert summary.time(level, "updates") == pytest.approx(expected[1], rel=1e-4)
            assert summary.time(level, "seconds") == pytest.approx(expected[1] / 1000, rel=1e-4)
            assert summary.time(level, "epoch") == pytest.approx(expected[1] / 100, rel=1e-4)


def test_laws_are_named_where_there_are_several() -> None:
    threads, first, second = (
        outcome(dataclasses.replace(case(), simulated=law)) for law in (None, "constant", "exponential")
    )
    assert [title for title, _ in cells([first, first])] == ["leashed, m = 2"]
    assert [title for title, _ in cells([threads])] == ["leashed, m = 2"]
    assert [title for title, _ in cells([threads, first])] == ["leashed, threads, m = 2", "leashed, constant, m = 2"]
    assert [title for title, _ in cells([first], [threads, second])] == ["leashed, constant, m = 2"]


def test_groups_and_cells_part_the_outcomes() -> None:
    outcomes = [
        outcome(case(engine, step, workers, seed=seed))
        for seed in range(2)
        for workers in (1, 2)
        for step in ("constant", "tail")
        for engine in ("locked", "leashed")
    ]
    for parts, number in ((groups(outcomes), 8), (cells(outcomes), 4)):
        assert len(parts) == number
        assert sorted(map(id, outcomes)) == sorted(id(each) for _, members in parts for each in members)
