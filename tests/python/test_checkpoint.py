"""Checkpoints: a resumed run is the run that was never interrupted, and what may and may not change on the way."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counted import as_counted
from numpy.typing import NDArray

import asap

pytest.importorskip("safetensors", reason="needs the extra io")

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

ENGINES = [
    asap.engines.Sequential(),
    asap.Synchronous(),
    asap.Locked(),
    asap.Leashed(),
    asap.Leashed(read="copy"),
    asap.Hogwild(),
    asap.Hogwild(read="copy"),
    asap.Hogwild(update="fused"),
    asap.Softsync(),
]


class Parts:
    """Trains in parts: until a callback stops it within an epoch, and on from there."""

    def __init__(self, path: Path, data: Data, make_model: MakeModel) -> None:
        self.path = path
        self.data = data
        self.make_model = make_model

    def whole(self, **settings: Any) -> asap.Run:
        return asap.train(self.make_model(), self.data, **settings)

    def first(self, stop_after: int, **settings: Any) -> asap.Run:
        def stop(state: asap.RunState) -> None:
            if len(state.history) >= stop_after:
                state.stop()

        checkpoint = asap.Checkpoint(self.path, every=7, unit="updates")
        return asap.train(self.make_model(), self.data, callbacks=stop, checkpoint=checkpoint, **settings)

    def resume(self, **changes: Any) -> asap.Run:
        return asap.resume(self.path, self.data, **changes)


@pytest.fixture
def parts(tmp_path: Path, blobs: Data, make_model: MakeModel) -> Parts:
    return Parts(tmp_path / "run.checkpoint", blobs, make_model)


def rows(run: asap.Run) -> list[dict[str, Any]]:
    """The history without what depends on the clock."""
    return [
        {name: row[name] for name in row if name not in ("seconds", "validation_loss", "accuracy")}
        for row in run.history
    ]


@pytest.mark.parametrize("engine", ENGINES, ids=repr)
def test_one_worker_goes_on_bit_by_bit(parts: Parts, engine: Any) -> None:
    fused = engine == asap.Hogwild(update="fused")
    settings = {
        "engine": engine,
        "workers": 1,
        "epochs": 40,
        "batch_size": 16,
        "step": asap.TailTau(asap.CosineRate(0.1), sample=(1, 4)),
        "momentum": 0.0 if fused else 0.9,
        "weight_decay": 0.001,
        "seed": 3,
    }
    whole = parts.whole(**settings)
    first = parts.first(2, **settings)
    assert first.status == "stopped"
    second = parts.resume()
    assert second.status == "completed"
    assert second.resumed == (first.version,)
    assert np.array_equal(second.parameters, whole.parameters)
    assert np.array_equal(second.model.parameters, whole.parameters)
    assert second.staleness == whole.staleness
    assert rows(second) == rows(whole)
    assert (second.updates, second.gradients, second.samples) == (whole.updates, whole.gradients, whole.samples)
    assert second.effective_step == whole.effective_step
    assert second.seconds >= first.seconds


def test_rounds_go_on_bit_by_bit_with_several_workers(parts: Parts) -> None:
    settings = {"engine": asap.Synchronous(), "workers": 3, "updates": 400, "batch_size": 16, "momentum": 0.5}
    whole = parts.whole(**settings)
    parts.first(1, **settings)
    assert np.array_equal(parts.resume().parameters, whole.parameters)


def test_a_run_may_be_resumed_many_times(parts: Parts) -> None:
    settings = {"engine": asap.Locked(), "workers": 1, "batch_size": 16, "momentum": 0.5}
    whole = parts.whole(epochs=9, **settings)
    run = asap.train(parts.make_model(), parts.data, epochs=1, checkpoint=asap.Checkpoint(parts.path), **settings)
    for epochs in range(2, 10):
        run = parts.resume(epochs=epochs)
        assert run.updates == 38 * epochs
    assert run.resumed == tuple(38 * epochs for epochs in range(1, 9))
    assert np.array_equal(run.parameters, whole.parameters)
    assert rows(run) == rows(whole)


@pytest.mark.parametrize("engine", ENGINES[1:], ids=repr)
def test_traces_show_that_no_update_is_lost_or_doubled(parts: Parts, engine: Any) -> None:
    fused = engine == asap.Hogwild(update="fused")
    settings = {"engine": engine, "workers": 3, "batch_size": 16, "momentum": 0.0 if fused else 0.5, "trace": True}
    first = parts.first(2, epochs=1000, **settings)
    second = parts.resume(updates=first.updates + 200)
    assert second.trace.first == first.trace.first + first.updates
    assert len(first.trace) + len(second.trace) == second.gradients
    records = np.concatenate([first.trace.records, second.trace.records])
    together = replace(first.trace, records=records)
    together.check()
    assert sorted(together["batch"]) == list(range(second.gradients))
    assert together.updates["replaced"].tolist() == list(range(second.updates))
    assert as_counted(together.staleness) == second.staleness
    for run in (first, second):
        replay = asap.replay(run)
        assert replay.identical or not replay.exact
    assert not replay.exact or np.array_equal(replay.parameters, second.parameters)


def test_a_resumed_run_is_saved_and_replayed_with_its_velocity(parts: Parts, tmp_path: Path) -> None:
    first = parts.first(2, epochs=1000, workers=3, momentum=0.9, trace=True)
    run = parts.resume(updates=first.updates + 300)
    assert run.trace.velocity is not None
    loaded = asap.Run.load(run.save(tmp_path / "saved"))
    assert loaded.resumed == run.resumed
    assert loaded.to_dict()["resumed"] == list(run.resumed)
    assert asap.replay(loaded, parts.data).identical
    still = replace(loaded, trace=replace(loaded.trace, velocity=None))
    assert not asap.replay(still, parts.data).identical


def test_a_complete_run_has_an_empty_trace(parts: Parts, tmp_path: Path) -> None:
    asap.train(parts.make_model(), parts.data, checkpoint=asap.Checkpoint(parts.path), trace=True)
    run = asap.Run.load(parts.resume().save(tmp_path / "saved"))
    assert len(run.trace) == 0
    assert asap.replay(run, parts.data).identical


def test_another_number_of_workers_goes_on(parts: Parts) -> None:
    first = parts.first(2, epochs=1000, workers=3, step=asap.TailTau(0.05, sample=(1, 2)))
    for workers in (5, 2, 1):
        before = first.updates
        first = parts.resume(workers=workers, updates=before + 150)
        assert first.updates == before + 150
        assert first.config.workers == workers
        assert first.staleness.total == first.updates
    assert len(first.staleness.per_worker) == 5


def test_limits_replace_those_of_the_run(parts: Parts) -> None:
    run = asap.train(parts.make_model(), parts.data, updates=50, checkpoint=asap.Checkpoint(parts.path))
    assert parts.resume().updates == 50
    run = parts.resume(epochs=5)
    assert (run.config.updates, run.config.epochs, run.gradients) == (None, 5, 95)
    run = parts.resume(seconds=run.seconds / 2)
    assert (run.status, run.updates) == ("completed", 95)


def test_rules_see_the_whole_history(parts: Parts) -> None:
    seen = []
    asap.train(parts.make_model(), parts.data, epochs=3, checkpoint=asap.Checkpoint(parts.path))
    run = parts.resume(epochs=9, stop=asap.Patience(4, on="training", min_delta=1e9), callbacks=seen.append)
    assert run.status == "stopped"
    assert run.history["epoch"][:5].tolist() == [1, 2, 3, 4, 5]
    assert [len(state.history) for state in seen][:1] == [len(run.history)]
    assert parts.resume(epochs=9, stop=()).status == "completed"


def test_a_function_must_be_given_again(parts: Parts) -> None:
    def scale(distribution: asap.StalenessDistribution) -> list[float]:
        return [0.5]

    step = asap.Custom(0.05, scale, sample=(1, 2))
    asap.train(parts.make_model(), parts.data, step=step, workers=2, checkpoint=asap.Checkpoint(parts.path))
    with pytest.raises(ValueError, match=r"step must be given again, since its scale is a function: Custom\("):
        parts.resume(epochs=2)
    with pytest.raises(ValueError, match=r"step must be that of the run, Custom\(.*; got Custom\("):
        parts.resume(epochs=2, step=asap.Custom(0.06, scale, sample=(1, 2)))
    resumed = parts.resume(epochs=2, step=step)
    assert (resumed.status, resumed.config.step) == ("completed", step)
    asap.train(parts.make_model(), parts.data, step=asap.Clipped(step, 0, 2), checkpoint=asap.Checkpoint(parts.path))
    with pytest.raises(ValueError, match=r"step must be given again, since its scale is a function: Clipped\("):
        parts.resume(epochs=2)


def test_other_data_is_refused(parts: Parts, blobs: Data) -> None:
    inputs, labels = blobs
    asap.train(parts.make_model(), blobs, checkpoint=asap.Checkpoint(parts.path))
    with pytest.raises(ValueError, match="data must be the training data of the run, 599 samples; got 598"):
        asap.resume(parts.path, (inputs[1:], labels[1:]))
    with pytest.raises(ValueError, match="data must be the training data of the run, with the fingerprint"):
        asap.resume(parts.path, (inputs + 1, labels))
    with pytest.raises(ValueError, match="data"):
        asap.resume(parts.path, (inputs[:, :1], labels))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"path": 3}, TypeError, "path must be the name of a file; got 3"),
        ({"path": ""}, ValueError, "path must be the name of a file"),
        ({"unit": "minutes"}, ValueError, "unit must be one of 'epochs', 'updates', 'seconds'; got 'minutes'"),
        ({"every": 0}, ValueError, "every must be a finite number above 0; got 0"),
        ({"every": "1"}, TypeError, "every must be"),
        ({"every": float("inf")}, ValueError, "every must be a finite number above 0; got inf"),
        ({"every": 0.5, "unit": "updates"}, ValueError, "every must be a number of at least 1; got 0.5"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        asap.Checkpoint(**({"path": "a"} | arguments))


def test_a_path_alone_does_not_say_how_often(parts: Parts) -> None:
    with pytest.raises(TypeError, match=r"checkpoint must say how often, too: write asap.Checkpoint\('a', every=1\)"):
        parts.whole(checkpoint="a")
    with pytest.raises(TypeError, match=r"got the class Checkpoint: add \(\)"):
        parts.whole(checkpoint=asap.Checkpoint)


def test_a_missing_package_is_named_before_anything_is_trained(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    model = parts.make_model()
    start = model.parameters.copy()
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r'A checkpoint needs safetensors: pip install "asap\[io\]"'):
        asap.train(model, parts.data, checkpoint=asap.Checkpoint(parts.path))
    assert np.array_equal(model.parameters, start)


def test_ctrl_c_leaves_a_checkpoint_of_the_end(parts: Parts) -> None:
    def interrupt(state: asap.RunState) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    checkpoint = asap.Checkpoint(parts.path, every=1e6)
    settings = {"workers": 1, "epochs": 100_000, "callbacks": interrupt, "checkpoint": checkpoint}
    first = asap.train(parts.make_model(), parts.data, **settings)
    assert first.status == "interrupted"
    assert parts.resume(updates=first.updates + 10).updates == first.updates + 10


def test_a_failure_leaves_the_checkpoint_before(parts: Parts) -> None:
    def fail(state: asap.RunState) -> None:
        raise LookupError("planted")

    asap.train(parts.make_model(), parts.data, checkpoint=asap.Checkpoint(parts.path))
    before = parts.path.read_bytes()
    with pytest.raises(LookupError, match="planted"):
        parts.resume(epochs=1000, callbacks=fail, checkpoint=asap.Checkpoint(parts.path, every=1e6))
    assert parts.path.read_bytes() == before


def test_a_diverged_run_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    checkpoint = asap.Checkpoint(tmp_path / "a", every=1e6)
    assert asap.train(model, (x, x[:, :2]), step=3.0, epochs=1000, checkpoint=checkpoint).status == "diverged"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_run_and_keeps_what_was_learnt(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, contents: bytes) -> int:
        raise OSError(28, "No space left on device")

    model = parts.make_model()
    start = model.parameters.copy()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        asap.train(model, parts.data, epochs=2, checkpoint=asap.Checkpoint(parts.path))
    assert caught.value.errno == 28
    assert not np.array_equal(model.parameters, start)
    assert list(parts.path.parent.iterdir()) == []
