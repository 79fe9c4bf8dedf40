"""The laboratory's figures: what is drawn is what the outcomes say, taken from them by other means."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from laboratory_outcomes import INITIAL, again_at, case, crash, losses, outcome

from asap.laboratory import LEVELS, Outcome

pytest.importorskip("matplotlib", reason="needs the extra plot")
from matplotlib.colors import to_rgb

from asap.laboratory.figures import convergence, curves, endings, equal_steps, rates, staleness
from asap.laboratory.figures.along import EPOCHS, UPDATES, Along, clocks
from asap.laboratory.figures.style import Look

ENGINES, STEPS, WORKERS, SEEDS, LENGTH = ("locked", "leashed"), ("constant", "tail", "fleet"), (2, 8), 4, 400
UNITS = {"updates": 1, "seconds": 1000, "epoch": 100}
(SECONDS,) = (along for along, _ in clocks([outcome()]))
TABLES = {"constant": (1.0,), "tail": (1.75, 0.5, 0.25, 0.0), "fleet": (1.0, 0.8)}
COUNTS = {"constant": (5, 60, 35), "tail": (10, 20, 30, 40), "fleet": (0, 1, 0, 0, 1)}


def decay(engine: str, step: str, workers: int, seed: int) -> float:
    """Of the loss INITIAL · e^(−decay · updates): another one in every case, and too small for ε = 0.025 in some."""
    number = (ENGINES.index(engine) * len(STEPS) + STEPS.index(step)) * len(WORKERS) + WORKERS.index(workers)
    return 0.004 * 1.12**number * (1 + 0.07 * ((seed + number) % SEEDS))


def effective(step: str, workers: int, seed: int) -> float:
    return 0.05 / (1 + STEPS.index(step)) / workers * (1 + 0.1 * seed * seed)


@pytest.fixture(scope="module")
def made() -> list[Outcome]:
    return [
        outcome(
            case(engine, step, workers, seed=seed),
            rows=losses(decay(engine, step, workers, seed), every=1),
            effective_step=effective(step, workers, seed),
            table=TABLES[step],
            counts=COUNTS[step],
        )
        for engine in ENGINES
        for step in STEPS
        for workers in WORKERS
        for seed in range(SEEDS)
    ]


def ways(engine: str, step: str, workers: int, level: float, along: str = "updates") -> list[float]:
    """Where each seed's curve meets ε, by its closed form; without those that do not until the run ends."""
    updates = [-math.log(level) / decay(engine, step, workers, seed) for seed in range(SEEDS)]
    return [each / UNITS[along] for each in updates if each <= LENGTH]


def median_way(*of: Any) -> float | None:
    """The median over all seeds, of which those that do not arrive come last; None where it is one of them."""
    found = ways(*of)
    value = statistics.median(found + [math.inf] * (SEEDS - len(found)))
    return None if math.isinf(value) else value


def cell_of(title: str) -> tuple[str, int]:
    engine, _, workers = title.partition(", m = ")
    return engine, int(workers)


def title_of(axes: Any) -> str:
    return str(axes.get_title(loc="left"))


def drawn_in(artists: Sequence[Any], colour: str, **properties: Any) -> list[Any]:
    """Those of this colour and with these properties."""
    return [
        each
        for each in artists
        if to_rgb(each.get_edgecolor() if hasattr(each, "get_edgecolor") else each.get_color()) == to_rgb(colour)
        and all(getattr(each, f"get_{name}")() == value for name, value in properties.items())
    ]


def brightness(colour: Any) -> float:
    return float(np.dot((0.2126, 0.7152, 0.0722), to_rgb(colour)))


# --- the way to ε


@pytest.mark.parametrize("along", [SECONDS, UPDATES], ids=lambda along: along.name)
def test_a_heat_map_has_the_medians_in_its_cells_and_is_darker_where_they_are_smaller(
    along: Along, made: list[Outcome]
) -> None:
    found: dict[float, float] = {}
    crosses = 0
    for axes in convergence.heat_map(made, 0.1, along).axes:
        assert len(axes.texts) == len(axes.patches) == len(STEPS) * len(WORKERS)
        names = [[label.get_text() for label in labels] for labels in (axes.get_xticklabels(), axes.get_yticklabels())]
        for text, cell in zip(axes.texts, axes.patches, strict=True):
            x, y = text.get_position()
            assert (cell.get_xy()[:-1].mean(axis=0) == (x, y)).all()
            median = median_way(title_of(axes), names[0][x], int(names[1][y]), 0.1, along.column)
            if median is None:
                crosses += text.get_text() == "×"
            else:
                assert float(text.get_text().replace(",", "")) == pytest.approx(median, rel=6e-3)
                found[median] = brightness(cell.get_facecolor())
    assert (len(found), crosses) == (9, 3)
    assert [found[time] for time in sorted(found)] == sorted(found.values())
    assert len(set(found.values())) == len(found)


def test_cells_that_hardly_differ_look_alike() -> None:
    def contrast(factor: float) -> float:
        made = [outcome(case(step=s), rows=losses(c, every=1)) for s, c in (("tail", 0.01), ("fleet", 0.01 * factor))]
        (axes,) = convergence.heat_map(made, 0.1, UPDATES).axes
        return abs(brightness(axes.patches[0].get_facecolor()) - brightness(axes.patches[1].get_facecolor()))

    assert 0 < contrast(1.05) < 0.1 * contrast(2.0)
    assert contrast(2.0) == pytest.approx(contrast(4.0), rel=1e-2)


@pytest.mark.parametrize("along", [SECONDS, UPDATES, EPOCHS], ids=lambda along: along.name)
def test_boxes_span_the_quartiles_with_the_median_and_every_run_on_it(along: Along, made: list[Outcome]) -> None:
    look = Look.of(made)
    for axes in convergence.boxes(made, look, along).axes:
        engine, workers = cell_of(title_of(axes))
        for step in STEPS:
            colour, number = look.colours[step], 0
            boxes = drawn_in(axes.patches, colour)
            medians = drawn_in(axes.lines, colour, linewidth=1.6)
            whiskers = [each for each in drawn_in(axes.lines, colour, linewidth=0.8) if np.ptp(each.get_xdata()) == 0]
            (points,) = drawn_in(axes.lines, colour, marker=".")
            for place, level in enumerate(LEVELS):
                values = ways(engine, step, workers, level, along.column)
                assert sum(text.get_text() == f"{len(values)}/{SEEDS}" for text in texts_at(axes, place, colour)) == (
                    len(values) < SEEDS
                )
                if not values:
                    continue
                least, low, median, high, most = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
                corners = boxes[number].get_path().vertices
                assert np.round(corners[:, 0].mean()) == place
                assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx((low, high), rel=1e-4)
                assert medians[number].get_ydata() == pytest.approx([median] * 2, rel=1e-4)
                ends = [each.get_ydata()[1] for each in whiskers[2 * number : 2 * number + 2]]
                assert ends == pytest.approx([least, most], rel=1e-4)
                here = points.get_ydata()[np.round(points.get_xdata()) == place]
                assert sorted(here) == pytest.approx(sorted(values), rel=1e-4)
                number += 1
            assert len(boxes) == len(medians) == number


def texts_at(axes: Any, place: int, colour: str) -> list[Any]:
    return [each for each in drawn_in(axes.texts, colour) if round(each.get_position()[0]) == place]


def test_lines_over_the_rates_go_through_the_medians() -> None:
    made = [
        outcome(case(step=step, rate=rate, seed=seed), rows=losses(0.2 * rate * (1 + 0.1 * seed) * factor, every=1))
        for step, factor in (("constant", 1.0), ("tail", 1.3))
        for rate in (0.1, 0.04, 0.2)
        for seed in range(3)
    ]
    look = Look.of(made)
    (axes,) = rates.draw(made, look, 0.1).axes
    for step, factor in (("constant", 1.0), ("tail", 1.3)):
        (line,) = drawn_in(axes.lines, look.colours[step], marker=look.markers["leashed"])
        assert line.get_xdata().tolist() == [0.04, 0.1, 0.2]
        assert line.get_ydata() == pytest.approx([-math.log(0.1) / (0.22 * r * factor) for r in (0.04, 0.1, 0.2)], 1e-3)


# --- curves


@pytest.mark.parametrize("along", [SECONDS, UPDATES], ids=lambda along: along.name)
def test_curves_are_the_medians_and_bands_the_quartiles(along: Along, made: list[Outcome]) -> None:
    look = Look.of(made)
    for axes in curves.draw(made, look, along).axes:
        engine, workers = cell_of(title_of(axes))
        for step in STEPS:
            (line,) = drawn_in(axes.lines, look.colours[step])
            (area,) = (b for b in axes.collections if to_rgb(b.get_facecolor()[0]) == to_rgb(look.colours[step]))
            x, corners = line.get_xdata(), area.get_paths()[0].vertices
            assert (x[0], x[-1]) == (0, LENGTH / UNITS[along.column])
            heights = [
                INITIAL * np.exp(-decay(engine, step, workers, i) * x * UNITS[along.column]) for i in range(SEEDS)
            ]
            low, median, high = np.quantile(heights, [0.25, 0.5, 0.75], axis=0)
            np.testing.assert_allclose(line.get_ydata(), median, rtol=1e-4)
            edges = [corners[corners[:, 0] == each, 1] for each in x]
            np.testing.assert_allclose([(each.min(), each.max()) for each in edges], np.c_[low, high], rtol=1e-4)


def test_a_run_that_diverges_is_above_the_others_from_there_on() -> None:
    decays = (0.01, 0.012, 0.02)
    made = [outcome(case(seed=seed), rows=losses(c, every=1)) for seed, c in enumerate(decays)]
    rows = [*losses(decays[2], every=1)[:100], {**losses(0.01, every=1)[100], "loss": None}]
    made[2] = outcome(made[2].case, rows=rows, status="diverged")
    (line,) = curves.draw(made, Look.of(made), UPDATES).axes[0].lines
    x = line.get_xdata()
    expected = INITIAL * np.where(x <= 99, np.exp(-decays[1] * x), np.exp(-decays[0] * x))
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-4)


# --- how runs ended, and their effective steps


def test_the_bars_of_endings_are_shares_of_the_runs() -> None:
    fast = ("converged", "diverged")
    kinds = {"constant": ["converged"] * 3 + ["diverged"], "tail": ["crashed", "timed out", *["not converged"] * 2]}
    made = [
        crash(case(step=step, seed=seed))
        if kind == "crashed"
        else outcome(
            case(step=step, seed=seed),
            rows=losses(0.01 if kind in fast else 1e-6),
            status="diverged" if kind == "diverged" else "completed",
            timed_out=kind == "timed out",
        )
        for step, ended in kinds.items()
        for seed, kind in enumerate(ended)
    ]
    drawn = endings.draw_endings(made, 0.1)
    (axes,) = drawn.axes
    (legend,) = drawn.figure.legends
    meaning = {(p.get_facecolor(), p.get_hatch() or ""): p.get_label() for p in legend.get_patches()}
    for y, label in enumerate(axes.get_yticklabels()):
        ended = kinds[label.get_text().rpartition(", ")[2]]
        bars = [bar for bar in axes.patches if bar.get_y() + bar.get_height() / 2 == y and bar.get_width() > 0]
        shares = {meaning[bar.get_facecolor(), bar.get_hatch() or ""]: bar.get_width() for bar in bars}
        assert shares == {kind: ended.count(kind) / len(ended) for kind in set(ended)}
        assert [bar.get_x() for bar in bars] == [sum(bar.get_width() for bar in bars[:i]) for i in range(len(bars))]
        counts = {text.get_position()[0]: text.get_text() for text in axes.texts if text.get_position()[1] == y}
        assert counts == {b.get_x() + b.get_width() / 2: f"{b.get_width() * len(ended):.0f}" for b in bars}


def test_effective_steps_are_medians_between_quartiles(made: list[Outcome]) -> None:
    look = Look.of(made)
    (axes,) = endings.draw_steps(made, look).axes
    for y, label in enumerate(axes.get_yticklabels()):
        engine, workers, step = label.get_text().split(", ")
        values = [effective(step, int(workers.removeprefix("m = ")), seed) for seed in range(SEEDS)]
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
        mine = [each for each in drawn_in(axes.lines, look.colours[step]) if set(each.get_ydata()) == {y}]
        span, point = sorted(mine, key=lambda line: line.get_marker() == look.markers[engine])
        assert span.get_xdata() == pytest.approx([low, high])
        assert point.get_xdata() == pytest.approx([median])
    (nominal,) = (line for line in axes.lines if line.get_linestyle() == ":")
    assert nominal.get_xdata() == [0.05, 0.05]


# --- staleness


def test_scales_are_the_tables_in_force_and_bars_the_shares_of_updates(made: list[Outcome]) -> None:
    look = Look.of(made)
    drawn = staleness.draw(made, look)
    over = drawn.figure.axes[len(drawn.axes) :]
    pooled = np.sum([np.pad(COUNTS[step], (0, 5 - len(COUNTS[step]))) for step in STEPS], axis=0)
    for axes, right in zip(drawn.axes, over, strict=True):
        assert {bar.get_x() + 0.5: bar.get_height() for bar in axes.patches} == pytest.approx(
            dict(enumerate(pooled / pooled.sum()))
        )
        for step in STEPS:
            (line,) = drawn_in(right.lines, look.colours[step], drawstyle="steps-mid")
            table = TABLES[step]
            assert line.get_xdata().tolist() == list(range(5))
            assert line.get_ydata().tolist() == [table[min(tau, len(table) - 1)] for tau in range(5)]


# --- at equal effective steps


@pytest.fixture(scope="module")
def equalled(made: list[Outcome]) -> list[Outcome]:
    """The steps beside the reference run again, each 1.5 times as fast."""
    again = [
        outcome(
            again_at(effective("tail", each.workers, 0), replace(each, equal_to="tail")),
            rows=losses(1.5 * decay(each.engine, each.step, each.workers, each.seed), every=1),
            effective_step=effective("tail", each.workers, each.seed),
        )
        for each in (outcome.case for outcome in made)
        if each.step != "tail"
    ]
    return [*made, *again]


def test_pairs_are_medians_before_and_after(equalled: list[Outcome]) -> None:
    look = Look.of(equalled)
    for axes in equal_steps.draw_pairs(equalled, look, 0.25, "tail").axes:
        engine, workers = cell_of(title_of(axes))
        (reference,) = drawn_in(axes.lines, look.colours["tail"])
        assert reference.get_xdata() == pytest.approx([median_way(engine, "tail", workers, 0.25)] * 2, rel=1e-4)
        for step in ("constant", "fleet"):
            hollow, filled = drawn_in(axes.lines, look.colours[step], marker="o")
            median = median_way(engine, step, workers, 0.25)
            assert median is not None
            assert (hollow.get_markerfacecolor(), filled.get_markerfacecolor()) == ("white", look.colours[step])
            assert hollow.get_xdata() == pytest.approx([median], rel=1e-4)
            assert filled.get_xdata() == pytest.approx([median / 1.5], rel=1e-4)


def test_the_scatter_has_a_point_for_each_run(equalled: list[Outcome]) -> None:
    look = Look.of(equalled)
    for axes in equal_steps.draw_scatter(equalled, look, 0.25, "tail").axes:
        engine, workers = cell_of(title_of(axes))
        for step in STEPS:
            own = [(effective(step, workers, i), t) for i, t in enumerate(ways(engine, step, workers, 0.25))]
            again = [(effective("tail", workers, i), t / 1.5) for i, (_, t) in enumerate(own)]
            for face, points in (("white", own), (look.colours[step], again if step != "tail" else [])):
                lines = drawn_in(axes.lines, look.colours[step], markerfacecolor=face)
                found = [point for line in lines for point in zip(*line.get_data(), strict=True)]
                assert np.ravel(found) == pytest.approx(np.ravel(points), rel=1e-4)
