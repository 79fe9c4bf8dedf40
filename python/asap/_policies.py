"""The words of the command line for steps, the schedules of their rates, and steps with corrections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from asap import _checks, _words, rates, steps
from asap._columns import columns
from asap._names import correction, forms
from asap._words import Word, number, number_or_workers, one_of
from asap.corrections import Correction
from asap.staleness import FORMS
from asap.steps import Step
from asap.steps.instance_based import LAWS
from asap.steps.sample import SAMPLE, Sample, checked

__all__ = ["SCHEDULE_HELP", "STEP_HELP", "policy", "step", "write"]

STEPS = {
    "constant": Word(steps.Constant, "constant"),
    "inverse": Word(steps.Inverse, "inverse"),
    "inverse-plus-one": Word(steps.InversePlusOne, "inverse-plus-one"),
    "power": Word(steps.Power, "power[:a], a ≥ 0", {"exponent": number}),
    "hinge": Word(steps.Hinge, "hinge[:a[:b]], a and b ≥ 0", {"slope": number, "grace": number}),
    "exponential": Word(steps.Exponential, "exponential[:β], β ≥ 0", {"decay": number}),
    "delay-adaptive": Word(steps.DelayAdaptive, "delay-adaptive"),
    "threshold": Word(
        steps.Threshold,
        "threshold[:τ_C|:m][:L], τ_C ≥ 0 and L > 0",
        {"critical": number_or_workers, "smoothness": number},
    ),
    "ringmaster": Word(steps.Ringmaster, "ringmaster:R, R ≥ 1", {"limit": number}),
    "fleet": Word(steps.FLeet, "fleet[:T], T > 0", {"threshold": number}),
    "tail": Word(
        steps.TailTau, f"tail[:A][{'|'.join(f':{form}' for form in FORMS)}], A in [0, 1]",
        {"amplitude": number, "cdf": one_of(FORMS)},
    ),
    "mind-the-step": Word(
        steps.MindTheStep, f"mind-the-step[{'|'.join(f':{law}' for law in LAWS)}][:CAP[:LAST]], CAP > 0 and LAST ≥ 0",
        {"law": one_of(LAWS), "cap": number, "last": number},
    ),
}  # fmt: skip
TABLE = "table"
"""A scale of the user's own, C(0), C(1), … in a file."""

AROUND = {
    "normalised": Word(steps.Normalised, "normalised:STEP"),
    "clipped": Word(steps.Clipped, "clipped[:LEAST[:MOST]]:STEP, 0 ≤ LEAST ≤ MOST", {"least": number, "most": number}),
}
"""Steps made of the step behind them."""

SAMPLES = {
    "online": Word(
        steps.Online, "online[:EVERY[:HALF-LIFE]]:STEP, updates per worker", {"every": number, "half_life": number}
    ),
    "window": Word(
        lambda first, last: checked((first, last)),
        "window:FIRST:LAST:STEP, updates per worker",
        {"first": number, "last": number},
    ),
}
"""Where the step behind them looks at the run."""

SCHEDULES = {
    "constant": Word(lambda rate: rate, "constant"),
    "step": Word(
        rates.StepRate,
        "step:FACTOR:EVERY[:epochs|:updates], FACTOR in (0, 1] and EVERY > 0",
        {"factor": number, "every": number, "unit": one_of(rates.UNITS)},
    ),
    "cosine": Word(
        rates.CosineRate,
        "cosine[:FINAL[:LENGTH]][:epochs|:updates], FINAL ≥ 0 and LENGTH > 0",
        {"final": number, "length": number, "unit": one_of(rates.UNITS)},
    ),
}

STEP_HELP = (
    f"{forms(STEPS)}; {TABLE}:FILE, C(0), C(1), … a line each. Around any: {forms(AROUND)}. "
    f"Around one that looks at the run, to say when: {forms(SAMPLES)}."
)
SCHEDULE_HELP = f"Of the base rate: {forms(SCHEDULES)}. In epochs, and a cosine over the whole run, unless it says."


def step(text: str, rate: float, schedule: str, sample: Sample) -> Step:
    """Return the step that a word stands for, at a base rate on a schedule; `sample` is for steps that have one."""
    first = _checks.choice("step", text.partition(":")[0], [*STEPS, TABLE, *AROUND, *SAMPLES])
    if first in SAMPLES:
        own, inner = _parted(text, SAMPLES)
        return _looking(step(inner, rate, schedule, _words.make("step", own, SAMPLES)), text)
    if first in AROUND:
        own, inner = _parted(text, AROUND)
        others: dict[str, Any] = _sampled(AROUND[first], sample)
        made: Step = _words.make("step", own, AROUND, step=step(inner, rate, schedule, sample), **others)
        return made
    scheduled = _words.make("schedule", schedule, SCHEDULES, rate=_checks.positive("rate", rate))
    if first == TABLE:
        return steps.Custom(scheduled, _scale(text))
    made = _words.make("step", text, STEPS, rate=scheduled, **_sampled(STEPS[first], sample))
    return made


def policy(text: str, rate: float, schedule: str, sample: Sample) -> Step | tuple[Step, Correction | None]:
    """Return the step that a word stands for, or with STEP+CORRECTION both."""
    word, plus, corrected = text.partition("+")
    made = step(word, rate, schedule, sample)
    return (made, correction(corrected)) if plus else made


def write(choice: Any, sample: Sample = SAMPLE) -> str | None:
    """Return the word of a step, as `step` reads it with this sample; None where there is no word."""
    own = getattr(choice, "sample", None) or sample
    word = _words.write(choice, STEPS)
    if word is None and (outer := _words.write(choice, AROUND)) is not None:
        inner = write(choice.step, own)
        word = None if inner is None else f"{outer}:{inner}"
    return word if word is None or own == sample else f"{_write_sample(own)}:{word}"


def _write_sample(sample: Sample) -> str | None:
    if isinstance(sample, steps.Online):
        return _words.write(sample, SAMPLES)
    return f"window:{sample[0]}:{sample[1]}"


def _scale(text: str) -> tuple[float, ...]:
    """Return the scale that a file holds."""
    accepted = f"step {text} must name a text file with C(0), C(1), … a line each, finite numbers ≥ 0"
    (scale,) = columns(text.partition(":")[2], accepted, lambda entry: _checks.not_negative("C", float(entry)))
    return scale


def _parted(text: str, words: Mapping[str, Word]) -> tuple[str, str]:
    own, inner = _words.head(text)
    if not inner:
        raise ValueError(f"step must be {words[text.partition(':')[0]].form}; got {text!r}")
    return own, inner


def _sampled(word: Word, sample: Sample) -> dict[str, Sample]:
    return {"sample": sample} if any(field.name == "sample" for field in fields(word.kind)) else {}  # type: ignore[arg-type]


def _looking(made: Step, text: str) -> Step:
    """Refuse a step that looks at nothing, nor does the one in it."""
    inner: Any = made
    while getattr(inner, "sample", None) is None:
        if not hasattr(inner, "step"):
            word = text.partition(":")[0]
            raise ValueError(
                f"step {word}:… takes one that looks at the run, such as tail or normalised:…; got {text!r}"
            )
        inner = inner.step
    return made
