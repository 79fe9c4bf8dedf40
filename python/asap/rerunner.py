"""What if: the schedule of a traced run once more, under another step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from asap import _checks
from asap._execution import execute
from asap._fingerprint import fingerprint
from asap.callbacks import Callback
from asap.losses import Snapshots, as_snapshots
from asap.model import DataLike
from asap.replayer import check_origin, training_data
from asap.run import Run
from asap.steps import Step, as_step
from asap.trace import Trace, origin_of

__all__ = ["what_if"]


def what_if(
    run: Run,
    data: DataLike | None = None,
    *,
    step: Step | float,
    validation: DataLike | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    progress: bool | None = None,
    snapshots: Snapshots | int | None = None,
    trace: bool = False,
) -> Run:
    """Run the schedule of a traced run again under another step: same reads, same order, same batches, another C.

    Who reads and publishes when is taken from the trace, of a run on threads or a simulated one; the gradients are
    computed anew, on one thread, since the parameters become others. Two steps so compared are paired: they differ in
    nothing else. A gradient that the run's own step rejected is published if this one accepts, and the other way round;
    τ counts the updates of the new run. Who was dropped is dropped.

    Under its own step a run has its own bits: every simulated run with consistent views, and a run on threads whose
    step looks at no sample. A sampled table reaches threads a moment after its sample is complete, here at once. The
    schedule of a Hogwild run gives one of the consistent runs near it.

    Args:
        run: a run with `trace=True` of `asap.train` or `asap.simulate`, from its beginning; or what `asap.Run.load`
            made of a saved one.
        data: the training data of the run; None for a run of this process, which knows its data.
        step: base rate and staleness scale instead of the run's; a number η is `asap.Constant(η)`.
        validation: as for `asap.train`.
        callbacks: as for `asap.train`.
        progress: as for `asap.train`.
        snapshots: as for `asap.train`.
        trace: whether to record what happened, as `run.trace`.

    Returns:
        A run of as many gradients, with `what_if` True. A schedule has an order, but no times: all its seconds are 0.
        Its model is a copy; that of the given run stays as it is.

    Raises:
        TypeError, ValueError: the run was not traced, or resumed; data is missing; or data, model, instruction set,
            compiler or version of asap is not the run's. Names what was found and what is needed.
        Exception: whatever a callback or the function of an `asap.Custom` step raised.
    """
    schedule = schedule_of(run)
    training = training_data(run, schedule, data)
    check_origin(schedule, origin_of(run.model, fingerprint(training), len(training)))
    config = replace(
        run.config,
        step=as_step(step),
        stop=(),
        snapshots=as_snapshots(snapshots),
        trace=_checks.flag("trace", trace),
        checkpoint=None,
    )
    model = run.model.copy()
    model.parameters = schedule.start
    return execute(
        model,
        training,
        config,
        validation=validation,
        callbacks=callbacks,
        progress=progress,
        begin=None,
        schedule=schedule,
    )


def schedule_of(run: Run) -> Trace:
    """Return the schedule that is run again."""
    _checks.instance("run", run, Run, "a run that asap.train or asap.simulate returned, or asap.Run.load")
    schedule = run.trace
    if schedule is None:
        raise ValueError("run must have a trace, which is its schedule; train or simulate it with trace=True")
    if schedule.first:
        raise ValueError(f"run must have been traced from its beginning; its trace begins at update {schedule.first}")
    return schedule
