"""index.html: each study of a paper with its claim, its results, and the way to its report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from asap.laboratory import LEVELS, Comparison, tables
from asap.laboratory.cells import in_order
from asap.laboratory.report import framed
from asap.laboratory.summary import summaries
from asap.reproduction.study import Study

__all__ = ["page"]


def page(paper: str, results: Sequence[tuple[Study, Comparison]], planned: int) -> str:
    """Return the whole page."""
    body = "".join(_section(study, result) for study, result in results)
    about = f'<p class="about">{len(results)} of {planned} studies</p>'
    return framed(f"asap reproduce {paper}", f"{about}\n{body}")


def _section(study: Study, result: Comparison) -> str:
    found = summaries(in_order(result.outcomes))
    return (
        f'<section id="{escape(study.name)}">\n<h2>{escape(study.title)}</h2>\n'
        f"<p><em>The paper:</em> {escape(study.claim)}</p>\n"
        f'<p><em>Here:</em> <a href="{escape(study.name)}/report.html">figures and conditions</a></p>\n'
        f"{tables.results(found)}{tables.convergence(found, LEVELS, 'updates')}</section>\n"
    )
