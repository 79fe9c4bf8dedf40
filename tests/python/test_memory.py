"""Many runs in one process leave memory and threads where they were."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

PROGRAM = """
import itertools
import numpy as np
import asap
from own_process import resident_kib, threads, threads_since

LEAK = {leak}  # bytes kept per run, to see that the measurement sees them

random = np.random.default_rng(0)
data = (random.random((200, 20), np.float32), random.integers(0, 3, 200))
engines = [asap.Leashed(), asap.Hogwild(), asap.Locked(), asap.Synchronous(), asap.Leashed(persistence=0),
           asap.Softsync(n=1)]
steps = [asap.TailTau(0.1, sample=(1, 3)), 0.1, asap.Custom(0.1, lambda d: [1.0, 0.5], sample=(1, 2))]
choices = itertools.cycle(itertools.product(engines, steps))
model = asap.models.MLP(data, hidden=(16,))
kept = []
threads_before = threads()
for number in range(1000):
    engine, step = next(choices)
    asap.train(model, data, engine=engine, step=step, workers=3, batch_size=20, epochs=1, validation=data,
               progress=False)
    if LEAK:
        kept.append(np.ones(LEAK, np.uint8))
    if number == 99:
        before = resident_kib()
print((resident_kib() - before) << 10, threads_since(threads_before))
"""


def printed(program: str) -> tuple[int, int]:
    """Return the two numbers that a program prints."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    first, second = output.split()
    return int(first), int(second)


def growth(leak: int) -> tuple[int, int]:
    """Return the bytes and threads that 900 runs after the first 100 left behind."""
    return printed(PROGRAM.format(leak=leak))


def test_a_thousand_runs_leave_memory_and_threads_where_they_were() -> None:
    size, threads = growth(leak=0)
    assert threads == 0
    assert size < 1 << 20, f"900 runs left {size} bytes"


def test_the_measurement_sees_two_kilobytes_kept_per_run() -> None:
    size, _ = growth(leak=2048)
    assert size > 1 << 20


TRACED = """
import numpy as np
import asap
from own_process import resident_kib

random = np.random.default_rng(0)
data = (random.random((4096, 4), np.float32), random.integers(0, 2, 4096))
model = asap.Sequential([asap.Dense(2)], input_shape=4)

def train(updates):
    return asap.train(model, data, workers=2, batch_size=1, updates=updates, step=1e-4, trace=True, progress=False)

train(5000)
before = resident_kib()
run = train(400_000)
kept = {kept}  # what is looked at, to see that the measurement sees it
print((resident_kib() - before) << 10, run.trace.records.nbytes)
"""


def growth_and_trace(kept: str) -> tuple[int, int]:
    """Return the bytes that a traced run left in memory, and those of its records."""
    return printed(TRACED.format(kept=kept))


def test_a_trace_is_on_disk_not_in_memory() -> None:
    size, records = growth_and_trace("None")
    assert records == 16_000_000
    assert size < 4 << 20
    assert growth_and_trace("run.trace.records.copy()")[0] > records
