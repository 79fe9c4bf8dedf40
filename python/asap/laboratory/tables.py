"""The tables of a report, as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from asap._numerals import number
from asap.laboratory.outcome import SAME_STEP, Outcome
from asap.laboratory.summary import Quartiles, Summary

__all__ = [
    "common_settings",
    "convergence",
    "environments",
    "equal_steps",
    "failures",
    "hardware",
    "publishing",
    "results",
    "settings",
]

_WORDS = 2  # columns of words, to the left
_MEASURES = {
    "seconds": ("seconds", ".3g"),
    "updates_per_second": ("updates/s", ""),
    "mean_tau": ("mean τ", ".3g"),
    "max_tau": ("max τ", ",.0f"),
    "effective_step": ("effective step", ".3g"),
    "loss": ("training loss", ".3g"),
    "validation_loss": ("test loss", ".3g"),
    "accuracy": ("accuracy", ".2%"),
}
_EQUAL = {"wanted_step": ".4g", "effective_step": ".4g", "step_ratio": ".4f"}
_PUBLISHING = {
    "updates": ("updates", ",.0f"),
    "gradients": ("gradients", ",.0f"),
    "attempts": ("attempts", ",.0f"),
    "drops": ("drops", ",.0f"),
    "rejected": ("rejected", ",.0f"),
    "skipped": ("skipped", ",.0f"),
    "vectors_high_water": ("vectors", ",.0f"),
    "publishing": ("publishing", ".3g"),
    "modelled": ("modelled", ".3g"),
}
_ALONG = {"seconds": ("Seconds", ".3g"), "updates": ("Updates", ",.0f"), "epoch": ("Epochs", ".3g")}


def results(found: Sequence[Summary]) -> str:
    """Return a row per group: medians, and quartiles below them."""
    shown = {name: form for name, form in _MEASURES.items() if any(each.measures[name] for each in found)}
    rows = [
        [
            *_group(each),
            f"{each.failed} of {each.runs}",
            *(_quartiles(each.measures[n], form) for n, (_, form) in shown.items()),
        ]
        for each in found
    ]
    heads = ["engine", "step", "m", "η", "failed", *(head for head, _ in shown.values())]
    return _table(
        heads, rows, "Medians over the seeds of the runs that succeeded, and the quartiles in small print.", found
    )


def equal_steps(found: Sequence[Summary]) -> str:
    """Return a row per group that was run again at an equal effective step: how equal it was; nothing without any."""
    again = [each for each in found if each.group.equal_to is not None]
    rows = [
        [
            *_group(each),
            *(_quartiles(each.measures[name], form) for name, form in _EQUAL.items()),
            f'<strong class="failed">off by {each.step_error:+.1%}</strong>' if each.misses_step else "",
        ]
        for each in again
    ]
    caption = (
        "What was run again at an equal effective step: the one it was to have (the reference's median), the one it "
        f"had, and their ratio. Marked: medians off by more than {SAME_STEP:.0%}. A rate is set by the staleness of "
        "the runs before, and on threads the runs after may have another one; what missed was run once more."
    )
    heads = ["engine", "step", "m", "η", "to have", "had", "ratio", ""]
    return _table(heads, rows, caption, again) if rows else ""


def publishing(found: Sequence[Summary]) -> str:
    """Return a row per group: what became of gradients, and how many vectors that took."""
    shown = {name: form for name, form in _PUBLISHING.items() if any(each.measures[name] for each in found)}
    rows = [
        [*_group(each), *(_quartiles(each.measures[name], form) for name, (_, form) in shown.items())] for each in found
    ]
    heads = ["engine", "step", "m", "η", *(head for head, _ in shown.values())]
    return _table(heads, rows, "What became of gradients; vectors: parameter vectors alive at once, at most.", found)


def convergence(found: Sequence[Summary], levels: Sequence[float], along: str) -> str:
    """Return a row per group: the way to each level."""
    word, form = _ALONG[along]
    rows = [
        [
            *_group(each),
            *(_quartiles(each.times.get((along, level)), form) + _reached(each, level) for level in levels),
        ]
        for each in found
    ]
    heads = ["engine", "step", "m", "η", *(f"ε = {level:.4g}" for level in levels)]
    return _table(heads, rows, f"{word} until the training loss fell to the fraction ε of where it began.", found)


def failures(outcomes: Sequence[Outcome]) -> str:
    """Return a row per run that failed; nothing when none did."""
    rows = [
        [escape(str(outcome.case)), outcome.status, escape(outcome.document.get("error", ""))]
        for outcome in outcomes
        if not outcome.is_success
    ]
    return (
        _table(["run", "how", "words"], rows, f"{len(rows)} of {len(outcomes)} runs failed.", words=3) if rows else ""
    )


def environments(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return the machines and versions of the runs; one where all ran on the same."""
    found = (outcome.document["environment"] for outcome in outcomes if outcome.has_run)
    return [dict(each) for each in dict.fromkeys(tuple(environment.items()) for environment in found)]


def hardware(outcomes: Sequence[Outcome]) -> str:
    """Return what the runs were made on."""
    found = environments(outcomes)
    rows = [
        [escape(name), *(escape(str(each.get(name, "–"))) for each in found)] for name in (found[0] if found else ())
    ]
    heads = ["", *([""] if len(found) == 1 else [f"machine {i + 1}" for i in range(len(found))])]
    return _table(heads, rows, "Hardware and versions.", words=1 + len(found)) if rows else ""


def settings(outcomes: Sequence[Outcome]) -> str:
    """Return the settings that all runs have in common."""
    documents = [outcome.document for outcome in outcomes if outcome.has_run]
    if not documents:
        return ""
    first = documents[0]
    common = common_settings(outcomes)
    network = f"{first['model']['name']}, {first['model']['num_parameters']:,} parameters, {first['model']['loss']}"
    data = f"{first['data']['samples']:,} samples, {first['data']['validation_samples']:,} held out"
    rows = [["model", escape(network)], ["data", data], *([name, escape(_setting(v))] for name, v in common.items())]
    rows += [[name, escape(words)] for name, words in _laws(outcomes)]
    return _table(["", ""], rows, "Settings that all runs have in common.", words=2)


def _laws(outcomes: Sequence[Outcome]) -> Iterable[tuple[str, str]]:
    """Return the laws of simulated cases, in words."""
    found = {o.case.simulated: o.document["simulation"] for o in outcomes if o.has_run and o.case.simulated}
    for label, simulation in found.items():
        yield f"simulated {label}", ", ".join(f"{name} {_setting(simulation[name])}" for name in ("compute", "publish"))


def common_settings(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the settings of `asap.train` that are the same in all runs, without those that were not given."""
    configs = [outcome.document["config"] for outcome in outcomes if outcome.has_run]
    return {
        name: value
        for name, value in (configs[0] if configs else {}).items()
        if value not in (None, []) and all(each[name] == value for each in configs)
    }


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{name}={_setting(part)}" for name, part in value.items() if name != "kind")
        return f"{value.get('kind', '')}({inner})"
    return str(value)


def _group(each: Summary) -> list[str]:
    group = each.group
    where = "" if group.simulated is None else f"simulated {group.simulated}"
    at = group.label.removeprefix(group.step).strip()
    return [_twofold(group.engine, where), _twofold(group.step, at), str(group.workers), f"{each.rate:.4g}"]


def _twofold(word: str, below: str) -> str:
    """Return a word with what tells it from its like in small print below, which leaves room to the figures."""
    return escape(word) + (f" <br><small>{escape(below)}</small>" if below else "")


def _quartiles(found: Quartiles | None, form: str) -> str:
    if found is None or math.isinf(found.median):
        return "–"
    low, high = (number(end, form) if math.isfinite(end) else "∞" for end in (found.low, found.high))
    spread = "" if low == high else f"<br><small>{low} – {high}</small>"
    return f"{number(found.median, form)}{spread}"


def _reached(each: Summary, level: float) -> str:
    """Return how many runs got there, where not all or none did."""
    return f"<br><small>{each.reached[level]} of {each.runs}</small>" if 0 < each.reached[level] < each.runs else ""


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    found: Sequence[Summary] = (),
    words: int = _WORDS,
) -> str:
    """Return a table; cells are HTML. A rule separates engines, laws and numbers of workers."""
    starts = [(each.group.engine, each.group.simulated, each.group.workers) for each in found]
    lines = []
    for i, row in enumerate(rows):
        rule = ' class="rule"' if starts and i and starts[i] != starts[i - 1] else ""
        lines.append(f"<tr{rule}>" + "".join(_cell("td", cell, j < words) for j, cell in enumerate(row)) + "</tr>")
    head = "".join(_cell("th", escape(name), j < words) for j, name in enumerate(heads))
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f'<div class="table"><table><caption>{caption}</caption>{top}<tbody>{"".join(lines)}</tbody></table></div>'


def _cell(tag: str, contents: str, is_word: bool) -> str:
    return f'<{tag} class="word">{contents}</{tag}>' if is_word else f"<{tag}>{contents}</{tag}>"
