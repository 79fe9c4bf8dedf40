"""A small problem for runs on Ray, and what may happen to their processes."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int64]]


def data(samples: int = 400) -> Data:
    random = np.random.default_rng(0)
    weights = random.random((20, 3), np.float32)
    inputs = random.random((samples, 20), np.float32)
    return inputs, (inputs @ weights).argmax(1)


def model() -> asap.Model:
    return asap.Sequential([asap.Dense(32), asap.ReLU(), asap.Dense(3)], input_shape=20, seed=1)


def same_bits(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    return np.array_equal(first.view(np.uint32), second.view(np.uint32))


def descendants(process: int) -> list[int]:
    """A process and all that it started, and those these started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it is gone
                parents[int(entry.name)] = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    found = [process]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found


def processes(actor: str) -> list[int]:
    """The processes of the actors of a class that are at work in the session of this process."""
    found = []
    for process in descendants(os.getpid()):
        with suppress(OSError):  # it is gone
            if Path(f"/proc/{process}/cmdline").read_bytes().startswith(f"ray::{actor}".encode()):
                found.append(process)
    return found


def kill_one(actor: str, of: int, dice: random.Random) -> bool:
    """SIGKILL one of them, when so many are at work; else False."""
    if len(victims := processes(actor)) < of:
        return False
    with suppress(ProcessLookupError):
        os.kill(dice.choice(sorted(victims)), signal.SIGKILL)
    return True


@contextmanager
def now_and_then(happen: Callable[[], bool], times: int, seed: int, apart: float) -> Iterator[Callable[[], bool]]:
    """Let something happen so many times, at random moments; yields whether it has happened often enough.

    It begins when the actors of the run before are gone, which may take a moment: they are not meant.
    """
    while any(processes(actor) for actor in ("Learner", "Server", "Shard")):
        time.sleep(0.05)
    dice, over = random.Random(seed), threading.Event()
    done = 0

    def go_on() -> None:
        nonlocal done
        while done < times and not over.is_set():
            time.sleep(dice.uniform(0.0, 2 * apart))
            done += happen()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield lambda: done >= times
    finally:
        over.set()
        thread.join()
