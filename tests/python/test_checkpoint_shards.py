"""Checkpoints of a parameter server with several shards: one file, whole vectors, the rest of each shard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ray_setting import data, model, same_bits
from test_checkpoint_files import contents, rewrite
from test_server import config, learner

import asap
from asap import _checkpoint_document, _checkpoint_file, _core

ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
from asap.ray._slices import joined, parted, slices  # noqa: E402

CUTS = slices(771, 3)


def servers(trained, saving, states=(None,) * 3):
    options = config(momentum=0.5, checkpoint=saving)._to_core(400)
    return [
        _core.ParameterServer(
            400, trained.parameters[cut], options, most_workers=2, resume=state, trace=False, leads=not i
        )
        for i, (cut, state) in enumerate(zip(CUTS, states, strict=True))
    ]


def work(shards, learning, turns):
    """One worker, whose gradients come to the lead last; the batch that it has at the end stays open."""
    gradient = np.empty(771, np.float32)
    lead, *others = shards
    for turn in range(turns + 1):
        batch = lead.take(0)
        if batch is None:
            return
        for other in others:
            other.hold(0, batch)
        if turn == turns:
            return
        theta = np.concatenate([shard.parameters for shard in shards])
        loss = learning.gradient(batch, theta, gradient)
        for shard, cut in zip([*others, lead], [*CUTS[1:], CUTS[0]], strict=True):
            assert shard.receive(batch=batch, worker=0, read=shard.version, loss=loss, gradient=gradient[cut])


@pytest.fixture
def saved(tmp_path):
    """The model, the states of its shards after 10 updates, the file of these, and how it was to be made."""
    trained = model()
    saving = asap.Checkpoint(tmp_path / "run.checkpoint", every=10, unit="updates")
    shards = servers(trained, saving)
    work(shards, learner(trained), 10)
    states = [shard.checkpoint() for shard in shards]
    settings = config(momentum=0.5, checkpoint=saving)
    facts = _checkpoint_document.facts(trained.architecture, settings, 400, "0" * 16, ())
    _checkpoint_file.write(Path(saving.path), facts, joined(states))
    return trained, states, Path(saving.path), saving


def same(first, second):
    """Whether two states are equal, arrays by their bytes."""
    arrays, others = first["arrays"], second["arrays"]
    numbers = [{name: value for name, value in state.items() if name != "arrays"} for state in (first, second)]
    return numbers[0] == numbers[1] and arrays.keys() == others.keys() and all(
        arrays[name].tobytes() == others[name].tobytes() for name in arrays
    )  # fmt: skip


def test_the_states_that_are_read_are_those_that_were_written(saved):
    _, states, path, _ = saved
    read = _checkpoint_file.read(path).state
    parts = parted(read, CUTS)
    assert [same(*pair) for pair in zip(parts, states, strict=True)] == [True] * 3
    assert list(parts[0]["arrays"]["open"]) == [10]  # the lead had handed it out; the others have not heard of it
    assert ["open" in part["arrays"] for part in parts[1:]] == [False, False]


def test_vectors_are_whole_in_the_file(saved):
    _, states, path, _ = saved
    _, arrays = contents(path)
    assert (arrays["parameters"].shape, arrays["velocity"].shape) == ((771,), (771,))
    assert same_bits(arrays["parameters"], np.concatenate([state["arrays"]["parameters"] for state in states]))
    assert not [name for name in arrays if name.startswith("shards.") and "parameters" in name]


def test_shards_go_on_from_it_with_the_bits_of_one_server(saved):
    trained, _, path, saving = saved
    states = [
        {**part, "arrays": {name: array.copy() for name, array in part["arrays"].items()}}
        for part in parted(_checkpoint_file.read(path).state, CUTS)
    ]
    shards = servers(trained, saving, states)
    work(shards, learner(trained), 100)
    result = np.concatenate([shard.finish()[1] for shard in shards])
    here = model()
    sgd = dict(engine=asap.engines.Sequential(), batch_size=16, epochs=2, step=0.05, momentum=0.5, seed=3)
    asap.train(here, data(), **sgd)
    assert same_bits(result, here.parameters)


def drop(document, arrays):
    document["shards"].pop()


@pytest.mark.parametrize(
    "change",
    [
        drop,
        lambda document, arrays: arrays.pop("shards.1.counted"),
        lambda document, arrays: document["shards"][0].pop("version"),
        lambda document, arrays: document.update(shards=5),
        lambda document, arrays: document.update(shards=[{}] * 771),
        lambda document, arrays: arrays.update({"shards.0.workers.sums": np.zeros((1, 3))}),
        lambda document, arrays: arrays.update({"shards.0.history.sums": np.zeros((3, 5))}),
    ],
)
def test_wrong_contents_are_refused(saved, change):
    _, _, path, _ = saved
    rewrite(path, change)
    with pytest.raises(ValueError, match=r"run\.checkpoint is damaged"):
        _checkpoint_file.read(path)


def test_all_parameters_are_in_one_slice():
    for parameters, shards in ((771, 3), (771, 771), (5, 4), (1, 1)):
        cuts = slices(parameters, shards)
        assert [i for cut in cuts for i in range(cut.start, cut.stop)] == list(range(parameters))
        assert max(cut.stop - cut.start for cut in cuts) - min(cut.stop - cut.start for cut in cuts) <= 1
