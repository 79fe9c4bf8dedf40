"""Trains, fails and forgets over and over, and leaks once on purpose: for LeakSanitizer to look at when Python ends.

python leaks.py <library of planted bugs>
"""

import ctypes
import sys

import numpy as np

import asap

data = (np.random.default_rng(0).random((200, 8), np.float32), np.arange(200) % 2)


def fail(state: asap.RunState) -> None:
    raise LookupError


for engine in (asap.engines.Sequential(), asap.Synchronous(), asap.Locked(), asap.Hogwild(), asap.Leashed()):
    workers = 1 if isinstance(engine, asap.engines.Sequential) else 2
    for step in (asap.Constant(0.01), asap.Custom(0.01, lambda _: [1.0, 0.5], sample=(1, 3))):
        model = asap.models.MLP(input_shape=8, classes=2)
        asap.train(model, data, engine=engine, step=step, workers=workers, epochs=2, validation=data, trace=True)
        try:
            asap.train(model, data, engine=engine, step=step, workers=workers, callbacks=fail)
        except LookupError:
            del model

ctypes.CDLL(sys.argv[1]).leak()
