"""The application of the command line; `asap.cli` says where its commands are."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from asap._console import refusals
from asap._paths import cmake_dir as find_cmake_dir

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class _Command(TyperCommand):
    """A command that tells errors in words and by its exit status."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # click's own context is the same
        with refusals(ctx):
            return super().invoke(ctx)


command = partial(app.command, cls=_Command)
"""Makes a function a command, as `typer.Typer.command` does."""


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
