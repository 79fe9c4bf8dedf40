"""Updates per second on one core, asap and PyTorch in turns, after checking that both compute the same gradient.

    python benchmarks/python/against_pytorch.py [--repeats 5] [--seconds 1] [--json FILE]

Data are random bytes in MNIST's shape. PyTorch runs eagerly with one thread and its fused SGD, gathering its batches by
index as asap does. Unset OPENBLAS_CORETYPE for a fair comparison. Needs PyTorch, which asap itself never does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

import asap
from asap.environment import environment

SAMPLES = 60_000


def torch_model(name: str) -> nn.Sequential:
    """The network of the same name, in PyTorch."""
    if name == "mlp":
        widths = (784, 128, 128, 128, 10)
        layers = [layer for i in range(4) for layer in (nn.Linear(widths[i], widths[i + 1]), nn.ReLU())][:-1]
        return nn.Sequential(nn.Flatten(), *layers)
    convolutions = [nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 10))


def asap_model(name: str, data: tuple[np.ndarray, np.ndarray]) -> asap.Model:
    """The network of the same name."""
    return {"mlp": asap.models.MLP, "lenet": asap.models.LeNet}[name](data)


def copy_parameters(model: asap.Model, peer: nn.Sequential) -> None:
    """Give PyTorch's network the same parameters; its dense weights are transposed."""
    with torch.no_grad():
        for name, target in zip(model.layout, peer.parameters(), strict=True):
            values = torch.from_numpy(model.weights(name).copy())
            target.copy_(values.T if values.ndim == 2 else values)


def check_gradients(model: asap.Model, peer: nn.Sequential, data: tuple[np.ndarray, np.ndarray]) -> None:
    """Refuse to time networks that do not compute the same gradient."""
    copy_parameters(model, peer)
    indices = np.arange(64, dtype=np.uint64)
    _, gradient = model.gradient(data, indices)
    inputs = torch.from_numpy(data[0][:64]).float().div(255).unsqueeze(1)
    nn.functional.cross_entropy(peer(inputs), torch.from_numpy(data[1][:64])).backward()
    expected = np.concatenate([(p.grad.T if p.ndim == 2 else p.grad).reshape(-1).numpy() for p in peer.parameters()])
    error = np.linalg.norm(gradient - expected) / np.linalg.norm(expected)
    if not error < 1e-4:
        raise SystemExit(f"the gradients differ by {error:.2g} of their norm: nothing to compare")


def torch_rate(name: str, batch: int, data: tuple[torch.Tensor, torch.Tensor], seconds: float) -> float:
    """Updates per second of PyTorch."""
    model = torch_model(name)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, fused=True)
    updates, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        indices = torch.randint(0, SAMPLES, (batch,))
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(data[0][indices]), data[1][indices]).backward()
        optimiser.step()
        updates += 1
    return updates / elapsed


def asap_rate(name: str, batch: int, data: tuple[np.ndarray, np.ndarray], seconds: float) -> float:
    """Updates per second of asap with one Hogwild worker."""
    run = asap.train(
        asap_model(name, data),
        data,
        engine=asap.Hogwild(),
        workers=1,
        batch_size=batch,
        seconds=seconds,
        progress=False,
    )
    return run.updates_per_second


def in_turns(repeats: int, first: Callable[[], float], second: Callable[[], float]) -> list[tuple[float, float]]:
    """A B A B …, after one uncounted pair."""
    return [(first(), second()) for _ in range(repeats + 1)][1:]


def main() -> None:
    """Print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    data = (random.integers(0, 256, (SAMPLES, 28, 28), np.uint8), random.integers(0, 10, SAMPLES))
    peer_data = (torch.from_numpy(data[0]).float().div(255).unsqueeze(1), torch.from_numpy(data[1]))
    rows = []
    print("model  batch   asap  PyTorch  ratio (min – max), updates/s, medians")
    for name in ("mlp", "lenet"):
        check_gradients(asap_model(name, data), torch_model(name), data)
        for batch in (16, 64, 512):
            pairs = in_turns(
                arguments.repeats,
                lambda name=name, batch=batch: asap_rate(name, batch, data, arguments.seconds),
                lambda name=name, batch=batch: torch_rate(name, batch, peer_data, arguments.seconds),
            )
            ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
            ratios = sorted(a / b for a, b in pairs)
            row = {"model": name, "batch": batch, "asap": ours, "pytorch": theirs, "ratios": ratios}
            rows.append(row)
            print(
                f"{name:5}  {batch:5}  {ours:5.0f}  {theirs:7.0f}  "
                f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} – {ratios[-1]:.2f})",
                flush=True,
            )
    if arguments.json:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        known = {"commit": commit} | dict(environment()) | {"torch": torch.__version__, "threads": 1}
        document = {"environment": known, "rows": rows}
        with open(arguments.json, "w") as file:
            json.dump(document, file, indent=1)


if __name__ == "__main__":
    main()
