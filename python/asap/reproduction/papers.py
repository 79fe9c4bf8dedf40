"""What of each paper is run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from asap import _checks
from asap.reproduction import icml22, ijcai16, ipdps21
from asap.reproduction.study import Study

__all__ = ["PAPERS", "studies"]

PAPERS: Mapping[str, Callable[[bool], list[Study]]] = {
    "icml22": icml22.studies,
    "ipdps21": ipdps21.studies,
    "ijcai16": ijcai16.studies,
}
"""The studies of each paper, in full or in their quick form."""


def studies(paper: str, quick: bool = False) -> list[Study]:
    """Return the studies of a paper.

    Args:
        paper: "icml22" (Bäckström et al., ASAP.SGD), "ipdps21" (Bäckström et al., Leashed-SGD) or "ijcai16" (Zhang et
            al., staleness-aware async-SGD).
        quick: smaller data, fewer seeds and updates: to see that everything works, not to judge a claim.
    """
    return PAPERS[_checks.choice("paper", paper, PAPERS)](_checks.flag("quick", quick))
