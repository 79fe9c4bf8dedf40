"""The commands that make a run, go on with one, or run one again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from asap import _checkpoint_file, _checks, _names, _tables, datasets
from asap._app import app
from asap._console import arguments, failures, goals, load, show
from asap._options import (
    Affinity,
    BatchSize,
    DataDir,
    Dataset,
    Epochs,
    GoalAccuracy,
    GoalLoss,
    Initialiser,
    Json,
    Model,
    Momentum,
    OnNonfinite,
    Progress,
    Rate,
    Sample,
    Save,
    Schedule,
    Seconds,
    Snapshots,
    Trace,
    Updates,
    WeightDecay,
    Workers,
)
from asap.checkpoint import UNITS, Checkpoint
from asap.config import checked_config
from asap.replayer import replay as run_replay
from asap.resumer import resume as run_resumption
from asap.run import Run
from asap.trainer import train as run_training


@app.command()
def train(
    dataset: Dataset = "mnist",
    data_dir: DataDir = None,
    model: Model = "lenet",
    initialiser: Initialiser = "he",
    engine: Annotated[str, typer.Option(help=_names.ENGINE_HELP)] = "leashed",
    workers: Workers = None,
    step: Annotated[str, typer.Option(help=_names.STEP_HELP)] = "constant",
    rate: Rate = 0.01,
    schedule: Schedule = "constant",
    sample: Sample = (10, 110),
    correction: Annotated[str, typer.Option(help=_names.CORRECTION_HELP)] = "none",
    batch_size: BatchSize = 32,
    epochs: Epochs = None,
    updates: Updates = None,
    seconds: Seconds = None,
    momentum: Momentum = 0.0,
    weight_decay: WeightDecay = 0.0,
    target_loss: GoalLoss = None,
    target_accuracy: GoalAccuracy = None,
    seed: Annotated[int, typer.Option(help="Of the starting parameters and the batch order.")] = 0,
    affinity: Affinity = "none",
    on_nonfinite: OnNonfinite = "stop",
    progress: Progress = None,
    snapshots: Snapshots = None,
    trace: Trace = False,
    checkpoint: Annotated[Path | None, typer.Option(help="File for what asap resume goes on from.")] = None,
    checkpoint_every: Annotated[float, typer.Option(help="How far checkpoints are apart.")] = 1,
    checkpoint_unit: Annotated[str, typer.Option(help=f"Of that: {', '.join(UNITS)}.")] = "epochs",
    save: Save = None,
    json: Json = None,
) -> None:
    """Train a network on a data set and show how it went, epoch by epoch."""
    with arguments():
        settings: dict[str, Any] = {
            "engine": _names.engine(engine),
            "step": _names.step(step, rate, schedule, sample),
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
        with failures():
            checked_config(**settings)
        make_model = _names.model(model, initialiser, seed)
        _checks.choice("dataset", dataset, datasets.names())
    data = load(dataset, data_dir)
    with failures():
        run = run_training(make_model(data), data.train, validation=data.test, progress=progress, **settings)
    finish(run, save, json)


@app.command()
def resume(
    checkpoint: Annotated[Path, typer.Argument(help="What train --checkpoint wrote, and goes on being written.")],
    dataset: Dataset = "mnist",
    data_dir: DataDir = None,
    workers: Workers = None,
    epochs: Epochs = None,
    updates: Updates = None,
    seconds: Seconds = None,
    progress: Progress = None,
    trace: Trace = False,
    save: Save = None,
    json: Json = None,
) -> None:
    """Go on with a run from a checkpoint. Limits given here replace those of the run and count from its beginning."""
    with arguments():
        _checks.choice("dataset", dataset, datasets.names())
    with arguments(), failures():
        _checkpoint_file.read(checkpoint)  # nothing is downloaded for one that is refused
    data = load(dataset, data_dir)
    with arguments(), failures():
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


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="Of a run saved with --trace --save FOLDER.")],
    dataset: Dataset = "mnist",
    data_dir: DataDir = None,
    json: Json = None,
) -> None:
    """Run the updates of a saved run again, in their order on one thread, and compare the parameters bit by bit.

    Returns 1 when an engine with consistent views ended elsewhere than its replay.
    """
    with arguments():
        _checks.choice("dataset", dataset, datasets.names())
    with arguments(), failures():
        run = Run.load(folder)
    data = load(dataset, data_dir)
    with arguments():
        replayed = run_replay(run, data.train)
    show(_tables.replay(run, replayed), replayed.to_dict(), json)
    raise typer.Exit(0 if replayed.identical or not replayed.exact else 1)


def finish(run: Run, save: Path | None, json: str | None) -> None:
    """Save and show a run that was trained, and exit."""
    if save is not None:
        with failures():
            run.save(save)
    show(_tables.history(run), run.to_dict(), json)
    raise typer.Exit(0 if run.status in ("completed", "stopped") else 1)
