"""The training loss on snapshots, and the way to ε-convergence."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import asap
from asap import _snapshots

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


def curve(loss: list[float], every: int = 10) -> asap.Losses:
    """Snapshots every so many updates, a thousand updates a second, a hundred an epoch."""
    updates = np.arange(len(loss)) * every
    return asap.Losses(updates, updates / 100, updates / 1000, loss)


def test_the_crossing_of_a_straight_line_is_where_the_line_crosses() -> None:
    losses = curve([2.0 - 0.1 * k for k in range(20)])  # 2 − t/100
    for fraction in (0.75, 0.5, 0.25, 0.1):
        assert losses.at(fraction, "updates") == pytest.approx(200 * (1 - fraction))
        assert losses.at(fraction) == pytest.approx(0.2 * (1 - fraction))
        assert losses.at(fraction, "epoch") == pytest.approx(2 * (1 - fraction))
    assert losses.at(0.025) is None


@given(st.lists(st.floats(0.01, 10), min_size=2, max_size=30), st.floats(0.05, 0.95))
def test_the_crossing_lies_before_the_first_snapshot_below(loss: list[float], fraction: float) -> None:
    losses, target = curve(loss), fraction * loss[0]
    below = [k for k, value in enumerate(loss) if value <= target]
    found = losses.at(fraction, "updates")
    if not below:
        assert found is None
        return
    first = below[0]
    assert found is not None
    assert 10 * (first - 1) <= found <= 10 * first
    assert np.interp(found, losses.updates, losses.loss) == pytest.approx(target)
    assert (losses.loss[:first] > target).all()


def test_a_loss_that_is_not_finite_is_no_end_of_a_line() -> None:
    losses = curve([2.0, float("inf"), 0.5, float("nan")])
    assert losses.at(0.5, "updates") == 20
    assert np.isnan(losses.loss).tolist() == [False, True, False, True]
    assert [row["loss"] for row in losses] == [2.0, None, 0.5, None]
    assert curve([float("nan"), 1.0]).at(0.5) is None
    assert curve([0.0, 1.0]).at(0.5) == 0.0


def test_a_run_takes_snapshots_of_rising_versions_from_start_to_end(blobs: Data, make_model: MakeModel) -> None:
    model = make_model()
    start = model.evaluate(blobs).loss
    run = asap.train(model, blobs, workers=2, step=0.05, epochs=20, snapshots=asap.Snapshots(5, samples=None))
    losses = run.losses
    assert losses is not None
    assert (losses.updates[0], losses.epoch[0], losses.seconds[0]) == (0, 0.0, 0.0)
    assert losses.updates[-1] == run.updates
    assert losses.seconds[-1] <= run.seconds
    assert (np.diff(losses.updates) > 0).all()
    assert (np.diff(losses.seconds) >= 0).all()
    assert losses.loss[0] == pytest.approx(start, rel=1e-5)
    assert losses.loss[-1] == pytest.approx(model.evaluate(blobs).loss, rel=1e-5)
    assert run.time_to(0.5) == losses.at(0.5)
    assert run.updates_to(0.5) == losses.at(0.5, "updates")
    assert run.epochs_to(0.5) == losses.at(0.5, "epoch")


def test_a_snapshot_is_of_the_version_that_it_names(blobs: Data, make_model: MakeModel) -> None:
    """One worker: the parameters after t updates are those of a run of t updates."""
    settings = {"engine": asap.engines.Sequential(), "step": 0.05, "seed": 3}
    run = asap.train(make_model(), blobs, updates=300, snapshots=asap.Snapshots(7, samples=None), **settings)
    assert run.losses is not None
    for row in list(run.losses)[1::5]:
        shorter = asap.train(make_model(), blobs, updates=row["updates"], **settings)
        assert row["loss"] == pytest.approx(shorter.model.evaluate(blobs).loss, rel=1e-5)


def test_snapshots_leave_the_run_as_it_is(blobs: Data, make_model: MakeModel) -> None:
    runs = [
        asap.train(make_model(), blobs, engine=asap.Locked(), workers=1, updates=200, snapshots=every)
        for every in (None, 1, 50)
    ]
    assert len({run.parameters.tobytes() for run in runs}) == 1


def test_the_samples_of_a_loss_are_the_same_for_all_runs(blobs: Data, make_model: MakeModel) -> None:
    data = make_model()._dataset(blobs)
    first, second = (_snapshots.sampled(data, 50) for _ in range(2))
    assert len(first) == len(second) == 50
    assert np.array_equal(first.inputs, second.inputs)
    assert len(np.unique(first.inputs, axis=0)) == 50
    assert _snapshots.sampled(data, None) is _snapshots.sampled(data, 599) is data


def test_a_diverged_run_ends_with_its_snapshots(make_model: MakeModel) -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    run = asap.train(model, (x, x[:, :2]), workers=2, step=1e6, epochs=1000, snapshots=1)
    assert run.status == "diverged"
    assert run.losses is not None
    assert run.time_to(0.5) is None


def test_losses_are_saved_with_the_run(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    run = asap.train(make_model(), blobs, workers=2, epochs=3, snapshots=10)
    loaded = asap.Run.load(run.save(tmp_path / "run"))
    assert loaded.to_dict()["losses"] == run.to_dict()["losses"]
    assert loaded.config.snapshots == asap.Snapshots(10)
    assert loaded.time_to(0.5) == run.time_to(0.5)


def test_files_from_before_snapshots_can_be_read(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    run = asap.train(make_model(), blobs, workers=2, epochs=1)
    path = run.save(tmp_path / "run") / "run.json"
    lines = [line for line in path.read_text().splitlines() if not line.startswith('"losses"')]
    path.write_text("\n".join(lines).replace('"snapshots": null, ', ""))
    assert "snapshots" not in path.read_text()
    loaded = asap.Run.load(tmp_path / "run")
    assert loaded.losses is None
    assert dataclasses.asdict(loaded.config) == dataclasses.asdict(run.config)


def test_a_resumed_run_has_no_losses(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    saving = asap.Checkpoint(tmp_path / "checkpoint")
    asap.train(make_model(), blobs, workers=1, epochs=1, snapshots=5, checkpoint=saving)
    assert asap.resume(tmp_path / "checkpoint", blobs, epochs=2).losses is None
