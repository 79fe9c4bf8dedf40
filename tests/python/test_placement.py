"""Placement: where workers run, what is warned of, and the machine that it rests on."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import _core
from asap.environment import environment, topology

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]


def write_machine(root: Path, siblings: dict[int, str], nodes: dict[int, str]) -> None:
    """Write what sysfs would show of a machine with these CPUs and nodes; every node is a socket."""
    cpu, node = root / "devices/system/cpu", root / "devices/system/node"
    for folder in (node, *(cpu / f"cpu{i}" / name for i in siblings for name in ("topology", "cache/index0"))):
        folder.mkdir(parents=True)
    (cpu / "online").write_text(f"0-{max(siblings)}\n")
    for i, list_of_siblings in siblings.items():
        (cpu / f"cpu{i}/topology/thread_siblings_list").write_text(f"{list_of_siblings}\n")
        (cpu / f"cpu{i}/topology/physical_package_id").write_text(f"{i % len(nodes)}\n")
        texts = {"level": "1", "type": "Data", "size": "48K", "shared_cpu_list": list_of_siblings}
        for name, text in texts.items():
            (cpu / f"cpu{i}/cache/index0" / name).write_text(f"{text}\n")
    (node / "online").write_text(",".join(map(str, nodes)) + "\n")
    for i, cpus in nodes.items():
        (node / f"node{i}").mkdir()
        (node / f"node{i}/cpulist").write_text(f"{cpus}\n")


def test_another_machine_is_read_from_its_files(tmp_path: Path) -> None:
    write_machine(tmp_path, {i: f"{i % 4},{i % 4 + 4}" for i in range(8)}, {0: "0,2,4,6", 1: "1,3,5,7"})
    machine = topology(tmp_path)
    assert machine["sockets"] == machine["numa_nodes"] == 2
    assert (machine["cores"], machine["logical_cpus"], machine["max_threads_per_core"]) == (4, 8, 2)
    assert machine["nodes"] == [{"node": 0, "cpus": "0,2,4,6"}, {"node": 1, "cpus": "1,3,5,7"}]
    assert machine["caches"] == [{"name": "L1d", "count": 4, "size_bytes": 48 << 10, "shared_by": 2}]


def test_a_machine_that_tells_nothing_is_simple(tmp_path: Path) -> None:
    machine = topology(tmp_path)
    mask = len(os.sched_getaffinity(0))
    assert (machine["sockets"], machine["numa_nodes"], machine["caches"]) == (1, 1, [])
    assert machine["cores"] == machine["logical_cpus"] == mask
    assert machine["affinity_mask"] == _core.affinity_mask()


def test_the_environment_counts_as_the_topology_does() -> None:
    counted = {name: topology()[name] for name in ("sockets", "cores", "numa_nodes")}
    assert environment().items() >= counted.items()


@pytest.mark.parametrize("affinity", ["none", "compact", "scatter"])
def test_workers_are_bound_within_the_mask_of_the_process(affinity: str, blobs: Data, make_model: MakeModel) -> None:
    mask = os.sched_getaffinity(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = asap.train(make_model(), blobs, workers=3, affinity=affinity)
    assert run.config.affinity == affinity
    assert len(run.placement.cpus) == (0 if affinity == "none" else 3)
    assert set(run.placement.cpus) <= mask
    assert (run.placement.unpinned, run.placement.pin_error) == (0, None)
    assert os.sched_getaffinity(0) == mask


def test_one_worker_gives_the_same_parameters_wherever_it_runs(blobs: Data, make_model: MakeModel) -> None:
    runs = [asap.train(make_model(), blobs, workers=1, affinity=word) for word in ("none", "compact", "scatter")]
    assert all(np.array_equal(run.parameters, runs[0].parameters) for run in runs)


def test_a_refusal_to_bind_warns_once_and_training_goes_on(
    blobs: Data, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = _core.train

    def refused(*arguments: Any, **options: Any) -> dict[str, Any]:
        report = train(*arguments, **options)
        report["placement"] |= {"unpinned": 2, "pin_error": "Operation not permitted"}
        return report

    monkeypatch.setattr(_core, "train", refused)
    with pytest.warns(
        RuntimeWarning, match=r"affinity='compact': 2 of 3 workers .* \(Operation not permitted\)"
    ) as seen:
        run = asap.train(make_model(), blobs, workers=3, affinity="compact")
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert run.status == "completed"
    assert run.placement.unpinned == 2
