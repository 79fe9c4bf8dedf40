"""Replay: the updates of a traced run once more, one after the other on one thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _checks, _core, engines
from asap._fingerprint import fingerprint
from asap._plain import plain
from asap.model import DataLike
from asap.run import Run
from asap.trace import Trace, origin_of

__all__ = ["Replay", "replay"]


@dataclass(frozen=True, eq=False, repr=False)
class Replay:
    """What the replay of a run gave.

    Attributes:
        exact: whether the engine's views are consistent, so that the replay must have the same bits: all engines but
            Hogwild, whose replay is approximate.
        identical: whether the parameters have the same bits as the run's.
        distance: ‖replayed − run's‖₂ / ‖run's‖₂, 0 when identical; not divided when the run's are all 0.
        updates: updates replayed.
        seconds: that they took.
        parameters: where the replay ended, shape (num_parameters,), read-only.
    """

    exact: bool
    identical: bool
    distance: float
    updates: int
    seconds: float
    parameters: NDArray[np.float32]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the parameters as plain values ready for strict JSON, schema "asap.replay/1"."""
        names = ("exact", "identical", "distance", "updates", "seconds")
        return {"schema": "asap.replay/1"} | {name: plain(getattr(self, name)) for name in names}

    def __repr__(self) -> str:
        kind = "exact" if self.exact else "approximate"
        found = "identical" if self.identical else f"distance {self.distance:.3g}"
        return f"Replay({kind}: {self.updates:,} updates in {self.seconds:.3g} s, {found})"


def replay(run: Run, data: DataLike | None = None) -> Replay:
    """Run the published updates of a traced run again, in their order, on one thread.

    Every gradient is computed on exactly the version that it was computed on in the run, and applied with the C that
    was applied there, with the rate at that version and the run's momentum and weight decay. For engines with
    consistent views (Sequential, Synchronous, Locked, Leashed, Softsync) the result has the same bits as the run's
    parameters: otherwise the engine lost an update, applied one twice, or showed a view that never existed. A Hogwild
    run has no such order; its replay is approximate, and `distance` says how far away it ends.

    Of a resumed run it begins where the part began that was traced. It takes as long as the gradients do on one core,
    and the memory of a run with as many workers. Ctrl-C ends it.

    Args:
        run: a run of `asap.train(…, trace=True)`, or what `asap.Run.load` made of a saved one.
        data: the training data of the run; None for a run of this process, which knows its data.

    Returns:
        The parameters, compared with the run's.

    Raises:
        TypeError, ValueError: the run was not traced; data is missing; or data, model, instruction set, compiler or
            version of asap is not the run's, so that the bits could not be the same. Names what was found and what is
            needed.
    """
    trace = trace_of(run)
    training = training_data(run, trace, data)
    check_origin(trace, origin_of(run.model, fingerprint(training), len(training)))
    theta = trace.start.copy()
    begin = time.perf_counter()
    updates = _replay(run, trace, training, theta)
    seconds = time.perf_counter() - begin
    theta.flags.writeable = False
    return Replay(
        exact=not isinstance(run.config.engine, engines.Hogwild),
        identical=theta.tobytes() == run.parameters.tobytes(),
        distance=_distance(theta, run.parameters),
        updates=updates,
        seconds=seconds,
        parameters=theta,
    )


def _replay(run: Run, trace: Trace, training: _core.Dataset, theta: NDArray[np.float32]) -> int:
    return _core.replay(
        run.model._network,
        theta,
        training,
        run.config._to_core(len(training)),
        trace.records,
        first=trace.first,
        last=run.version,
        velocity=None if trace.velocity is None else trace.velocity.copy(),
        movement=None if trace.movement is None else trace.movement.copy(),
    )


def trace_of(run: Run) -> Trace:
    """Return what the run is replayed from."""
    _checks.instance("run", run, Run, "a run that asap.train returned, or asap.Run.load")
    if run.trace is None:
        raise ValueError("run must have a trace to be replayed; train it with asap.train(…, trace=True)")
    return run.trace


def training_data(run: Run, trace: Trace, data: DataLike | None) -> _core.Dataset:
    if data is not None:
        return run.model._dataset(data)
    if trace._data is None:
        raise ValueError("data must be the training data of the run: a run that was loaded or copied does not know it")
    return trace._data


_THINGS = {
    "asap": "the version of asap",
    "compiler": "the compiler that built asap",
    "isa": "the instruction set",
    "model": "the model",
    "samples": "the number of samples in data",
    "data": "the fingerprint of data",
}


def check_origin(trace: Trace, here: dict[str, Any]) -> None:
    """Refuse a replay whose bits could not be the run's."""
    for name, thing in _THINGS.items():
        needed = trace.origin.get(name)
        if needed != here[name]:
            hint = f": set ASAP_ISA={needed} before Python starts" if name == "isa" else ""
            raise ValueError(f"{thing} must be the run's, {needed!r}; got {here[name]!r}{hint}")


def _distance(theta: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    wide = reference.astype(np.float64)
    norm = float(np.linalg.norm(wide))
    return float(np.linalg.norm(theta - wide)) / (norm or 1.0)
