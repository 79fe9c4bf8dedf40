"""The grammar of the command line's words: a name and values, as in ``tail:0.5:exclusive``, read and written.

Each value goes to the first argument that is left and that it fits: a number to a number, a word to a choice. A word
may have an argument for all numbers that are left, as in ``factors:1:1:4``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from typing import Any, NamedTuple

from asap import _checks

__all__ = ["Reader", "Word", "head", "make", "number", "number_or_workers", "one_of", "write"]

WORKERS = "m"
"""Where a number may be left to the number of workers."""

Reader = Callable[[str], Any]
"""Makes a value of its text; ValueError where it does not fit."""


class Word(NamedTuple):
    """What a name stands for.

    Attributes:
        kind: what is made.
        form: how the word is written, and the ranges of its values.
        values: the arguments that may be written, in their order.
        rest: the argument that takes all numbers that are left.
    """

    kind: Callable[..., Any]
    form: str
    values: Mapping[str, Reader] = {}
    rest: str | None = None


def number(text: str) -> float:
    """Read a number, a whole one as an int."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def number_or_workers(text: str) -> float | None:
    """Read a number, or m for what the number of workers decides."""
    return None if text == WORKERS else number(text)


def one_of(accepted: Iterable[str]) -> Reader:
    """Return what reads one of these words."""
    words = tuple(accepted)
    return lambda text: _checks.choice("value", text, words)


def make(name: str, text: str, words: Mapping[str, Word], **others: Any) -> Any:
    """Return what the text stands for; `others` are arguments that are not written in it."""
    first, *values = text.split(":")
    word = words[_checks.choice(name, first, words)]
    given: dict[str, Any] = {}
    for argument, reader in word.values.items():
        if values and _fits(values[0], reader):
            given[argument] = reader(values.pop(0))
    if word.rest and values and all(_fits(value, number) for value in values):
        given[word.rest], values = [number(value) for value in values], []
    if values or not given.keys() >= _required(word):
        raise ValueError(f"{name} must be {word.form}; got {text!r}")
    try:
        return word.kind(**others, **given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} {text}: {error}") from error


def write(choice: Any, words: Mapping[str, Word]) -> str | None:
    """Return the text of which `make` makes the same, without what goes without saying; None if there is no word."""
    name = next((name for name, word in words.items() if word.kind is type(choice)), None)
    if name is None:
        return None
    word = words[name]
    values = [_text(value) for value in getattr(choice, word.rest)] if word.rest else []
    for argument, reader in reversed(tuple(word.values.items())):
        value = getattr(choice, argument)
        is_default = value == signature(word.kind).parameters[argument].default
        if not is_default or (values and _fits(values[0], reader)):
            values.insert(0, _text(value))
    return ":".join([name, *values])


def head(text: str) -> tuple[str, str]:
    """Part a word with the numbers behind it from what follows."""
    parts = text.split(":")
    end = next((i for i, part in enumerate(parts) if i and not _fits(part, number)), len(parts))
    return ":".join(parts[:end]), ":".join(parts[end:])


def _fits(text: str, reader: Reader) -> bool:
    try:
        reader(text)
    except ValueError:
        return False
    return True


def _required(word: Word) -> set[str]:
    parameters = signature(word.kind).parameters
    return {argument for argument in word.values if parameters[argument].default is Parameter.empty}


def _text(value: Any) -> str:
    """Return a value as short as it can be read again, and without the + that parts a step from its correction."""
    if value is None:
        return WORKERS
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return (short if float(short) == value else repr(value)).replace("e+", "e")
