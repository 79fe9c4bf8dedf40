"""The commands that compare, measure and tell."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from asap import _checks, _core, _laws, _names, _options, _policies, _tables, datasets, losses
from asap._app import command
from asap._console import expect_outputs, goals, show
from asap.benchmark import bench as run_benchmark
from asap.environment import environment, topology
from asap.laboratory.comparing import check
from asap.laboratory.comparing import compare as run_comparison
from asap.laboratory.comparison import REPORT
from asap.laboratory.plan import make_plan


@command()
def compare(
    dataset: _options.Dataset = "mnist",
    data_dir: _options.DataDir = None,
    model: _options.Model = "lenet",
    initialiser: _options.Initialiser = "he",
    engines: Annotated[str, typer.Option(help=f"Separated by commas. {_names.ENGINE_HELP}")] = "sequential,leashed",
    steps: Annotated[
        str, typer.Option(help=f"Separated by commas. {_policies.STEP_HELP} With a correction: STEP+CORRECTION.")
    ] = "constant,tail",
    workers: Annotated[str, typer.Option(help="Separated by commas. The engine sequential has 1.")] = "4",
    rates: Annotated[str, typer.Option("--rates", "--rate", help="Base rates η, separated by commas.")] = "0.01",
    seeds: Annotated[str, typer.Option("--seeds", "--seed", help="Separated by commas.")] = "0",
    compute: Annotated[
        str | None,
        typer.Option(help=f"Simulate, with these times of a gradient, separated by commas: threads, {_laws.LAW_HELP}"),
    ] = None,
    publish: Annotated[str, typer.Option(help="Time of an attempt to publish in simulated cases, likewise.")] = "0",
    equal_step_to: Annotated[
        str | None, typer.Option(help="One of the steps; the others run again at its effective step.")
    ] = None,
    schedule: _options.Schedule = "constant",
    sample: _options.Sample = (10, 110),
    batch_size: _options.BatchSize = 32,
    epochs: _options.Epochs = None,
    updates: _options.Updates = None,
    seconds: _options.Seconds = None,
    momentum: _options.Momentum = 0.0,
    weight_decay: _options.WeightDecay = 0.0,
    target_loss: _options.GoalLoss = None,
    target_accuracy: _options.GoalAccuracy = None,
    affinity: _options.Affinity = "none",
    on_nonfinite: _options.OnNonfinite = "stop",
    snapshots: _options.Snapshots = None,
    loss_samples: Annotated[
        int, typer.Option(help="Training samples that the loss on snapshots is evaluated on.")
    ] = 10_000,
    validate: Annotated[
        str, typer.Option(help="When on the test data: epochs, beside the workers; end, which disturbs no times.")
    ] = "epochs",
    timeout: Annotated[float | None, typer.Option(help="Seconds after which a case is given up.")] = None,
    progress: _options.Progress = None,
    save: Annotated[
        Path | None, typer.Option(help="Folder for runs, tables and report; what is there is kept.")
    ] = None,
    json: _options.Json = None,
) -> None:
    """Train with each combination of engines, steps, workers, rates and seeds; the table shows medians over seeds."""
    base = _names.reals("rates", rates)
    chosen: dict[str, Any] = {
        "engines": {word: _names.engine(word) for word in _names.words(engines)},
        "steps": {word: _policies.policy(word, base[0], schedule, sample) for word in _names.words(steps)},
        "workers": _names.sizes(workers),
        "rates": base,
        "seeds": _names.numbers("seeds", seeds, 0),
        "compute": None if compute is None else _laws.laws_or_threads("compute", compute),
        "publish": _laws.law("publish", publish),
        "equal_step_to": equal_step_to,
    }
    settings: dict[str, Any] = {
        "batch_size": batch_size,
        "epochs": epochs,
        "updates": updates,
        "seconds": seconds,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "stop": goals(target_loss, target_accuracy),
        "affinity": affinity,
        "on_nonfinite": on_nonfinite,
        "snapshots": None if snapshots is None else losses.Snapshots(snapshots, loss_samples),
    }
    _names.model(model, initialiser, 0)
    _checks.choice("dataset", dataset, datasets.names())
    check(make_plan(**chosen), timeout, settings, validate)
    expect_outputs(json, *() if save is None else (save / REPORT,))
    data = datasets.load(dataset, directory=data_dir, progress=progress)
    comparison = run_comparison(
        lambda seed: _names.model(model, initialiser, seed)(data),
        data.train,
        validation=data.test,
        validate=validate,
        folder=save,
        timeout=timeout,
        progress=progress,
        title=f"{_names.MODELS[model].__name__} on {data.name}",
        command=shlex.join(["asap", *sys.argv[1:]]),
        **chosen,
        **settings,
    )
    show(_tables.comparison(comparison.summaries()), comparison.to_dict(), json)
    raise typer.Exit(0 if comparison.is_success else 1)


@command()
def bench(batch_size: _options.BatchSize = 64, progress: _options.Progress = None, json: _options.Json = None) -> None:
    """Measure this machine's peak, the kernels, and the updates per second of each engine, on one core."""
    _checks.integer("batch_size", batch_size, 1)
    expect_outputs(json)
    figures = run_benchmark(batch_size=batch_size, progress=progress)
    show(_tables.benchmark(figures), figures.to_dict(), json)


@command()
def info(json: _options.Json = None) -> None:
    """Show CPU, topology, instruction sets and build, as a bug report needs them."""
    document = {**environment(), **topology(), "available_isas": _core.available_isas(), **_core.build_info()}
    show(_tables.machine(document), document, json)


@command("datasets")
def list_datasets(data_dir: _options.DataDir = None, json: _options.Json = None) -> None:
    """Show where each data set is found on this machine, and what it is recognised as; downloads nothing."""
    found = datasets.status(data_dir)
    document = {"datasets": [asdict(each) | {"place": each.place and str(each.place)} for each in found]}
    show(_tables.data_sets(found), document, json)
