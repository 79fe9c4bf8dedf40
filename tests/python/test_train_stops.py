"""Stop rules, judged on made-up histories and in runs."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap.history import COLUMNS
from asap.stops import StopRule

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


def first_stop(rule: StopRule, values: list[float | None]) -> int | None:
    """The number of rows after which the rule says stop."""
    for end in range(1, len(values) + 1):
        rows = [dict.fromkeys(COLUMNS, 0) | {rule.column: value} for value in values[:end]]
        if rule.reached(asap.History(rows)):
            return end
    return None


@pytest.mark.parametrize("on", ["validation", "training"])
def test_target_loss_is_reached_at_or_below_its_value(on: str) -> None:
    rule = asap.TargetLoss(0.5, on=on)
    assert rule.column == {"validation": "validation_loss", "training": "loss"}[on]
    assert first_stop(rule, [0.9, 0.51, 0.5, 0.4]) == 3
    assert first_stop(rule, [0.9, float("nan"), None, 0.6]) is None


def test_target_accuracy_is_reached_at_or_above_its_value() -> None:
    assert first_stop(asap.TargetAccuracy(0.9), [0.1, 0.95, 0.2]) == 2
    assert first_stop(asap.TargetAccuracy(0.9), [0.1, None, 0.9]) == 3
    assert first_stop(asap.TargetAccuracy(0.9), [0.1, 0.89]) is None


@pytest.mark.parametrize(
    ("rule", "losses", "end"),
    [
        (asap.Patience(2), [5, 4, 3, 2, 1], None),
        (asap.Patience(2), [5, 4, 4, 4], 4),
        (asap.Patience(1), [5, 4, 4], 3),
        (asap.Patience(2), [5, 6, 4, 5, 3, 4, 4], 7),
        (asap.Patience(3), [5, float("nan"), float("nan"), float("nan")], 4),
        (asap.Patience(1), [5, None, None, 4, None, 4], 6),
        (asap.Patience(2, min_delta=1.0), [5, 4.5, 3.9, 3.5, 3.0], 5),
        (asap.Patience(2, min_delta=1.0), [5, 4, 4.2, 1], 3),
        (asap.Patience(2, min_delta=1.0), [5, 4, 3, 2, 1, 0], None),
        (asap.Patience(2, on="training"), [3, 3, 3], 3),
    ],
)
def test_patience_counts_epochs_without_improvement(rule: asap.Patience, losses: list[float], end: int | None) -> None:
    assert first_stop(rule, losses) == end
    assert first_stop(rule, losses) == end  # nothing is left over from the first time


def test_rules_are_values() -> None:
    for rule in (asap.TargetLoss(0.1), asap.TargetAccuracy(0.9), asap.Patience(3)):
        assert pickle.loads(pickle.dumps(rule)) == rule


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: asap.TargetLoss(float("nan")), "value must be a finite number; got nan"),
        (lambda: asap.TargetLoss(0.1, on="test"), "on must be one of 'validation', 'training'; got 'test'"),
        (lambda: asap.TargetAccuracy(97), r"value must be a number in \[0, 1\]; got 97"),
        (lambda: asap.Patience(0), "epochs must be an integer ≥ 1; got 0"),
        (lambda: asap.Patience(2, min_delta=-1), "min_delta must be a finite number ≥ 0; got -1"),
    ],
)
def test_wrong_arguments_are_named(make: Callable[[], StopRule], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make()


@pytest.mark.parametrize(
    "stop",
    [asap.TargetAccuracy(0.95), asap.TargetLoss(0.2), [asap.TargetLoss(-1.0), asap.TargetLoss(0.3, on="training")]],
)
def test_a_rule_ends_the_run_at_the_epoch_that_reaches_it(
    stop: StopRule | list[StopRule], blobs: Data, make_model: MakeModel
) -> None:
    rules = stop if isinstance(stop, list) else [stop]
    for _ in range(2):  # the same objects serve the second run as the first
        run = asap.train(make_model(), blobs, workers=2, step=0.1, epochs=10**6, validation=blobs, stop=stop)
        assert run.status == "stopped"
        until = [asap.History(run.history[:end]) for end in range(1, len(run.history) + 1)]
        assert any(rule.reached(history) for rule in rules for history in until)


def test_a_rule_that_is_not_reached_lets_the_run_complete(blobs: Data, make_model: MakeModel) -> None:
    run = asap.train(make_model(), blobs, epochs=2, stop=asap.TargetLoss(-1.0, on="training"))
    assert (run.status, len(run.history)) == ("completed", 2)


def test_a_stop_asked_for_after_divergence_does_not_mask_it() -> None:
    x = np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32)
    model = asap.Sequential([asap.Dense(2)], input_shape=4, loss="mean-squared-error")
    run = asap.train(
        model, (x, x[:, :2]), workers=2, step=1e6, callbacks=lambda state: state.event == "epoch" and state.stop()
    )
    assert run.history[-1]["epoch"] < 1  # the callback was called for the last row only
    assert run.status == "diverged"
