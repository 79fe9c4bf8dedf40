"""Checks of arguments: each error names the argument, what was given and what is accepted."""

import math
import os
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def integer(name: str, value: object, minimum: int, maximum: int = 2**63 - 1) -> int:
    """Return `value` as an int; TypeError unless integral, ValueError below `minimum` or above `maximum`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer ≥ {minimum}; got {shown(value)}")
    number = int(value)
    if number < minimum:
        raise ValueError(f"{name} must be an integer ≥ {minimum}; got {number}")
    if number > maximum:
        raise ValueError(f"{name} must be an integer ≤ {maximum}; got {number}")
    return number


def number(name: str, value: object, accepted: str, holds: Callable[[float], bool]) -> float:
    """Return `value` as a float; TypeError unless real, ValueError when not finite or outside `accepted`."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {accepted}; got {shown(value)}")
    if not (math.isfinite(value) and holds(float(value))):
        raise ValueError(f"{name} must be {accepted}; got {value}")
    return float(value)


def positive(name: str, value: object) -> float:
    """Return `value` as a finite float above 0."""
    return number(name, value, "a finite number above 0", lambda x: x > 0.0)


def not_negative(name: str, value: object) -> float:
    """Return `value` as a finite float of at least 0."""
    return number(name, value, "a finite number ≥ 0", lambda x: x >= 0.0)


def share(name: str, value: object) -> float:
    """Return `value` as a float in [0, 1]."""
    return number(name, value, "a number in [0, 1]", lambda x: 0.0 <= x <= 1.0)


def choice(name: str, value: object, accepted: Iterable[str]) -> str:
    """Return `value` when it is one of the accepted words; TypeError unless it is a word at all."""
    words = list(accepted)
    message = f"{name} must be one of {', '.join(map(repr, words))}; got {shown(value)}"
    if not isinstance(value, str):
        raise TypeError(message)
    if value not in words:
        raise ValueError(message)
    return value


def text(name: str, value: object) -> str:
    """Return `value` when it is a string."""
    return instance(name, value, str, "a string")


def path(name: str, value: object, accepted: str = "the name of a file") -> str:
    """Return `value` as a string; TypeError unless it is one or an os.PathLike of one, ValueError when it is empty."""
    found = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(found, str):
        raise TypeError(f"{name} must be {accepted}; got {shown(value)}")
    if not found:
        raise ValueError(f"{name} must be {accepted}; got {shown(value)}")
    return found


def flag(name: str, value: object) -> bool:
    """Return `value` when it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {shown(value)}")
    return bool(value)


def flag_or_none(name: str, value: object) -> bool | None:
    """Return `value` when it is True, False or None."""
    if value is not None and not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True, False or None; got {shown(value)}")
    return None if value is None else bool(value)


def instance(name: str, value: object, kinds: type[T] | tuple[type[Any], ...], accepted: str) -> T:
    """Return `value` when it is of one of the kinds; a class in place of an instance is told to add ()."""
    if isinstance(value, kinds):
        return value
    if isinstance(value, type) and issubclass(value, kinds):
        raise TypeError(f"{name} must be {accepted}; got the class {value.__name__}: add (), as in {value.__name__}()")
    raise TypeError(f"{name} must be {accepted}; got {shown(value)}")


def shown(value: object) -> str:
    """Describe a value of the wrong kind for an error message, briefly."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = repr(value)
    return f"{text} ({type(value).__name__})" if len(text) <= 60 else f"a {type(value).__name__}"
