"""report.html: figures, tables, conditions and commands on one page that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from asap.laboratory import tables
from asap.laboratory.cells import in_order
from asap.laboratory.outcome import LEVELS, Outcome
from asap.laboratory.summary import summaries

__all__ = ["conditions", "framed", "page"]

_METHOD = (
    "Times are the workers' own: from the first worker's start to the last one's end; those of simulated runs are "
    "virtual. The training loss of the curves and of the way to ε was evaluated on snapshots of the parameters after "
    "each run, outside its clock; a crossing of ε lies on the straight line between the first snapshot below it and "
    "the one before. Medians and quartiles are taken over the seeds, which fix starting parameters and batch orders, "
    "not the order of updates of several threads. A run that does not get to ε counts as infinitely late, and “–” "
    "stands where half of the runs did not. Effective step: E[C]·η, the mean of η·C(τ) over published and rejected "
    "updates. Steps compared at the same η differ in their effective steps; where they were run again at an equal "
    "one, what difference remains is that of adapting to staleness."
)


def conditions(title: str, outcomes: Sequence[Outcome]) -> str:
    """Return what all figures have in common, as the end of their captions."""
    seeds = len({outcome.case.seed for outcome in outcomes})
    places = "; ".join(f"{each['cpu']}, {each['usable_cpus']} CPUs" for each in tables.environments(outcomes))
    laws = {outcome.case.simulated for outcome in outcomes}
    law = [f"simulated {next(iter(laws))}"] if len(laws) == 1 and laws != {None} else []
    parts = [title, *law, *_limits(outcomes), f"{seeds} {'seed' if seeds == 1 else 'seeds'}", places or "no run"]
    return ", ".join(parts)


def page(title: str, command: str, outcomes: Sequence[Outcome], planned: int, pictures: Sequence[Any]) -> str:
    """Return the whole page."""
    outcomes = in_order(outcomes)
    parts = {
        "Results": [tables.results(summaries(outcomes)), tables.equal_steps(summaries(outcomes))],
        "Figures": [_figure(picture) for picture in pictures],
        "Convergence": list(_convergence(outcomes)),
        "Publishing": [tables.publishing(summaries(outcomes))],
        "Failures": [tables.failures(outcomes)],
        "Conditions": [_paragraph(_METHOD), tables.settings(outcomes), tables.hardware(outcomes)],
        "Commands": [f"<pre>{escape(command)}</pre>", _paragraph(_FILES)],
    }
    shown = {name: [part for part in found if part] for name, found in parts.items()}
    body = "".join(_section(name, found) for name, found in shown.items() if found)
    links = "".join(f'<a href="#{name.lower()}">{name}</a>' for name, found in shown.items() if found)
    return framed(title, f"{_about(outcomes, planned)}\n<nav>{links}</nav>\n{body}")


def framed(title: str, body: str) -> str:
    """Return a page with this title above this body, in the reports' style."""
    style = files("asap.laboratory").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}</body>\n</html>\n"
    )


def _limits(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Return batch size and length of the runs, in words."""
    common = tables.common_settings(outcomes)
    if "batch_size" in common:
        yield f"batches of {common['batch_size']}"
    for name in ("epochs", "updates", "seconds"):
        if name in common:
            yield f"{common[name]:,} {name if common[name] != 1 else name[:-1]}"


_FILES = (
    "Beside this page: runs/…/run.json of every run, measures.csv (a row per run and measure), losses.csv (a row per "
    "run and snapshot), summary.json, and the figures as SVG and PNG."
)


def _about(outcomes: Sequence[Outcome], planned: int) -> str:
    failed = sum(not outcome.is_success for outcome in outcomes)
    text = f"{len(outcomes)} of {planned} runs"
    text += f', <strong class="failed">{failed} failed</strong>' if failed else ", none failed"
    versions = ", ".join(dict.fromkeys(f"asap {each['asap']}" for each in tables.environments(outcomes)))
    return f'<p class="about">{text}. {escape(versions)}</p>'


def _convergence(outcomes: Sequence[Outcome]) -> Iterable[str]:
    if any(outcome.losses is not None for outcome in outcomes):
        yield tables.convergence(summaries(outcomes), LEVELS, "seconds")
        yield tables.convergence(summaries(outcomes), LEVELS, "updates")
        yield tables.convergence(summaries(outcomes), LEVELS, "epoch")


def _section(name: str, parts: Sequence[str]) -> str:
    return f'<section id="{name.lower()}">\n<h2>{name}</h2>\n' + "\n".join(parts) + "\n</section>\n"


def _figure(picture: Any) -> str:
    image = base64.b64encode(picture.files["svg"]).decode()
    return (
        f'<figure id="{escape(picture.name)}"><h3>{escape(picture.title)}</h3>'
        f'<div><img alt="{escape(picture.title)}" src="data:image/svg+xml;base64,{image}"></div>'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
