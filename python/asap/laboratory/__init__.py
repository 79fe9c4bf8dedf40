"""The laboratory: engines, steps, workers, rates and seeds compared in all combinations, with a report.

`asap.compare` is its front door; docs/laboratory.md tells what it measures, and what its files hold.
"""

from asap.laboratory.case import Case, Group
from asap.laboratory.comparing import compare
from asap.laboratory.comparison import Comparison
from asap.laboratory.labels import label_of
from asap.laboratory.outcome import LEVELS, MEASURES, Measure, Outcome
from asap.laboratory.summary import Quartiles, Summary, quartiles

__all__ = [
    "LEVELS",
    "MEASURES",
    "Case",
    "Comparison",
    "Group",
    "Measure",
    "Outcome",
    "Quartiles",
    "Summary",
    "compare",
    "label_of",
    "quartiles",
]
