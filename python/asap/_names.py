"""The words of the command line for the package's choices; those for steps are in `_policies`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from asap import _checks, corrections, engines, laws, models
from asap._words import Word, make, number, number_or_workers, one_of
from asap.corrections import Correction
from asap.engines import Engine
from asap.laws import Law
from asap.models import Sequential

ENGINES = {
    "sequential": Word(engines.Sequential, "sequential"),
    "synchronous": Word(engines.Synchronous, "synchronous"),
    "locked": Word(engines.Locked, "locked"),
    "hogwild": Word(
        engines.Hogwild,
        "hogwild[:in-place|:copy][:fused]",
        {"read": one_of(("auto", "in-place", "copy")), "update": one_of(("buffered", "fused"))},
    ),
    "leashed": Word(
        engines.Leashed,
        "leashed[:K][:in-place|:copy], K ≥ 0 the persistence",
        {"persistence": number, "read": one_of(("auto", "in-place", "copy"))},
    ),
    "softsync": Word(
        engines.Softsync, "softsync[:n], n ≥ 1 updates for a gradient of every worker", {"n": number_or_workers}
    ),
}
CORRECTIONS = {
    "delay": Word(corrections.DelayCompensated, "delay[:λ], λ ≥ 0", {"strength": number}),
    "gap": Word(corrections.GapAware, "gap[:ρ], ρ in [0, 1)", {"memory": number}),
    "norm": Word(corrections.NormClipped, "norm:BOUND, above 0", {"bound": number}),
}
MODELS: dict[str, type[Sequential]] = {"mlp": models.MLP, "cnn": models.CNN, "lenet": models.LeNet}
LAWS = {
    "constant": Word(laws.Constant, "constant[:MEAN]", {"mean": number}),
    "exponential": Word(laws.Exponential, "exponential[:MEAN]", {"mean": number}),
    "log-normal": Word(laws.LogNormal, "log-normal[:MEAN[:σ]]", {"mean": number, "sigma": number}),
}


def forms(words: Mapping[str, Word]) -> str:
    """Return how words are written, as help has it."""
    return "; ".join(word.form for word in words.values())


ENGINE_HELP = f"{forms(ENGINES)}."
CORRECTION_HELP = f"Of gradients: none; {forms(CORRECTIONS)}."
LAW_HELP = "seconds, constant:MEAN, exponential:MEAN, log-normal:MEAN:σ, or recorded:FILE with a number per line."
TEAM_HELP = "m, or how many from which virtual second on, as in 0:8,100:64."


def engine(text: str) -> Engine:
    """Return the engine that a word stands for."""
    made: Engine = make("engine", text, ENGINES)
    return made


def correction(text: str) -> Correction | None:
    """Return the correction that a word stands for."""
    made: Correction | None = None if text == "none" else make("correction", text, CORRECTIONS)
    return made


def model(text: str, initialiser: str, seed: int) -> Callable[[Any], Sequential]:
    """Return what makes the network that a word stands for, given the data."""
    kind = MODELS[_checks.choice("model", text, MODELS)]
    return partial(kind, initialiser=_checks.choice("initialiser", initialiser, models.INITIALISERS), seed=seed)


def law(name: str, text: str) -> Law:
    """Return the law that a word stands for; a plain number is a constant."""
    word, _, place = text.partition(":")
    if word == "recorded":
        return _recorded(name, place)
    if word not in LAWS:
        return laws.as_law(
            name, _number(name, text, f"one of {', '.join([*LAWS, 'recorded'])}, or a number of seconds")
        )
    made: Law = make(name, text, LAWS)
    return made


def _recorded(name: str, file: str) -> Law:
    """Return the law of the times that a file holds."""
    accepted = f"{name} recorded:{file} must name a text file with a number of seconds per line"
    try:
        lines = Path(file).read_text(encoding="utf-8").split()
    except UnicodeDecodeError as error:
        found = f"the byte 0x{error.object[error.start]:02x} at position {error.start}, which is no UTF-8"
        raise ValueError(f"{accepted}; got {found}") from None
    try:
        return laws.Recorded([_number("each", line) for line in lines])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{accepted}: {error}") from None


def laws_or_threads(name: str, text: str) -> dict[str, Law | None]:
    """Return the laws of a comma-separated list by their words; None for the word threads."""
    return {word: None if word == "threads" else law(name, word) for word in words(text)}


def team(text: str) -> int | dict[float, int]:
    """Return the number of workers, or those of later moments, too."""
    changes = [word.partition(":") for word in words(text)]
    if len(changes) == 1 and not changes[0][1]:
        return numbers("workers", text, 1)[0]
    if not all(colon for _, colon, _ in changes):
        raise ValueError(f"workers must be {TEAM_HELP[:-1]}; got {text!r}")
    return {_number("workers", seconds): numbers("workers", count, 1)[0] for seconds, _, count in changes}


def words(text: str) -> list[str]:
    """Split a list as the command line takes it: separated by commas."""
    return [word.strip() for word in text.split(",")]


def numbers(name: str, text: str, minimum: int) -> list[int]:
    """Return a comma-separated list of integers."""
    try:
        values = [int(word) for word in words(text)]
    except ValueError:
        raise ValueError(f"{name} must be integers separated by commas; got {text!r}") from None
    return [_checks.integer(name, value, minimum) for value in values]


def reals(name: str, text: str) -> list[float]:
    """Return a comma-separated list of numbers above 0."""
    try:
        values = [float(word) for word in words(text)]
    except ValueError:
        raise ValueError(f"{name} must be numbers separated by commas; got {text!r}") from None
    return [_checks.positive(name, value) for value in values]


def _number(name: str, text: str, accepted: str = "a number") -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be {accepted}; got {text!r}") from None
