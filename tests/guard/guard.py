"""Compare the instructions of an update with the stored ones: what times on shared machines cannot guard.

    python tests/guard/guard.py <folder with hot_path> [--store]

Callgrind counts two runs of one worker that differ in their number of updates; the difference per update leaves start
and end out. It knows no AVX-512, so the AVX2 kernels run. Counts depend on the compiler, hence they are stored for each
version of it; for one that is not stored, nothing can be compared, and the counts are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STORED = Path(__file__).parent / "instructions.json"
TOLERANCE = 0.02
FEW, MANY = 3, 8  # updates

CASES = [
    *(("mlp", engine, 16) for engine in ("sequential", "synchronous", "locked", "hogwild", "hogwild-fused", "leashed")),
    ("mlp", "hogwild", 64),
    ("lenet", "hogwild", 16),
    ("lenet", "leashed", 64),
]


def instructions(program: Path, model: str, engine: str, batch: int, updates: int) -> int:
    """Return the instructions that a run executes."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(program)]
        arguments = [model, engine, str(batch), str(updates)]
        environment = {**os.environ, "ASAP_ISA": "avx2"}
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None:
        sys.exit(f"callgrind failed on {program.name} {' '.join(arguments)}:\n{done.stderr}")
    return int(counted[1])


def per_update(program: Path, model: str, engine: str, batch: int) -> int:
    """Return the instructions of one update."""
    few, many = (instructions(program, model, engine, batch, updates) for updates in (FEW, MANY))
    return (many - few) // (MANY - FEW)


def name(model: str, engine: str, batch: int) -> str:
    """Return the name under which a case is stored."""
    return f"{model} {engine} {batch}"


def verdict(case: str, count: int, expected: int | None) -> str:
    """Print the line of a case and return its last word."""
    change = "" if expected is None else f"{count / expected - 1:+.2%}"
    word = "skipped" if expected is None else "FAILED" if abs(count / expected - 1) > TOLERANCE else "ok"
    print(f"guard: {case:<24} {count:>12,} instructions an update {change:>8} {word}", flush=True)
    return word


def compiler(build: Path) -> str:
    """Return the compiler's name and version, as CMake found them."""
    (found,) = build.glob("**/CMakeFiles/*/CMakeCXXCompiler.cmake")
    text = found.read_text()
    return " ".join(re.search(rf'set\(CMAKE_CXX_COMPILER_{key} "(.*)"\)', text)[1] for key in ("ID", "VERSION"))


def main() -> None:
    """Count, compare, and end with status 1 when a count has left its bounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="the build folder that holds tests/guard/hot_path")
    parser.add_argument("--store", action="store_true", help="store the counts instead of comparing them")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("guard: skipped, since valgrind is not installed")
        return

    version = compiler(options.build)
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    expected = stored.get(version, {})
    counts = {name(*case): per_update(options.build / "tests/guard/hot_path", *case) for case in CASES}
    if options.store:
        STORED.write_text(json.dumps({**stored, version: counts}, indent=2, sort_keys=True) + "\n")
    verdicts = [verdict(case, count, expected.get(case)) for case, count in counts.items()]
    if "FAILED" in verdicts and not options.store:
        sys.exit(f"guard: more than {TOLERANCE:.0%} from what is stored for {version}; if meant: make guard-store")


if __name__ == "__main__":
    main()
