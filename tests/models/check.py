"""Search the models of this folder exhaustively with spin, the protocols as they are and with planted faults.

    python tests/models/check.py [--short]

A search of a protocol must end without an error; its broken twins, one per planted fault, must each find one, or the
search shows nothing. --short leaves out the searches of more than a second or two.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MODELS = Path(__file__).parent
SIDE_BY_SIDE = 2  # searches at a time; the largest two need less than 4 GiB together
MAX_MEBIBYTES = 6000  # of one search


@dataclass(frozen=True)
class Search:
    """One run of spin: the model with these definitions, and whether it must find an error."""

    model: str
    what: str
    definitions: str
    finds: bool = False
    long: bool = False

    @property
    def title(self) -> str:
        """What is searched, in words."""
        return f"{self.model}: {self.what}"


THREE = "-DM=3 -DK=2 -DK2=1 -DB=6 -DONEPIN"
TWO = "-DM=2 -DK=3 -DB=4"
WATCHED = "-DM=2 -DK=2 -DB=5 -DMONITOR"

SEARCHES = [
    Search("vector_pool", "3 workers, 2 + 2 + 1 publications", THREE, long=True),
    Search("vector_pool", "2 workers, a snapshot", WATCHED, long=True),
    Search("vector_pool", "2 workers, 3 publications each", TWO),
    Search("vector_pool", "2 workers, failed attempts dropped", f"{TWO} -DDROP"),
    Search("vector_pool", "2m - 1 slots", "-DM=2 -DK=3 -DB=3", finds=True),
    Search("vector_pool", "pin ignores the version", f"{TWO} -DFAULT=1", finds=True),
    Search("vector_pool", "publish ignores the version", f"{TWO} -DFAULT=2", finds=True),
    Search("vector_pool", "unpin frees whatever is there", f"{WATCHED} -DFAULT=3", finds=True),
    Search("vector_pool", "retiring ignores readers", f"{TWO} -DFAULT=4", finds=True),
    Search("vector_pool", "pin accepts any state", f"{TWO} -DFAULT=5", finds=True),
    Search("vector_pool", "any slot is preferred", f"{TWO} -DFAULT=6", finds=True),
    Search("round_barrier", "3 members, 2 rounds", "-DM=3"),
    Search("round_barrier", "4 members who may leave", "-DM=4 -DLEAVE"),
    Search("round_barrier", "ends before it is completed", "-DM=3 -DLEAVE -DFAULT=1", finds=True),
    Search("round_barrier", "who leaves ends no phase", "-DM=3 -DLEAVE -DFAULT=2", finds=True),
    Search("round_barrier", "phase read after unlocking", "-DM=3 -DLEAVE -DFAULT=3", finds=True),
    Search("round_barrier", "sleeps without another look", "-DM=3 -DLEAVE -DFAULT=4", finds=True),
    Search("table_switch", "2 workers, 3 replacements", "-DW=2"),
    Search("table_switch", "3 workers, 3 replacements", "-DW=3", long=True),
    Search("table_switch", "generation before the table", "-DW=2 -DFAULT=1", finds=True),
    Search("table_switch", "mark read after the table", "-DW=2 -DFAULT=2", finds=True),
    Search("table_switch", "the oldest seen is freed, too", "-DW=2 -DFAULT=3", finds=True),
]


def compiler() -> str | None:
    """Return a C compiler, if there is one."""
    return next(filter(shutil.which, ("cc", "gcc", "clang")), None)


def missing() -> str | None:
    """Return what a search lacks here, and how to get it."""
    if shutil.which("spin") is None:
        return "spin is not installed (Debian and Ubuntu: apt-get install spin; else https://spinroot.com)"
    return None if compiler() else "no C compiler is installed (Debian and Ubuntu: apt-get install gcc)"


def run(search: Search, folder: str) -> str:
    """Return what the search printed."""
    source = MODELS / f"{search.model}.pml"
    build = [compiler(), "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MAX_MEBIBYTES}", "-DVECTORSZ=4096"]
    for command in (
        ["spin", "-a", *search.definitions.split(), str(source)],
        [*build, "-o", "pan", "pan.c"],
        ["./pan", "-m3000000"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0 and command[0] != "./pan":
            return done.stdout + done.stderr
    return done.stdout


def verdict(search: Search) -> bool:
    """Search, print a line with states and seconds, and return whether the search found what it must."""
    with tempfile.TemporaryDirectory() as folder:
        output = run(search, folder)
    counted = re.search(r"errors: (\d+)\n\s*(\d+) states, stored", output)
    seconds = re.search(r"elapsed time ([\d.]+) seconds", output)
    found = re.search(r"pan:1: (assertion violated.*|invalid end state) \(at depth", output)
    cut_short = re.search(r"Search not completed|max search depth too small", output)
    passed = bool(found) if search.finds else bool(counted and counted[1] == "0" and not cut_short)
    result = f"found: {found[1]}" if found else "no error" if passed else "no result"
    states = f"{int(counted[2]):>11,} states {float(seconds[1]):6.1f} s" if counted and seconds else ""
    print(f"model: {search.title:<47} {states}  {result}  {'ok' if passed else 'FAILED'}", flush=True)
    if result == "no result":
        print(output)
    return passed


def main() -> None:
    """Run the searches, and end with status 1 when one has not found what it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="leave out the long searches")
    options = parser.parse_args()
    lack = missing()
    if lack and options.short:
        print(f"model: skipped, since {lack}")
        return
    if lack:
        sys.exit(f"model: {lack}")
    chosen = [search for search in SEARCHES if not (options.short and search.long)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        verdicts = list(pool.map(verdict, chosen))
    if not all(verdicts):
        sys.exit(f"model: {verdicts.count(False)} of {len(verdicts)} searches did not find what they must")


if __name__ == "__main__":
    main()
