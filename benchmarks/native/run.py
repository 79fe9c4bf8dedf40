"""Run native benchmarks; keep what they print, and their figures as JSON, with the machine they were taken on.

    python benchmarks/native/run.py FOLDER PROGRAM … [--results build/bench] [--name native]

FOLDER holds the programs, `kernels_bench` and so on; a PROGRAM is named without "_bench". Writes NAME.txt and
NAME.json. Ends with status 1 when an answer was wrong.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

from asap.environment import environment


def known() -> dict[str, Any]:
    """What a figure needs to be compared with another one."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {"commit": done.stdout.strip() or "unknown"} | dict(environment()) | {"threads": 1}


def run(program: Path, text: TextIO) -> dict[str, Any]:
    """Show and keep the program's lines; return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        with subprocess.Popen([program, "--json", figures], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                text.write(line)
        if process.returncode != 0:
            sys.exit(process.returncode)
        return json.loads(figures.read_text())


def main() -> None:
    """Run the programs one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--results", type=Path, default=Path("build/bench"))
    parser.add_argument("--name", default="native")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"environment": known(), "programs": []}
    with open(arguments.results / f"{arguments.name}.txt", "w") as text:
        for name, value in document["environment"].items():
            text.write(f"{name}: {value}\n")
        for name in arguments.programs:
            print()
            text.write("\n")
            document["programs"].append(run(arguments.folder / f"{name}_bench", text))
    (arguments.results / f"{arguments.name}.json").write_text(json.dumps(document, indent=1) + "\n")
    print(f"\nwritten: {arguments.results / arguments.name}.txt and .json")


if __name__ == "__main__":
    main()
