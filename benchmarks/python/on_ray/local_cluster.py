"""Several Ray nodes on this machine: each has a raylet and an object store of its own, as another machine would."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import ray
from ray.cluster_utils import Cluster
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

STORE_BYTES = 256 << 20
LEARNER = {"num_cpus": 0, "resources": {"learner": 1}}
"""What a learner asks of Ray: a place on a node that has any. Its share of a core is what the system gives it."""

ON_ALL_NODES = LEARNER | {"scheduling_strategy": "SPREAD"}
"""Options of learners, one node after the other."""


@contextmanager
def local_cluster(nodes: int) -> Iterator[None]:
    """A head, where this process is, and so many nodes for learners; this process is connected meanwhile.

    What Ray writes has a folder of its own, so that no other session on this machine takes this one for its own.
    """
    with TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES, "temp_dir": folder}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(nodes):
                cluster.add_node(num_cpus=1, resources={"learner": 1_000}, object_store_memory=STORE_BYTES)
            ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
            yield
        finally:
            ray.shutdown()
            cluster.shutdown()


def on_the_head() -> dict[str, Any]:
    """Return options of an actor on the node of this process, where no learner is."""
    node = ray.get_runtime_context().get_node_id()
    return {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}


def places() -> dict[str, Any]:
    """Return the arguments of `asap.ray.train` that put servers on the head and learners on the other nodes."""
    return {"learner_options": ON_ALL_NODES, "server_options": on_the_head()}
