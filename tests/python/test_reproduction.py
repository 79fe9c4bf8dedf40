"""The papers' evaluations: their plans fit, and their pages say what was claimed and found."""

import csv
import dataclasses
import json
import math
import re
from pathlib import Path

import pytest

import asap
from asap import reproduction
from asap.laboratory import Comparison
from asap.laboratory.comparing import check
from asap.laboratory.plan import make_plan
from asap.reproduction import reproducing

OF_PLANS = ("engines", "steps", "workers", "rates", "seeds", "equal_step_to", "compute", "publish")


def plan_of(study: reproduction.Study) -> tuple[int, set[str]]:
    """How many cases a study has, at its own rates, and the names of their folders."""
    settings = dict(study.settings)
    chosen = {name: settings.pop(name, None) for name in OF_PLANS}
    chosen["publish"] = chosen["publish"] or 0.0
    plan = make_plan(**chosen)
    check(plan, None, settings)
    return len(plan.cases()), {case.name for case in plan.cases()}


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("paper", list(reproduction.PAPERS))
def test_every_study_is_a_comparison_that_can_be_made(paper: str, quick: bool) -> None:
    found = reproduction.studies(paper, quick)
    assert len({study.name for study in found}) == len(found) > 0
    for study in found:
        number, names = plan_of(study)
        assert number == len(names)
        assert study.dataset in asap.datasets.names()
        assert study.claim.endswith(".")
        if not quick:
            assert len(study.settings["seeds"]) >= 5
        assert study.validate == ("end" if study.name.endswith("threads") else "epochs")


def test_an_unknown_paper_is_refused() -> None:
    with pytest.raises(ValueError, match="paper must be one of 'icml22', 'ipdps21', 'ijcai16'; got 'nips11'"):
        reproduction.studies("nips11")


def quartiles_of(row: dict[str, str], name: str) -> tuple[float, ...]:
    """What a row says; infinitely late where it says nothing."""
    low, median, high = (row[f"{name}{which}"] for which in (":low", "", ":high"))
    return tuple(float(each) if each else math.inf for each in (low, median, high))


def test_the_page_sets_claims_beside_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra data")
    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())
    short = [
        dataclasses.replace(study, settings={**study.settings, "updates": 40, "seeds": (1, 2)})
        for study in reproduction.studies("ijcai16", quick=True)
    ]
    monkeypatch.setattr(reproducing, "studies", lambda paper, quick: short)
    first = reproduction.reproduce("ijcai16", tmp_path, quick=True, progress=False)
    assert first.is_complete
    page = (tmp_path / "index.html").read_text()
    assert "90 % error" in page
    links = re.findall(r'href="([^"#]+)"', page)
    assert links == [f"{study.name}/report.html" for study in short]
    assert all((tmp_path / link).is_file() for link in links)
    with (tmp_path / "medians.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["study"] for row in rows] == [s.name for s, result in first.results for _ in result.summaries()]
    assert {row["runs"] for row in rows} == {"2"}
    found = {(row["engine"], row["step"], row["equal_to"]): row for row in rows}
    for _, result in first.results:
        for each in result.summaries():
            group = each.group
            row = found[group.engine, group.step, group.equal_to or ""]
            for measure in ("loss", "sigma_tau", "drops", "attempts", "updates_per_second", "accuracy"):
                assert each.measures[measure] == pytest.approx(quartiles_of(row, measure), rel=1e-5)
            assert each.times["updates", 0.75] == pytest.approx(quartiles_of(row, "updates_0.75"), rel=1e-5)
    again = reproduction.reproduce("ijcai16", tmp_path, quick=True, progress=False)
    assert all(each.reused for _, result in again.results for each in result.outcomes)
    document = again.to_dict()
    assert json.loads(json.dumps(document)) == document == first.to_dict()
    assert (document["schema"], len(document["studies"])) == ("asap.reproduce/1", len(short))
