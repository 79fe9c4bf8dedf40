"""asap.Online: steps whose tables follow the run, and what the run tells of them."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

RATE = 1e-5  # no run diverges, however stale its gradients are
OFTEN = asap.Online(every=2, half_life=10)
STEPS = [
    asap.TailTau(RATE, sample=OFTEN),
    asap.Normalised(asap.Inverse(RATE), sample=OFTEN),
    asap.FLeet(RATE, sample=OFTEN),
    asap.MindTheStep(RATE, sample=OFTEN),
    asap.Custom(RATE, lambda seen: np.arange(seen.max + 1, 0, -1) / 2, sample=OFTEN),
]


def until(tables: int, step: asap.steps.Step) -> tuple[asap.steps.Step, Callable[[asap.RunState], None]]:
    """A step that counts its tables, and a callback that stops the run when there are so many."""
    calls: list[int] = []

    def scale(seen: asap.StalenessDistribution) -> NDArray[np.float64]:
        calls.append(seen.total)
        return step.table(seen, workers=3)

    def stop(state: asap.RunState) -> None:
        if len(calls) >= tables:
            state.stop()

    return asap.Custom(RATE, scale, sample=OFTEN), stop


def trained(model: asap.Model, data: Data, step: asap.steps.Step, tables: int = 5) -> asap.Run:
    counting, stop = until(tables, step)
    return asap.train(model, data, step=counting, workers=3, batch_size=5, epochs=10**6, callbacks=stop)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_tables_come_again_and_again_and_the_run_tells_what_each_was_made_of(
    step: asap.steps.Step, blobs: Data, make_model: MakeModel
) -> None:
    run = trained(make_model(), blobs, step)
    first, *others = run.tables
    assert (first.update, first.seen.total) == (0, 0)
    assert len(others) >= 4
    assert len(run.table_figures) >= len(others)
    figures = {each.update: each for each in run.table_figures}
    for table in others:
        np.testing.assert_array_equal(table.entries, step.table(table.seen, workers=3))
        found = asap.framework.check(table.entries, table.seen)
        mine = figures[table.update]
        assert mine[1:] == pytest.approx((found.mean_staleness, found.mean, found.second_moment), rel=1e-12)
    assert sorted(figures) == [each.update for each in run.table_figures]


def test_every_table_of_online_tail_tau_keeps_the_mean(blobs: Data, make_model: MakeModel) -> None:
    run = trained(make_model(), blobs, asap.TailTau(RATE, sample=OFTEN), tables=20)
    assert len(run.table_figures) >= 18
    assert all(abs(figures.mean_scale - 1) <= 1e-12 for figures in run.table_figures)
    assert all(figures.mean_square >= 1 - 1e-12 for figures in run.table_figures)
    for table in run.tables[1:]:
        assert asap.framework.check(table.entries, table.seen, tolerance=1e-12).mean_preserving
        if table.seen.max < 4095:  # the last bin, which has everything beyond
            assert len(table.entries) == table.seen.max + 2
            assert table.entries[-1] == 0.0  # beyond the largest τ seen: 1 − A


def beyond(updates: int) -> Callable[[asap.RunState], None]:
    """Stop at the second tick with so many updates: tables were made at the first one at the latest."""
    ticks: list[float] = []

    def stop(state: asap.RunState) -> None:
        if state.event == "tick" and state.updates >= updates:
            ticks.append(state.seconds)
        if len(ticks) == 2:
            state.stop()

    return stop


def test_the_log_survives_files_and_pickling(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    run = asap.train(make_model(), blobs, step=STEPS[0], workers=3, epochs=10**6, callbacks=beyond(6))
    document = json.loads(json.dumps(run.to_dict(), allow_nan=False))
    assert document["tables"][1]["seen"] == run.tables[1].seen.counts.tolist()
    assert document["table_figures"][0]["mean_scale"] == run.table_figures[0].mean_scale
    assert document["config"]["step"]["sample"] == {"kind": "Online", "every": 2, "half_life": 10}
    run.save(tmp_path)
    for twin in (asap.Run.load(tmp_path), pickle.loads(pickle.dumps(run))):
        assert [(each.update, each.seen) for each in twin.tables] == [(each.update, each.seen) for each in run.tables]
        assert twin.table_figures == run.table_figures
        assert twin.config.step.sample == OFTEN


def fresh_updates(
    before: asap.StalenessDistribution, after: asap.StalenessDistribution, half_life: float
) -> int | None:
    """How many updates make these weights of those; None: no number does."""
    width = max(len(before.counts), len(after.counts))
    old, new = (np.pad(each.counts.astype(np.float64), (0, width - len(each.counts))) for each in (before, after))
    for n in range(after.total >> 20, 0, -1):
        added = new - np.floor(old * 2 ** (-n / half_life))
        whole = np.round(added / 2**20)
        if whole.sum() == n and (np.abs(added - whole * 2**20) <= 1).all():
            return n
    return None


def test_a_resumed_run_goes_on_with_the_same_weights(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    # A table every 5,000 updates, 60 of them at most: none is left out of the log before the 64th.
    step = asap.TailTau(RATE, sample=asap.Online(every=2500, half_life=10000))
    first = asap.train(
        make_model(),
        blobs,
        step=step,
        workers=2,
        updates=200_000,
        callbacks=beyond(5000),
        checkpoint=asap.Checkpoint(tmp_path / "run"),
    )
    second = asap.resume(tmp_path / "run", blobs, updates=first.updates + 100_000)
    made = len(first.table_figures)
    assert second.table_figures[:made] == first.table_figures
    assert [each.update for each in second.tables[: made + 1]] == [each.update for each in first.tables]
    assert second.tables[made].seen == first.tables[made].seen
    assert fresh_updates(first.tables[made].seen, second.tables[made + 1].seen, 20000)
    assert not fresh_updates(
        first.tables[made].seen, second.tables[made + 1].seen, 19000
    )  # the check sees a difference


def test_a_table_that_rejects_everything_is_followed_by_another(blobs: Data, make_model: MakeModel) -> None:
    def simulated() -> asap.Run:
        tables: list[int] = []

        def scale(seen: asap.StalenessDistribution) -> list[float]:
            tables.append(seen.total)
            return [0.0 if len(tables) == 1 else 1.0]

        step = asap.Custom(RATE, scale, sample=OFTEN)
        return asap.simulate(make_model(), blobs, step=step, workers=3, batch_size=5, epochs=1)

    run, twin = simulated(), simulated()
    distance = 2 * 3  # updates from one table to the next
    zeros, ones = (table.update for table in run.tables[1:3])
    assert zeros == distance
    assert ones == zeros + 1
    assert distance - 3 <= run.rejected <= distance + 3  # a gradient of each worker may have had the scale before
    assert run.updates + run.rejected == run.gradients
    assert run.updates > 4 * distance
    np.testing.assert_array_equal(run.model.parameters, twin.model.parameters)


def test_a_traced_run_is_replayed_bit_by_bit(blobs: Data, make_model: MakeModel) -> None:
    counting, stop = until(5, asap.TailTau(RATE))
    run = asap.train(make_model(), blobs, step=counting, workers=3, epochs=10**6, callbacks=stop, trace=True)
    assert asap.replay(run).identical


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), 1e7, "often", True, None])
@pytest.mark.parametrize("name", ["every", "half_life"])
def test_lengths_are_checked(name: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{name} must be a number of updates per worker above 0"):
        asap.Online(**{name: value})
