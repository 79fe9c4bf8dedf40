"""Laws of virtual time: plain values whose draws are functions of seed and worker."""

import numpy as np
import pytest

import asap
from asap import laws

EVERY = [
    laws.Constant(0.5),
    laws.Exponential(2.0),
    laws.LogNormal(1.0, 0.3),
    laws.Recorded([0.1, 0.2, 0.4], counts=[1, 0, 3]),
    laws.Heterogeneous(laws.Exponential(1.0), sigma=0.5),
    laws.Heterogeneous(1.0, factors=[1.0, 2.5]),
    laws.Stragglers(laws.LogNormal(), factor=5, workers=2),
    laws.Stragglers(laws.Heterogeneous(0.1, sigma=1.0), factor=5, probability=0.1),
]


@pytest.mark.parametrize("law", EVERY)
def test_draws_are_functions_of_seed_and_worker(law: laws.Law) -> None:
    drawn = law.draw(100, worker=1, seed=7)
    assert drawn.shape == (100,)
    assert (drawn >= 0).all()
    assert np.array_equal(law.draw(50, worker=1, seed=7), drawn[:50])
    assert hash(law) == hash(eval(repr(law), vars(laws)))  # plain values that say what they are


def test_means_are_in_seconds() -> None:
    for law in (laws.Exponential(3.0), laws.LogNormal(3.0, 0.7), laws.Recorded([2.0, 4.0])):
        assert law.draw(50_000).mean() == pytest.approx(3.0, rel=0.03)
    assert laws.Constant(3.0).draw(2).tolist() == [3.0, 3.0]


def test_workers_may_differ() -> None:
    law = laws.Heterogeneous(1.0, factors=[1.0, 2.5])
    assert [law.draw(1, worker=w)[0] for w in range(4)] == [1.0, 2.5, 1.0, 2.5]
    law = laws.Stragglers(1.0, factor=10.0, workers=2)
    assert [law.draw(1, worker=w)[0] for w in range(4)] == [10.0, 10.0, 1.0, 1.0]
    law = laws.Heterogeneous(1.0, sigma=0.5)
    assert len({law.draw(1, worker=w)[0] for w in range(100)}) == 100


def test_a_number_and_an_array_are_taken() -> None:
    assert laws.as_law("compute", 2) == laws.Constant(2.0)
    assert laws.Recorded(np.array([1.0, 2.0])) == laws.Recorded((1.0, 2.0))
    assert asap.LogNormal is laws.LogNormal
