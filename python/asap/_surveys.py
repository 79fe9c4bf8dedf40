"""The commands that compare, measure and tell."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from asap import _checks, _comparison, _core, _names, _tables, datasets
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
    Progress,
    Rate,
    Sample,
    Schedule,
    Seconds,
    Updates,
    WeightDecay,
)
from asap.benchmark import bench as run_benchmark
from asap.config import checked_config
from asap.environment import environment, topology
from asap.trainer import train as run_training


@app.command()
def compare(
    dataset: Dataset = "mnist",
    data_dir: DataDir = None,
    model: Model = "lenet",
    initialiser: Initialiser = "he",
    engines: Annotated[str, typer.Option(help=f"Separated by commas. {_names.ENGINE_HELP}")] = "sequential,leashed",
    steps: Annotated[str, typer.Option(help=f"Separated by commas. {_names.STEP_HELP}")] = "constant,tail",
    workers: Annotated[str, typer.Option(help="Separated by commas. The engine sequential has 1.")] = "4",
    seeds: Annotated[str, typer.Option("--seeds", "--seed", help="Separated by commas.")] = "0",
    rate: Rate = 0.05,
    schedule: Schedule = "constant",
    sample: Sample = (10, 110),
    batch_size: BatchSize = 32,
    epochs: Epochs = None,
    updates: Updates = None,
    seconds: Seconds = None,
    momentum: Momentum = 0.0,
    weight_decay: WeightDecay = 0.0,
    target_loss: GoalLoss = None,
    target_accuracy: GoalAccuracy = None,
    affinity: Affinity = "none",
    progress: Progress = None,
    json: Json = None,
) -> None:
    """Train with each combination of engines, steps, workers and seeds; the table shows medians over seeds."""
    with arguments():
        common: dict[str, Any] = {
            "batch_size": batch_size,
            "epochs": epochs,
            "updates": updates,
            "seconds": seconds,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "stop": goals(target_loss, target_accuracy),
            "affinity": affinity,
        }
        cases = _comparison.cases(engines, steps, workers, seeds)
        settings = [case.settings(rate, schedule, sample) | common for case in cases]
        for each in settings:
            checked_config(**each)
        makers = [_names.model(model, initialiser, case.seed) for case in cases]
        _checks.choice("dataset", dataset, datasets.names())
    data = load(dataset, data_dir)
    outcomes: list[_comparison.Outcome] = []
    for case, make_model, each in zip(cases, makers, settings, strict=True):
        if progress is not False:
            print(f"run {len(outcomes) + 1} of {len(cases)}: {case}", file=sys.stderr, flush=True)
        run = run_training(make_model(data), data.train, validation=data.test, progress=progress, **each)
        outcomes.append(_comparison.Outcome(case, run))
        if run.status == "interrupted":
            break
    show(_tables.comparison(outcomes), _comparison.document(outcomes), json)
    raise typer.Exit(0 if all(outcome.is_success for outcome in outcomes) and len(outcomes) == len(cases) else 1)


@app.command()
def bench(batch_size: BatchSize = 64, progress: Progress = None, json: Json = None) -> None:
    """Measure this machine's peak, the kernels, and the updates per second of each engine, on one core."""
    with arguments():
        _checks.integer("batch_size", batch_size, 1)
    with failures():
        figures = run_benchmark(batch_size=batch_size, progress=progress is not False)
    show(_tables.benchmark(figures), figures.to_dict(), json)


@app.command()
def info(json: Json = None) -> None:
    """Show CPU, topology, instruction sets and build, as a bug report needs them."""
    document = {**environment(), **topology(), "available_isas": _core.available_isas(), **_core.build_info()}
    show(_tables.machine(document), document, json)


@app.command("datasets")
def list_datasets(data_dir: DataDir = None, json: Json = None) -> None:
    """Show where each data set is found on this machine, and what it is recognised as; downloads nothing."""
    found = datasets.status(data_dir)
    document = {"datasets": [asdict(each) | {"place": each.place and str(each.place)} for each in found]}
    show(_tables.data_sets(found), document, json)
