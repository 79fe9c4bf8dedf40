"""The words of the command line for the package's choices; those for steps are in `_policies`, for laws in `_laws`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from asap import _checks, corrections, engines, models
from asap._words import Word, make, number, number_or_workers, one_of
from asap.corrections import Correction
from asap.engines import Engine
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


def forms(words: Mapping[str, Word]) -> str:
    """Return how words are written, as help has it."""
    return "; ".join(word.form for word in words.values())


ENGINE_HELP = f"{forms(ENGINES)}."
CORRECTION_HELP = f"Of gradients: none; {forms(CORRECTIONS)}."
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


def team(text: str) -> int | dict[float, int]:
    """Return the number of workers, or those of later moments, too."""
    changes = [word.partition(":") for word in words(text)]
    if len(changes) == 1 and not changes[0][1]:
        return numbers("workers", text, 1)[0]
    if not all(colon for _, colon, _ in changes):
        raise ValueError(f"workers must be {TEAM_HELP[:-1]}; got {text!r}")
    return {_number("workers", seconds): numbers("workers", count, 1)[0] for seconds, _, count in changes}


def sizes(text: str) -> list[int]:
    """Return a comma-separated list of numbers of workers, each of which holds for a whole run."""
    if ":" in text:
        accepted = "integers separated by commas, as each is compared; one that changes is for asap simulate"
        raise ValueError(f"workers must be {accepted}; got {text!r}")
    return numbers("workers", text, 1)


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
