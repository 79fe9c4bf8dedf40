"""The words of the command line: what they make, that labels are read back as they were written, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asap
from asap import _laws, _names, _policies, _words, engines, laws
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


def law(word: str) -> laws.Law:
    return _laws.law("compute", word)


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("0.5", laws.Constant(0.5)),
        ("exponential:2", laws.Exponential(2.0)),
        ("log-normal:1:0.5", laws.LogNormal(1.0, 0.5)),
        ("spread:0.2:constant", laws.Heterogeneous(1.0, sigma=0.2)),
        ("factors:1:1:4:exponential:2", laws.Heterogeneous(laws.Exponential(2.0), factors=(1, 1, 4))),
        ("stragglers:2:log-normal", laws.Stragglers(laws.LogNormal(), workers=2)),
        ("stragglers:2:3.5:log-normal", laws.Stragglers(laws.LogNormal(), 3.5, workers=2)),
        ("now-and-then:1:constant:2", laws.Stragglers(laws.Constant(2.0), probability=1)),
        ("now-and-then:0.05:4:constant:2", laws.Stragglers(laws.Constant(2.0), 4, probability=0.05)),
        (
            "stragglers:1:spread:0.2:constant:3",
            laws.Stragglers(laws.Heterogeneous(laws.Constant(3.0), sigma=0.2), workers=1),
        ),
    ],
)
def test_a_word_makes_its_law(word: str, made: laws.Law) -> None:
    assert law(word) == made
    assert law(label_of(made)) == made


def _around_laws(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(laws.Heterogeneous, inner, sigma=_numbers()),
        st.builds(laws.Heterogeneous, inner, factors=st.lists(ABOVE_0, min_size=1, max_size=4)),
        st.builds(laws.Stragglers, inner, ABOVE_0, workers=WHOLE),
        st.builds(laws.Stragglers, inner, ABOVE_0, probability=_numbers(0, 1)),
    )


@given(
    st.recursive(
        st.builds(laws.Constant, _numbers())
        | st.builds(laws.Exponential, ABOVE_0)
        | st.builds(laws.LogNormal, ABOVE_0, _numbers()),
        _around_laws,
        max_leaves=3,
    )
)
def test_a_label_is_read_back_as_its_law(made: laws.Law) -> None:
    assert law(label_of(made)) == made


def test_times_come_from_a_file_with_or_without_counts(tmp_path: Path) -> None:
    file = tmp_path / "a:1"
    file.write_text("0.5\n1.5\n2\n\n")
    assert law(f"recorded:{file}") == asap.Recorded((0.5, 1.5, 2.0))
    for text in ("0.5 3\n1.5 0\n", "0.5,3\r\n1.5,  0"):
        file.write_text(text)
        assert law(f"recorded:{file}") == asap.Recorded((0.5, 1.5), (3, 0))
    assert law(f"stragglers:1:recorded:{file}") == asap.Stragglers(asap.Recorded((0.5, 1.5), (3, 0)), workers=1)


@given(st.lists(st.tuples(_numbers(), st.integers(0, 2**63 - 1)), min_size=1).filter(lambda all_: any(all_[0])))
def test_a_histogram_is_read_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, rows: Any) -> None:
    seconds, counts = zip((1.0, 1), *rows, strict=True)
    file = tmp_path_factory.getbasetemp() / "histogram"
    file.write_text("".join(f"{each!r} {count}\n" for each, count in zip(seconds, counts, strict=True)))
    assert law(f"recorded:{file}") == asap.Recorded(seconds, counts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1\nfast\n3\n", "'fast' in line 2"),
        ("1\n\n3\n", "'' in line 2"),
        ("1\n-2\n", "'-2' in line 2"),
        ("1\n2\ninf\n", "'inf' in line 3"),
        ("nan", "'nan' in line 1"),
        ("", "'' in line 1"),
    ],
)
@pytest.mark.parametrize("word", ["recorded", "table"])
def test_what_is_no_column_of_numbers_is_refused_with_its_line(
    word: str, text: str, found: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match=rf"{word}:{tmp_path}/file must name a text file with .*; got {found}"):
        (law if word == "recorded" else read)(f"{word}:{tmp_path / 'file'}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 2\n3\n", "'3' in line 2"),
        ("1\n2 3\n", "'2 3' in line 2"),
        ("1 2 3\n", "'1 2 3' in line 1"),
        ("1 2\n3 0.5\n", "'3 0.5' in line 2"),
        ("1 -1\n", "'1 -1' in line 1"),
    ],
)
def test_what_is_no_histogram_is_refused_with_its_line(text: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError, match=f"per line, or seconds and a count; got {found}"):
        law(f"recorded:{tmp_path / 'file'}")


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("spread:log-normal", r"compute must be spread:σ:LAW, σ ≥ 0; got 'spread:log-normal'"),
        ("spread:0.2", r"compute must be spread:σ:LAW, σ ≥ 0; got 'spread:0.2'"),
        ("spread:0.2:3:log-normal", r"compute must be spread:σ:LAW, σ ≥ 0; got 'spread:0.2:3'"),
        ("spread:-1:log-normal", r"compute spread:-1: sigma must be a finite number ≥ 0; got -1"),
        ("factors:log-normal", r"compute must be factors:F\[:F…\]:LAW, above 0; got 'factors:log-normal'"),
        ("factors:1:0:constant", r"compute factors:1:0: factors must be a finite number above 0; got 0"),
        ("stragglers:0.5:constant", r"compute stragglers:0.5: workers must be an integer ≥ 0; got 0.5"),
        ("stragglers:2:10", r"compute must be stragglers:N\[:FACTOR\]:LAW, N ≥ 0 workers; got 'stragglers:2:10'"),
        ("now-and-then:2:constant", r"compute now-and-then:2: probability must be a number in \[0, 1\]; got 2"),
        ("stragglers:2:slow", r"compute must be one of constant, .*, now-and-then, or a number of seconds; got 'slow'"),
        ("recorded", r"compute recorded: must name a text file with .*; got no name"),
    ],
)
def test_a_law_that_does_not_fit_is_refused_with_its_form(word: str, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        law(word)


def test_a_scale_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "scale:1"
    file.write_text("1\n0.5\n0\n")
    table = asap.Custom(RATE, (1.0, 0.5, 0.0))
    assert read(f"table:{file}") == table
    assert read(f"table:{file}", "cosine") == replace(table, rate=asap.CosineRate(RATE))
    assert read(f"clipped:0:3:table:{file}") == asap.Clipped(table, 0, 3)
    assert read(f"window:1:5:normalised:table:{file}") == asap.Normalised(table, (1, 5))
    assert _policies.policy(f"table:{file}+gap", RATE, "constant", SAMPLE) == (table, asap.GapAware())
    for word in (f"online:table:{file}", f"online:clipped:table:{file}"):
        with pytest.raises(ValueError, match=r"step online:… takes one that looks at the run"):
            read(word)


@pytest.mark.parametrize(
    ("word", "rate"),
    [
        ("constant", RATE),
        ("step:0.5:3", asap.StepRate(RATE, 0.5, 3)),
        ("step:0.5:100:updates", asap.StepRate(RATE, 0.5, 100, "updates")),
        ("cosine", asap.CosineRate(RATE)),
        ("cosine:0.01", asap.CosineRate(RATE, 0.01)),
        ("cosine:0:20", asap.CosineRate(RATE, length=20)),
        ("cosine:0.01:500:updates", asap.CosineRate(RATE, 0.01, 500, "updates")),
    ],
)
def test_a_word_makes_its_schedule(word: str, rate: asap.rates.Rate | float) -> None:
    assert read("constant", word) == asap.Constant(rate)


UNITS = st.sampled_from(asap.rates.UNITS)


@given(
    st.builds(asap.StepRate, st.just(RATE), _numbers(1e-9, 1), ABOVE_0, UNITS)
    | st.builds(asap.CosineRate, st.just(RATE), _numbers(0, RATE), st.none() | ABOVE_0, UNITS)
)
def test_a_schedule_is_read_back_as_it_was_written(rate: asap.rates.Rate) -> None:
    word = _words.write(rate, _policies.SCHEDULES)
    assert word is not None
    assert read("tail", word) == asap.TailTau(rate)


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("linear", r"schedule must be one of 'constant', 'step', 'cosine'; got 'linear'"),
        ("step", r"schedule must be step:FACTOR:EVERY\[:epochs\|:updates\], .*; got 'step'"),
        ("step:0.5", r"schedule must be step:FACTOR:EVERY.*; got 'step:0.5'"),
        ("step:2:1", r"schedule step:2:1: factor must be a number in \(0, 1\]; got 2"),
        ("step:0.5:0", r"schedule step:0.5:0: every must be a finite number above 0; got 0"),
        ("step:0.5:1:days", r"schedule must be step:.*; got 'step:0.5:1:days'"),
        ("cosine:1", r"schedule cosine:1: final must be a number in \[0, rate\]; got 1"),
        ("constant:1", r"schedule must be constant; got 'constant:1'"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_with_its_form(word: str, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        read("constant", word)
