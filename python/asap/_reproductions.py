"""The command that runs the papers' evaluations again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asap import _checks, _options, _tables
from asap._app import command
from asap._console import expect_outputs, show
from asap.reproduction import PAPERS
from asap.reproduction import reproduce as run_reproduction


@command()
def reproduce(
    paper: Annotated[str, typer.Argument(help=f"{', '.join(PAPERS)}.")],
    save: Annotated[
        Path | None, typer.Option(help="Folder for runs and reports; by default named as the paper.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A short form, to see that everything works.")] = False,
    data_dir: _options.DataDir = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which a case is given up.")] = None,
    progress: _options.Progress = None,
    json: _options.Json = None,
) -> None:
    """Run the evaluation of a paper again: each study with the paper's claim, its runs and a report."""
    _checks.choice("paper", paper, PAPERS)
    if timeout is not None:
        _checks.positive("timeout", timeout)
    folder = Path(f"{paper}{'-quick' if quick else ''}") if save is None else save
    expect_outputs(json)
    result = run_reproduction(paper, folder, quick=quick, data_dir=data_dir, timeout=timeout, progress=progress)
    show(_tables.reproduction(result), result.to_dict(), json)
    raise typer.Exit(0 if result.is_complete else 1)
