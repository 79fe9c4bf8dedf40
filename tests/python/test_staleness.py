"""The staleness distribution against NumPy on the samples that it counts."""

import json
import pickle

import numpy as np
import pytest

import asap
from asap import _core

SAMPLES = np.random.default_rng(0).geometric(0.2, 1000) - 1
COUNTS = np.bincount(SAMPLES)


@pytest.fixture
def distribution() -> asap.StalenessDistribution:
    return asap.StalenessDistribution(COUNTS)


def test_figures_are_those_of_the_samples(distribution: asap.StalenessDistribution) -> None:
    assert np.array_equal(distribution.counts, COUNTS)
    assert distribution.total == 1000
    assert distribution.mean == pytest.approx(SAMPLES.mean())
    assert distribution.max == SAMPLES.max()
    for q in (0.0, 0.25, 0.5, 0.99, 1.0):
        assert distribution.quantile(q) == np.quantile(SAMPLES, q, method="inverted_cdf")
    for tau in range(distribution.max + 3):
        assert distribution.probability(tau) == np.mean(tau == SAMPLES)
        assert distribution.cdf(tau, "inclusive") == pytest.approx(np.mean(tau >= SAMPLES))
        assert distribution.cdf(tau, "exclusive") == pytest.approx(np.mean(tau > SAMPLES))
        assert distribution.cdf(tau) == pytest.approx((np.mean(tau >= SAMPLES) + np.mean(tau > SAMPLES)) / 2)


def test_without_updates_figures_are_0() -> None:
    empty = asap.StalenessDistribution([])
    assert (empty.total, empty.mean, empty.max, empty.probability(0), empty.cdf(3)) == (0, 0.0, 0, 0.0, 0.0)
    assert repr(empty) == "StalenessDistribution(no updates)"
    with pytest.raises(ValueError, match="empty"):
        empty.quantile(0.5)


def test_merging_adds_exactly() -> None:
    parts = [SAMPLES[:10], SAMPLES[10:700], SAMPLES[700:]]
    workers = [_core.Distribution(np.bincount(part).astype(np.uint64)) for part in parts]
    merged = asap.StalenessDistribution._merge(workers)
    assert merged == _with_workers(parts)
    assert [worker.total for worker in merged.per_worker] == [10, 690, 300]
    assert asap.StalenessDistribution._merge([]).total == 0


def test_merging_keeps_the_exact_sum_where_a_bin_collects_larger_values() -> None:
    workers = [_core.Distribution(np.array([1, 2], np.uint64), tau_sum) for tau_sum in (10, 20)]
    assert asap.StalenessDistribution._merge(workers).mean == 30 / 6


def _with_workers(parts: list[np.ndarray]) -> asap.StalenessDistribution:
    whole = asap.StalenessDistribution(COUNTS)
    whole.per_worker = [asap.StalenessDistribution(np.bincount(part)) for part in parts]
    return whole


def test_the_last_bin_may_collect_larger_values() -> None:
    assert asap.StalenessDistribution([1, 0, 2], tau_sum=100).mean == pytest.approx(100 / 3)


def test_distributions_are_values(distribution: asap.StalenessDistribution) -> None:
    whole = _with_workers([SAMPLES])
    assert pickle.loads(pickle.dumps(whole)) == whole
    assert distribution != whole
    assert distribution == asap.StalenessDistribution(COUNTS)
    assert distribution != asap.StalenessDistribution(COUNTS, tau_sum=1)
    assert distribution != "distribution"
    assert json.loads(json.dumps(whole.to_dict()))["per_worker"] == [COUNTS.tolist()]


@pytest.mark.parametrize("counts", [[[1, 2]], [0.5], [-1, 3], 7, ["a"]])
def test_wrong_counts_are_refused(counts: object) -> None:
    with pytest.raises(ValueError, match="counts must be a one-dimensional array of integers ≥ 0"):
        asap.StalenessDistribution(counts)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([2**62, 2**62], "counts must add up to less than 2⁶³; got 9223372036854775808"),
        (np.array([2**64 - 1, 1], np.uint64), "counts must add up to less than 2⁶³; got 18446744073709551616"),
        ([0, 0, 2**62], "Σ τ of counts must be less than 2⁶³; got 9223372036854775808"),
    ],
)
def test_counts_beyond_64_bits_are_refused(counts: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asap.StalenessDistribution(counts)
    with pytest.raises(ValueError, match=words.replace("counts", "distribution")):
        asap.TailTau(0.1).table(counts)


def test_the_largest_counts_have_the_shares_of_small_ones() -> None:
    largest = [2**61 - 1, 2**61, 2**61]
    np.testing.assert_allclose(asap.TailTau(0.1).table(largest), asap.TailTau(0.1).table([1, 1, 1]), atol=1e-15)
    assert asap.StalenessDistribution(largest).mean == pytest.approx(1)


def test_wrong_arguments_are_named(distribution: asap.StalenessDistribution) -> None:
    with pytest.raises(ValueError, match=r"q must be a number in \[0, 1\]; got 1.5"):
        distribution.quantile(1.5)
    with pytest.raises(ValueError, match="tau must be an integer ≥ 0; got -1"):
        distribution.cdf(-1)
    with pytest.raises(ValueError, match="form must be one of 'mid', 'inclusive', 'exclusive'; got 'left'"):
        distribution.cdf(1, "left")
