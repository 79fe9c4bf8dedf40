"""Fixtures that several test files share."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Result
from numpy.typing import NDArray
from own_process import threads, threads_since

import asap
from asap import cli

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

# Shells start background jobs with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "not_sanitized(*names, reason): is skipped under these sanitizers (make sanitize)"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("not_sanitized"):
        if os.environ.get("ASAP_SANITIZER") in mark.args:
            pytest.skip(mark.kwargs["reason"])


@pytest.fixture
def private_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ASAP_DATA_DIR, and an empty cache of the test's own, which is returned."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.delenv("ASAP_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


@pytest.fixture
def need_data() -> Callable[[str], None]:
    """Skip the test, with the reason, unless ASAP_DATA_DIR has the set that it is called with."""

    def check(name: str) -> None:
        folder = os.environ.get("ASAP_DATA_DIR")
        if not folder:
            pytest.skip(f"needs the real {name}: ASAP_DATA_DIR is not set")
        if not any((Path(folder) / name).glob("*")):
            pytest.skip(f"needs the real {name}: {folder} (ASAP_DATA_DIR) does not have it")

    return check


@pytest.fixture
def same_threads() -> Callable[[], AbstractContextManager[None]]:
    """A block that leaves no thread behind."""

    @contextmanager
    def check() -> Iterator[None]:
        before = threads()
        yield
        assert threads_since(before) == 0

    return check


@pytest.fixture(scope="session")
def blobs() -> Data:
    """Three clouds of points in the plane, far apart: any linear classifier separates them."""
    rng = np.random.default_rng(0)
    labels = np.arange(599, dtype=np.int32) % 3
    centres = np.array([[4, 0], [-4, 0], [0, 4]], np.float32)
    return (centres[labels] + 0.5 * rng.standard_normal((599, 2))).astype(np.float32), labels


@pytest.fixture
def make_model() -> MakeModel:
    """A small classifier for the clouds; the same parameters at every call."""
    return lambda: asap.Sequential([asap.Dense(16), asap.ReLU(), asap.Dense(3)], input_shape=2, seed=1)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `asap` with these arguments, in this process."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["asap", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        return Result(status, *capfd.readouterr())

    return run


@pytest.fixture
def digits() -> list[str]:
    """Arguments for a run of a moment."""
    pytest.importorskip("sklearn", reason="needs the extra data")
    return ["--dataset", "digits", "--model", "cnn"]


@pytest.fixture
def watched(blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Callbacks and displays are called at every tick, and what Python starts once is started."""
    asap.train(make_model(), blobs, workers=3)
    monkeypatch.setattr("asap.callbacks.TICK_SECONDS", 0.0)
    return monkeypatch


@pytest.fixture(scope="module")
def session():
    """A local Ray session for the tests of a file; others need a cluster of several nodes."""
    ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
    ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()
