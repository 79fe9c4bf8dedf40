"""Where a run took place: hardware and versions, without names of users, hosts or folders."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asap import _core

__all__ = ["Placement", "environment", "topology"]


class Placement(NamedTuple):
    """Where the workers and the shared parameter vectors of a run were.

    Attributes:
        cpus: the CPU of each worker; empty with affinity "none".
        nodes: the NUMA nodes over which the pages of the shared vectors were interleaved; empty when they were left
            where they were touched first, as on every machine with one node.
        unpinned: how many workers the system refused to bind to their CPU.
        pin_error: its reason, or None.
        interleave_error: why it refused to interleave, or None.
    """

    cpus: list[int]
    nodes: list[int]
    unpinned: int
    pin_error: str | None
    interleave_error: str | None


def environment() -> dict[str, str | int]:
    """Return CPU, its make-up, instruction set, platform, compiler, and the versions of asap, Python and NumPy."""
    machine = _core.topology()
    return {
        "asap": _core.__version__,
        "cpu": _cpu_name(),
        "isa": _core.isa(),
        "sockets": machine["sockets"],
        "cores": machine["cores"],
        "numa_nodes": machine["numa_nodes"],
        "usable_cpus": _core.usable_cpus(),
        "platform": f"{platform.system()} {platform.machine()}",
        "compiler": _core.build_info().get("compiler", "unknown"),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def topology(sysfs: Path = Path("/sys")) -> dict[str, Any]:
    """Return sockets, cores, hardware threads, NUMA nodes and caches, and what this process may use of them.

    Counts are of CPUs that are online; lists of CPUs look like "0-3,8". `cpu_quota` is the processor time that cgroups
    grant, in CPUs, or None.
    """
    return {
        **_core.topology(str(sysfs)),
        "caches": _core.caches(str(sysfs)),
        "affinity_mask": _core.affinity_mask(),
        "cpu_quota": _core.cpu_quota(),
        "default_workers": _core.usable_cpus(),
    }


def _cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()
