"""The words of the command line for the package's choices: name, or name:option."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from asap import _checks, corrections, engines, laws, models, steps
from asap.corrections import Correction
from asap.engines import Engine
from asap.laws import Law
from asap.models import Sequential
from asap.rates import CosineRate
from asap.steps import Step
from asap.steps.sample import Sample

Option = Callable[[str], Any] | None
Kind = TypeVar("Kind", bound=Callable[..., Any])


def _hogwild(option: str | None = None) -> engines.Hogwild:
    if option is None:
        return engines.Hogwild()
    word = _checks.choice("engine hogwild:…", option, ("in-place", "copy", "fused"))
    return engines.Hogwild(update="fused") if word == "fused" else engines.Hogwild(read=word)


ENGINES: dict[str, tuple[Callable[..., Any], Option]] = {
    "sequential": (engines.Sequential, None),
    "synchronous": (engines.Synchronous, None),
    "locked": (engines.Locked, None),
    "hogwild": (_hogwild, str),
    "leashed": (engines.Leashed, int),
    "softsync": (engines.Softsync, int),
}
STEPS: dict[str, tuple[type[Any], Option]] = {
    "constant": (steps.Constant, None),
    "inverse": (steps.Inverse, None),
    "inverse-plus-one": (steps.InversePlusOne, None),
    "power": (steps.Power, float),
    "hinge": (steps.Hinge, float),
    "exponential": (steps.Exponential, float),
    "delay-adaptive": (steps.DelayAdaptive, None),
    "threshold": (steps.Threshold, int),
    "ringmaster": (steps.Ringmaster, int),
    "fleet": (steps.FLeet, float),
    "tail": (steps.TailTau, float),
    "mind-the-step": (steps.MindTheStep, str),
}
CORRECTIONS: dict[str, tuple[type[Any], Option]] = {
    "delay": (corrections.DelayCompensated, float),
    "gap": (corrections.GapAware, float),
    "norm": (corrections.NormClipped, float),
}
MODELS: dict[str, type[Sequential]] = {"mlp": models.MLP, "cnn": models.CNN, "lenet": models.LeNet}
LAWS: dict[str, tuple[type[Any], int]] = {  # and how many numbers they take, at most
    "constant": (laws.Constant, 1),
    "exponential": (laws.Exponential, 1),
    "log-normal": (laws.LogNormal, 2),
}
SCHEDULES: dict[str, Callable[[float], float | CosineRate]] = {"constant": float, "cosine": CosineRate}

ENGINE_HELP = (
    "sequential, synchronous, locked, hogwild[:in-place|:copy|:fused], leashed[:K], K the persistence, or "
    "softsync[:n], n updates for a gradient of every worker."
)
CORRECTION_HELP = "Of gradients: none, delay[:λ], gap[:ρ] or norm:BOUND."
STEP_HELP = (
    "constant, inverse, inverse-plus-one, power[:a], hinge[:a], exponential[:β], delay-adaptive, threshold[:τ_C], "
    "ringmaster:R, fleet[:T], tail[:A], mind-the-step[:LAW], normalised:STEP, or "
    "online:STEP, which looks at the run all the time."
)

LAW_HELP = "seconds, constant:MEAN, exponential:MEAN, log-normal:MEAN:σ, or recorded:FILE with a number per line."
TEAM_HELP = "m, or how many from which virtual second on, as in 0:8,100:64."


def engine(text: str) -> Engine:
    """Return the engine that a word stands for."""
    kind, options = _parse("engine", text, ENGINES)
    made: Engine = kind(*options)
    return made


def step(text: str, rate: float, schedule: str, sample: Sample) -> Step:
    """Return the step that a word stands for, at a base rate on a schedule; `sample` is for steps that have one."""
    outer, colon, inner = text.partition(":")
    if outer == "online" and colon:
        return _online(step(inner, rate, schedule, steps.Online()), inner)
    if outer == "normalised" and colon:
        return steps.Normalised(step(inner, rate, schedule, sample), sample)
    kind, options = _parse("step", text, STEPS)
    if kind is steps.Ringmaster and not options:
        raise ValueError("step ringmaster must name its limit R, as in ringmaster:8; got 'ringmaster'")
    window = {"sample": sample} if "sample" in kind.__dataclass_fields__ else {}
    scheduled = SCHEDULES[_checks.choice("schedule", schedule, SCHEDULES)](_checks.positive("rate", rate))
    made: Step = kind(scheduled, *options, **window)
    return made


def _online(made: Step, text: str) -> Step:
    if not isinstance(getattr(made, "sample", None), steps.Online):
        raise ValueError(f"step online:… takes one that looks at the run, such as tail or normalised:…; got {text!r}")
    return made


def correction(text: str) -> Correction | None:
    """Return the correction that a word stands for."""
    if text == "none":
        return None
    kind, options = _parse("correction", text, CORRECTIONS)
    if kind is corrections.NormClipped and not options:
        raise ValueError("correction norm must name its bound, as in norm:1; got 'norm'")
    made: Correction = kind(*options)
    return made


def model(text: str, initialiser: str, seed: int) -> Callable[[Any], Sequential]:
    """Return what makes the network that a word stands for, given the data."""
    kind = MODELS[_checks.choice("model", text, MODELS)]
    return partial(kind, initialiser=_checks.choice("initialiser", initialiser, models.INITIALISERS), seed=seed)


def law(name: str, text: str) -> Law:
    """Return the law that a word stands for; a plain number is a constant."""
    word, _, option = text.partition(":")
    if word == "recorded":
        return laws.Recorded([_number(name, line) for line in Path(option).read_text().split()])
    if word not in LAWS:
        return laws.as_law(
            name, _number(name, text, f"one of {', '.join([*LAWS, 'recorded'])}, or a number of seconds")
        )
    kind, most = LAWS[word]
    options = option.split(":") if option else []
    if len(options) > most:
        raise ValueError(f"{name} {word}:… takes up to {most} numbers; got {text!r}")
    made: Law = kind(*(_number(name, each) for each in options))
    return made


def policy(text: str, rate: float, schedule: str, sample: Sample) -> Step | tuple[Step, Correction | None]:
    """Return the step that a word stands for, or with STEP+CORRECTION both."""
    word, plus, corrected = text.partition("+")
    made = step(word, rate, schedule, sample)
    return (made, correction(corrected)) if plus else made


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


def _parse(name: str, text: str, table: Mapping[str, tuple[Kind, Option]]) -> tuple[Kind, list[Any]]:
    word, colon, option = text.partition(":")
    kind, parse = table[_checks.choice(name, word, table)]
    if not colon:
        return kind, []
    if parse is None:
        raise ValueError(f"{name} {word} takes no option; got {text!r}")
    try:
        return kind, [parse(option)]
    except ValueError:
        raise ValueError(f"{name} {word}:… takes a number; got {text!r}") from None
