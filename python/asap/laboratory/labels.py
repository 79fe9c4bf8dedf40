"""Labels for engines, steps and laws: the words of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, NamedTuple

from asap import _checks, _laws, _names, _policies, _words
from asap.corrections import Correction
from asap.steps import Step

__all__ = ["Policy", "label_of", "labelled", "several"]

THREADS = "threads"
"""The label of no law: real threads."""


class Policy(NamedTuple):
    """A step, and the correction that goes with it."""

    step: Step
    correction: Correction | None


def labelled(name: str, values: object, checked: Any) -> dict[str, Any]:
    """Return choices by label: a dict's own, else made from what they are."""
    if isinstance(values, Mapping):
        return {str(label): checked(value) for label, value in values.items()}
    made: dict[str, Any] = {}
    for value in map(checked, several(values)):
        label = label_of(value)
        if label in made:
            raise ValueError(f"{name} must differ, or be a dict with a label for each; got {label!r} twice")
        made[label] = value
    return made


def label_of(choice: Any) -> str:
    """Return the command line's word for an engine, a step, a correction or a law; the name of what has none."""
    if choice is None:
        return THREADS
    if isinstance(choice, Policy):
        step = label_of(choice.step)
        return step if choice.correction is None else f"{step}+{label_of(choice.correction)}"
    if not is_dataclass(choice) or isinstance(choice, type):
        raise TypeError(f"choice must be an engine, a step, a law, or None; got {_checks.shown(choice)}")
    return next((word for word in _words_for(choice) if word is not None), type(choice).__name__.lower())


def _words_for(choice: Any) -> Iterator[str | None]:
    yield _policies.write(choice)
    yield _laws.write(choice)
    for words in (_names.ENGINES, _names.CORRECTIONS):
        yield _words.write(choice, words)


def several(values: object) -> Sequence[Any]:
    """Return a list as it is, and a single choice as one."""
    return values if isinstance(values, (list, tuple)) else (values,)
