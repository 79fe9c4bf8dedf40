"""Build with sanitizers, check that they find what is planted for them, and run the C++ tests and the Python suite.

    python tests/sanitize/sanitize.py [thread] [address] [--short]

thread: ThreadSanitizer. address: AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer. Without names, both.
--short: ThreadSanitizer on the C++ tests of what threads share. Builds go to build/sanitize. Nothing is suppressed:
what the interpreter itself leaves behind is told from what asap does by the stack of the allocation.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILDS = ROOT / "build/sanitize"
COMPILER = os.environ.get("CXX", "c++")

# The C++ tests of what threads share. fork_test, too, runs in the whole form only: its children begin no threads, which
# ThreadSanitizer would not let them.
SHORT = [
    *("vector_pool_test", "turn_test", "store_test", "fused_hogwild_test", "whole_value_test", "step_test"),
    *("trace_test", "failure_test", "nonfinite_test", "ending_test", "checkpoint_test", "adaptation_test"),
    "correction_test",
]

# Left out: these build with CMake, read the documentation, measure memory and other packages, or try the command line
# and its pages, Python on top of what the other tests call. Single tests that a sanitizer cannot bear are marked, with
# the reason, where they stand (not_sanitized).
NOT_PYTHON = [
    *("build", "docstrings", "memory", "peers", "readme"),
    *("cli*", "laboratory_report", "reproduction"),
    "ray*",  # Ray's own processes would run in them, too; test_server.py has what is ours
]

# Left out with ThreadSanitizer: the longest C++ tests without a second thread, half of its time.
ONE_THREAD = "^(kernels_.*|model_reference_test|model_gradient_test)$"


@dataclass(frozen=True)
class Sanitizer:
    """A sanitized build, what it must find, and how programs run in it."""

    name: str
    flags: str
    finds: dict[str, str]
    options: dict[str, str]
    preload: list[str] = field(default_factory=list)

    @property
    def build(self) -> Path:
        """Its build folder."""
        return BUILDS / self.name

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of programs of this build."""
        return {**os.environ, **self.options, **more}

    def python(self, **more: str) -> dict[str, str]:
        """The environment of a Python that loads the module of this build."""
        libraries = [output(COMPILER, f"-print-file-name={name}.so") for name in self.preload]
        site = os.pathsep.join([str(HERE), str(self.build / "site")])
        return self.environment(LD_PRELOAD=" ".join(libraries), PYTHONPATH=site, ASAP_SANITIZER=self.name, **more)


THREAD = Sanitizer(
    "thread",
    "thread",
    {"race": "data race"},
    {"TSAN_OPTIONS": "halt_on_error=1:history_size=7"},
    ["libtsan"],
)
ADDRESS = Sanitizer(
    "address",
    "address,undefined",
    {
        "freed": "heap-use-after-free",
        "leak": "detected memory leaks",
        "overflow": "signed integer overflow",
    },
    {
        # Not what GCC 12 makes of frames that outlive their functions: it aligns them for 32 bytes, AVX-512 needs 64.
        "ASAN_OPTIONS": "detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    },
    ["libasan", "libstdc++"],  # libstdc++ too, or the first exception of C++ ends the process
)


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def report(what: str, passed: bool, seconds: float, details: str = "") -> bool:
    """Print the line of a step, and what it printed if it failed."""
    if not passed:
        print(details)
    print(f"sanitize: {what:<60} {seconds:6.1f} s {'ok' if passed else 'FAILED'}", flush=True)
    return passed


def step(what: str, *command: str | Path, environment: dict[str, str] | None = None) -> bool:
    """Run a command that must succeed."""
    start = time.monotonic()
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, capture_output=True, text=True)
    return report(what, done.returncode == 0, time.monotonic() - start, done.stdout + done.stderr)


def finds(what: str, message: str, *command: str | Path, environment: dict[str, str]) -> bool:
    """Run a command that the sanitizer must end with a message."""
    start = time.monotonic()
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
    passed = done.returncode != 0 and message in done.stderr
    return report(what, passed, time.monotonic() - start, f"expected: {message}\n{done.stderr}")


def build(sanitizer: Sanitizer, python: bool, targets: list[str]) -> bool:
    """Configure and build; with Python, the package is laid out in the folder `site`."""
    configure = ["cmake", "-S", ROOT, "-B", sanitizer.build, "-G", "Ninja", "-DASAP_DEVELOPER=ON"]
    # -O1 and lines without variables: as good a report for half the compiler's time.
    configure += ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1 -DNDEBUG"]
    configure += [f"-DASAP_SANITIZE={sanitizer.flags}"]
    if python:
        folder = output(sys.executable, "-m", "pybind11", "--cmakedir")
        configure += ["-DASAP_PYTHON=ON", f"-Dpybind11_DIR={folder}", f"-DPython_EXECUTABLE={sys.executable}"]
    if not step(f"{sanitizer.name}: configure", *configure):
        return False
    if not step(f"{sanitizer.name}: build", "cmake", "--build", sanitizer.build, "--target", *(targets or ["all"])):
        return False
    if python:
        site = sanitizer.build / "site/asap"
        shutil.copytree(ROOT / "python/asap", site, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(sanitizer.build / f"src/cpp/_core{sysconfig.get_config_var('EXT_SUFFIX')}", site)
    return True


def planted_in_programs(sanitizer: Sanitizer) -> bool:
    """Whether the planted bugs are found in C++."""
    program = sanitizer.build / "tests/sanitize/planted"
    return all(
        [
            finds(
                f"{sanitizer.name}: finds the planted {bug}", message, program, bug, environment=sanitizer.environment()
            )
            for bug, message in sanitizer.finds.items()
        ]
    )


def planted_in_kernels(sanitizer: Sanitizer) -> bool:
    """Whether kernels of every instruction set are seen to read and to write outside their arrays."""
    program = sanitizer.build / "tests/sanitize/planted"
    return all(
        [
            finds(
                f"{sanitizer.name}: finds the planted {bug.replace('_', ' ')} of {isa} kernels",
                "heap-buffer-overflow",
                program,
                bug,
                environment=sanitizer.environment(ASAP_ISA=isa),
            )
            for isa in output(program, "tables").split()
            for bug in ("outside_read", "outside_write", "outside_bytes")
        ]
    )


def planted_in_python(sanitizer: Sanitizer) -> bool:
    """Whether the planted bugs are found in a library that Python calls; leaks are another matter: leaks()."""
    library = sanitizer.build / "tests/sanitize/libplanted_library.so"
    return all(
        [
            finds(
                f"{sanitizer.name}: finds the planted {bug} under Python",
                message,
                *(sys.executable, "-c", f"import ctypes; ctypes.CDLL({str(library)!r}).{bug}()"),
                environment=sanitizer.python(ASAN_OPTIONS="detect_leaks=0"),
            )
            for bug, message in sanitizer.finds.items()
            if bug != "leak"
        ]
    )


def programs(sanitizer: Sanitizer, *selection: str) -> bool:
    """Run the C++ tests."""
    command = ["ctest", "--test-dir", sanitizer.build, "--output-on-failure", "-j2", *selection]
    return step(f"{sanitizer.name}: C++ tests", *command, environment=sanitizer.environment())


def leaks(sanitizer: Sanitizer) -> bool:
    """Whether Python leaves behind what was planted, and nothing of asap.

    The interpreter, NumPy and pybind11's registry keep what they made until the process ends, so the report is never
    empty. A leak is ours when our code allocated it, but for what importing the module made.
    """
    start = time.monotonic()
    library = sanitizer.build / "tests/sanitize/libplanted_library.so"
    options = "detect_leaks=1:fast_unwind_on_malloc=0:exitcode=0"
    done = subprocess.run(
        [sys.executable, str(HERE / "leaks.py"), str(library)],
        env=sanitizer.python(PYTHONMALLOC="malloc", ASAN_OPTIONS=options),
        capture_output=True,
        text=True,
    )
    stacks = re.findall(r"(?:Direct|Indirect) leak of .*?\n\n", done.stderr, re.DOTALL)
    ours = [stack for stack in stacks if "asap::" in stack and "PyInit__core" not in stack]
    planted = any("planted" in stack for stack in stacks)
    details = "\n".join(ours) or f"the planted leak went unseen\n{done.stdout}{done.stderr[-4000:]}"
    what = f"{sanitizer.name}: Python leaks what was planted, nothing of ours"
    return report(what, planted and not ours, time.monotonic() - start, details)


def suite(sanitizer: Sanitizer) -> bool:
    """Run the Python suite."""
    left_out = [f"--ignore-glob=*/test_{name}.py" for name in NOT_PYTHON]
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-x", "-p", "no:cacheprovider", *left_out]
    environment = sanitizer.python(ASAN_OPTIONS=f"{sanitizer.options.get('ASAN_OPTIONS', '')}:detect_leaks=0")
    return step(f"{sanitizer.name}: Python suite", *command, environment=environment)


def obstacle(sanitizer: Sanitizer) -> str:
    """Return why programs of this sanitizer cannot be built or run here; nothing if they can."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "empty.cpp"), Path(folder, "empty")
        source.write_text("int main() {}\n")
        compile_it: list[str | Path] = [COMPILER, f"-fsanitize={sanitizer.flags}", source, "-o", program]
        for command in (compile_it, [program]):
            done = subprocess.run(command, env=sanitizer.environment(), capture_output=True, text=True)
            if done.returncode != 0:
                return (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
    return ""


def usable(sanitizer: Sanitizer) -> bool:
    """Whether there is this sanitizer."""
    reason = obstacle(sanitizer)
    return not reason or report(f"{sanitizer.name}: an empty program", False, 0.0, reason)


def check_core(sanitizer: Sanitizer) -> bool:
    """Build, and run everything but the Python suite."""
    return (
        usable(sanitizer)
        and build(sanitizer, True, [])
        and planted_in_programs(sanitizer)
        and (sanitizer is THREAD or planted_in_kernels(sanitizer))
        and planted_in_python(sanitizer)
        and programs(sanitizer, *(("-E", ONE_THREAD) if sanitizer is THREAD else ()))
        and (sanitizer is THREAD or leaks(sanitizer))
    )


def check(sanitizers: list[Sanitizer]) -> bool:
    """Build and run everything; the Python suites side by side, since neither keeps two cores busy."""
    sound = [sanitizer for sanitizer in sanitizers if check_core(sanitizer)]
    with ThreadPoolExecutor() as pool:
        return all(list(pool.map(suite, sound))) and sound == sanitizers


def check_short() -> bool:
    """ThreadSanitizer on what threads share, where there is one."""
    if reason := obstacle(THREAD):
        print(f"sanitize: skipped, no empty program can be built and run with ThreadSanitizer: {reason}")
        return True
    names = f"^({'|'.join(SHORT)})$"
    return build(THREAD, False, [*SHORT, "planted"]) and planted_in_programs(THREAD) and programs(THREAD, "-R", names)


def main() -> None:
    """Run what was asked for, and end with status 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sanitizers", nargs="*", help="thread, address; both, if none is named")
    parser.add_argument("--short", action="store_true", help="a few minutes' worth")
    options = parser.parse_args()
    if unknown := set(options.sanitizers) - {"thread", "address"}:
        parser.error(f"sanitizers are thread and address; got {', '.join(sorted(unknown))}")
    if options.short:
        sys.exit(None if check_short() else "sanitize: failed")
    chosen = [s for s in (THREAD, ADDRESS) if not options.sanitizers or s.name in options.sanitizers]
    if not check(chosen):
        sys.exit("sanitize: failed")


if __name__ == "__main__":
    main()
