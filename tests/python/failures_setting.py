"""What the tests of failures share: all engines, and a Python of its own for what may end or leave a process."""

import subprocess
import sys

import asap

ENGINES = [asap.Synchronous(), asap.Locked(), asap.Hogwild(), asap.Leashed(), asap.Softsync(n=1)]

ENDLESS = 10**18  # epochs
PATIENCE = 300  # seconds: the limit of a run that should have ended long before

SETTING = """
import os, signal, sys, threading, time
import numpy as np
import asap

signal.alarm(300)  # not to outlive a test that fails
os.register_at_fork(after_in_child=lambda: signal.alarm(300))

x = np.random.default_rng(0).random((1000, 8), np.float32)
data = (x, np.arange(1000) % 2)
model = asap.models.MLP(input_shape=8, classes=2)
"""


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a Python of its own; one that hangs fails the test."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
