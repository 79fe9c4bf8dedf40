"""JAX: a compiled update called from Python (step), or many in one call (scan).

LeNet's convolutions are the library's, in either layout (NHWC, NCHW), or written as matrix products, which XLA's
compiler for CPUs does better than its convolutions' gradients: over shifted rows of the image (rows), or with the
filter spread into a banded matrix over a whole row (banded).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from side_by_side.contender import Loop, Task
from side_by_side.problem import Batches

Convolution = Callable[[Array, Array, Array], Array]


def nhwc(x: Array, weight: Array, bias: Array) -> Array:
    """Return the library's convolution, channels last; weights have shape (rows, columns, channels, filters)."""
    return lax.conv_general_dilated(x, weight, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


def nchw(x: Array, weight: Array, bias: Array) -> Array:
    """Return the library's convolution of planes; what comes in and out is channels last all the same."""
    y = lax.conv_general_dilated(x.transpose(0, 3, 1, 2), weight.transpose(3, 2, 0, 1), (1, 1), "VALID")
    return y.transpose(0, 2, 3, 1) + bias


def rows(x: Array, weight: Array, bias: Array) -> Array:
    """Return the convolution as a sum of products over the rows of the filter, its columns side by side."""
    high, wide, channels, filters = weight.shape
    out_rows, out_columns = x.shape[1] - high + 1, x.shape[2] - wide + 1
    columns = jnp.concatenate([x[:, :, j : j + out_columns] for j in range(wide)], -1)
    products = [
        columns[:, i : i + out_rows].reshape(-1, wide * channels) @ weight[i].reshape(-1, filters) for i in range(high)
    ]
    return sum(products).reshape(len(x), out_rows, out_columns, filters) + bias


def banded(x: Array, weight: Array, bias: Array) -> Array:
    """Return the convolution as products of whole rows of the image with banded matrices, one per row of the filter."""
    high, wide, channels, filters = weight.shape
    n, in_rows, in_columns, _ = x.shape
    out_rows, out_columns = in_rows - high + 1, in_columns - wide + 1
    shifts = np.stack([np.eye(in_columns, out_columns, -j, dtype=np.float32) for j in range(wide)])
    bands = jnp.einsum("jab,ijcf->iacbf", shifts, weight).reshape(high, in_columns * channels, out_columns * filters)
    lines = x.reshape(n, in_rows, -1)
    products = [lines[:, i : i + out_rows].reshape(n * out_rows, -1) @ bands[i] for i in range(high)]
    return sum(products).reshape(n, out_rows, out_columns, filters) + bias


def pool(x: Array) -> Array:
    """Return the maxima of 2 × 2 windows; faster than `lax.reduce_window` and its gradient."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def mlp(weights: list[Array], x: Array) -> Array:
    """Return the outputs of 784-128-128-128-10."""
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jax.nn.relu(x @ weight + bias)
    return x @ weights[-2] + weights[-1]


def lenet(convolution: Convolution, weights: list[Array], x: Array) -> Array:
    """Return the outputs of LeNet for MNIST; weights come in asap's layout, which costs little to reorder."""
    x = x[..., None]
    for weight, bias in zip(weights[0:4:2], weights[1:4:2], strict=True):
        x = jax.nn.relu(pool(convolution(x, weight.transpose(2, 3, 1, 0), bias)))
    return mlp(weights[4:], x.transpose(0, 3, 1, 2).reshape(len(x), -1))


CONVOLUTIONS = {"NHWC": nhwc, "NCHW": nchw, "rows": rows, "banded": banded}


class Jax(Loop):
    """Updates of a function that JAX compiled, in chunks after which their end is awaited."""

    def __init__(self, task: Task) -> None:
        super().__init__(task, {"jax": jax.__version__})
        self._problem = task.problem()
        self._batches = Batches(len(self._problem.labels), task.batch)
        mode, *convolution = task.variant.split()
        network = partial(lenet, CONVOLUTIONS[convolution[0]]) if convolution else mlp
        self._make_updates(network, jnp.asarray(self._problem.pixels()), jnp.asarray(self._problem.labels, jnp.int32))
        self._run = self._scan if mode == "scan" else self._steps
        samples = 640 if convolution else 6400  # in a chunk: less than a tenth of a second
        self._chunk = max(2, samples // task.batch)

    def _make_updates(self, network: Callable[[list[Array], Array], Array], inputs: Array, labels: Array) -> None:
        def loss(weights: list[Array], x: Array, y: Array) -> Array:
            return -jnp.take_along_axis(jax.nn.log_softmax(network(weights, x)), y[:, None], 1).mean()

        def gather(array: Array, indices: Array) -> Array:
            return array.at[indices].get(mode="promise_in_bounds")

        def update(weights: list[Array], inputs: Array, labels: Array, rate: Array, indices: Array) -> list[Array]:
            gradients = jax.grad(loss)(weights, gather(inputs, indices), gather(labels, indices))
            return [weight - rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]

        def updates(weights: list[Array], inputs: Array, labels: Array, rate: Array, batches: Array) -> list[Array]:
            return lax.scan(lambda w, i: (update(w, inputs, labels, rate, i), None), weights, batches)[0]

        compile_ = partial(jax.jit, donate_argnums=0)
        self._update, self._updates = compile_(update), compile_(updates)
        self._data = inputs, labels

    def restart(self, parameters: NDArray[np.float32], rate: float, seed: int) -> None:
        """See Contender."""
        self._weights = [jnp.array(array) for array in self._problem.split(parameters)]
        self._rate = jnp.float32(rate)
        self._batches.restart(seed)

    def parameters(self) -> NDArray[np.float32]:
        """See Contender."""
        return self._problem.join(self._weights)

    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender."""
        self._run(indices[None])

    def work(self) -> int:
        """See Loop."""
        self._run(self._batches.take(self._chunk))
        return self._chunk

    def _steps(self, batches: NDArray[np.int64]) -> None:
        for indices in batches.astype(np.int32):
            self._weights = self._update(self._weights, *self._data, self._rate, indices)
        jax.block_until_ready(self._weights)

    def _scan(self, batches: NDArray[np.int64]) -> None:
        self._weights = self._updates(self._weights, *self._data, self._rate, batches.astype(np.int32))
        jax.block_until_ready(self._weights)


def make(task: Task) -> Jax:
    """Return the contender that the variant describes: step or scan, and for LeNet the convolution."""
    return Jax(task)
