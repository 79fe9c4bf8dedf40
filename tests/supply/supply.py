"""Check what asap depends on: the licences of the installed packages, and their known vulnerabilities.

    .venv/bin/python tests/supply/supply.py

The packages are those of the environment that runs this, which is the one of development, with its extras. Their
licences come from their own metadata (pip-licenses) and must be among those below. Every package that asap itself
requires must stand in the table of docs/decisions.md. Vulnerabilities are those known to the advisory service of
pip-audit. The two tools go to an environment of their own, build/supply; what cannot be had, a tool or the service, is
reported as skipped. Both checks are given planted findings first.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
TOOLS = ROOT / "build/supply"
SECONDS = 300  # for each call of a tool

# Permissive ones, and the MPL, which covers its own files only, as packages write them: names of SPDX, and the longer
# ones of classifiers, here without their brackets.
ACCEPTED = frozenset(
    {
        "0BSD",
        "Apache 2.0",
        "Apache License 2.0",
        "Apache Software License",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD License",
        "3-Clause BSD License",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "ISC License ISCL",
        "MIT",
        "MIT License",
        "MIT-0",
        "MIT-CMU",
        "Mozilla Public License 2.0 MPL 2.0",
        "MPL-2.0",
        "PSF-2.0",
        "Python Software Foundation License",
        "Python-2.0",
        "The Unlicense Unlicense",
        "Unlicense",
        "Zlib",
    }
)

PLANTED_LICENCES = {
    "planted": "GPL-3.0-or-later",
    "half-planted": "MIT AND AGPL-3.0",
    "lengthened": "MITx",
    "of old": "BSD-4-Clause",
    "unsaid": "UNKNOWN",
}
SOUND_LICENCES = {
    "both": "BSD-3-Clause AND MIT",
    "either": "GPL-2.0 OR MIT",
    "nested": "MPL-2.0 AND (GPL-2.0 OR MIT)",
    "in brackets": "ISC License (ISCL)",
}
PLANTED_AUDIT = {
    "dependencies": [
        {"name": "planted", "version": "1.0", "vulns": [{"id": "PLANTED-1", "fix_versions": ["1.1"]}]},
        {"name": "sound", "version": "2.0", "vulns": []},
        {"name": "unknown", "skip_reason": "not known"},
    ]
}


def refused(licences: Mapping[str, str]) -> dict[str, str]:
    """Return the packages of which not every licence is accepted; of alternatives, one is enough."""
    return {name: licence for name, licence in licences.items() if not is_accepted(licence)}


def is_accepted(licence: str) -> bool:
    """Whether an expression such as "MIT AND (Apache-2.0 OR GPL-2.0)" can be met with accepted licences."""
    flat = licence.replace("(", "").replace(")", "")
    demands = re.split(r" AND |; ", flat)
    return all(any(choice.strip() in ACCEPTED for choice in demand.split(" OR ")) for demand in demands)


def vulnerabilities(audit: Mapping[str, Any]) -> tuple[list[str], int]:
    """Return what an audit found, "package version: advisory", and how many packages the service knew."""
    known = [package for package in audit["dependencies"] if "skip_reason" not in package]
    found = [f"{p['name']} {p['version']}: {advisory['id']}" for p in known for advisory in p["vulns"]]
    return found, len(known)


def named_in_project() -> set[str]:
    """Return the packages that asap names, to run, with any extra, or to build."""
    build = re.search(r"^requires = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    requirements = [*(metadata.requires("asap") or []), *json.loads(build[1] if build else "[]")]
    return {Requirement(text).name.lower() for text in requirements} - {"asap"}


def named_in_decisions() -> str:
    """Return the table of dependencies and licences, with the names that packages have in the registry."""
    table = (ROOT / "docs/decisions.md").read_text().split("## Dependencies and licences")[1].lower()
    return table.replace("pytorch", "torch")


def report(what: str, figure: str, verdict: str) -> bool:
    """Print the line of a check; return whether nothing is wrong."""
    print(f"supply: {what}: {figure} {verdict}", flush=True)
    return verdict != "FAILED"


def judge(what: str, figure: str, findings: object) -> bool:
    """Report a check that passes when it found nothing."""
    return report(what, f"{figure}; found {findings}" if findings else figure, "FAILED" if findings else "ok")


def check_the_checks() -> bool:
    """Whether what is planted is found, and nothing else."""
    licences = refused({**PLANTED_LICENCES, **SOUND_LICENCES}).keys() ^ PLANTED_LICENCES.keys()
    audit = vulnerabilities(PLANTED_AUDIT) != (["planted 1.0: PLANTED-1"], 2)
    return judge("planted licences and vulnerabilities", "are found", sorted(licences) or audit)


def tool(package: str) -> Path | None:
    """Return the program of a package, installed when needed; None where it cannot be had."""
    program = TOOLS / "bin" / package
    if not program.exists():
        venv.create(TOOLS, with_pip=True)
        run(TOOLS / "bin/python", "-m", "pip", "install", "--quiet", package)
    return program if program.exists() else None


def run(*command: str | Path) -> str:
    """Return what a command prints; nothing when it takes too long."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stdout
    except subprocess.TimeoutExpired:
        return ""


def check_licences() -> bool:
    """Every installed package's licence is accepted."""
    program = tool("pip-licenses")
    if program is None:
        return report("licences", "pip-licenses cannot be had", "skipped")
    packages = json.loads(run(program, "--python", sys.executable, "--from=mixed", "--format=json"))
    licences = {package["Name"]: package["License"] for package in packages}
    return judge("licences", f"{len(licences)} packages", refused(licences))


def check_decisions() -> bool:
    """Every package that asap names stands in docs/decisions.md."""
    table, names = named_in_decisions(), named_in_project()
    return judge("reasons in docs/decisions.md", f"{len(names)} packages", sorted(n for n in names if n not in table))


def check_vulnerabilities() -> bool:
    """No installed package has a known vulnerability."""
    program = tool("pip-audit")
    if program is None:
        return report("vulnerabilities", "pip-audit cannot be had", "skipped")
    folder = metadata.distribution("numpy").locate_file("")
    printed = run(program, "--path", str(folder), "--format", "json", "--progress-spinner", "off")
    if not printed.startswith("{"):
        return report("vulnerabilities", "the advisory service cannot be reached", "skipped")
    found, known = vulnerabilities(json.loads(printed))
    if not known:
        return report("vulnerabilities", "the advisory service knows none of the packages", "skipped")
    return judge("vulnerabilities", f"{known} packages", found)


def main() -> int:
    """Run the checks; return the exit status."""
    checks = [check_the_checks, check_licences, check_decisions, check_vulnerabilities]
    return 0 if all([check() for check in checks]) else 1


if __name__ == "__main__":
    sys.exit(main())
