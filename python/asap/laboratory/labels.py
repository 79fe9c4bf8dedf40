"""Labels for engines, steps and laws: the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from asap import _names
from asap.corrections import Correction
from asap.steps import Online, Step

__all__ = ["Policy", "label_of", "labelled", "several"]

THREADS = "threads"
"""The label of no law: real threads."""

_TABLE = _names.ENGINES | _names.STEPS | _names.LAWS | _names.CORRECTIONS
_WORDS = {kind: word for word, (kind, _) in _TABLE.items()}


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
    """Return the command line's word for an engine, a step or a law, and what differs from its defaults."""
    if choice is None:
        return THREADS
    if isinstance(choice, Policy):
        step = label_of(choice.step)
        return step if choice.correction is None else f"{step}+{label_of(choice.correction)}"
    word = _WORDS.get(type(choice), type(choice).__name__.lower())
    changed = []
    for field in fields(choice):
        value = getattr(choice, field.name)
        if is_dataclass(value) and field.name in ("step", "law"):
            changed.append(label_of(value))
        elif isinstance(value, (str, int, float)) and field.name != "rate" and value != field.default:
            changed.append(f"{value:g}" if isinstance(value, float) else str(value))
    online = isinstance(getattr(choice, "sample", None), Online)
    return ":".join([*(["online"] if online else []), word, *changed])


def several(values: object) -> Sequence[Any]:
    """Return a list as it is, and a single choice as one."""
    return values if isinstance(values, (list, tuple)) else (values,)
