"""Training: workers minimise a model's loss on shared parameters, the calling thread watches over them."""

from __future__ import annotations

from collections.abc import Sequence

from asap import _checks
from asap._execution import execute
from asap.callbacks import Callback
from asap.checkpoint import Checkpoint
from asap.config import checked_config
from asap.corrections import Correction
from asap.engines import Engine
from asap.losses import Snapshots
from asap.model import DataLike, Model
from asap.run import Run
from asap.steps import Step
from asap.stops import StopRule

__all__ = ["train"]


def train(
    model: Model,
    data: DataLike,
    *,
    engine: Engine | None = None,
    step: Step | float = 0.01,
    workers: int | None = None,
    batch_size: int = 32,
    epochs: int | None = None,
    updates: int | None = None,
    seconds: float | None = None,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    validation: DataLike | None = None,
    stop: StopRule | Sequence[StopRule] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    seed: int = 0,
    affinity: str = "none",
    on_nonfinite: str = "stop",
    progress: bool | None = None,
    snapshots: Snapshots | int | None = None,
    trace: bool = False,
    checkpoint: Checkpoint | None = None,
    correction: Correction | None = None,
) -> Run:
    """Train a model on shared memory with asynchronous (or synchronous, or sequential) SGD.

    Training starts from the model's present parameters and leaves the result there: calling it again goes on. The run
    ends at the first limit reached; without any limit it lasts one epoch. Workers are threads; the interpreter lock is
    free while they work, and several runs on different models may go on side by side. Ctrl-C ends the run, which is
    returned with what was learnt so far.

    Args:
        model: what to train.
        data: a split, or (inputs, labels or targets).
        engine: who may read and write the shared parameters when; `asap.Leashed()` by default.
        step: base rate and staleness scale; a number η is `asap.Constant(η)`.
        workers: m, the number of worker threads; by default one per CPU that this process may use (1 for the engine
            `asap.engines.Sequential`).
        batch_size: samples in a gradient; the last batch of an epoch may be shorter.
        epochs: passes over the data.
        updates: published updates.
        seconds: wall-clock time.
        momentum: β in [0, 1): u ← β u + C(τ) g, θ ← θ − η u.
        weight_decay: λ ≥ 0: g is the gradient plus λ θ.
        validation: like data; evaluated on a snapshot after each epoch, without stalling the workers. When an epoch
            ends before the evaluation of the one before, its row of the history has no validation loss.
        stop: one or several rules, judged after each epoch: `asap.TargetLoss`, `asap.TargetAccuracy`, `asap.Patience`.
        callbacks: functions of a `RunState`, called on this thread after each epoch and about twice a second between.
            An exception in one of them ends the run and is raised.
        seed: of the batch order. With one worker it fixes the result bit by bit; with several the order of updates
            depends on timing.
        affinity: whether each worker is bound to a CPU of its own: "none" lets the operating system move workers,
            "compact" fills all cores of a NUMA node before the next, "scatter" lets nodes take turns; both use the SMT
            siblings of cores last. Only CPUs of the process's affinity mask are used; more workers than CPUs share
            them. Where the system refuses, a RuntimeWarning says so and training goes on unbound.
        on_nonfinite: what a gradient with NaN or infinite values leads to. "stop" ends the run as diverged; "skip"
            gives the gradient up and counts it in `run.skipped` (with `updates`, another batch replaces it), until a
            worker skips more in a row than an epoch has batches. The fused Hogwild cannot skip.
        progress: whether to show progress on standard error: a bar in a terminal or notebook, a line per epoch
            elsewhere. None shows it in terminals and notebooks only.
        snapshots: how often to take a snapshot of the parameters, for `run.losses` and `run.time_to`: a number of
            updates, or `asap.Snapshots(every=100, samples=None)`. The training loss on them is evaluated when the run
            is over.
        trace: whether to record what happened to every gradient, as `run.trace`, from which `asap.replay` runs the
            updates again. Takes 40 bytes per gradient in a temporary file (of the folder that `tempfile` names) and
            80 KiB of memory per worker; the run is as fast as without, within a per cent or two.
        checkpoint: where and how often to write what `asap.resume` goes on from: `asap.Checkpoint("run.checkpoint",
            every=1)`. The last one is written at the end of the run, after Ctrl-C as well, but not when it diverged or
            ended with an exception. Takes four times the memory of the parameters and their velocity.
        correction: what becomes of each gradient besides its scale: `asap.DelayCompensated`, `asap.GapAware` or
            `asap.NormClipped`; None leaves it as it is. Not for the fused Hogwild; the first two neither for a Hogwild
            that reads in place nor for Softsync.

    Returns:
        The run: status, history, staleness, counts and parameters. Its status is "completed", "stopped" (by a rule or a
        callback), "interrupted" (by Ctrl-C) or "diverged": a loss or parameter was not finite; the parameters are then
        the last finite ones.

    Raises:
        TypeError, ValueError: an argument does not fit; names the argument, what was given and what is accepted.
        OSError: the trace or a checkpoint could not be written. The model keeps what was learnt so far.
        ImportError: a checkpoint was asked for, and safetensors is not installed (extra "io").
        Exception: whatever a callback or the function of an `asap.Custom` step raised. All workers have ended then, and
            the model keeps what was learnt so far; a note on the exception says where the run was.
        RuntimeError: a callback forked the process, and this is the child: the workers are the parent's.
    """
    _checks.instance("model", model, Model, "a model such as asap.models.LeNet(data)")
    config = checked_config(
        engine=engine,
        step=step,
        workers=workers,
        batch_size=batch_size,
        epochs=epochs,
        updates=updates,
        seconds=seconds,
        momentum=momentum,
        weight_decay=weight_decay,
        stop=stop,
        seed=seed,
        affinity=affinity,
        on_nonfinite=on_nonfinite,
        snapshots=snapshots,
        trace=trace,
        checkpoint=checkpoint,
        correction=correction,
    )
    return execute(model, data, config, validation=validation, callbacks=callbacks, progress=progress, begin=None)
