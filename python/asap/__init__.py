"""Asynchronous parallel SGD on shared memory that adapts its steps to staleness.

>>> import asap
>>> data = asap.datasets.load("mnist")                              # doctest: +SKIP
>>> model = asap.models.LeNet(data)                                 # doctest: +SKIP
>>> run = asap.train(model, data.train, engine=asap.Leashed(), step=asap.TailTau(0.05), workers=4,
...                  epochs=2, validation=data.test)                # doctest: +SKIP
>>> run.history["accuracy"], run.staleness.mean                     # doctest: +SKIP
"""

try:
    from asap import _core
except ImportError as error:
    raise ImportError(
        "the compiled module asap._core is missing or cannot be loaded: install the package with `pip install .` "
        f"(or `pip install -e .`) from its checkout, and start Python elsewhere than in the source folder ({error})"
    ) from error

from asap import datasets, engines, framework, laws, layers, models, rates, steps, stops
from asap.benchmark import Benchmark, bench
from asap.callbacks import RunState
from asap.checkpoint import Checkpoint
from asap.corrections import DelayCompensated, GapAware, NormClipped
from asap.engines import Hogwild, Leashed, Locked, Softsync, Synchronous
from asap.history import History
from asap.laboratory import Comparison, compare
from asap.laws import Heterogeneous, LogNormal, Recorded, Stragglers
from asap.layers import Conv2d, Dense, Flatten, MaxPool2d, ReLU, Tanh
from asap.losses import Losses, Snapshots
from asap.model import Evaluation, Model, load
from asap.models import Sequential
from asap.rates import ConstantRate, CosineRate, StepRate
from asap.replayer import Replay, replay
from asap.rerunner import what_if
from asap.resumer import resume
from asap.run import Run
from asap.simulation import Simulation
from asap.simulator import simulate
from asap.staleness import StalenessDistribution
from asap.steps import (
    Clipped,
    Constant,
    Custom,
    DelayAdaptive,
    Exponential,
    FLeet,
    Hinge,
    Inverse,
    InversePlusOne,
    MindTheStep,
    Normalised,
    Online,
    Power,
    Ringmaster,
    TailTau,
    Threshold,
)
from asap.stops import Patience, TargetAccuracy, TargetLoss
from asap.trace import Trace
from asap.trainer import train

__version__ = _core.__version__

__all__ = [
    "Benchmark",
    "Checkpoint",
    "Clipped",
    "Comparison",
    "Constant",
    "ConstantRate",
    "Conv2d",
    "CosineRate",
    "Custom",
    "DelayAdaptive",
    "DelayCompensated",
    "Dense",
    "Evaluation",
    "Exponential",
    "FLeet",
    "Flatten",
    "GapAware",
    "Heterogeneous",
    "Hinge",
    "History",
    "Hogwild",
    "Inverse",
    "InversePlusOne",
    "Leashed",
    "Locked",
    "LogNormal",
    "Losses",
    "MaxPool2d",
    "MindTheStep",
    "Model",
    "NormClipped",
    "Normalised",
    "Online",
    "Patience",
    "Power",
    "ReLU",
    "Recorded",
    "Replay",
    "Ringmaster",
    "Run",
    "RunState",
    "Sequential",
    "Simulation",
    "Snapshots",
    "Softsync",
    "StalenessDistribution",
    "StepRate",
    "Stragglers",
    "Synchronous",
    "TailTau",
    "Tanh",
    "TargetAccuracy",
    "TargetLoss",
    "Threshold",
    "Trace",
    "bench",
    "compare",
    "datasets",
    "engines",
    "framework",
    "laws",
    "layers",
    "load",
    "models",
    "rates",
    "replay",
    "resume",
    "simulate",
    "steps",
    "stops",
    "train",
    "what_if",
]
