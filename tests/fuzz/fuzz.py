"""Fuzz every reader of files: strange files are read, or refused with the documented error, in little memory.

    python tests/fuzz/fuzz.py [--short] [READER ...]

Each reader gets a process with a million executions of files that atheris makes from good ones (targets.py). Files
that unpack to gigabytes come one by one (bombs.py). Readers with planted faults must be caught. What is found lies in
build/fuzz.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
FINDINGS = HERE.parent.parent / "build/fuzz"
SIDE_BY_SIDE = 2
MAX_MIB = 512
MAX_SECONDS = 10  # of processor time for one execution: the machine may stand still meanwhile
MAX_BYTES = 12_288


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder that is no disk's, where there is one."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def python(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace")


def explore(name: str, runs: int, seconds: int) -> tuple[bool, str, str]:
    """Fuzz a reader; return whether nothing was found, the figure, and what was printed."""
    options = [f"-runs={runs}", f"-max_len={MAX_BYTES}", "-len_control=0", "-seed=1", f"-artifact_prefix={FINDINGS}/"]
    limits = [f"-rss_limit_mb={MAX_MIB}", "-timeout=86400", "-print_final_stats=1"]  # of the clock: none
    with folder_in_memory() as folder:
        done = python("explore.py", name, folder, str(seconds), *options, *limits)
        if done.returncode:
            shutil.copytree(folder, FINDINGS / name, ignore=shutil.ignore_patterns("corpus"), dirs_exist_ok=True)
    stats = {key: int(value) for key, value in re.findall(r"stat::(\w+): +(\d+)", done.stderr)}
    executions, mib = stats.get("number_of_executed_units", 0), stats.get("peak_rss_mb", 0)
    sound = done.returncode == 0 and executions >= runs and mib <= MAX_MIB
    figure = f"{executions:>9,} executions, {stats.get('average_exec_per_sec', 0):>6,} a second, {mib:>4} MiB"
    return sound, figure, done.stderr[-2000:] + done.stdout


def report(name: str, figure: str, passed: bool, details: str) -> bool:
    """Print the line of a check, and what was printed if it failed."""
    if not passed:
        print(details[-6000:])
    print(f"fuzz: {name:<40} {figure}  {'ok' if passed else 'FAILED'}", flush=True)
    return passed


def check_reader(name: str, runs: int) -> bool:
    """Whether a reader withstands."""
    sound, figure, details = explore(name, runs, MAX_SECONDS)
    return report(name, figure, sound, details)


def check_planted(name: str) -> bool:
    """Whether a planted fault is found."""
    sound, figure, details = explore(name, 100_000, 2)
    return report(f"finds {name}", figure, not sound and "refused" not in details, details)


def check_bomb(name: str) -> bool:
    """Whether a bomb is refused in little memory."""
    with folder_in_memory() as folder:
        done = python("bombs.py", name, folder)
    mib = int(done.stdout) if done.returncode == 0 else 0
    return report(name, f"{mib:>4} MiB", 0 < mib <= MAX_MIB, done.stderr)


def checks(runs: int, chosen: Iterable[str]) -> Iterator[Callable[[], bool]]:
    """Yield all checks, or those of the chosen readers."""
    from bombs import bombs
    from targets import planted, readers

    everything = [(check_planted, name, ()) for name in planted()]
    everything += [(check_bomb, name, ()) for name in bombs()]
    everything += [(check_reader, name, (runs,)) for name in readers()]
    for check, name, more in everything:
        if not chosen or name in chosen:
            yield lambda check=check, name=name, more=more: check(name, *more)


def main() -> None:
    """Run what was asked for, and end with status 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="20,000 executions instead of a million")
    parser.add_argument("readers", nargs="*", help="only these")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: skipped, since atheris is not installed (pip install atheris)")
        sys.exit(0 if options.short else 1)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        verdicts = list(
            pool.map(lambda check: check(), checks(20_000 if options.short else 1_000_000, options.readers))
        )
    if not all(verdicts):
        sys.exit(f"fuzz: {verdicts.count(False)} of {len(verdicts)} checks found something; see {FINDINGS}")


if __name__ == "__main__":
    main()
