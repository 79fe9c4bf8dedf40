"""What the system says of the processes of a run: on which node they are, and how much processor time they took."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
PARTS = {"ray::Server": "servers", "ray::Shard": "servers", "ray::Learner": "learners", "raylet": "nodes"}
"""Beginnings of what processes are called, and what they are here. Object stores are threads of raylets."""


class Process(NamedTuple):
    """A process.

    Attributes:
        part: what it is in the run.
        node: its raylet.
        seconds: of processors, that it took so far.
    """

    part: str
    node: int
    seconds: float


def processes() -> list[Process]:
    """Those of the cluster that this process has started."""
    known = {int(entry.name): _look(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    raylets = {pid for pid, (name, parent, _) in known.items() if name.startswith("raylet") and parent == os.getpid()}
    found = []
    for pid, (name, parent, seconds) in known.items():
        node = pid if pid in raylets else parent
        part = next((part for beginning, part in PARTS.items() if name.startswith(beginning)), None)
        if node in raylets and part is not None:
            found.append(Process(part, node, seconds))
    return found


def _look(entry: Path) -> tuple[str, int, float]:
    """Name, parent and processor time; nothing of one that is gone."""
    with suppress(OSError):
        name = entry.joinpath("cmdline").read_bytes().split(b"\0")[0].decode()
        fields = entry.joinpath("stat").read_text().rpartition(")")[2].split()
        return name.rpartition("/")[2], int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
    return "", 0, 0.0


class Look(NamedTuple):
    """A run at a moment.

    Attributes:
        seconds: of the run.
        updates: published so far.
        cpu: processor seconds of each part so far.
    """

    seconds: float
    updates: int
    cpu: dict[str, float]


class Watch:
    """A callback that looks at a run now and then; figures are of the time between its first and its last look.

    Args:
        learners: how many there are when it is worth a look.
        warm_up: seconds at the beginning that do not count.
    """

    def __init__(self, learners: int, warm_up: float) -> None:
        self._learners, self._warm_up = learners, warm_up
        self._looks: list[Look] = []

    def __call__(self, state: Any) -> None:
        if state.seconds < self._warm_up or (self._looks and state.seconds == self._looks[-1].seconds):
            return
        seen = processes()
        cpu = {part: sum(each.seconds for each in seen if each.part == part) for part in PARTS.values()}
        servers = {each.node for each in seen if each.part == "servers"}
        learners = [each.node for each in seen if each.part == "learners"]
        if len(learners) == self._learners and servers:
            assert servers.isdisjoint(learners)
            self._looks.append(Look(state.seconds, state.updates, cpu))

    @property
    def updates_per_second(self) -> float:
        """Between the first and the last look."""
        first, last = self._looks[0], self._looks[-1]
        return (last.updates - first.updates) / (last.seconds - first.seconds)

    @property
    def cpu_per_update(self) -> dict[str, float]:
        """Processor seconds of each part, per update."""
        first, last = self._looks[0], self._looks[-1]
        return {part: (last.cpu[part] - first.cpu[part]) / (last.updates - first.updates) for part in last.cpu}
