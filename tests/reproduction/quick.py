"""Run the papers' evaluations again in their quick forms, and check what even these must show.

python tests/reproduction/quick.py FOLDER
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from asap.laboratory import Comparison
from asap.laboratory.summary import Summary
from asap.reproduction import reproduce

COLLAPSE = 0.2  # of the accuracy, that a constant rate loses against η/τ
SAME = 0.02  # of the mean of C, by which a table that keeps it on its sample may miss it in the whole run
EXACT = 1e-12  # likewise on the sample itself, of which no run may be without a table


def staleness_collapses_a_constant_rate(result: Comparison) -> Iterator[tuple[str, bool]]:
    """15- and 30-softsync fail with η and learn with η/τ; τ is about (m − 1)/c on average."""
    found = result.summaries()
    accuracy = {(each.group.engine, each.group.label): each.median("accuracy") or 0.0 for each in found}
    for engine in ("softsync:15", "softsync:30"):
        constant, inverse = accuracy[engine, "constant"], accuracy[engine, "inverse"]
        yield f"{engine}: accuracy {constant:.2f} with η, {inverse:.2f} with η/τ", inverse - constant > COLLAPSE
    for each in found:
        n = int(each.group.engine.partition(":")[2])
        expected, tau = (each.group.workers - 1) / (each.group.workers // n), each.median("mean_tau") or 0.0
        yield f"{each.group.engine}, {each.group.label}: mean τ {tau:.2f} of {expected:.2f}", 0.9 < tau / expected < 1.1


def the_mean_step_is_kept(result: Comparison) -> Iterator[tuple[str, bool]]:
    """TAIL-τ in its mid form keeps the step of a constant rate; 1/(τ + 1) and FLeet make it smaller."""
    for each in (each for each in result.summaries() if each.group.equal_to is None):
        mean = (each.median("effective_step") or 0.0) / each.rate
        keeps = each.group.step in ("constant", "tail")
        fits = abs(mean - 1.0) < SAME if keeps else mean < 0.5 or each.group.step == "tail:exclusive"
        yield f"{each.group.engine}, {each.group.step}: E[C] = {mean:.3f}", fits
    for outcome in (outcome for outcome in result.outcomes if outcome.case.step == "tail"):
        means = [table["mean_scale"] for table in outcome.document["table_figures"]]
        worst = max((abs(mean - 1.0) for mean in means), default=math.inf)
        yield f"{outcome.case}: |E[C] − 1| ≤ {worst:.1e} on its sample", worst <= EXACT


def persistence_bounds_what_is_dropped(result: Comparison) -> Iterator[tuple[str, bool]]:
    """Only Leashed-SGD with a persistence bound drops gradients, and fewer the more often it tries."""
    found = result.summaries()
    for each in found:
        drops, bounded = drops_of(found, each.group.engine), each.group.engine in ("leashed:0", "leashed:1")
        yield f"{each.group.engine}: {drops:g} gradients dropped", bounded or drops == 0.0
    none, one = (drops_of(found, engine) for engine in ("leashed:0", "leashed:1"))
    yield f"fewer with a retry: {none:g}, {one:g}", none > one


def drops_of(found: list[Summary], engine: str) -> float:
    """Return the median number of gradients that an engine dropped."""
    return next(each.median("drops") or 0.0 for each in found if each.group.engine == engine)


CHECKS: dict[str, Callable[[Comparison], Iterator[tuple[str, bool]]]] = {
    "icml22": the_mean_step_is_kept,
    "ipdps21": persistence_bounds_what_is_dropped,
    "ijcai16": staleness_collapses_a_constant_rate,
}


def main(folder: Path) -> int:
    """Return 0 when every paper's quick form ran whole and shows what it must."""
    shutil.rmtree(folder, ignore_errors=True)
    passed = True
    for paper, checks in CHECKS.items():
        result = reproduce(paper, folder / paper, quick=True)
        for study, comparison in result.results:
            findings = [("all cases ran to their end", result.is_complete and comparison.is_success)]
            for what, fits in findings + list(checks(comparison)):
                print(f"reproduce: {study.name}: {what} {'ok' if fits else 'FAILED'}", flush=True)
                passed &= fits
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
