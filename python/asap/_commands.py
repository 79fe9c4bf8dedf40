"""The commands that make a run, go on with one, or run one again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from asap import _checkpoint_file, _checks, _names, _options, _policies, _run_file, _tables, datasets
from asap._app import command
from asap._console import expect_outputs, goals, show
from asap._extras import require
from asap.checkpoint import UNITS, Checkpoint
from asap.config import checked_config
from asap.replayer import replay as run_replay
from asap.replayer import trace_of
from asap.resumer import changed
from asap.resumer import resume as run_resumption
from asap.run import Run
from asap.trainer import train as run_training


@command()
def train(
    dataset: _options.Dataset = "mnist",
    data_dir: _options.DataDir = None,
    model: _options.Model = "lenet",
    initialiser: _options.Initialiser = "he",
    engine: Annotated[str, typer.Option(help=_names.ENGINE_HELP)] = "leashed",
    workers: _options.Workers = None,
    step: Annotated[str, typer.Option(help=_policies.STEP_HELP)] = "constant",
    rate: _options.Rate = 0.01,
    schedule: _options.Schedule = "constant",
    sample: _options.Sample = (10, 110),
    correction: Annotated[str, typer.Option(help=_names.CORRECTION_HELP)] = "none",
    batch_size: _options.BatchSize = 32,
    epochs: _options.Epochs = None,
    updates: _options.Updates = None,
    seconds: _options.Seconds = None,
    momentum: _options.Momentum = 0.0,
    weight_decay: _options.WeightDecay = 0.0,
    target_loss: _options.GoalLoss = None,
    target_accuracy: _options.GoalAccuracy = None,
    seed: Annotated[int, typer.Option(help="Of the starting parameters and the batch order.")] = 0,
    affinity: _options.Affinity = "none",
    on_nonfinite: _options.OnNonfinite = "stop",
    progress: _options.Progress = None,
    snapshots: _options.Snapshots = None,
    trace: _options.Trace = False,
    checkpoint: Annotated[Path | None, typer.Option(help="File for what asap resume goes on from.")] = None,
    checkpoint_every: Annotated[float, typer.Option(help="How far checkpoints are apart.")] = 1,
    checkpoint_unit: Annotated[str, typer.Option(help=f"Of that: {', '.join(UNITS)}.")] = "epochs",
    save: _options.Save = None,
    json: _options.Json = None,
) -> None:
    """Train a network on a data set and show how it went, epoch by epoch."""
    settings: dict[str, Any] = {
        "engine": _names.engine(engine),
        "step": _policies.step(step, rate, schedule, sample),
        "correction": _names.correction(correction),
        "workers": workers,
        "batch_size": batch_size,
        "epochs": epochs,
        "updates": updates,
        "seconds": seconds,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "stop": goals(target_loss, target_accuracy),
        "seed": seed,
        "affinity": affinity,
        "on_nonfinite": on_nonfinite,
        "snapshots": snapshots,
        "trace": trace,
        "checkpoint": checkpoint and Checkpoint(checkpoint, checkpoint_every, checkpoint_unit),
    }
    checked_config(**settings)
    make_model = _names.model(model, initialiser, seed)
    _checks.choice("dataset", dataset, datasets.names())
    expect_outputs_of_run(save, json)
    if checkpoint is not None:
        _checkpoint_file.expect_writable(checkpoint)
    data = datasets.load(dataset, directory=data_dir, progress=progress)
    run = run_training(make_model(data), data.train, validation=data.test, progress=progress, **settings)
    finish(run, save, json)


@command()
def resume(
    checkpoint: Annotated[Path, typer.Argument(help="What train --checkpoint wrote, and goes on being written.")],
    dataset: _options.Dataset = "mnist",
    data_dir: _options.DataDir = None,
    workers: _options.Workers = None,
    epochs: _options.Epochs = None,
    updates: _options.Updates = None,
    seconds: _options.Seconds = None,
    progress: _options.Progress = None,
    trace: _options.Trace = False,
    save: _options.Save = None,
    json: _options.Json = None,
) -> None:
    """Go on with a run from a checkpoint. Limits given here replace those of the run and count from its beginning."""
    _checks.choice("dataset", dataset, datasets.names())
    saved = _checkpoint_file.read(checkpoint)
    changed(saved, limits=(epochs, updates, seconds), workers=workers)  # nothing is downloaded for what is refused
    expect_outputs_of_run(save, json)
    data = datasets.load(dataset, directory=data_dir, progress=progress)
    run = run_resumption(
        checkpoint,
        data.train,
        workers=workers,
        epochs=epochs,
        updates=updates,
        seconds=seconds,
        validation=data.test,
        progress=progress,
        trace=trace or None,
    )
    finish(run, save, json)


@command()
def replay(
    folder: Annotated[Path, typer.Argument(help="Of a run saved with --trace --save FOLDER.")],
    dataset: _options.Dataset = "mnist",
    data_dir: _options.DataDir = None,
    json: _options.Json = None,
) -> None:
    """Run the updates of a saved run again, in their order on one thread, and compare the parameters bit by bit.

    Returns 1 when an engine with consistent views ended elsewhere than its replay.
    """
    _checks.choice("dataset", dataset, datasets.names())
    run = Run.load(folder)
    trace_of(run)
    expect_outputs(json)
    data = datasets.load(dataset, directory=data_dir)
    replayed = run_replay(run, data.train)
    show(_tables.replay(run, replayed), replayed.to_dict(), json)
    raise typer.Exit(0 if replayed.identical or not replayed.exact else 1)


def expect_outputs_of_run(save: Path | None, json: str | None) -> None:
    """Refuse beforehand what `finish` could not do."""
    if save is not None:
        require("safetensors.numpy", "io", "Saving a model")
    expect_outputs(json, *() if save is None else (save / _run_file.RUN,))


def finish(run: Run, save: Path | None, json: str | None) -> None:
    """Save and show a run that was trained, and exit."""
    if save is not None:
        run.save(save)
    show(_tables.history(run), run.to_dict(), json)
    raise typer.Exit(0 if run.status in ("completed", "stopped") else 1)
