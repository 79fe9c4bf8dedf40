"""The command that trains on a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from asap import _checks, _names, _options, _policies, datasets
from asap._app import command
from asap._commands import expect_outputs_of_run, finish
from asap._console import goals
from asap._extras import require
from asap.checkpoint import UNITS, Checkpoint


@command()
def ray(
    dataset: Annotated[
        str, typer.Option(help=f"{', '.join(datasets.names())}; or a pattern of .npz files, or of pictures.")
    ] = "mnist",
    data_dir: _options.DataDir = None,
    image_size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Of pictures; the pattern is one of pictures then.")
    ] = None,
    model: _options.Model = "lenet",
    initialiser: _options.Initialiser = "he",
    learners: Annotated[int | None, typer.Option(help="Processes that compute gradients; by default 2.")] = None,
    min_learners: Annotated[int | None, typer.Option(help="Instead: begin with so many, ")] = None,
    max_learners: Annotated[int | None, typer.Option(help="and take up to so many when there is room.")] = None,
    shards: Annotated[int, typer.Option(help="Servers, each for a slice of the parameters.")] = 1,
    workers: Annotated[int, typer.Option(help="Threads of each; several train between two exchanges.")] = 1,
    engine: Annotated[str, typer.Option(help="Of the server: softsync[:n], synchronous.")] = "softsync",
    step: Annotated[str, typer.Option(help=_policies.STEP_HELP)] = "constant",
    rate: Annotated[
        float | None, typer.Option(help="Base rate η; by default 0.01, and 1 with several workers.")
    ] = None,
    schedule: _options.Schedule = "constant",
    sample: _options.Sample = (10, 110),
    within_engine: Annotated[str, typer.Option(help="Of several workers.")] = "leashed",
    within_step: Annotated[str, typer.Option(help="Of several workers.")] = "constant",
    within_rate: Annotated[float, typer.Option(help="Base rate of several workers.")] = 0.01,
    within_batches: Annotated[int, typer.Option(help="Batches of several workers between two exchanges.")] = 16,
    batch_size: _options.BatchSize = 32,
    epochs: _options.Epochs = None,
    updates: _options.Updates = None,
    seconds: _options.Seconds = None,
    momentum: _options.Momentum = 0.0,
    weight_decay: _options.WeightDecay = 0.0,
    target_loss: _options.GoalLoss = None,
    target_accuracy: _options.GoalAccuracy = None,
    seed: Annotated[int, typer.Option(help="Of the starting parameters and the batch order.")] = 0,
    on_nonfinite: _options.OnNonfinite = "stop",
    progress: _options.Progress = None,
    snapshots: _options.Snapshots = None,
    trace: _options.Trace = False,
    checkpoint: Annotated[Path | None, typer.Option(help="File from which a server that dies is restored.")] = None,
    checkpoint_every: Annotated[float, typer.Option(help="How far checkpoints are apart.")] = 1,
    checkpoint_unit: Annotated[str, typer.Option(help=f"Of that: {', '.join(UNITS)}.")] = "epochs",
    in_flight: Annotated[int, typer.Option(help="Gradients that each learner has under way.")] = 1,
    transport: Annotated[str, typer.Option(help="What travels: float32, float16, bfloat16.")] = "float32",
    address: Annotated[
        str | None, typer.Option(help="Of a cluster; auto: this machine's. Else a local session.")
    ] = None,
    save: _options.Save = None,
    json: _options.Json = None,
) -> None:
    """Train on a Ray cluster: learners on its machines, and a parameter server."""
    require("ray", "ray", "asap ray")
    from asap.ray import Within
    from asap.ray import train as train_on_ray
    from asap.ray.trainer import checked

    within = None
    if workers != 1:
        step_within = _policies.step(within_step, within_rate, "constant", sample)
        within = Within(workers, _names.engine(within_engine), step_within, within_batches)
    settings: dict[str, Any] = {
        "engine": _names.engine(engine),
        "step": _policies.step(step, (0.01 if within is None else 1.0) if rate is None else rate, schedule, sample),
        "learners": learners,
        "min_learners": min_learners,
        "max_learners": max_learners,
        "workers_per_learner": None,
        "within": within,
        "shards": shards,
        "batch_size": batch_size,
        "epochs": epochs,
        "updates": updates,
        "seconds": seconds,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "stop": goals(target_loss, target_accuracy),
        "seed": seed,
        "on_nonfinite": on_nonfinite,
        "snapshots": snapshots,
        "trace": trace,
        "checkpoint": checkpoint and Checkpoint(checkpoint, checkpoint_every, checkpoint_unit),
        "in_flight": in_flight,
        "transport": transport,
    }
    checked(**settings)
    make_model = _names.model(model, initialiser, seed)
    expect_outputs_of_run(save, json)
    described, of_learners, test = _data(dataset, data_dir, image_size)
    run = train_on_ray(
        make_model(described), of_learners, validation=test, progress=progress, address=address, **settings
    )
    finish(run, save, json)


def _data(dataset: str, folder: Path | None, image_size: str | None) -> tuple[Any, Any, datasets.Split | None]:
    """Return what a model is made for, what learners are told, and what they are judged by, if anything."""
    from asap.ray import Files
    from asap.ray._given import is_pattern

    if image_size is not None:
        images = datasets.Images(dataset, _size(image_size))
        return images, images, None
    if is_pattern(dataset):
        files = Files(dataset)
        return files, files, None
    _checks.choice("dataset", dataset, datasets.names())
    data = datasets.load(dataset, directory=folder)
    of_learners = dataset if folder is None else data.train  # by name each loads it; a folder is known here only
    return data, of_learners, data.test


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise ValueError(f"image_size must be HEIGHTxWIDTH, as in 64x64; got {text!r}")
    return int(height), int(width)
