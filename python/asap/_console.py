"""How commands speak: results to standard output, as tables or as JSON, errors to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from asap import _core, _tables, datasets
from asap._plain import dumps
from asap.datasets.files import expect_writable, write_atomically
from asap.stops import StopRule, TargetAccuracy, TargetLoss


def goals(loss: float | None, accuracy: float | None) -> tuple[StopRule, ...]:
    """Return the stop rules for what is to be reached."""
    rules = () if loss is None else (TargetLoss(loss),)
    return rules if accuracy is None else (*rules, TargetAccuracy(accuracy))


def expect_outputs(json: str | None, *files: Path) -> None:
    """Refuse beforehand what could not be written when the work is done."""
    for file in files if json in (None, "-") else (*files, Path(json)):
        expect_writable(file)


def show(table: Any, document: Mapping[str, Any], json: str | None) -> None:
    """Print the table; with JSON on standard output the table goes to standard error."""
    to_errors = json == "-"
    console = Console(stderr=to_errors)
    if not console.is_terminal:
        console = Console(stderr=to_errors, width=max(console.width, _tables.PLAIN_WIDTH))
    console.print(table)
    if json == "-":
        sys.stdout.write(dumps(document))
    elif json is not None:
        write_atomically(Path(json), [dumps(document).encode()])


@contextmanager
def refusals(context: typer.Context) -> Iterator[None]:
    """Show without a traceback what cannot be done.

    Wrong arguments are a usage error, exit status 2; missing data, extras, unwritable files and wrong answers are 1.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error), ctx=context) from error
    except (datasets.DataError, ImportError, OSError, _core.WrongAnswerError) as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
