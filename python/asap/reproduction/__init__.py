"""The papers' evaluations, run again: plans on top of the laboratory.

A paper is a list of studies; a study is a claim, and the comparison that judges it. docs/reproduction.md sets claims
beside what was measured.
"""

from asap.reproduction.papers import PAPERS, studies
from asap.reproduction.reproducing import Reproduction, reproduce
from asap.reproduction.study import Study

__all__ = ["PAPERS", "Reproduction", "Study", "reproduce", "studies"]
