"""The memory and the threads of this process, as the system counts them."""

import os
import re
import time
from pathlib import Path


def resident_kib() -> int:
    """Return the memory of this process, as the kernel counts it anew: /proc/self/statm is late."""
    found = re.search(r"^Rss: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def threads() -> int:
    """Return how many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def threads_since(before: int) -> int:
    """Return how many more threads there are; the system lists one for a moment after it was joined."""
    deadline = time.monotonic() + 60
    while threads() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    return threads() - before
