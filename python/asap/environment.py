"""Where a run took place: hardware and versions, without names of users, hosts or folders."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import numpy as np

from asap import _core

__all__ = ["environment"]


def environment() -> dict[str, str | int]:
    """Return CPU, instruction set, usable CPUs, platform, compiler, and the versions of asap, Python and NumPy."""
    return {
        "asap": _core.__version__,
        "cpu": _cpu_name(),
        "isa": _core.isa(),
        "usable_cpus": _core.usable_cpus(),
        "platform": f"{platform.system()} {platform.machine()}",
        "compiler": _core.build_info().get("compiler", "unknown"),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()
