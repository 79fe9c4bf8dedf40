"""The words of the command line for laws of virtual time."""

from __future__ import annotations

from typing import Any

from asap import _checks, _words, laws
from asap._columns import columns
from asap._names import forms, words
from asap._words import Word, number
from asap.laws import Law

__all__ = ["LAW_HELP", "law", "laws_or_threads", "write"]

LAWS = {
    "constant": Word(laws.Constant, "constant[:MEAN]", {"mean": number}),
    "exponential": Word(laws.Exponential, "exponential[:MEAN]", {"mean": number}),
    "log-normal": Word(laws.LogNormal, "log-normal[:MEAN[:σ]]", {"mean": number, "sigma": number}),
}
AROUND = {
    "spread": Word(laws.Heterogeneous, "spread:σ:LAW, σ ≥ 0", {"sigma": number}),
    "factors": Word(laws.Heterogeneous, "factors:F[:F…]:LAW, above 0", rest="factors"),
    "stragglers": Word(
        laws.Stragglers, "stragglers:N[:FACTOR]:LAW, N ≥ 0 workers", {"workers": number, "factor": number}
    ),
    "now-and-then": Word(
        laws.Stragglers,
        "now-and-then:P[:FACTOR]:LAW, P in [0, 1]",
        {"probability": number, "factor": number},
    ),
}
"""Laws made of the law behind them, of workers that are not all alike."""

RECORDED = "recorded"

LAW_HELP = (
    f"seconds; {forms(LAWS)}; {RECORDED}:FILE, a number of seconds per line, or seconds and a count. "
    f"Around any but plain seconds, for workers that are not alike: {forms(AROUND)}."
)


def law(name: str, text: str) -> Law:
    """Return the law that a word stands for; a plain number is a constant."""
    first, _, rest = text.partition(":")
    if first == RECORDED:
        return _recorded(name, rest)
    if first in AROUND:
        return _around(name, text)
    if first in LAWS:
        made: Law = _words.make(name, text, LAWS)
        return made
    try:
        seconds = float(text)
    except ValueError:
        accepted = f"one of {', '.join([*LAWS, RECORDED, *AROUND])}, or a number of seconds"
        raise ValueError(f"{name} must be {accepted}; got {text!r}") from None
    return laws.as_law(name, seconds)


def laws_or_threads(name: str, text: str) -> dict[str, Law | None]:
    """Return the laws of a comma-separated list by their words; None for the word threads."""
    return {word: None if word == "threads" else law(name, word) for word in words(text)}


def write(choice: Any) -> str | None:
    """Return the word of a law, as `law` reads it; None where there is no word."""
    word = _words.write(choice, LAWS)
    if word is None and (outer := _words.write(choice, _as_given(choice))) is not None:
        inner = write(choice.law)
        word = None if inner is None else f"{outer}:{inner}"
    return word


def _as_given(choice: Any) -> dict[str, Word]:
    """Return the words whose arguments were given: a kind of law has a word for each way to make it."""
    return {
        name: word
        for name, word in AROUND.items()
        if all(getattr(choice, each, None) is not None for each in (*word.values, *filter(None, [word.rest])))
    }


def _around(name: str, text: str) -> Law:
    own, inner = _words.head(text)
    first, *given = own.split(":")
    if not given or not inner:
        raise ValueError(f"{name} must be {AROUND[first].form}; got {text!r}")
    made: Law = _words.make(name, own, AROUND, law=law(name, inner))
    return made


def _recorded(name: str, file: str) -> Law:
    """Return the law of the times that a file holds, in a second column with counts."""
    contents = "a number of seconds ≥ 0 per line, or seconds and a count"
    accepted = f"{name} {RECORDED}:{file} must name a text file with {contents}"
    found = columns(file, accepted, _seconds, _count)
    try:
        return laws.Recorded(*found)
    except ValueError as error:
        raise ValueError(f"{accepted}: {error}") from None


def _seconds(text: str) -> float:
    return _checks.not_negative("seconds", float(text))


def _count(text: str) -> int:
    return _checks.integer("count", int(text), 0)
