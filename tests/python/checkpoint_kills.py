"""Kills processes that train and write checkpoints, at random moments and at every step of writing one.

usage: checkpoint_kills.py KILLS SEED FOLDER

Every process goes on where the last one was killed. After each kill the checkpoint must load, and be no older than the
one before; so must the one that it replaced. At the end the parameters have the bits of a run that nobody interrupted.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import asap
from asap import _checkpoint_file

X = np.random.default_rng(0).random((400, 8), np.float32)
DATA = (X, np.arange(400) % 2)
SETTINGS: dict[str, Any] = {"engine": asap.Leashed(), "workers": 1, "momentum": 0.5, "batch_size": 8}


def model() -> asap.Model:
    return asap.Sequential([asap.Dense(64), asap.ReLU(), asap.Dense(2)], input_shape=8, seed=1)


def work(path: Path, **changes: Any) -> asap.Run:
    """Train until somebody ends it, from the checkpoint if there is one."""
    changes = changes or {"epochs": 10**9}
    if path.exists():
        return asap.resume(path, DATA, **changes)
    return asap.train(model(), DATA, checkpoint=asap.Checkpoint(path, every=10, unit="updates"), **SETTINGS, **changes)


def in_child(function: Callable[[], object]) -> int:
    """Call the function in a process of its own; return its number."""
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    return child


def version(path: Path) -> int:
    return int(_checkpoint_file.read(path).state["version"])


def random_kills(path: Path, kills: int, dice: random.Random) -> dict[str, Any]:
    """Kill at random moments, from at once to three times as long as the first checkpoint takes."""
    begin = time.perf_counter()
    child = in_child(lambda: work(path))
    while not path.exists():
        time.sleep(0.0005)
    most = 3 * (time.perf_counter() - begin)
    versions, half_written = [0], 0
    for _ in range(kills):
        time.sleep(dice.uniform(0, most))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        half_written += path.with_name(f".{path.name}.new").exists()
        versions.append(version(path))
        before = _checkpoint_file.previous(path)
        if before.exists():
            assert version(before) <= versions[-1], "the previous checkpoint is newer"
        assert versions[-1] >= versions[-2], "an older checkpoint came back"
        child = in_child(lambda: work(path))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    last = version(path)
    resumed = work(path, updates=last + 100)
    whole = asap.train(model(), DATA, updates=last + 100, **SETTINGS)
    assert np.array_equal(resumed.parameters, whole.parameters), "the bits differ"
    return {"kills": kills, "half_written": half_written, "updates": last + 100, "resumed": len(resumed.resumed)}


STEPS = ((os, "link"), (os, "replace"), (os, "fsync"), (Path, "unlink"))


def die_at(step: int) -> None:
    """Make this process die at a step of writing a checkpoint: in the middle of the file, before or after a call."""
    left = step

    def die_in_time() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def dying(*arguments: Any, **options: Any) -> Any:
            die_in_time()
            result = call(*arguments, **options)
            die_in_time()
            return result

        return dying

    def write_bytes(path: Path, contents: bytes) -> None:
        with path.open("wb") as file:
            file.write(contents[: len(contents) // 2])
            file.flush()
            die_in_time()
            file.write(contents[len(contents) // 2 :])

    for owner, name in STEPS:
        setattr(owner, name, watched(getattr(owner, name)))
    Path.write_bytes = write_bytes  # type: ignore[assignment,method-assign]


def kill_at(path: Path, step: int, write: Callable[..., None] | None = None) -> bool:
    """Go on for some updates in a process that dies at a step; return whether it came so far."""
    until = version(path) + 5

    def child() -> None:
        if write is not None:
            _checkpoint_file.write = write
        die_at(step)
        asap.resume(path, DATA, updates=until, checkpoint=asap.Checkpoint(path, every=1e9, unit="updates"))

    _, status = os.waitpid(in_child(child), 0)
    return os.WIFSIGNALED(status)


def kills_at_every_step(path: Path) -> int:
    """Return how many steps there were; after each of them there is a checkpoint, the old one or the new."""
    work(path, updates=20)
    step = 0
    while True:
        before = version(path)
        if not kill_at(path, step):
            return step
        assert version(path) in (before, before + 5), "neither the old checkpoint nor the new one"
        step += 1


def in_place(path: Path, facts: Any, state: Any) -> None:
    """A writer as nobody should write one."""
    whole = path.read_bytes()
    Path.write_bytes(path, whole)


def finds_a_torn_file(path: Path) -> bool:
    work(path, updates=20)
    assert kill_at(path, 0, in_place)
    try:
        version(path)
    except ValueError:
        return True
    return False


def main() -> None:
    kills, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    assert finds_a_torn_file(folder / "torn" / "run.checkpoint"), "a torn file went unseen"
    steps = kills_at_every_step(folder / "steps" / "run.checkpoint")
    found = random_kills(folder / "random" / "run.checkpoint", kills, random.Random(seed))
    left = sorted(path.name for path in (folder / "random").iterdir())
    print(json.dumps(found | {"steps": steps, "left": left}))


if __name__ == "__main__":
    main()
