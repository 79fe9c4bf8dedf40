"""The commands. Results go to standard output, as tables or as JSON; progress and errors to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from asap import _checks, _comparison, _core, _names, _tables, datasets
from asap._paths import cmake_dir as find_cmake_dir
from asap._plain import dumps
from asap.benchmark import bench as run_benchmark
from asap.config import checked_config
from asap.datasets.files import write_atomically
from asap.environment import environment, topology
from asap.replayer import replay as run_replay
from asap.run import Run
from asap.stops import StopRule, TargetAccuracy, TargetLoss
from asap.trainer import train as run_training

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Dataset = Annotated[str, typer.Option(help=f"{', '.join(datasets.names())}.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with data sets, instead of ASAP_DATA_DIR.")]
Model = Annotated[str, typer.Option(help=f"{', '.join(_names.MODELS)}.")]
Initialiser = Annotated[str, typer.Option(help="he, glorot, papers.")]
Rate = Annotated[float, typer.Option(help="Base rate η.")]
Schedule = Annotated[str, typer.Option(help="Of the base rate: constant, or cosine over the whole run.")]
Sample = Annotated[tuple[int, int], typer.Option(help="Window of fleet and tail, in updates per worker.")]
BatchSize = Annotated[int, typer.Option(help="Samples in a gradient.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data; 1 when no limit is given.")]
Updates = Annotated[int | None, typer.Option(help="Published updates.")]
Seconds = Annotated[float | None, typer.Option(help="Wall-clock time.")]
Momentum = Annotated[float, typer.Option(help="β in [0, 1).")]
WeightDecay = Annotated[float, typer.Option(help="λ ≥ 0.")]
GoalLoss = Annotated[float | None, typer.Option(help="End at the first epoch with this loss on the test data.")]
GoalAccuracy = Annotated[float | None, typer.Option(help="End at the first epoch with this accuracy on the test data.")]
Affinity = Annotated[str, typer.Option(help="Of workers to CPUs: none, compact (near each other), scatter.")]
OnNonfinite = Annotated[str, typer.Option(help="What gradients that are not finite lead to: stop, skip.")]
Progress = Annotated[bool | None, typer.Option(help="Show progress; by default in terminals.")]
Json = Annotated[str | None, typer.Option(metavar="FILE", help="Write the result as JSON; - is standard output.")]


@app.callback(invoke_without_command=True)
def asap(
    context: typer.Context,
    cmake_dir: Annotated[bool, typer.Option("--cmake-dir", help="Print where find_package(asap) looks.")] = False,
) -> None:
    """Asynchronous parallel SGD on shared memory that adapts its steps to staleness."""
    if cmake_dir:
        print(find_cmake_dir())
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def train(
    dataset: Dataset = "mnist",
    data_dir: DataDir = None,
    model: Model = "lenet",
    initialiser: Initialiser = "he",
    engine: Annotated[str, typer.Option(help=_names.ENGINE_HELP)] = "leashed",
    workers: Annotated[int | None, typer.Option(help="m; by default one per usable CPU.")] = None,
    step: Annotated[str, typer.Option(help=_names.STEP_HELP)] = "constant",
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
    seed: Annotated[int, typer.Option(help="Of the starting parameters and the batch order.")] = 0,
    affinity: Affinity = "none",
    on_nonfinite: OnNonfinite = "stop",
    progress: Progress = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Record every gradient; --save then writes trace.bin.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Folder for run.json and parameters.safetensors.")] = None,
    json: Json = None,
) -> None:
    """Train a network on a data set and show how it went, epoch by epoch."""
    with _arguments():
        settings: dict[str, Any] = {
            "engine": _names.engine(engine),
            "step": _names.step(step, rate, schedule, sample),
            "workers": workers,
            "batch_size": batch_size,
            "epochs": epochs,
            "updates": updates,
            "seconds": seconds,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "stop": _goals(target_loss, target_accuracy),
            "seed": seed,
            "affinity": affinity,
            "on_nonfinite": on_nonfinite,
            "trace": trace,
        }
        checked_config(**settings)
        make_model = _names.model(model, initialiser, seed)
        _checks.choice("dataset", dataset, datasets.names())
    data = _load(dataset, data_dir)
    run = run_training(make_model(data), data.train, validation=data.test, progress=progress, **settings)
    if save is not None:
        with _failures():
            run.save(save)
    _show(_tables.history(run), run.to_dict(), json)
    raise typer.Exit(0 if run.status in ("completed", "stopped") else 1)


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
    with _arguments():
        _checks.choice("dataset", dataset, datasets.names())
    with _arguments(), _failures():
        run = Run.load(folder)
    data = _load(dataset, data_dir)
    with _arguments():
        replayed = run_replay(run, data.train)
    _show(_tables.replay(run, replayed), replayed.to_dict(), json)
    raise typer.Exit(0 if replayed.identical or not replayed.exact else 1)


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
    with _arguments():
        common: dict[str, Any] = {
            "batch_size": batch_size,
            "epochs": epochs,
            "updates": updates,
            "seconds": seconds,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "stop": _goals(target_loss, target_accuracy),
            "affinity": affinity,
        }
        cases = _comparison.cases(engines, steps, workers, seeds)
        settings = [case.settings(rate, schedule, sample) | common for case in cases]
        for each in settings:
            checked_config(**each)
        makers = [_names.model(model, initialiser, case.seed) for case in cases]
        _checks.choice("dataset", dataset, datasets.names())
    data = _load(dataset, data_dir)
    outcomes: list[_comparison.Outcome] = []
    for case, make_model, each in zip(cases, makers, settings, strict=True):
        if progress is not False:
            print(f"run {len(outcomes) + 1} of {len(cases)}: {case}", file=sys.stderr, flush=True)
        run = run_training(make_model(data), data.train, validation=data.test, progress=progress, **each)
        outcomes.append(_comparison.Outcome(case, run))
        if run.status == "interrupted":
            break
    _show(_tables.comparison(outcomes), _comparison.document(outcomes), json)
    raise typer.Exit(0 if all(outcome.is_success for outcome in outcomes) and len(outcomes) == len(cases) else 1)


@app.command()
def bench(batch_size: BatchSize = 64, progress: Progress = None, json: Json = None) -> None:
    """Measure this machine's peak, the kernels, and the updates per second of each engine, on one core."""
    with _arguments():
        _checks.integer("batch_size", batch_size, 1)
    with _failures():
        figures = run_benchmark(batch_size=batch_size, progress=progress is not False)
    _show(_tables.benchmark(figures), figures.to_dict(), json)


@app.command()
def info(json: Json = None) -> None:
    """Show CPU, topology, instruction sets and build, as a bug report needs them."""
    document = {**environment(), **topology(), "available_isas": _core.available_isas(), **_core.build_info()}
    _show(_tables.machine(document), document, json)


@app.command("datasets")
def list_datasets(data_dir: DataDir = None, json: Json = None) -> None:
    """Show where each data set is found on this machine, and what it is recognised as; downloads nothing."""
    found = datasets.status(data_dir)
    document = {"datasets": [asdict(each) | {"place": each.place and str(each.place)} for each in found]}
    _show(_tables.data_sets(found), document, json)


def _goals(loss: float | None, accuracy: float | None) -> tuple[StopRule, ...]:
    rules = () if loss is None else (TargetLoss(loss),)
    return rules if accuracy is None else (*rules, TargetAccuracy(accuracy))


def _load(name: str, directory: Path | None) -> datasets.DataSet:
    with _failures():
        return datasets.load(name, directory=directory)


def _show(table: Any, document: Mapping[str, Any], json: str | None) -> None:
    """Print the table; with JSON on standard output the table goes to standard error."""
    to_errors = json == "-"
    console = Console(stderr=to_errors)
    if not console.is_terminal:
        console = Console(stderr=to_errors, width=max(console.width, _tables.PLAIN_WIDTH))
    console.print(table)
    if json == "-":
        sys.stdout.write(dumps(document))
    elif json is not None:
        with _failures():
            write_atomically(Path(json), [dumps(document).encode()])


@contextmanager
def _arguments() -> Iterator[None]:
    """Turn what the package says of wrong arguments into a usage error, exit status 2."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


@contextmanager
def _failures() -> Iterator[None]:
    """Show missing data, extras, unwritable files and wrong answers without a traceback, exit status 1."""
    try:
        yield
    except (datasets.DataError, ImportError, OSError, _core.WrongAnswerError) as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
