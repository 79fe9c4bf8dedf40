"""Fuzz one reader in this process, with atheris: libFuzzer's mutations, led by the branches taken in Python.

python explore.py TARGET FOLDER SECONDS [options of libFuzzer]

Files are written to FOLDER, over and over. An exception other than the documented one, or one that does not name the
file, ends the process, as does an execution of so many seconds of processor time, or what the options limit.
"""

from __future__ import annotations

import faulthandler
import gc
import signal
import sys
from pathlib import Path
from types import FunctionType

import atheris
from targets import Target, planted, readers

LED_BY = {"asap", "tarfile", "gzip", "targets"}

# atheris (3.0) never lets go of the result of a comparison that it has seen. Here these are arrays.
# What is written of an accepted run leads nowhere: it takes a comparison for each of its values.
NOT_LED_BY = {"asap.staleness._counts", "asap._plain.plain"}


def instrument() -> None:
    """Let every function of these packages tell of its branches. (The loader of editable installs hides sources.)"""
    for found in gc.get_objects():
        if not isinstance(found, FunctionType) or str(found.__module__).partition(".")[0] not in LED_BY:
            continue
        if f"{found.__module__}.{found.__qualname__}" not in NOT_LED_BY:
            atheris.instrument_func(found)


def read(target: Target, path: Path, data: bytes) -> bool:
    """Let the reader read a file made of the fuzzer's bytes; return whether it was accepted."""
    with path.open("wb", buffering=0) as file:
        file.write(target.contents(data))
    try:
        target.read(path)
    except target.error as error:
        if str(path.parent) not in str(error):
            raise AssertionError(f"an error that does not name the file: {error}") from error
        return False
    return True


def prepare(target: Target, folder: Path) -> Path:
    """Write what the reader needs beside its file, see that it accepts the seeds, and return the file."""
    for name, content in target.beside.items():
        (folder / name).write_bytes(content)
    path = folder / target.file
    for seed in target.seeds:
        if not read(target, path, seed):
            raise AssertionError("a seed is refused")
    return path


def main() -> None:
    """Fuzz until the options of libFuzzer say that it is enough."""
    name, folder, seconds, options = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    target = (readers() | planted())[name]
    path = prepare(target, folder)
    corpus = folder / "corpus"
    corpus.mkdir()
    for i, seed in enumerate(target.seeds):
        (corpus / str(i)).write_bytes(seed)
    instrument()
    gc.freeze()  # what there is now stays: no collection need look at it
    faulthandler.register(signal.SIGPROF, chain=True)  # tells where it hangs, and ends the process

    def explore(data: bytes) -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        read(target, path, data)

    atheris.Setup([sys.argv[0], *options, str(corpus)], explore)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
