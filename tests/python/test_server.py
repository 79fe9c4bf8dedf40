"""The native parameter server and learner as Python sees them, without Ray; what they compute is server_test.cpp's."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from ray_setting import data, model, same_bits

import asap
from asap import _core
from asap.config import checked_config


def config(**changes):
    settings = {
        **dict(engine=asap.Softsync(), step=0.05, workers=2, batch_size=16, epochs=2, updates=None, seconds=None),
        **dict(momentum=0.0, weight_decay=0.0, stop=None, seed=3, affinity="none"),
    }
    return checked_config(**settings | changes)


def server(trained, *, resume=None, trace=False, **changes):
    options = config(**changes)._to_core(400)
    return _core.ParameterServer(400, trained.parameters, options, most_workers=2, resume=resume, trace=trace)


def learner(trained, **changes):
    return _core.Learner(trained._network, trained._dataset(data()), config(**changes)._to_core(400))


def work(served, learning, turns):
    """Two workers take turns: one reads before the other's update is there."""
    gradient = np.empty(len(served.parameters), np.float32)
    for _ in range(turns):
        tasks = [(worker, served.take(worker), served.version, served.parameters.copy()) for worker in range(2)]
        for worker, batch, version, theta in tasks:
            if batch is not None:
                loss = learning.gradient(batch, theta, gradient)
                assert served.receive(batch=batch, worker=worker, read=version, loss=loss, gradient=gradient)


def test_a_run_by_hand_counts_and_replays_as_any_other():
    trained = model()
    served = server(trained, trace=True)
    work(served, learner(trained), 30)
    assert served.is_over
    report, theta = served.finish()
    assert (report["status"], report["counts"]["published"], served.version) == ("completed", 50, 50)
    assert list(sum(each.counts for each in report["staleness"][1:])) == [0, 25]
    assert list(report["staleness"][0].counts) == [25]
    records = served.records(0)
    again = trained.parameters.copy()
    options = config()._to_core(400)
    dataset = trained._dataset(data())
    _core.replay(trained._network, again, dataset, options, records, first=0, last=50, velocity=None, movement=None)
    assert same_bits(again, theta)
    assert [len(row["counts"]) > 0 for row, _ in served.take_rows()] == [True, True]
    assert served.take_rows() == []


def test_gradients_of_chosen_samples_are_those_of_the_batch_that_has_them():
    trained = model()
    learning = learner(trained, weight_decay=0.1, correction=asap.NormClipped(0.01))
    order = _core.BatchOrder(400, 16, 3)
    assert order.batches_per_epoch == 25
    by_number, chosen = (np.empty(trained.num_parameters, np.float32) for _ in range(2))
    for batch in (0, 7, 24, 25, 1000):
        loss = learning.gradient(batch, trained.parameters, by_number)
        assert learning.gradient_of(order.samples(batch), trained.parameters, chosen) == loss
        assert same_bits(by_number, chosen)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "samples must be 1 to 16, a batch at most; got 0"),
        ([0] * 17, "got 17"),
        ([3, 400], "must be below 400; got 400"),
    ],
)
def test_samples_that_are_none_are_refused(samples, message):
    trained = model()
    out = np.empty(trained.num_parameters, np.float32)
    with pytest.raises(ValueError, match=message):
        learner(trained).gradient_of(np.array(samples, np.uint64), trained.parameters, out)
    with pytest.raises(ValueError, match="samples and batch_size must be at least 1; got 0 and 16"):
        _core.BatchOrder(0, 16, 1)


def test_the_view_of_the_parameters_follows_them_and_outlives_the_server():
    trained = model()
    served = server(trained)
    view = served.parameters
    before = view.copy()
    work(served, learner(trained), 1)
    assert not same_bits(view, before)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0
    after = view.copy()
    del served
    gc.collect()
    assert same_bits(view, after)


def test_a_checkpoint_goes_through_python():
    trained = model()
    saving = asap.Checkpoint("unused", every=10, unit="updates")
    killed = server(trained, checkpoint=saving)
    work(killed, learner(trained), 5)
    assert killed.is_checkpoint_due
    killed.take(0)
    state = killed.checkpoint()
    assert not killed.is_checkpoint_due
    assert list(state["arrays"]["open"]) == [10]
    served = server(trained, resume=state, checkpoint=saving)
    assert (served.version, served.take(1)) == (10, 10)
    work(served, learner(trained), 30)
    assert served.finish()[0]["counts"]["gradients"] == 50


def test_what_does_not_fit_is_refused():
    trained = model()
    served = server(trained)
    batch = served.take(0)
    with pytest.raises(ValueError, match="gradient must have 771 values; got 3"):
        served.receive(batch=batch, worker=0, read=0, loss=0.0, gradient=np.zeros(3, np.float32))
    with pytest.raises(TypeError):
        served.receive(batch=batch, worker=0, read=0, loss=0.0, gradient=np.zeros(771))
    learning = learner(trained)
    with pytest.raises(ValueError, match="out must have 771 values; got 2"):
        learning.gradient(0, trained.parameters, np.empty(2, np.float32))
    frozen = np.empty(771, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writeable"):
        learning.gradient(0, trained.parameters, frozen)
    with pytest.raises(ValueError, match="status"):
        served.request_stop("tired")
