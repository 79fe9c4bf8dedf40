"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asap import _names, _policies, datasets

Dataset = Annotated[str, typer.Option(help=f"{', '.join(datasets.names())}.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with data sets, instead of ASAP_DATA_DIR.")]
Model = Annotated[str, typer.Option(help=f"{', '.join(_names.MODELS)}.")]
Initialiser = Annotated[str, typer.Option(help="he, glorot, papers.")]
Rate = Annotated[float, typer.Option(help="Base rate η.")]
Schedule = Annotated[str, typer.Option(help=_policies.SCHEDULE_HELP)]
Sample = Annotated[tuple[int, int], typer.Option(help="Window of steps that look at the run, in updates per worker.")]
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
Workers = Annotated[int | None, typer.Option(help="m; by default one per usable CPU.")]
Snapshots = Annotated[int | None, typer.Option(help="Updates from one snapshot for the training loss to the next.")]
Trace = Annotated[bool, typer.Option("--trace", help="Record every gradient; --save then writes trace.bin.")]
Save = Annotated[Path | None, typer.Option(help="Folder for run.json and parameters.safetensors.")]
Progress = Annotated[bool | None, typer.Option(help="Show progress; by default in terminals.")]
Json = Annotated[str | None, typer.Option(metavar="FILE", help="Write the result as JSON; - is standard output.")]
