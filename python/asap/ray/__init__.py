"""Staleness-aware SGD on a cluster: learners on many machines, and a parameter server, as actors of Ray.

>>> import asap.ray
>>> data = asap.datasets.load("cifar-10")                           # doctest: +SKIP
>>> model = asap.models.LeNet(data)                                 # doctest: +SKIP
>>> run = asap.ray.train(model, "cifar-10", engine=asap.Softsync(), step=asap.Inverse(0.05), learners=4,
...                      epochs=5, validation=data.test)            # doctest: +SKIP
>>> run.staleness.mean, run.cluster                                 # doctest: +SKIP

Needs the extra "ray": pip install "asap[ray]".
"""

from asap._extras import require

require("ray", "ray", "asap.ray")

from asap.cluster import Cluster  # noqa: E402  # what is below needs Ray
from asap.datasets import Images  # noqa: E402
from asap.ray.files import Files  # noqa: E402
from asap.ray.trainer import resume, train  # noqa: E402
from asap.ray.within import Within  # noqa: E402

__all__ = ["Cluster", "Files", "Images", "Within", "resume", "train"]
