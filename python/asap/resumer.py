"""Going on with a run from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from asap import _checkpoint_file, _checks, _core
from asap._checkpoint_document import Saved
from asap._execution import execute
from asap._fingerprint import fingerprint
from asap._plain import plain
from asap._run_file import NotSaved
from asap._unloaded import Unloaded
from asap.callbacks import Callback
from asap.checkpoint import Checkpoint
from asap.config import TrainConfig, checked_config
from asap.model import DataLike, Model
from asap.run import Run
from asap.steps import Step, as_step
from asap.stops import StopRule

__all__ = ["resume"]

_LIMITS = ("epochs", "updates", "seconds")


def resume(
    path: str | PathLike[str],
    data: DataLike,
    *,
    step: Step | None = None,
    workers: int | None = None,
    epochs: int | None = None,
    updates: int | None = None,
    seconds: float | None = None,
    validation: DataLike | None = None,
    stop: StopRule | Sequence[StopRule] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    affinity: str | None = None,
    progress: bool | None = None,
    trace: bool | None = None,
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Go on with a run from a checkpoint of `asap.train(…, checkpoint=asap.Checkpoint(path))`.

    Nothing that is in the checkpoint is done again, and nothing left out: parameters, velocity, the next batch, counts,
    histograms, scale tables, history and time go on as they were. With one worker of any engine, and with any number of
    the synchronous one, the result has the bits of a run that was never interrupted, on the same build of asap and the
    same instruction set.

    What makes the updates stays: engine, batch size, step, momentum, weight decay, seed, what non-finite gradients lead
    to. How long, by how many, and who looks on may change: None keeps what was.

    Args:
        path: the checkpoint.
        data: the training data of the run.
        step: the step of the run, where its scale is a function, which no file can hold; otherwise None.
        workers: m. Another number is another execution: a step that samples τ does so anew.
        epochs: passes over the data, of the whole run. A limit given here replaces all those of the run, which are
            epochs, updates and seconds.
        updates: published updates, likewise.
        seconds: wall-clock time, likewise.
        validation: as for `asap.train`; not kept in a checkpoint.
        stop: rules that replace those of the run; () for none.
        callbacks: as for `asap.train`; not kept in a checkpoint.
        affinity: as for `asap.train`.
        progress: as for `asap.train`.
        trace: whether to record this part of the run; `asap.replay` runs it again from the checkpoint.
        checkpoint: where and how often to write on; None goes on with the file at `path` as before.

    Returns:
        The whole run, as if it had never been interrupted; `run.resumed` tells from where it was. Its model is a plain
        `asap.Model` of the same architecture, and it has no `losses`: snapshots are not kept in a checkpoint.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: the file is damaged, truncated, of a newer version or none of asap's; or the data is not the run's;
            or an argument does not fit. Nothing is trained then.
        TypeError, OSError, RuntimeError, Exception: as for `asap.train`.
        ImportError: safetensors is not installed (extra "io").
    """
    saved = _checkpoint_file.read(Path(_checks.path("path", path)))
    if "shards" in saved.state:
        raise ValueError(f"{path} is of a parameter server with several shards; resume it with asap.ray.resume")
    config = changed(
        saved,
        step=step,
        limits=(epochs, updates, seconds),
        workers=workers,
        stop=stop,
        affinity=affinity,
        trace=trace,
        checkpoint=same_file(saved, path) if checkpoint is None else checkpoint,
    )
    model = Model(saved.architecture, saved.state["arrays"]["parameters"])
    training = model._dataset(data)
    check_data(saved, training)
    return execute(model, training, config, validation=validation, callbacks=callbacks, progress=progress, begin=saved)


def changed(saved: Saved, *, step: Step | None = None, limits: Sequence[float | None], **others: Any) -> TrainConfig:
    """Return the settings of the run with others, checked; None keeps what was, a limit replaces all of them."""
    settings: dict[str, Any] = {name: getattr(saved.config, name) for name in saved.config.__dataclass_fields__}
    settings |= {name: value for name, value in others.items() if value is not None}
    if any(limit is not None for limit in limits):
        settings |= zip(_LIMITS, limits, strict=True)
    return checked_config(**settings | {"step": _step(saved.config.step, step)})


def _step(before: Step, given: Step | None) -> Step:
    """Return the step of the run, with the function that is not in the file."""
    if given is None:
        if _lacks_a_function(before):
            raise ValueError(f"step must be given again, since its scale is a function: {before!r}")
        return before
    step = as_step(given)
    if plain(step) != plain(before):
        raise ValueError(f"step must be that of the run, {before!r}; got {step!r}")
    return step


def _lacks_a_function(value: object) -> bool:
    """Whether it, or a step within it, has a function that was not saved."""
    parts = fields(value) if is_dataclass(value) else ()
    return isinstance(value, NotSaved) or any(_lacks_a_function(getattr(value, part.name)) for part in parts)


def same_file(saved: Saved, path: str | PathLike[str]) -> Checkpoint:
    """Return where and how often a run is written on: as before, to the file that it is resumed from."""
    assert saved.config.checkpoint is not None  # the reader saw to it
    return replace(saved.config.checkpoint, path=path)


def check_data(saved: Saved, training: _core.Dataset | Unloaded) -> None:
    """Refuse other data than those of the run."""
    if len(training) != saved.samples:
        raise ValueError(f"data must be the training data of the run, {saved.samples} samples; got {len(training)}")
    if (found := fingerprint(training)) != saved.data:
        raise ValueError(f"data must be the training data of the run, with the fingerprint {saved.data}; got {found}")
