"""Steps and rates: every table against its closed form, every argument against what is accepted."""

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

import asap
from asap.steps import Step, as_step

STEPS = [
    asap.Constant(0.1),
    asap.Inverse(0.1),
    asap.InversePlusOne(asap.StepRate(0.1, 0.5, every=3)),
    asap.FLeet(0.1, threshold=8.0),
    asap.TailTau(asap.CosineRate(0.1), amplitude=0.5, cdf="inclusive", sample=(1, 9)),
    asap.Power(0.1, exponent=1.5),
    asap.Hinge(0.1, slope=2.0, grace=3),
    asap.Exponential(0.1, decay=0.25),
    asap.DelayAdaptive(0.1),
    asap.Threshold(0.1, critical=3, smoothness=2.0),
    asap.Ringmaster(0.1, limit=4),
    asap.MindTheStep(0.1, law="poisson", cap=4.0, last=100, sample=(2, 5)),
    asap.Custom(0.1, [1.0, 0.5, 0.0]),
    asap.Normalised(asap.Inverse(asap.CosineRate(0.1)), sample=(1, 2)),
    asap.Clipped(asap.Normalised(asap.Inverse(0.1)), 0.5, 2.0),
    asap.TailTau(0.1, sample=asap.Online(every=5, half_life=20.5)),
]


def random_counts(seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10 ** rng.integers(1, 6), rng.integers(1, 200))
    return counts * (rng.random(counts.size) < 0.7) + (np.arange(counts.size) == 0)


def look_up(table: NDArray[np.float64], taus: NDArray[np.int64]) -> NDArray[np.float64]:
    """C(τ), where the last entry serves everything beyond."""
    return table[np.minimum(taus, len(table) - 1)]


TAUS = np.arange(300)


def test_constant_is_1_everywhere() -> None:
    assert np.array_equal(look_up(asap.Constant(0.1).table(), TAUS), np.ones(300))


def test_inverse_is_1_over_tau_from_1_on() -> None:
    np.testing.assert_allclose(look_up(asap.Inverse(0.1).table(), TAUS), 1 / np.maximum(TAUS, 1), rtol=1e-15)


def test_inverse_plus_one() -> None:
    np.testing.assert_allclose(look_up(asap.InversePlusOne(0.1).table(), TAUS), 1 / (TAUS + 1), rtol=1e-15)


@pytest.mark.parametrize(
    ("step", "curve"),
    [
        (asap.Power(0.1), lambda tau: (tau + 1) ** -0.5),
        (asap.Power(0.1, exponent=2), lambda tau: (tau + 1.0) ** -2),
        (asap.Hinge(0.1), lambda tau: np.where(tau <= 4, 1, 1 / (10 * np.maximum(tau - 4, 0) + 1))),
        (asap.Exponential(0.1, decay=0.3), lambda tau: np.exp(-0.3 * tau)),
        (asap.DelayAdaptive(0.1), lambda tau: np.minimum(1, 7 / np.maximum(tau, 1))),
        (asap.Threshold(0.1), lambda tau: tau <= 7),
        (
            asap.Threshold(0.1, critical=3, smoothness=0.5),
            lambda tau: np.where(tau <= 3, 1, np.minimum(1, 1 / (4 * 0.5 * 0.1 * np.maximum(tau, 1)))),
        ),
        (asap.Ringmaster(0.1, limit=5), lambda tau: tau < 5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_closed_forms_hold_over_the_whole_curve(step: Step, curve: Callable[[NDArray[np.int64]], ArrayLike]) -> None:
    np.testing.assert_allclose(look_up(step.table(workers=7), TAUS), curve(TAUS), rtol=1e-12)


def test_mind_the_step_divides_by_the_geometric_law_it_saw() -> None:
    counts = random_counts(1)
    table = asap.MindTheStep(0.1, cap=1e12, last=10_000).table(counts)
    p, taus = counts / counts.sum(), np.arange(counts.size)
    q = (p @ taus) / (1 + p @ taus)
    np.testing.assert_allclose(
        look_up(table, taus), q ** -taus.astype(float) / (p @ q ** -taus.astype(float)), rtol=1e-9
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("law", ["geometric", "poisson", "conway-maxwell-poisson"])
def test_mind_the_step_keeps_the_mean_until_it_is_capped(law: str, seed: int) -> None:
    counts = random_counts(seed)
    table = asap.MindTheStep(0.1, law, cap=1e300, last=10_000).table(counts)
    assert asap.framework.check(table, counts).mean == pytest.approx(1, abs=1e-9)
    capped = asap.MindTheStep(0.1, law, last=20).table(counts)
    assert capped.max() <= 5
    kept = counts[:21].sum() / counts.sum()
    assert asap.framework.check(capped, counts).mean == pytest.approx(min(1, 5 * kept), abs=1e-9)
    assert not look_up(capped, np.arange(21, 30)).any()


@pytest.mark.parametrize("seed", range(5))
def test_composed_steps_scale_and_clip_the_one_inside(seed: int) -> None:
    counts = random_counts(seed)
    inverse, p = asap.Inverse(0.1).table(), counts / counts.sum()
    scale = p @ look_up(inverse, np.arange(p.size))
    np.testing.assert_allclose(asap.Normalised(asap.Inverse(0.1)).table(counts), inverse / scale, rtol=1e-12)
    clipped = asap.Clipped(asap.Normalised(asap.Inverse(0.1)), 0.5, 2.0)
    np.testing.assert_allclose(clipped.table(counts), np.clip(inverse / scale, 0.5, 2.0), rtol=1e-12)
    assert clipped.rate == 0.1
    assert asap.Normalised(asap.Inverse(0.1)).table().tolist() == [1.0]


@pytest.mark.parametrize("threshold", [0.5, 1.0, 17.0, 400.0])
def test_fleet_is_exponential_and_meets_inverse_plus_one_at_half_its_threshold(threshold: float) -> None:
    table = asap.FLeet(0.1, threshold).table()
    beta = 2 / threshold * np.log(1 + threshold / 2)
    np.testing.assert_allclose(look_up(table, TAUS), np.exp(-beta * TAUS), rtol=1e-12)
    assert np.exp(-beta * threshold / 2) == pytest.approx(1 / (threshold / 2 + 1))


def test_fleet_takes_workers_plus_1_and_then_the_percentile_of_the_window() -> None:
    step = asap.FLeet(0.1)
    np.testing.assert_array_equal(step.table(workers=7), asap.FLeet(0.1, threshold=8.0).table())
    counts = np.full(2000, 1)
    assert asap.StalenessDistribution(counts).quantile(0.997) == 1993
    np.testing.assert_array_equal(step.table(counts, workers=7), asap.FLeet(0.1, threshold=1993.0).table())
    np.testing.assert_array_equal(step.table([50], workers=7), asap.FLeet(0.1, threshold=1.0).table())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("amplitude", [0.0, 0.3, 1.0])
def test_tail_tau_preserves_mean_and_priority(seed: int, amplitude: float) -> None:
    counts = random_counts(seed)
    table = asap.TailTau(0.1, amplitude).table(counts)
    p = counts / counts.sum()
    scale = look_up(table, np.arange(p.size))
    assert abs(p @ scale - 1) < 1e-12
    assert p @ (scale - 1) ** 2 == pytest.approx(amplitude**2 * (1 - (p**3).sum()) / 3, abs=1e-12)
    assert (np.diff(table) <= 0).all()
    assert table.max() <= 1 + amplitude
    assert table[-1] == 1 - amplitude


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("cdf", "sign"), [("inclusive", -1), ("exclusive", 1)])
def test_the_published_forms_of_tail_tau_miss_the_mean_by_the_sum_of_squares(seed: int, cdf: str, sign: int) -> None:
    counts = random_counts(seed)
    p = counts / counts.sum()
    scale = look_up(asap.TailTau(0.1, 0.8, cdf=cdf).table(counts), np.arange(p.size))
    assert p @ scale == pytest.approx(1 + sign * 0.8 * (p**2).sum(), abs=1e-12)


@pytest.mark.parametrize("cdf", ["mid", "inclusive", "exclusive"])
def test_tail_tau_is_linear_in_the_distribution_function(cdf: str) -> None:
    distribution = asap.StalenessDistribution(random_counts(3))
    table = asap.TailTau(0.1, 0.7, cdf=cdf).table(distribution)
    expected = [1 + 0.7 * (1 - 2 * distribution.cdf(tau, cdf)) for tau in range(distribution.max + 2)]
    np.testing.assert_allclose(table, expected, atol=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(4_094, 9_000), st.integers(0, 40), st.floats(0.01, 1), st.integers(0, 2**32 - 1), st.floats(0, 1))
@example(largest=4_095, bits=40, density=1.0, seed=1, amplitude=1.0)
@example(largest=4_096, bits=0, density=1.0, seed=1, amplitude=0.5)
def test_tail_tau_preserves_the_mean_on_histograms_of_any_width(
    largest: int, bits: int, density: float, seed: int, amplitude: float
) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 2**bits, largest + 1, endpoint=True) * (rng.random(largest + 1) < density)
    counts[largest] = 2**bits
    table = asap.TailTau(0.1, amplitude).table(counts)
    assert len(table) == largest + 2
    mean = math.fsum((counts * table[:-1]).tolist()) / int(counts.sum())
    assert abs(mean - 1) <= 1e-12
    assert asap.framework.check(table, counts, tolerance=1e-12).mean_preserving
    assert (np.diff(table) <= 0).all()
    assert table[-1] == 1 - amplitude


def test_tail_tau_has_one_scale_for_all_that_an_open_ended_last_count_has() -> None:
    exact, open_ended = asap.StalenessDistribution([0, 2, 2]), asap.StalenessDistribution([0, 2, 2], tau_sum=100)
    assert asap.TailTau(0.1).table(exact).tolist() == [2.0, 1.5, 0.5, 0.0]
    assert asap.TailTau(0.1).table(open_ended).tolist() == [2.0, 1.5, 0.5]
    assert asap.TailTau(0.1).table(pickle.loads(pickle.dumps(open_ended))).tolist() == [2.0, 1.5, 0.5]


@pytest.mark.parametrize("turn", [5_000, 10_000])
def test_turns_beyond_what_threads_tell_apart_are_in_the_table(turn: int) -> None:
    taus = np.arange(2 * turn)
    for step, curve in (
        (asap.Hinge(0.1, slope=0.5, grace=turn), np.where(taus <= turn, 1, 1 / (0.5 * np.maximum(taus - turn, 0) + 1))),
        (asap.Threshold(0.1, critical=turn), taus <= turn),
        (asap.Threshold(0.1, critical=3, smoothness=2.5 / turn), np.minimum(1, turn / np.maximum(taus, 1))),
        (asap.Ringmaster(0.1, limit=turn), taus < turn),
        (asap.Clipped(asap.Ringmaster(0.1, limit=turn), 0.1, 3), np.where(taus < turn, 1, 0.1)),
    ):
        found = look_up(step.table(workers=7), taus[: turn + 4_000])
        np.testing.assert_allclose(found, curve[: turn + 4_000], rtol=1e-12)
        given_taus = look_up(step.table(np.ones_like(taus)), taus)
        np.testing.assert_allclose(given_taus, curve, rtol=1e-12)


def test_tail_tau_starts_as_constant() -> None:
    assert asap.TailTau(0.1).table().tolist() == [1.0]


def test_custom_takes_an_array_or_a_function() -> None:
    assert asap.Custom(0.1, np.array([1, 2], np.int32)).table().tolist() == [1.0, 2.0]
    by_mean = asap.Custom(0.1, lambda distribution: [distribution.mean, distribution.quantile(1.0)])
    assert by_mean.table().tolist() == [1.0]
    assert by_mean.table([1, 0, 3]).tolist() == [1.5, 2.0]
    assert by_mean.sample == (10, 110)


@pytest.mark.parametrize(
    "scale", [[], [[1.0]], [1.0, -0.5], [1.0, np.nan], [np.inf], ["a"], 1.0, None], ids=lambda scale: repr(scale)
)
def test_custom_refuses_what_is_no_table(scale: object) -> None:
    with pytest.raises(ValueError, match=r"scale must be a one-dimensional array of finite numbers ≥ 0.*; got"):
        asap.Custom(0.1, scale)
    with pytest.raises(ValueError, match="the array that scale returned must be a one-dimensional array"):
        asap.Custom(0.1, lambda _: scale).table([1, 2])


def test_custom_with_an_array_takes_no_window() -> None:
    with pytest.raises(ValueError, match="sample must be None for a fixed array"):
        asap.Custom(0.1, [1.0], sample=(1, 2))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: asap.Constant(0.0), "rate must be a finite number above 0.*; got 0.0"),
        (lambda: asap.Constant(float("nan")), "rate must be a finite number above 0.*; got nan"),
        (lambda: asap.Constant("fast"), r"rate must be a finite number above 0.*; got 'fast' \(str\)"),
        (lambda: asap.Constant(True), "rate must be a finite number above 0.*; got True"),
        (lambda: asap.Constant(asap.CosineRate), r"rate must be .*; got the class CosineRate: add \("),
        (lambda: asap.FLeet(0.1, threshold=0), "threshold must be a finite number above 0; got 0"),
        (lambda: asap.Power(0.1, -1), "exponent must be a finite number ≥ 0; got -1"),
        (lambda: asap.Hinge(0.1, slope=-1), "slope must be a finite number ≥ 0; got -1"),
        (lambda: asap.Hinge(0.1, grace=0.5), "grace must be an integer ≥ 0; got 0.5"),
        (lambda: asap.Exponential(0.1, -1), "decay must be a finite number ≥ 0; got -1"),
        (lambda: asap.Threshold(0.1, -1), "critical must be an integer ≥ 0; got -1"),
        (lambda: asap.Threshold(0.1, 1, 0), "smoothness must be a finite number above 0; got 0"),
        (lambda: asap.Ringmaster(0.1, 0), "limit must be an integer ≥ 1; got 0"),
        (lambda: asap.MindTheStep(0.1, "normal"), "law must be one of 'geometric', 'poisson'.*; got 'normal'"),
        (lambda: asap.MindTheStep(0.1, cap=0), "cap must be a finite number above 0; got 0"),
        (lambda: asap.Normalised(0.1), "step must be a step such as .*; got 0.1"),
        (lambda: asap.Normalised(asap.Inverse), "step must be .*; got the class Inverse"),
        (
            lambda: asap.Clipped(asap.Inverse(0.1), 2, 1),
            "most must be a finite number above 0 and at least least, 2; got 1",
        ),
        (lambda: asap.TailTau(0.1, amplitude=1.5), r"amplitude must be a number in \[0, 1\]; got 1.5"),
        (lambda: asap.TailTau(0.1, cdf="upper"), "cdf must be one of 'mid', 'inclusive', 'exclusive'; got 'upper'"),
        (lambda: asap.TailTau(0.1, sample=(5, 5)), r"sample must be \(first, last\).*; got \(5, 5\)"),
        (lambda: asap.TailTau(0.1, sample=7), r"sample must be \(first, last\).*; got 7"),
        (lambda: asap.TailTau(0.1, sample=(1.5, 3)), r"sample\[0\] must be an integer ≥ 0; got 1.5"),
    ],
)
def test_wrong_arguments_are_named(make: object, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_steps_are_values(step: Step) -> None:
    twin = pickle.loads(pickle.dumps(step))
    assert twin == step
    assert hash(twin) == hash(step)
    assert eval(repr(step), vars(asap)) == step
    np.testing.assert_array_equal(twin.table([3, 1, 1]), step.table([3, 1, 1]))
    with pytest.raises(AttributeError):
        step.rate = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("schedule", [asap.StepRate(0.2, 0.5, 10, "updates"), asap.CosineRate(0.2, 0.01)], ids=repr)
def test_a_schedule_goes_through_every_composition(schedule: asap.rates.Rate) -> None:
    plain = asap.Constant(schedule)
    inner = asap.TailTau(schedule, sample=asap.Online())
    for step in (inner, asap.Normalised(inner), asap.Clipped(asap.Normalised(asap.Inverse(schedule)), 0, 3)):
        for update in (0, 9, 10, 55, 100, 1000):
            assert step.rate_at(update, updates=100) == plain.rate_at(update, updates=100)


def test_a_number_or_a_schedule_is_a_constant_step() -> None:
    assert as_step(0.25) == asap.Constant(0.25)
    assert as_step(np.float32(0.25)) == asap.Constant(0.25)
    assert as_step(asap.CosineRate(0.1)) == asap.Constant(asap.CosineRate(0.1))


@pytest.mark.parametrize("step", [np.ones(3), [1.0, 0.5], lambda distribution: [1.0], (1.0,)])
def test_a_bare_scale_is_told_to_bring_its_rate(step: object) -> None:
    with pytest.raises(TypeError, match=r"asap\.Custom\(rate, scale\)"):
        as_step(step)


def test_a_class_is_told_to_add_parentheses() -> None:
    with pytest.raises(TypeError, match=r"got the class TailTau: add \(rate\), as in TailTau\(0\.01\)"):
        as_step(asap.TailTau)
    with pytest.raises(TypeError, match="step must be a step such as"):
        as_step("tail")


def test_step_rate_falls_in_steps() -> None:
    rate = asap.StepRate(0.8, 0.5, every=10, unit="updates")
    for update in (0, 9, 10, 19, 20, 1000):
        assert rate(update) == pytest.approx(0.8 * 0.5 ** (update // 10))
    in_epochs = asap.StepRate(0.8, 0.5, every=2)
    assert in_epochs(19, updates_per_epoch=10) == 0.8
    assert in_epochs(20, updates_per_epoch=10) == 0.4
    with pytest.raises(ValueError, match="needs updates_per_epoch"):
        in_epochs(19)


def test_cosine_rate_follows_half_a_wave() -> None:
    rate = asap.CosineRate(0.3, final=0.1, length=100, unit="updates")
    updates = np.arange(150)
    expected = 0.1 + 0.2 * (1 + np.cos(np.pi * np.minimum(updates / 100, 1))) / 2
    np.testing.assert_allclose([rate(update) for update in updates.tolist()], expected, rtol=1e-12)
    assert rate(0) == pytest.approx(0.3)
    assert rate(50) == pytest.approx(0.2)
    assert asap.CosineRate(0.3)(60, updates=60) == 0.0
    with pytest.raises(ValueError, match=r"CosineRate\(…, length=…\)"):
        asap.CosineRate(0.3)(60)


def test_a_step_tells_its_rate() -> None:
    assert asap.TailTau(0.25).rate_at(1_000_000) == 0.25
    assert asap.Constant(asap.ConstantRate(0.5)).rate_at(3) == 0.5
    assert asap.Inverse(asap.StepRate(0.8, 0.1, every=5, unit="updates")).rate_at(5) == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: asap.ConstantRate(-1), "rate must be a finite number above 0; got -1"),
        (lambda: asap.StepRate(0.1, 1.5, every=1), r"factor must be a number in \(0, 1\]; got 1.5"),
        (lambda: asap.StepRate(0.1, 0.5, every=0), "every must be a finite number above 0; got 0"),
        (lambda: asap.StepRate(0.1, 0.5, 1, unit="steps"), "unit must be one of 'epochs', 'updates'; got 'steps'"),
        (lambda: asap.CosineRate(0.1, final=0.2), r"final must be a number in \[0, rate\]; got 0.2"),
        (lambda: asap.CosineRate(0.1, length=-1), "length must be a finite number above 0; got -1"),
        (lambda: asap.ConstantRate(0.1)(-1), "update must be an integer ≥ 0; got -1"),
    ],
)
def test_wrong_schedules_are_refused(make: object, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make()  # type: ignore[operator]
