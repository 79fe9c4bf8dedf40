"""The program that one contender runs in: a line of JSON per request and reply, on standard input and output.

`process` starts it with its environment and talks to it. What libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from side_by_side.contender import Contender, Task


def main() -> None:
    """Make the contender that the first argument describes, compare gradients, and serve."""
    order = json.loads(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.sched_setaffinity(0, order["task"]["cpus"])  # before libraries count the processors
    from side_by_side.contender import Task, UnavailableError

    task = Task(**order["task"])
    try:
        contender = import_module(f"side_by_side.{order['module']}").make(task)
        error = gradient_error(contender, task)
    except (ImportError, UnavailableError) as absence:
        say(replies, {"absent": str(absence)})
        return
    say(replies, {"versions": contender.versions, "gradient_error": error})
    for line in sys.stdin:
        say(replies, answer(contender, *json.loads(line)))


def say(replies: TextIO, reply: Any) -> None:
    """Send a reply."""
    print(json.dumps(reply), file=replies)


def gradient_error(contender: Contender, task: Task) -> float:
    """Return the distance between its gradient and asap's, as a share of the norm."""
    import numpy as np

    problem = task.problem()
    expected = problem.gradient(task.batch)
    error = contender.gradient(problem.parameters(), task.batch) - expected
    return float(np.linalg.norm(error) / np.linalg.norm(expected))


def answer(contender: Contender, word: str, *arguments: Any) -> Any:
    """Do what a request says, and return what is to be replied."""
    import numpy as np

    if word == "restart":
        file, rate, seed = arguments
        return contender.restart(np.load(file), rate, seed)
    if word == "save":
        return np.save(*arguments, contender.parameters())
    if word in ("for_seconds", "for_updates"):
        return getattr(contender, word)(*arguments)
    raise ValueError(f"a request must be restart, save, for_seconds or for_updates; got {word!r}")


if __name__ == "__main__":
    main()
