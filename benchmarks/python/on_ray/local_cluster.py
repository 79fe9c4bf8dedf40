"""Several Ray nodes on this machine: each has a raylet and an object store of its own, as another machine would."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

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
    """A head, where this process is, and so many nodes for learners; this process is connected meanwhile."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES},
    )
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, resources={"learner": 1_000}, object_store_memory=STORE_BYTES)
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def here() -> NodeAffinitySchedulingStrategy:
    """The node of this process."""
    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
