"""The result of a run: history, JSON, files."""

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap.history import COLUMNS

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


@pytest.fixture
def run(blobs: Data, make_model: MakeModel) -> asap.Run:
    step = asap.TailTau(asap.StepRate(0.05, 0.5, every=2), sample=(2, 9))
    stop = asap.TargetLoss(-1.0)
    return asap.train(make_model(), blobs, workers=3, step=step, epochs=4, validation=blobs, stop=stop, seed=7)


@pytest.fixture
def diverged() -> asap.Run:
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    data = x, x[:, :2]
    run = asap.train(model, data, workers=2, step=1e6, epochs=1000, validation=data)
    assert run.status == "diverged"
    return run


def strict(text: str) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"not JSON: {token}")

    return json.loads(text, parse_constant=refuse)


def test_history_is_a_table_of_rows_and_columns(run: asap.Run) -> None:
    history = run.history
    assert history.columns == tuple(COLUMNS) == tuple(history[0])
    epochs = [row["epoch"] for row in history]
    assert epochs == history["epoch"].tolist() == sorted({*epochs})
    assert epochs[-1] == 4.0
    assert history[-1] == history[len(history) - 1] == history[len(history) - 1 :][0]
    assert history["updates"].dtype == np.int64
    assert history["loss"].dtype == np.float64
    history[0]["loss"] = -1.0
    assert history["loss"][0] > 0
    with pytest.raises(KeyError, match=r"column must be one of epoch, updates.*got 'losses'"):
        history["losses"]
    assert len(repr(history).splitlines()) == len(history) + 1


def test_missing_values_are_none_in_rows_and_nan_in_columns(blobs: Data, make_model: MakeModel) -> None:
    history = asap.train(make_model(), blobs).history
    assert history[0]["accuracy"] is None
    assert np.isnan(history["validation_loss"]).all()


def test_figures_follow_from_each_other(run: asap.Run) -> None:
    assert run.updates == run.history["updates"][-1] == run.staleness.total
    assert run.history["attempts"].sum() == run.attempts
    weights = np.diff(run.history["updates"], prepend=0) + run.history["rejections"]
    assert run.effective_step == pytest.approx(np.average(run.history["effective_step"], weights=weights))
    published = np.diff(run.history["updates"], prepend=0)
    assert run.staleness.mean == pytest.approx(np.average(run.history["mean_tau"], weights=published))
    assert run.updates_per_second == pytest.approx(run.updates / run.seconds)
    assert run.samples_per_second == pytest.approx(run.samples / run.seconds)


def test_the_parameters_stay_when_the_model_goes_on(run: asap.Run) -> None:
    kept = run.parameters.copy()
    run.model.parameters[:] = 0
    assert np.array_equal(run.parameters, kept)
    with pytest.raises(ValueError, match="read-only"):
        run.parameters[0] = 1


def test_the_dictionary_is_strict_json_and_complete(run: asap.Run) -> None:
    document = run.to_dict()
    assert strict(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == "asap.run/1"
    assert document["status"] == "completed"
    assert document["config"] == {
        "engine": {"kind": "Leashed", "persistence": None, "read": "auto"},
        "step": {
            "kind": "TailTau",
            "rate": {"kind": "StepRate", "rate": 0.05, "factor": 0.5, "every": 2, "unit": "epochs"},
            "amplitude": 1.0,
            "cdf": "mid",
            "sample": [2, 9],
        },
        "workers": 3,
        "batch_size": 32,
        "epochs": 4,
        "updates": None,
        "seconds": None,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "stop": [{"kind": "TargetLoss", "value": -1.0, "on": "validation"}],
        "seed": 7,
        "affinity": "none",
        "on_nonfinite": "stop",
        "snapshots": None,
        "trace": False,
        "checkpoint": None,
        "correction": None,
    }
    assert document["resumed"] == []
    assert document["data"] == {"samples": 599, "validation_samples": 599}
    assert document["model"]["num_parameters"] == run.model.num_parameters
    assert len(document["history"]) == len(run.history)
    assert sum(document["staleness"]["counts"]) == document["results"]["updates"] == run.updates
    assert len(document["staleness"]["per_worker"]) == 3
    assert [table["entries"] for table in document["tables"]] == [table.entries.tolist() for table in run.tables]
    names = {"cpu", "isa", "sockets", "cores", "numa_nodes", "usable_cpus", "python", "numpy", "asap", "platform"}
    assert names | {"compiler"} <= set(document["environment"])
    assert document["placement"] == run.placement._asdict()


def test_a_diverged_run_is_strict_json_too(diverged: asap.Run, tmp_path: Path) -> None:
    history = asap.History([diverged.history[0] | {"loss": float("nan"), "validation_loss": float("inf")}])
    run = dataclasses.replace(diverged, history=history, effective_step=float("-inf"))
    document = strict((run.save(tmp_path / "out") / "run.json").read_text())
    assert document == run.to_dict()
    assert document["status"] == "diverged"
    assert document["history"][0]["loss"] is document["history"][0]["validation_loss"] is None
    assert document["results"]["effective_step"] is None


def test_a_function_in_the_settings_appears_by_name(blobs: Data, make_model: MakeModel) -> None:
    step = asap.Custom(0.05, lambda distribution: [1.0])
    config = asap.train(make_model(), blobs, step=step).to_dict()["config"]
    assert config["step"]["scale"].endswith("<lambda>")


def test_the_environment_names_no_place_or_person(run: asap.Run) -> None:
    text = json.dumps(run.to_dict()["environment"])
    assert "/home" not in text
    assert str(Path.cwd()) not in text


def test_a_saved_run_is_two_files(run: asap.Run, tmp_path: Path) -> None:
    run.model.parameters[:] = 0
    folder = run.save(tmp_path / "new" / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["parameters.safetensors", "run.json"]
    assert strict((folder / "run.json").read_text()) == run.to_dict()
    loaded = asap.load(folder / "parameters.safetensors")
    assert np.array_equal(loaded.parameters, run.parameters)
    assert run.save(str(folder)) == folder


@pytest.mark.parametrize(
    "step",
    [
        asap.Clipped(asap.Normalised(asap.Inverse(asap.CosineRate(0.05)), sample=(1, 3)), 0.5, 2.0),
        asap.MindTheStep(0.05, "poisson", sample=(1, 3)),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_step_of_the_runs_own_staleness_is_in_force_from_its_window_on_and_saved(
    step: asap.steps.Step, blobs: Data, make_model: MakeModel, tmp_path: Path
) -> None:
    ticks: list[float] = []

    def stop(state: asap.RunState) -> None:  # at the second tick: at the first, the window may not be complete
        if state.event == "tick" and state.updates > 3 * 3:
            ticks.append(state.seconds)
            if len(ticks) == 2:
                state.stop()

    run = asap.train(make_model(), blobs, engine=asap.Locked(), step=step, workers=3, epochs=10**6, callbacks=stop)
    first, second = run.tables
    assert (first.update, first.entries.tolist()) == (0, [1.0])
    assert second.update >= 3 * 3
    run.save(tmp_path / "run")
    assert asap.Run.load(tmp_path / "run").config.step == step


def test_a_run_can_be_pickled(run: asap.Run) -> None:
    assert pickle.loads(pickle.dumps(run)).to_dict() == run.to_dict()


def test_the_text_of_a_run_is_short(run: asap.Run) -> None:
    assert repr(run).startswith(f"Run(completed: {run.updates} updates in ")
    assert "accuracy" in repr(run)
    assert len(repr(run)) < 150
