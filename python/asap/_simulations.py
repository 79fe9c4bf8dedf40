"""The commands that make runs without threads: in virtual time, or by the schedule of another run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from asap import _checks, _laws, _names, _options, _policies, datasets
from asap._app import command
from asap._commands import expect_outputs_of_run, finish
from asap._console import goals
from asap.laws import Heterogeneous, Law, Stragglers
from asap.losses import as_snapshots
from asap.rerunner import schedule_of
from asap.rerunner import what_if as run_what_if
from asap.run import Run
from asap.simulator import simulate as run_simulation
from asap.simulator import simulated_config


@command()
def simulate(
    dataset: _options.Dataset = "mnist",
    data_dir: _options.DataDir = None,
    model: _options.Model = "lenet",
    initialiser: _options.Initialiser = "he",
    engine: Annotated[str, typer.Option(help=_names.ENGINE_HELP)] = "leashed",
    workers: Annotated[str, typer.Option(help=_names.TEAM_HELP)] = "16",
    compute: Annotated[str, typer.Option(help=f"Time of a gradient: {_laws.LAW_HELP}")] = "log-normal:1:0.3",
    publish: Annotated[str, typer.Option(help="Time of an attempt to publish, likewise.")] = "0",
    spread: Annotated[float, typer.Option(help="Of the workers' speeds: σ of the logarithm.")] = 0.0,
    stragglers: Annotated[int, typer.Option(help="How many workers are slow.")] = 0,
    slowdown: Annotated[float, typer.Option(help="How many times as long theirs take.")] = 10.0,
    step: Annotated[str, typer.Option(help=_policies.STEP_HELP)] = "constant",
    correction: Annotated[str, typer.Option(help=_names.CORRECTION_HELP)] = "none",
    rate: _options.Rate = 0.01,
    schedule: _options.Schedule = "constant",
    sample: _options.Sample = (10, 110),
    batch_size: _options.BatchSize = 32,
    epochs: _options.Epochs = None,
    updates: _options.Updates = None,
    seconds: Annotated[float | None, typer.Option(help="Virtual time.")] = None,
    momentum: _options.Momentum = 0.0,
    weight_decay: _options.WeightDecay = 0.0,
    row_every: Annotated[int | None, typer.Option(help="Updates from row to row, instead of an epoch.")] = None,
    target_loss: _options.GoalLoss = None,
    target_accuracy: _options.GoalAccuracy = None,
    seed: Annotated[int, typer.Option(help="Of the starting parameters, the batch order and virtual time.")] = 0,
    on_nonfinite: _options.OnNonfinite = "stop",
    progress: _options.Progress = None,
    snapshots: _options.Snapshots = None,
    trace: _options.Trace = False,
    memory_limit: Annotated[int | None, typer.Option(help="Bytes of parameters and gradients.")] = None,
    save: _options.Save = None,
    json: _options.Json = None,
) -> None:
    """Train in virtual time, with any number of workers on one thread, and show how it went."""
    settings: dict[str, Any] = {
        "engine": _names.engine(engine),
        "step": _policies.step(step, rate, schedule, sample),
        "correction": _names.correction(correction),
        "workers": _names.team(workers),
        "compute": _varied(_laws.law("compute", compute), spread, stragglers, slowdown),
        "publish": _laws.law("publish", publish),
        "batch_size": batch_size,
        "epochs": epochs,
        "updates": updates,
        "seconds": seconds,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "row_every": row_every,
        "stop": goals(target_loss, target_accuracy),
        "seed": seed,
        "on_nonfinite": on_nonfinite,
        "snapshots": snapshots,
        "trace": trace,
        "memory_limit": memory_limit,
    }
    simulated_config(**settings)
    make_model = _names.model(model, initialiser, seed)
    _checks.choice("dataset", dataset, datasets.names())
    expect_outputs_of_run(save, json)
    data = datasets.load(dataset, directory=data_dir, progress=progress)
    run = run_simulation(make_model(data), data.train, validation=data.test, progress=progress, **settings)
    finish(run, save, json)


@command("what-if")
def what_if(
    folder: Annotated[Path, typer.Argument(help="Of a run saved with --trace --save FOLDER.")],
    dataset: _options.Dataset = "mnist",
    data_dir: _options.DataDir = None,
    step: Annotated[str, typer.Option(help=_policies.STEP_HELP)] = "constant",
    rate: _options.Rate = 0.01,
    schedule: _options.Schedule = "constant",
    sample: _options.Sample = (10, 110),
    progress: _options.Progress = None,
    snapshots: _options.Snapshots = None,
    trace: _options.Trace = False,
    save: _options.Save = None,
    json: _options.Json = None,
) -> None:
    """Run the schedule of a saved run again under another step: same reads, same order, same batches, another C."""
    other = _policies.step(step, rate, schedule, sample)
    as_snapshots(snapshots)
    _checks.choice("dataset", dataset, datasets.names())
    run = Run.load(folder)
    schedule_of(run)
    expect_outputs_of_run(save, json)
    data = datasets.load(dataset, directory=data_dir, progress=progress)
    rerun = run_what_if(
        run,
        data.train,
        step=other,
        validation=data.test,
        progress=progress,
        snapshots=snapshots,
        trace=trace,
    )
    finish(rerun, save, json)


def _varied(law: Law, spread: float, stragglers: int, slowdown: float) -> Law:
    """Return the law of workers that are not all alike."""
    if spread:
        law = Heterogeneous(law, sigma=spread)
    return Stragglers(law, slowdown, workers=stragglers) if stragglers else law
