"""The Ray session that a run uses: the one that is there, a cluster's, or a small one of its own."""

from __future__ import annotations

import logging

import ray

from asap import _core


def connect(address: str | None, processes: int) -> None:
    """See to it that Ray is there: the session of this process, else that at the address, else a new local one.

    A local session gets at least as many CPUs, as Ray counts them, as there are processes: learners may be more than
    this machine has, and share it.
    """
    if ray.is_initialized():
        return
    if address is not None:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(
            address="local",
            num_cpus=max(_core.usable_cpus(), processes),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
