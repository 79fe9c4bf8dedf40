"""The words of the command line: what they make, that labels are read back as they were written, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asap
from asap import _names, _policies, engines
from asap.laboratory import label_of
from asap.steps.sample import SAMPLE

RATE = 0.1


def read(word: str, schedule: str = "constant", sample: asap.steps.sample.Sample = SAMPLE) -> asap.steps.Step:
    return _policies.step(word, RATE, schedule, sample)


@pytest.mark.parametrize(
    ("word", "engine"),
    [
        ("sequential", engines.Sequential()),
        ("synchronous", asap.Synchronous()),
        ("locked", asap.Locked()),
        ("hogwild", asap.Hogwild()),
        ("hogwild:copy", asap.Hogwild(read="copy")),
        ("hogwild:fused", asap.Hogwild(update="fused")),
        ("hogwild:in-place:fused", asap.Hogwild(read="in-place", update="fused")),
        ("leashed", asap.Leashed()),
        ("leashed:3", asap.Leashed(3)),
        ("leashed:copy", asap.Leashed(read="copy")),
        ("leashed:0:copy", asap.Leashed(0, read="copy")),
        ("softsync", asap.Softsync()),
        ("softsync:4", asap.Softsync(4)),
    ],
)
def test_a_word_makes_its_engine_and_is_its_label(word: str, engine: asap.engines.Engine) -> None:
    assert _names.engine(word) == engine
    assert label_of(engine) == word


@pytest.mark.parametrize(
    ("word", "step"),
    [
        ("constant", asap.Constant(RATE)),
        ("inverse", asap.Inverse(RATE)),
        ("inverse-plus-one", asap.InversePlusOne(RATE)),
        ("power:2", asap.Power(RATE, 2)),
        ("hinge", asap.Hinge(RATE)),
        ("hinge:10:2", asap.Hinge(RATE, grace=2)),
        ("exponential:0.5", asap.Exponential(RATE, 0.5)),
        ("delay-adaptive", asap.DelayAdaptive(RATE)),
        ("threshold:3", asap.Threshold(RATE, 3)),
        ("threshold:3:2", asap.Threshold(RATE, 3, 2)),
        ("threshold:m:2", asap.Threshold(RATE, smoothness=2)),
        ("ringmaster:4", asap.Ringmaster(RATE, 4)),
        ("fleet:9", asap.FLeet(RATE, threshold=9)),
        ("tail:0.5", asap.TailTau(RATE, 0.5)),
        ("tail:exclusive", asap.TailTau(RATE, cdf="exclusive")),
        ("tail:0.5:inclusive", asap.TailTau(RATE, 0.5, "inclusive")),
        ("mind-the-step:poisson", asap.MindTheStep(RATE, "poisson")),
        ("mind-the-step:3", asap.MindTheStep(RATE, cap=3)),
        ("mind-the-step:poisson:3:80", asap.MindTheStep(RATE, "poisson", 3, 80)),
        ("normalised:power:2", asap.Normalised(asap.Power(RATE, 2))),
        ("clipped:inverse", asap.Clipped(asap.Inverse(RATE))),
        ("clipped:0:3:power:2", asap.Clipped(asap.Power(RATE, 2), most=3)),
        ("clipped:normalised:inverse", asap.Clipped(asap.Normalised(asap.Inverse(RATE)))),
        ("online:tail", asap.TailTau(RATE, sample=asap.Online())),
        ("online:20:40:tail:0.5", asap.TailTau(RATE, 0.5, sample=asap.Online(20, 40))),
        ("window:1:5:tail", asap.TailTau(RATE, sample=(1, 5))),
        ("online:clipped:tail", asap.Clipped(asap.TailTau(RATE, sample=asap.Online()))),
    ],
)
def test_a_word_makes_its_step(word: str, step: asap.steps.Step) -> None:
    assert read(word) == step
    assert read(label_of(step)) == step


def test_words_take_the_schedule_and_the_window_of_the_options() -> None:
    assert read("tail", "cosine", (1, 2)) == asap.TailTau(asap.CosineRate(RATE), sample=(1, 2))
    assert read("normalised:power:2", "cosine", (1, 2)) == asap.Normalised(
        asap.Power(asap.CosineRate(RATE), 2.0), sample=(1, 2)
    )


def _numbers(least: float = 0.0, most: float = 1e30) -> st.SearchStrategy[float]:
    return st.floats(least, most, allow_nan=False)


ABOVE_0 = _numbers(1e-30)
WHOLE = st.integers(0, 10**9)
WINDOWS = st.tuples(st.integers(0, 99), st.integers(100, 999))
OFTEN = _numbers(1e-3, 1e6)
SAMPLES = st.just(SAMPLE) | WINDOWS | st.builds(asap.Online, OFTEN, OFTEN)
RATED: dict[type[Any], dict[str, st.SearchStrategy[Any]]] = {
    asap.Constant: {},
    asap.Inverse: {},
    asap.InversePlusOne: {},
    asap.Power: {"exponent": _numbers()},
    asap.Hinge: {"slope": _numbers(), "grace": WHOLE},
    asap.Exponential: {"decay": _numbers()},
    asap.DelayAdaptive: {},
    asap.Threshold: {"critical": st.none() | WHOLE, "smoothness": st.none() | ABOVE_0},
    asap.Ringmaster: {"limit": st.integers(1, 10**9)},
    asap.FLeet: {"threshold": st.none() | ABOVE_0, "sample": SAMPLES},
    asap.TailTau: {
        "amplitude": _numbers(0, 1),
        "cdf": st.sampled_from(["mid", "inclusive", "exclusive"]),
        "sample": SAMPLES,
    },
    asap.MindTheStep: {
        "law": st.sampled_from(["geometric", "poisson", "conway-maxwell-poisson"]),
        "cap": ABOVE_0,
        "last": WHOLE,
        "sample": SAMPLES,
    },
}


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    normalised = st.builds(asap.Normalised, inner, SAMPLES)
    return normalised | st.builds(asap.Clipped, inner, _numbers(0, 5), _numbers(5, 1e30))


STEPS = st.recursive(
    st.one_of(*(st.builds(kind, st.just(RATE), **values) for kind, values in RATED.items())), _around, max_leaves=3
)
CORRECTIONS = st.one_of(
    st.builds(asap.DelayCompensated, _numbers()),
    st.builds(asap.GapAware, _numbers(0, 0.999)),
    st.builds(asap.NormClipped, ABOVE_0),
)


def test_the_property_below_is_about_every_step_that_has_a_word() -> None:
    assert {*RATED, asap.Normalised, asap.Clipped, asap.steps.Custom} == set(asap.steps.Step.__args__)


@given(STEPS)
def test_a_label_is_read_back_as_its_step(step: asap.steps.Step) -> None:
    assert read(label_of(step)) == step


@given(STEPS, CORRECTIONS)
def test_a_label_is_read_back_as_its_step_and_correction(
    step: asap.steps.Step, correction: asap.corrections.Correction
) -> None:
    word = f"{label_of(step)}+{label_of(correction)}"
    assert _policies.policy(word, RATE, "constant", SAMPLE) == (step, correction)


def test_labels_tell_steps_apart_that_differ_in_anything_but_the_rate() -> None:
    step = asap.TailTau(RATE)
    others = [replace(step, amplitude=0.5), replace(step, cdf="inclusive"), replace(step, sample=(1, 5))]
    assert len({label_of(each) for each in [step, *others]}) == 4
    assert label_of(replace(step, rate=0.5)) == label_of(step)


def test_what_has_no_word_is_labelled_by_its_kind() -> None:
    assert label_of(asap.steps.Custom(RATE, [1.0, 0.5])) == "custom"
    assert label_of(asap.laws.Recorded((1.0, 2.0))) == "recorded"


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("tail:fast", r"step must be tail\[:A\]\[:mid\|:inclusive\|:exclusive\], A in \[0, 1\]; got 'tail:fast'"),
        ("tail:", r"A in \[0, 1\]; got 'tail:'"),
        ("tail:2", r"step tail:2: amplitude must be a number in \[0, 1\]; got 2"),
        ("hinge:1:2:3", r"step must be hinge\[:a\[:b\]\], a and b ≥ 0; got 'hinge:1:2:3'"),
        ("threshold:2.5", r"step threshold:2.5: critical must be an integer ≥ 0; got 2.5"),
        ("ringmaster", r"step must be ringmaster:R, R ≥ 1; got 'ringmaster'"),
        ("clipped:0:3", r"step must be clipped\[:LEAST\[:MOST\]\]:STEP, .*; got 'clipped:0:3'"),
        ("clipped:3:1:inverse", r"step clipped:3:1: most must be"),
        ("normalised", r"step must be normalised:STEP; got 'normalised'"),
        ("normalised:slow", r"step must be one of 'constant', .*; got 'slow'"),
        ("online:inverse", r"step online:… takes one that looks at the run, .*; got 'online:inverse'"),
        ("window:5:tail", r"step must be window:FIRST:LAST:STEP, .*; got 'window:5'"),
    ],
)
def test_a_word_that_does_not_fit_is_refused_with_its_form(word: str, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        read(word)


def test_a_word_makes_its_correction() -> None:
    assert _names.correction("none") is None
    assert _names.correction("delay") == asap.DelayCompensated()
    assert _names.correction("delay:0.5") == asap.DelayCompensated(0.5)
    assert _names.correction("gap:0.5") == asap.GapAware(0.5)
    assert _names.correction("norm:2") == asap.NormClipped(2.0)
    with pytest.raises(ValueError, match="correction must be norm:BOUND, above 0; got 'norm'"):
        _names.correction("norm")


def test_times_are_words_numbers_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "times").write_text("0.5\n1.5 2\n")

    def make(word: str) -> asap.laws.Law:
        return _names.law("compute", word)

    assert make(f"recorded:{tmp_path / 'times'}") == asap.Recorded((0.5, 1.5, 2.0))
    assert make("0.5") == asap.laws.Constant(0.5)
    assert make("exponential:2") == asap.laws.Exponential(2.0)
    assert label_of(make("log-normal:1:0.5")) == "log-normal:1:0.5"
