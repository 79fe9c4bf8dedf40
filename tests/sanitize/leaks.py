"""Trains, fails and forgets over and over, and leaks once on purpose: for LeakSanitizer to look at when Python ends.

python leaks.py <library of planted bugs>
"""

import contextlib
import ctypes
import sys
import tempfile
from pathlib import Path

import numpy as np

import asap

data = (np.random.default_rng(0).random((200, 8), np.float32), np.arange(200) % 2)

ENGINES = (
    *(asap.engines.Sequential(), asap.Synchronous(), asap.Locked(), asap.Leashed(), asap.Softsync(n=1)),
    *(asap.Hogwild(), asap.Hogwild(update="fused")),
)
STEPS = (
    asap.Constant(0.01),
    asap.Custom(0.01, lambda _: [1.0, 0.5], sample=(1, 3)),
    asap.TailTau(0.01, sample=asap.Online(every=2, half_life=4)),
)
CORRECTIONS = (asap.DelayCompensated(0.1), asap.GapAware(), asap.NormClipped(1.0))


def new_model() -> asap.Model:
    return asap.models.MLP(input_shape=8, classes=2)


def fail(state: asap.RunState) -> None:
    raise LookupError


def train_and_fail(engine: asap.engines.Engine, step: asap.steps.Step) -> None:
    workers = 1 if isinstance(engine, asap.engines.Sequential) else 2
    model = new_model()
    asap.train(model, data, engine=engine, step=step, workers=workers, epochs=2, validation=data, trace=True)
    try:
        asap.train(model, data, engine=engine, step=step, workers=workers, callbacks=fail)
    except LookupError:
        del model


def correct(correction: asap.corrections.Correction) -> None:
    asap.train(new_model(), data, workers=2, correction=correction, snapshots=3)


def interrupt_and_resume(path: Path) -> None:
    checkpoint = asap.Checkpoint(path, every=3, unit="updates")
    asap.train(new_model(), data, workers=2, momentum=0.5, checkpoint=checkpoint)
    asap.resume(path, data, epochs=2)
    with contextlib.suppress(LookupError):
        asap.resume(path, data, epochs=3, callbacks=fail)


def run_again(run: asap.Run) -> None:
    asap.replay(run)
    for step in STEPS:
        asap.what_if(run, step=step, snapshots=3, trace=True)


for engine in ENGINES:
    for step in STEPS:
        train_and_fail(engine, step)
for correction in CORRECTIONS:
    correct(correction)
with tempfile.TemporaryDirectory() as folder:
    interrupt_and_resume(Path(folder, "run.checkpoint"))
run_again(asap.train(new_model(), data, workers=2, trace=True))
run_again(asap.simulate(new_model(), data, workers=5, publish=0.1, snapshots=3, trace=True))

ctypes.CDLL(sys.argv[1]).leak()
