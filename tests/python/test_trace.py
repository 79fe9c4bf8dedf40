"""Traces and their replay: what is recorded, that it gives the same bits, and what is refused."""

import pickle
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counted import as_counted
from numpy.typing import NDArray

import asap
from asap import _core
from asap.trace import COLUMNS, OUTCOMES, RECORD

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]
Train = Callable[..., asap.Run]


@pytest.fixture
def train(blobs: Data, make_model: MakeModel) -> Train:
    """Train with a trace: two epochs of three workers, unless told otherwise."""

    def run(engine: asap.engines.Engine | None = None, **settings: Any) -> asap.Run:
        defaults: dict[str, Any] = {
            "workers": 3,
            "epochs": 2,
            "batch_size": 16,
            "step": asap.TailTau(0.05, sample=(1, 4)),
        }
        return asap.train(make_model(), blobs, engine=engine, trace=True, **(defaults | settings))

    return run


ENGINES = [
    (asap.Synchronous(), 3),
    (asap.Locked(), 3),
    (asap.Leashed(), 3),
    (asap.Leashed(read="in-place"), 3),
    (asap.Leashed(persistence=0), 3),
    (asap.Softsync(), 3),
    (asap.Softsync(n=1), 3),
    (asap.engines.Sequential(), 1),
]


@pytest.mark.parametrize(("engine", "workers"), ENGINES)
def test_a_replay_has_the_bits_of_the_run(train: Train, engine: asap.engines.Engine, workers: int) -> None:
    for settings in ({}, {"momentum": 0.9, "weight_decay": 0.01, "step": asap.Inverse(asap.CosineRate(0.1))}):
        run = train(engine, workers=workers, **settings)
        replay = asap.replay(run)
        assert (replay.exact, replay.identical, replay.distance) == (True, True, 0.0)
        assert np.array_equal(replay.parameters, run.parameters)
        assert replay.updates == run.updates == run.version
        assert not replay.parameters.flags.writeable


@pytest.mark.parametrize("engine", [asap.Hogwild(), asap.Hogwild(read="copy"), asap.Hogwild(update="fused")])
def test_a_replay_of_hogwild_is_approximate(train: Train, engine: asap.Hogwild) -> None:
    run = train(engine, weight_decay=0.001)
    replay = asap.replay(run)
    assert not replay.exact
    assert replay.distance < 0.2
    wide = run.parameters.astype(np.float64)
    assert replay.distance == pytest.approx(np.linalg.norm(replay.parameters - wide) / np.linalg.norm(wide))
    assert "approximate" in repr(replay)


def test_training_goes_on_and_each_run_is_replayed(train: Train, blobs: Data) -> None:
    first = train()
    second = asap.train(first.model, blobs, workers=2, epochs=1, trace=True)
    assert np.array_equal(second.trace.start, first.parameters)
    assert asap.replay(first).identical
    assert asap.replay(second).identical


def test_a_diverged_run_is_replayed_to_its_last_finite_parameters() -> None:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    run = asap.train(model, (x, x[:, :2]), workers=2, step=3.0, epochs=1000, trace=True)
    assert run.status == "diverged"
    assert run.version <= run.updates
    assert np.isfinite(run.parameters).all()
    assert asap.replay(run).identical


def test_columns_tell_what_the_run_counted(train: Train) -> None:
    run = train(asap.Leashed(persistence=0), step=asap.Custom(0.05, [1.0, 0.5, 0.0]))
    trace = run.trace
    counts = {name: int((trace["outcome"] == number).sum()) for name, number in OUTCOMES.items()}
    assert counts == {
        "published": run.updates,
        "merged": 0,
        "dropped": run.drops,
        "rejected": run.rejected,
        "gathered": 0,
    }
    assert len(trace) == run.gradients == sum(counts.values())
    assert trace["attempts"].sum() == run.attempts
    assert sorted(trace["batch"]) == list(range(run.gradients))
    assert as_counted(trace.staleness) == run.staleness
    assert as_counted(trace.staleness).per_worker == run.staleness.per_worker
    assert trace.updates["replaced"].tolist() == list(range(run.updates))
    assert set(np.unique(trace["scale"])) <= {1.0, 0.5, 0.0}
    assert [trace[name].shape for name in COLUMNS] == [(run.gradients,)] * len(COLUMNS)
    assert repr(trace).startswith(f"Trace({run.gradients:,} gradients: {run.updates:,} published")
    with pytest.raises(KeyError, match=r"column must be one of batch, read, .*got 'rate'"):
        trace["rate"]
    with pytest.raises(ValueError, match="read-only"):
        trace.records["scale"] = 0
    trace.check()


def test_a_long_trace_is_complete(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs, workers=2, batch_size=8, updates=20_000, step=0.001, trace=True)
    assert len(run.trace) == 20_000
    assert run.trace.stalls >= 0
    run.trace.check()
    assert asap.replay(run).identical


def test_a_signal_ends_a_replay(blobs: Data, make_model: MakeModel) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    run = asap.train(make_model(), blobs, workers=1, batch_size=599, updates=20_000, step=0.001, trace=True)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            asap.replay(run)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_without_a_trace_there_is_nothing_to_replay(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs)
    assert run.trace is None
    with pytest.raises(ValueError, match=r"run must have a trace to be replayed; train it with .*trace=True"):
        asap.replay(run)
    with pytest.raises(TypeError, match="run must be a run"):
        asap.replay(run.model)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="trace must be True or False; got 1"):
        asap.train(make_model(), blobs, trace=1)  # type: ignore[arg-type]


# --- what a replay refuses, each a planted fault


def test_other_data_is_refused(train: Train, blobs: Data) -> None:
    run = train()
    inputs, labels = blobs
    changed, relabelled = inputs.copy(), labels.copy()
    changed[17, 1] += 1e-6
    relabelled[5] = (relabelled[5] + 1) % 3
    assert asap.replay(run, (np.asfortranarray(inputs), labels.astype(np.int64))).identical
    for other in ((changed, labels), (inputs, relabelled), (inputs.astype(np.float64), labels)):
        with pytest.raises(ValueError, match="the fingerprint of data must be the run's"):
            asap.replay(run, other)
    with pytest.raises(ValueError, match="the number of samples in data must be the run's, 599; got 598"):
        asap.replay(run, (inputs[1:], labels[1:]))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "isa",
            "sse1",
            "the instruction set must be the run's, 'sse1'; got .*: set ASAP_ISA=sse1 before Python starts",
        ),
        ("asap", "9.9", "the version of asap must be the run's, '9.9'; got"),
        ("compiler", "cfront 1.0", "the compiler that built asap must be the run's, 'cfront 1.0'; got"),
        ("model", {"layers": []}, "the model must be the run's"),
    ],
)
def test_another_origin_is_refused(train: Train, name: str, value: object, message: str) -> None:
    run = train()
    run.trace.origin[name] = value  # type: ignore[index]
    with pytest.raises(ValueError, match=message):
        asap.replay(run)


def tampered(run: asap.Run, change: Callable[[NDArray[np.void]], None]) -> asap.Run:
    """The run with other records."""
    records = run.trace.records.copy()
    change(records)
    return replace(run, trace=replace(run.trace, records=records))


def test_a_wrong_trace_gives_other_bits_or_is_refused(train: Train) -> None:
    run = train(asap.Locked(), momentum=0.5)
    by_version = np.argsort(run.trace["replaced"])

    # At the beginning: later the model may know all samples so well that gradients are 0.
    def wrong_scale(records: NDArray[np.void]) -> None:
        records["scale"][by_version[0]] *= 1.001

    def exchanged_batches(records: NDArray[np.void]) -> None:
        records["batch"][by_version[[0, 1]]] = records["batch"][by_version[[1, 0]]]

    def lost_update(records: NDArray[np.void]) -> None:
        records["outcome"][by_version[40]] = OUTCOMES["dropped"]

    for change in (wrong_scale, exchanged_batches):
        replay = asap.replay(tampered(run, change))
        assert (replay.exact, replay.identical) == (True, False)
        assert replay.distance > 0
        assert "distance" in repr(replay)
    with pytest.raises(ValueError, match=r"no possible history: .* but nobody replaced 40"):
        asap.replay(tampered(run, lost_update))


def test_a_pickled_run_needs_its_data(train: Train, blobs: Data) -> None:
    run = pickle.loads(pickle.dumps(train()))
    with pytest.raises(ValueError, match="data must be the training data of the run"):
        asap.replay(run)
    assert asap.replay(run, blobs).identical


def test_a_full_disk_ends_the_run_and_keeps_what_was_learnt(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model()
    start = model.parameters.copy()
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("asap._execution.tempfile.TemporaryFile", lambda: full)
        with pytest.raises(OSError, match="the trace could not be written") as caught:
            asap.train(model, blobs, epochs=2, trace=True)
    assert caught.value.errno == 28
    assert not np.array_equal(model.parameters, start)


def test_the_records_of_the_core_are_those_of_the_files() -> None:
    with pytest.raises(TypeError):
        _core.check_trace(np.zeros(3, np.uint64), 1, 0)  # type: ignore[arg-type]
    _core.check_trace(np.zeros(0, RECORD), 1, 0)
