"""Kills processes that train and write checkpoints, at random moments and at every step of writing one.

usage: checkpoint_kills.py KILLS SEED FOLDER

Every process goes on where the last one was killed. After each kill the checkpoint must load, and be no older than the
one before; so must the one that it replaced, which is there from the second checkpoint on. At the end the parameters of
one worker have the bits of a run that nobody interrupted.
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
SETTINGS: dict[str, Any] = {"engine": asap.Leashed(), "momentum": 0.5, "batch_size": 8}
EVERY = 10  # updates from one checkpoint to the next


def model() -> asap.Model:
    return asap.Sequential([asap.Dense(64), asap.ReLU(), asap.Dense(2)], input_shape=8, seed=1)


def begin(path: Path, workers: int = 1) -> None:
    """Train until there are two checkpoints, the present one and the one before."""
    checkpoint = asap.Checkpoint(path, every=EVERY, unit="updates")
    asap.train(model(), DATA, workers=workers, checkpoint=checkpoint, updates=EVERY, **SETTINGS)
    asap.resume(path, DATA, updates=2 * EVERY)
    check_previous(path)


def go_on(path: Path) -> None:
    """Train until somebody ends it."""
    asap.resume(path, DATA, epochs=10**9)


def in_child(function: Callable[[], object]) -> int:
    """Call the function in a process of its own; return its number."""
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    return child


def version(path: Path) -> int:
    return int(_checkpoint_file.read(path).state["version"])


def check_previous(path: Path) -> None:
    """The checkpoint before the present one must be there, and load."""
    before = _checkpoint_file.previous(path)
    assert before.exists(), "the previous checkpoint is lost"
    assert version(before) <= version(path), "the previous checkpoint is newer"


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def time_of_a_checkpoint(path: Path) -> float:
    """Return how long a process takes from its start to its first checkpoint."""
    start, before = time.perf_counter(), version(path)
    child = in_child(lambda: go_on(path))
    while version(path) == before:
        time.sleep(0.0005)
    seconds = time.perf_counter() - start
    kill(child)
    return seconds


def random_kills(path: Path, kills: int, dice: random.Random, workers: int = 1) -> dict[str, Any]:
    """Kill at random moments, from at once to three times as long as the first checkpoint takes."""
    begin(path, workers)
    most = 3 * time_of_a_checkpoint(path)
    newest, half_written = version(path), 0
    for _ in range(kills):
        child = in_child(lambda: go_on(path))
        time.sleep(dice.uniform(0, most))
        kill(child)
        half_written += path.with_name(f".{path.name}.new").exists()
        assert version(path) >= newest, "an older checkpoint came back"
        newest = version(path)
        check_previous(path)
    resumed = asap.resume(path, DATA, updates=newest + 100)
    if workers == 1:
        whole = asap.train(model(), DATA, workers=1, updates=newest + 100, **SETTINGS)
        assert resumed.parameters.tobytes() == whole.parameters.tobytes(), "the bits differ"
    return {"kills": kills, "half_written": half_written, "updates": newest + 100, "resumed": len(resumed.resumed)}


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


def write_another(path: Path) -> None:
    """Go on for five updates, and write a checkpoint at their end."""
    asap.resume(path, DATA, updates=version(path) + 5, checkpoint=asap.Checkpoint(path, every=1e9, unit="updates"))


def kill_at(path: Path, step: int, write: Callable[..., None] | None = None) -> bool:
    """Write another one in a process that dies at a step; return whether it came so far."""

    def child() -> None:
        if write is not None:
            _checkpoint_file.write = write
        die_at(step)
        write_another(path)

    _, status = os.waitpid(in_child(child), 0)
    return os.WIFSIGNALED(status)


def kills_at_every_step(path: Path) -> int:
    """Return how many steps there were; after each there is a checkpoint, the old one or the new, and the one before.

    What else is left behind is gone with the next checkpoint.
    """
    begin(path)
    step = 0
    while True:
        before = version(path)
        if not kill_at(path, step):
            return step
        assert version(path) in (before, before + 5), "neither the old checkpoint nor the new one"
        check_previous(path)
        step += 1
        write_another(path)
        left = {each.name for each in path.parent.iterdir()}
        assert left == {path.name, _checkpoint_file.previous(path).name}, f"left behind: {left}"


def in_place(path: Path, facts: Any, state: Any) -> None:
    """A writer as nobody should write one."""
    whole = path.read_bytes()
    Path.write_bytes(path, whole)


def moving(path: Path, facts: Any, state: Any) -> None:
    """Another one: it takes the previous checkpoint away before there is a new one."""
    _checkpoint_file.previous(path).unlink()
    os.replace(path, _checkpoint_file.previous(path))
    path.write_bytes(_checkpoint_file.previous(path).read_bytes())


def finds(path: Path, write: Callable[..., None], step: int) -> bool:
    """Whether it shows that a broken writer was killed at a step."""
    begin(path)
    assert kill_at(path, step, write)
    try:
        check_previous(path)
    except (AssertionError, ValueError):
        return True
    return False


def main() -> None:
    kills, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    dice = random.Random(seed)
    assert finds(folder / "torn" / "run.checkpoint", in_place, 0), "a torn file went unseen"
    assert finds(folder / "lost" / "run.checkpoint", moving, 1), "a lost checkpoint went unseen"
    steps = kills_at_every_step(folder / "steps" / "run.checkpoint")
    found = random_kills(folder / "random" / "run.checkpoint", kills, dice)
    several = random_kills(folder / "several" / "run.checkpoint", kills, dice, workers=3)
    left = sorted({path.name for kind in ("random", "several") for path in (folder / kind).iterdir()})
    print(json.dumps(found | {"steps": steps, "left": left, "several": several}))


if __name__ == "__main__":
    main()
