"""The measuring side of a contender: its process, with an environment and processors of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from side_by_side.forms import Form

START_SECONDS = 300  # compiling included
LARGEST_ERROR = 1e-4  # of a gradient, as a share of its norm; float32 sums in another order differ by 1e-6


class AbsentError(RuntimeError):
    """The library is not installed, or this form of it does not work here; the message says why."""


class WrongGradientError(RuntimeError):
    """A contender computes something else than asap does; there is nothing to compare."""


def checked(form: Form, ready: dict[str, Any]) -> dict[str, str]:
    """Return the versions that a contender is ready with.

    Raises:
        AbsentError: it is not to be had.
        WrongGradientError: what it computes is not asap's gradient.
    """
    if "absent" in ready:
        raise AbsentError(ready["absent"])
    if not ready["gradient_error"] < LARGEST_ERROR:
        found = f"the gradient differs from asap's by {ready['gradient_error']:.2g} of its norm"
        raise WrongGradientError(f"{form.peer}, {form.name}: {found}; accepted is less than {LARGEST_ERROR:g}")
    versions: dict[str, str] = ready["versions"]
    return versions


class Process:
    """A contender at work, once its gradient has been found right; a context manager that ends it.

    Args:
        form: what it is.
        folder: where the problem lies.
        model: "mlp" or "lenet".
        batch: samples in a gradient.
        cpus: the processors it may use.
    """

    def __init__(self, form: Form, folder: Path, model: str, batch: int, cpus: tuple[int, ...]) -> None:
        self.form = form
        task = {"folder": str(folder), "model": model, "batch": batch, "cpus": cpus, "variant": form.variant}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __package__, json.dumps({"module": form.module, "task": task})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            env=form.environment(dict(os.environ), len(cpus)),
        )

    def __enter__(self) -> Process:
        try:
            self.versions = checked(self.form, self._reply(START_SECONDS))
        except BaseException:
            self._process.kill()
            self._process.communicate()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input ends it

    def ask(self, word: str, *arguments: Any) -> Any:
        """Put a request and wait for the reply."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([word, *arguments]).encode() + b"\n")
        self._process.stdin.flush()
        return self._reply()

    def rate(self, seconds: float) -> float:
        """Return updates per second over about that many seconds."""
        updates, elapsed = self.ask("for_seconds", seconds)
        return float(updates / elapsed)

    def _reply(self, limit: float | None = None) -> Any:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], limit)[0]:
            raise AbsentError(f"not ready after {limit:g} s")
        line = self._process.stdout.readline()
        if not line:
            name = f"{self.form.peer}, {self.form.name}"
            raise RuntimeError(f"{name}: its process ended with status {self._process.wait()}; see its message above")
        return json.loads(line)
