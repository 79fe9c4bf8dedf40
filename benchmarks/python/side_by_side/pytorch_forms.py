"""PyTorch: eager with autograd, by hand without it, and compiled; as lean as each can be made.

Batches are gathered by index into tensors that stay, gradients come without `.grad`, the step is one call over all
parameters: measured faster than modules with `torch.optim.SGD(fused=True)`, by a quarter at batch 16.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - everybody's name for it

from side_by_side.contender import Loop, Task, UnavailableError
from side_by_side.problem import Batches


def mlp(weights: list[Tensor], x: Tensor) -> Tensor:
    """Return the outputs of 784-128-128-128-10."""
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = F.linear(x, weight, bias).relu()
    return F.linear(x, *weights[-2:])


def lenet(weights: list[Tensor], x: Tensor) -> Tensor:
    """Return the outputs of LeNet for MNIST."""
    x = F.max_pool2d(F.conv2d(x, *weights[0:2]), 2).relu()
    x = F.max_pool2d(F.conv2d(x, *weights[2:4]), 2).relu()
    return F.linear(F.linear(x.flatten(1), *weights[4:6]).relu(), *weights[6:8])


NETWORKS = {"mlp": mlp, "lenet": lenet}


class Eager(Loop):
    """Autograd, an operation at a time.

    Args:
        task: what to do.
        weights: shared parameters to work on, instead of its own.
    """

    def __init__(self, task: Task, weights: list[Tensor] | None = None) -> None:
        super().__init__(task, {"torch": torch.__version__})
        self._problem = task.problem()
        self._network = NETWORKS[task.model]
        pixels = torch.from_numpy(self._problem.pixels())
        self._inputs = pixels if task.model == "mlp" else pixels.unsqueeze(1)
        self._labels = torch.from_numpy(self._problem.labels)
        self._x = torch.empty(task.batch, *self._inputs.shape[1:])
        self._y = torch.empty(task.batch, dtype=torch.long)
        self._batches = Batches(len(self._labels), task.batch)
        self.weights = self._own_weights("channels-last" in task.variant) if weights is None else weights

    def _own_weights(self, channels_last: bool) -> list[Tensor]:
        weights = [torch.from_numpy(array.T.copy() if array.ndim == 2 else array.copy()) for array in self._arrays()]
        if channels_last:  # the layout of the activations follows from it
            weights = [w.to(memory_format=torch.channels_last) if w.ndim == 4 else w for w in weights]
        return [weight.requires_grad_() for weight in weights]

    def _arrays(self) -> list[NDArray[np.float32]]:
        return self._problem.split(self._problem.parameters())

    @torch.no_grad()
    def restart(self, parameters: NDArray[np.float32], rate: float, seed: int) -> None:
        """See Contender."""
        for weight, array in zip(self.weights, self._problem.split(parameters), strict=True):
            weight.copy_(torch.from_numpy(array.T if array.ndim == 2 else array))
        self.begin(rate, seed)

    def begin(self, rate: float, seed: int) -> None:
        """Set the rate and the order of samples alone."""
        self._rate = rate
        self._batches.restart(seed)

    def parameters(self) -> NDArray[np.float32]:
        """See Contender; weights of dense layers are transposed."""
        arrays = [weight.detach().numpy() for weight in self.weights]
        return self._problem.join([array.T if array.ndim == 2 else array for array in arrays])

    def work(self) -> int:
        """See Loop."""
        self.update(self._batches.take()[0])
        return 1

    def _gather(self, indices: NDArray[np.int64]) -> None:
        chosen = torch.from_numpy(indices)
        torch.index_select(self._inputs, 0, chosen, out=self._x)
        torch.index_select(self._labels, 0, chosen, out=self._y)

    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender."""
        self._gather(indices)
        loss = F.cross_entropy(self._network(self.weights, self._x), self._y)
        gradients = torch.autograd.grad(loss, self.weights)
        with torch.no_grad():
            torch._foreach_add_(self.weights, gradients, alpha=-self._rate)


class Compiled(Eager):
    """The whole update as one function compiled by TorchInductor, called through its C++ wrapper."""

    def __init__(self, task: Task, weights: list[Tensor] | None = None) -> None:
        super().__init__(task, weights)
        self.weights = [weight.detach() for weight in self.weights]
        network, inputs, labels = self._network, self._inputs, self._labels

        def loss(weights: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
            return F.cross_entropy(network(weights, x), y)

        def update(weights: list[Tensor], indices: Tensor, rate: Tensor) -> None:
            x, y = inputs.index_select(0, indices), labels.index_select(0, indices)
            for weight, gradient in zip(weights, torch.func.grad(loss)(weights, x, y), strict=True):
                weight.sub_(rate * gradient)

        self._update = torch.compile(update, fullgraph=True, dynamic=False, options={"cpp_wrapper": True})

    def begin(self, rate: float, seed: int) -> None:
        """See Eager; a rate in a tensor needs no new compilation."""
        super().begin(rate, seed)
        self._rate_tensor = torch.tensor(rate)

    @torch.no_grad()
    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender."""
        try:
            self._update(self.weights, torch.from_numpy(indices), self._rate_tensor)
        except torch._dynamo.exc.TorchDynamoException as error:
            raise UnavailableError(f"torch.compile: {str(error).splitlines()[0]}") from error


class Layer(NamedTuple):
    """A dense layer: parameters, what comes in and out, the loss's derivative by what comes out; transposed views."""

    weight: Tensor
    bias: Tensor
    x: Tensor
    y: Tensor
    delta: Tensor
    weight_t: Tensor
    delta_t: Tensor


class ByHand(Eager):
    """The MLP's gradient written out, on tensors and views that stay; its products add it to the weights in place."""

    def __init__(self, task: Task, weights: list[Tensor] | None = None) -> None:
        super().__init__(task, weights)
        self.weights = [weight.detach() for weight in self.weights]
        self._layers: list[Layer] = []
        x = self._x
        for weight, bias in zip(self.weights[::2], self.weights[1::2], strict=True):
            y, delta = torch.empty(2, task.batch, len(bias)).unbind()
            self._layers.append(Layer(weight, bias, x, y, delta, weight.t(), delta.t()))
            x = y
        self._labels_column = self._y.unsqueeze(1)
        self._minus_ones = torch.full((task.batch, 1), -1.0)
        self._ones = torch.ones(task.batch)

    @torch.inference_mode()
    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender."""
        self._gather(indices)
        self._forward()
        self._backward(-self._rate / len(indices))

    def _forward(self) -> None:
        *hidden, last = self._layers
        for layer in hidden:
            torch.addmm(layer.bias, layer.x, layer.weight_t, out=layer.y).relu_()
        torch.addmm(last.bias, last.x, last.weight_t, out=last.y)
        torch.softmax(last.y, 1, out=last.delta).scatter_add_(1, self._labels_column, self._minus_ones)

    def _backward(self, step: float) -> None:
        for i in reversed(range(len(self._layers))):
            layer = self._layers[i]
            if i > 0:
                before = self._layers[i - 1].delta
                torch.mm(layer.delta, layer.weight, out=before)
                torch.ops.aten.threshold_backward.grad_input(before, layer.x, 0, grad_input=before)
            layer.weight.addmm_(layer.delta_t, layer.x, alpha=step)
            layer.bias.addmv_(layer.delta_t, self._ones, alpha=step)


VARIANTS = {"eager": Eager, "compiled": Compiled, "by-hand": ByHand}


def make(task: Task, weights: list[Tensor] | None = None) -> Eager:
    """Return the contender that the first word of the variant names."""
    return VARIANTS[task.variant.split()[0]](task, weights)
