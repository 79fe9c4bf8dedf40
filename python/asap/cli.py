"""The entry point of the command line.

Its commands are in `_commands`, `_distributed`, `_simulations`, `_surveys`, `_verdicts` and `_reproductions`; they
need the extra "cli".
"""

from __future__ import annotations

import sys
from typing import Any

from asap import _core
from asap._extras import require
from asap._paths import cmake_dir

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0 on success, 1 after a failed or diverged run, 2 on bad arguments."""
    try:
        if sys.argv[1:] == ["--cmake-dir"]:  # asked by the builds of C++ projects, which need no extra
            print(cmake_dir())
            return
        for package in ("typer", "rich"):
            require(package, "cli", "The command line")
        _core.isa()  # reads ASAP_ISA
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except (FileNotFoundError, ImportError) as error:
        sys.exit(f"Error: {error}")
    application()()


def application() -> Any:
    """Return the typer application, with all commands."""
    from asap import (  # noqa: F401  # register themselves
        _commands,
        _distributed,
        _reproductions,
        _simulations,
        _surveys,
        _verdicts,
    )
    from asap._app import app

    return app
