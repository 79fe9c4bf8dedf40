"""Train LeNet on CIFAR-10 with four learners on Ray, and with four threads, and compare the accuracy.

It needs the extra "ray" alone: pip install "asap[ray]". On a cluster, give "auto" as the argument on one of its
machines, all of which must have asap and the data.
"""

from __future__ import annotations

import sys

import asap
import asap.ray

SETTINGS = {"engine": asap.Softsync(), "step": asap.Constant(asap.CosineRate(0.02)), "batch_size": 32, "epochs": 8}


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else None
    data = asap.datasets.load("cifar-10")
    model = asap.models.LeNet(data)
    here = model.copy()
    run = asap.ray.train(model, "cifar-10", learners=4, validation=data.test, address=address, **SETTINGS)
    expected = asap.train(here, data.train, workers=4, validation=data.test, **SETTINGS)
    print(f"learners on Ray: {run}\n{run.cluster}\nthreads here: {expected}")


if __name__ == "__main__":
    main()
