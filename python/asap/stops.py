"""Rules that end a run before its limit, judged on the history after each epoch.

Rules are plain values without memory: the same object can serve many runs.
"""

import math
from dataclasses import dataclass

from asap import _checks
from asap.history import History

__all__ = ["Patience", "StopRule", "TargetAccuracy", "TargetLoss"]

_COLUMN_OF = {"validation": "validation_loss", "training": "loss"}


@dataclass(frozen=True)
class TargetLoss:
    """Stop at the end of the first epoch whose loss is at most `value`.

    Args:
        value: the loss to reach.
        on: "validation" or "training", which loss.
    """

    value: float
    on: str = "validation"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _checks.number("value", self.value, "a finite number", lambda _: True))
        _checks.choice("on", self.on, _COLUMN_OF)

    @property
    def column(self) -> str:
        """Column of the history that the rule looks at."""
        return _COLUMN_OF[self.on]

    def reached(self, history: History) -> bool:
        """Whether the run should stop after the history's last row."""
        loss = history[-1][self.column]
        return loss is not None and loss <= self.value


@dataclass(frozen=True)
class TargetAccuracy:
    """Stop at the end of the first epoch whose validation accuracy is at least `value`.

    Args:
        value: in [0, 1].
    """

    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _checks.share("value", self.value))

    @property
    def column(self) -> str:
        """Column of the history that the rule looks at."""
        return "accuracy"

    def reached(self, history: History) -> bool:
        """Whether the run should stop after the history's last row."""
        accuracy = history[-1][self.column]
        return accuracy is not None and accuracy >= self.value


@dataclass(frozen=True)
class Patience:
    """Stop when the loss has not improved for `epochs` epochs in a row; epochs that were not evaluated do not count.

    Args:
        epochs: epochs without improvement, at least 1.
        min_delta: an epoch improves when its loss is lower by more than this than that of the last epoch that
            improved; ≥ 0.
        on: "validation" or "training", which loss.
    """

    epochs: int
    min_delta: float = 0.0
    on: str = "validation"

    def __post_init__(self) -> None:
        object.__setattr__(self, "epochs", _checks.integer("epochs", self.epochs, 1))
        object.__setattr__(self, "min_delta", _checks.not_negative("min_delta", self.min_delta))
        _checks.choice("on", self.on, _COLUMN_OF)

    @property
    def column(self) -> str:
        """Column of the history that the rule looks at."""
        return _COLUMN_OF[self.on]

    def reached(self, history: History) -> bool:
        """Whether the run should stop after the history's last row."""
        best, waited = math.inf, 0
        for loss in (row[self.column] for row in history):
            if loss is None:
                continue
            if loss < best - self.min_delta:
                best, waited = loss, 0
            else:
                waited += 1
        return waited >= self.epochs


StopRule = TargetLoss | TargetAccuracy | Patience
"""Any rule."""
