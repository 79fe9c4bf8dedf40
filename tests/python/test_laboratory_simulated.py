"""Simulated cases of the laboratory: the same bytes, side by side or not, interrupted or not."""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import _core
from asap.laboratory import Comparison
from asap.laboratory import runner as running

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested are the runs; figures take seconds."""
    monkeypatch.setattr(Comparison, "_pictures", lambda self: ())


def simulated(blobs: Data, model: asap.Model, folder: Path | None = None, **changes: Any) -> Comparison:
    settings = {
        "engines": [asap.Leashed(), asap.Locked()],
        "steps": [asap.Constant(0.05), asap.TailTau(0.05, sample=(1, 5))],
        "workers": (4, 16),
        "seeds": (1, 2),
        "compute": asap.LogNormal(1.0, 0.3),
        "publish": 0.05,
        "batch_size": 16,
        "updates": 150,
        "snapshots": 25,
        "equal_step_to": "constant",
        "progress": False,
    }
    return asap.compare(model, blobs, validation=blobs, folder=folder, **settings | changes)


def documents(result: Comparison) -> list[Any]:
    return [each.document for each in result.outcomes]


def test_side_by_side_gives_the_same_bytes(blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for cpus in (1, 4):
        monkeypatch.setattr(
            running, "_core", type("Machine", (), {"usable_cpus": staticmethod(lambda cpus=cpus: cpus)})
        )
        results.append(simulated(blobs, make_model()))
    assert results[0].is_success
    assert len(results[0].outcomes) >= 16
    assert documents(results[0]) == documents(results[1])
    assert _core.usable_cpus() >= 1


@pytest.mark.parametrize("done", [0, 3, 16])
def test_an_interrupted_comparison_equals_one_of_a_piece(
    done: int, blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody presses Ctrl-C when so many cases are done; others may be on their way."""
    completed = running.as_completed

    def interrupted(futures: list[Future[None]]) -> Iterator[Future[None]]:
        for count, future in enumerate(completed(futures)):
            if count == done:
                raise KeyboardInterrupt
            yield future
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(running, "as_completed", interrupted)
        first = simulated(blobs, make_model(), tmp_path / "a")
    assert not first.is_success or done == 16
    assert len(first.outcomes) >= done
    second = simulated(blobs, make_model(), tmp_path / "a")
    assert sum(each.reused for each in second.outcomes) >= len(first.outcomes)
    whole = simulated(blobs, make_model(), tmp_path / "b")
    assert documents(second) == documents(whole)
    names = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*") if path.is_file()}
    for name in sorted(names):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_snapshots_are_of_exact_versions_and_virtual_times(blobs: Data, make_model: MakeModel) -> None:
    result = simulated(blobs, make_model(), engines=[asap.Locked()], workers=4, compute=1.0, publish=0.0)
    for each in result.outcomes:
        assert each.losses is not None
        assert each.losses.updates.tolist() == [0, 25, 50, 75, 100, 125, 150]
        assert each.losses.seconds.tolist() == [np.ceil(t / 4) for t in each.losses.updates]  # 4 updates a second
        assert each.case.simulated == "constant"
        assert each.result("effective_step") is not None


def test_threads_and_laws_stand_beside_each_other(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    laws = {"threads": None, "even": 1.0, "random": asap.laws.Exponential(1.0)}
    result = simulated(
        blobs,
        make_model(),
        tmp_path,
        engines=[asap.Leashed()],
        steps=[0.05],
        workers=4,
        compute=laws,
        equal_step_to=None,
    )
    assert [each.case.simulated for each in result.outcomes] == [None, None, "even", "even", "random", "random"]
    with (tmp_path / "measures.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "modelled"]
    assert [row["simulated"] for row in rows] == ["", "", "even", "even", "random", "random"]
    assert [bool(row["value"]) for row in rows] == [False, False, True, True, True, True]
    assert {each.case.engine for each in result.outcomes} == {"leashed"}
