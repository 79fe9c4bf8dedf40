"""Whatever is passed, it is taken as documented, or refused with a TypeError or ValueError that names the argument.

Hypothesis makes the cases, always the same ones. Each property is a function of what it judges, so that it can be given
something broken as well, and must see it.
"""

import math
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as any_of

import asap
from asap.arrays import as_inputs

Array = np.ndarray[Any, Any]

cases = settings(
    max_examples=300,
    deadline=None,  # machines may be slow
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

DTYPES = ["u1", "i1", "i4", "<f4", "<f8", ">f4", ">f8", "f2", "g", "c8", "?", "U1"]
STRANGE: any_of.SearchStrategy[Any] = any_of.one_of(
    any_of.none(),
    any_of.booleans(),
    any_of.integers(-3, 6),
    any_of.integers(2**31 - 1, 2**65),
    any_of.floats(width=64),
    any_of.text(max_size=3),
    any_of.lists(any_of.integers(-1, 2), max_size=3),
)
"""What may stand where a number is expected."""


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the error with which it refuses."""
    try:
        return call()
    except (TypeError, ValueError) as error:
        return error


def laid_out(array: Array, how: str) -> Array:
    """The same values with other strides, or at odd addresses."""
    if how == "backwards":
        return np.flip(array)
    if how == "transposed":
        return array.T
    if how == "every second":
        return np.repeat(array, 2, axis=0)[::2] if array.ndim else array
    if how == "unaligned":
        moved = np.ndarray(array.shape, array.dtype, bytearray(array.nbytes + 1), 1)
        moved[...] = array
        return moved
    return array


any_array = any_of.builds(
    laid_out,
    arrays.arrays(any_of.sampled_from(DTYPES), arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3)),
    any_of.sampled_from(["as it is", "backwards", "transposed", "every second", "unaligned"]),
)


def are_inputs(array: Array) -> bool:
    """What the documentation says of inputs."""
    fits = array.dtype in (np.uint8, np.float32, np.float64) and array.ndim in (2, 3, 4) and array.size > 0
    return fits and array.flags.aligned and bool(np.isfinite(array).all())


def inputs_are_taken_as_documented(take: Callable[[Array], Array]) -> None:
    @cases
    @given(any_array)
    def holds(array: Array) -> None:
        taken = outcome(lambda: take(array))
        if are_inputs(array):
            assert np.shares_memory(taken, array)
        else:
            assert isinstance(taken, Exception)
            assert "inputs" in str(taken)

    holds()


def test_inputs_are_taken_as_documented() -> None:
    inputs_are_taken_as_documented(as_inputs)


def test_another_way_with_inputs_is_seen() -> None:
    for broken in (np.asarray, np.ascontiguousarray, lambda array: as_inputs(array.copy())):
        with pytest.raises(AssertionError):
            inputs_are_taken_as_documented(broken)


slices = any_of.builds(slice, any_of.integers(0, 3), any_of.none(), any_of.sampled_from([1, 2, 3]))
views = any_of.tuples(
    any_of.sampled_from([np.uint8, np.float32, np.float64]), slices, slices, any_of.booleans(), any_of.booleans()
)


def strides_do_not_matter(look: Callable[[asap.Model, Array, Array], Any]) -> None:
    @cases
    @given(views)
    def holds(view: tuple[type, slice, slice, bool, bool]) -> None:
        dtype, rows, columns, backwards, transposed = view
        plain = np.random.default_rng(0).integers(0, 255, (12, 12)).astype(dtype)
        samples = (plain.T if transposed else plain)[rows, columns]
        samples = samples[::-1, ::-1] if backwards else samples
        labels = np.arange(len(samples)) % 2
        model = asap.models.MLP(input_shape=samples.shape[1], classes=2, hidden=(3,))
        assert np.array_equal(look(model, samples, labels), look(model, np.ascontiguousarray(samples), labels.copy()))

    holds()


def gradients(model: asap.Model, samples: Array, labels: Array) -> Any:
    return model.gradient((samples, labels), np.arange(len(samples)))[1]


def test_strides_do_not_matter() -> None:
    strides_do_not_matter(lambda model, samples, labels: model.predict(samples))
    strides_do_not_matter(gradients)


def test_strides_that_are_ignored_are_seen() -> None:
    with pytest.raises(AssertionError):
        strides_do_not_matter(lambda model, samples, labels: model.predict(np.zeros_like(samples) + samples.strides[1]))


any_labels = arrays.arrays(
    any_of.sampled_from(["i1", "u1", "i2", ">i4", "i8", "u8", "f4", "?"]),
    any_of.one_of(any_of.just((5,)), arrays.array_shapes(min_dims=0, max_dims=2, min_side=4, max_side=6)),
)


def labels_are_taken_as_documented(judge: Callable[[Array], Any]) -> None:
    @cases
    @given(any_labels, any_of.booleans())
    def holds(labels: Array, small: bool) -> None:
        if small and labels.dtype.kind in "iu":
            labels = (labels % np.array(3, labels.dtype)).astype(labels.dtype)
        fits = labels.dtype.kind in "iu" and labels.shape == (5,) and bool(((labels >= 0) & (labels < 3)).all())
        judged = outcome(lambda: judge(labels))
        assert isinstance(judged, asap.Evaluation) == fits
        assert fits or "data[1]" in str(judged)

    holds()


def evaluated(labels: Array) -> asap.Evaluation:
    return asap.models.MLP(input_shape=2, classes=3, hidden=()).evaluate((np.ones((5, 2)), labels))


def test_labels_are_taken_as_documented() -> None:
    labels_are_taken_as_documented(evaluated)


def test_labels_that_are_bent_to_fit_are_seen() -> None:
    with pytest.raises(AssertionError):
        labels_are_taken_as_documented(lambda labels: evaluated(np.abs(np.resize(labels, 5).astype(int)) % 3))


layers = any_of.one_of(
    any_of.builds(asap.Dense, any_of.integers(1, 4)),
    any_of.builds(asap.Conv2d, any_of.integers(1, 3), any_of.integers(1, 4)),
    any_of.builds(asap.MaxPool2d, any_of.integers(1, 3)),
    any_of.sampled_from([asap.ReLU(), asap.Tanh(), asap.Flatten()]),
)
input_shapes = any_of.lists(any_of.integers(1, 7), min_size=1, max_size=3).map(tuple)


def expected_parameters(shape: tuple[int, ...], chain: list[Any]) -> int | None:
    """How many parameters a network has; None where a window does not fit, 0 where nothing has any."""
    h, w, c = (*shape, 1, 1)[:3] if len(shape) > 1 else (1, 1, shape[0])
    count = 0
    for layer in chain:
        if isinstance(layer, (asap.Conv2d, asap.MaxPool2d)) and layer.window > min(h, w):
            return None
        if isinstance(layer, asap.Conv2d):
            count += layer.filters * (c * layer.window**2 + 1)
            h, w, c = h - layer.window + 1, w - layer.window + 1, layer.filters
        elif isinstance(layer, asap.MaxPool2d):
            h, w = h // layer.window, w // layer.window
        elif isinstance(layer, asap.Dense):
            count += layer.units * (c * h * w + 1)
            h, w, c = 1, 1, layer.units
        elif isinstance(layer, asap.Flatten):
            h, w, c = 1, 1, c * h * w
    return count


def networks_are_made_as_documented(make: Callable[[tuple[int, ...], list[Any]], asap.Model]) -> None:
    @cases
    @given(input_shapes, any_of.lists(layers, min_size=1, max_size=5))
    def holds(shape: tuple[int, ...], chain: list[Any]) -> None:
        made = outcome(lambda: make(shape, chain))
        if not (expected := expected_parameters(shape, chain)):
            assert isinstance(made, ValueError)
            assert ("its input is" if expected is None else "has parameters") in str(made)
        else:
            assert made.num_parameters == expected
            outputs = made.predict(np.ones((2, *shape), np.float32))
            assert outputs.shape == (2, made.num_outputs)
            assert np.isfinite(outputs).all()

    holds()


def test_networks_are_made_as_documented() -> None:
    networks_are_made_as_documented(lambda shape, chain: asap.Sequential(chain, input_shape=shape))


def test_networks_without_a_layer_are_seen() -> None:
    with pytest.raises(AssertionError):
        networks_are_made_as_documented(lambda shape, chain: asap.Sequential(chain[:1], input_shape=shape))


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_count(value: object, least: int, most: int = 2**63 - 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


ACCEPTED: dict[str, tuple[Callable[..., Any], Callable[[Any], bool]]] = {
    "rate": (lambda rate: asap.Constant(rate), lambda v: is_number(v) and v > 0),
    "amplitude": (lambda amplitude: asap.TailTau(0.1, amplitude), lambda v: is_number(v) and 0 <= v <= 1),
    "threshold": (lambda threshold: asap.FLeet(0.1, threshold), lambda v: v is None or (is_number(v) and v > 0)),
    "factor": (lambda factor: asap.StepRate(0.1, factor, 1), lambda v: is_number(v) and 0 < v <= 1),
    "every": (lambda every: asap.StepRate(0.1, 0.5, every), lambda v: is_number(v) and v > 0),
    "final": (lambda final: asap.CosineRate(2.0, final), lambda v: is_number(v) and 0 <= v <= 2),
    "persistence": (
        lambda persistence: asap.Leashed(persistence),
        lambda v: v is None or v == math.inf or is_count(v, 0),
    ),
    "epochs": (lambda epochs: asap.Patience(epochs), lambda v: is_count(v, 1)),
    "min_delta": (lambda min_delta: asap.Patience(1, min_delta), lambda v: is_number(v) and v >= 0),
    "value": (lambda value: asap.TargetAccuracy(value), lambda v: is_number(v) and 0 <= v <= 1),
    "units": (lambda units: asap.Dense(units), lambda v: is_count(v, 1)),
    "q": (lambda q: asap.StalenessDistribution([1, 2]).quantile(q), lambda v: is_number(v) and 0 <= v <= 1),
    "tau": (lambda tau: asap.StalenessDistribution([1, 2]).probability(tau), lambda v: is_count(v, 0)),
}
"""Arguments: what is made with them, and what the documentation accepts."""


def numbers_are_taken_as_documented(name: str, make: Callable[[Any], Any], accepts: Callable[[Any], bool]) -> None:
    @cases
    @given(STRANGE)
    def holds(value: Any) -> None:
        made = outcome(lambda: make(value))
        assert isinstance(made, Exception) != accepts(value)
        assert not isinstance(made, Exception) or name in str(made)

    holds()


@pytest.mark.parametrize("name", ACCEPTED)
def test_numbers_are_taken_as_documented(name: str) -> None:
    numbers_are_taken_as_documented(name, *ACCEPTED[name])


def test_a_check_that_is_missing_is_seen() -> None:
    with pytest.raises(AssertionError):
        numbers_are_taken_as_documented("rate", lambda value: value, ACCEPTED["rate"][1])


TRAINING: dict[str, Callable[[Any], bool]] = {
    "workers": lambda v: v is None or is_count(v, 1, 4096),
    "batch_size": lambda v: is_count(v, 1),
    "updates": lambda v: v is None or is_count(v, 1),
    "seconds": lambda v: v is None or (is_number(v) and v > 0),
    "momentum": lambda v: is_number(v) and 0 <= v < 1,
    "weight_decay": lambda v: is_number(v) and v >= 0,
    "seed": lambda v: is_count(v, 0, 2**64 - 1),
    "trace": lambda v: isinstance(v, bool),
    "progress": lambda v: v is None or isinstance(v, bool),
}


def training_takes_what_is_documented(train: Callable[..., Any]) -> None:
    @cases
    @given(any_of.sampled_from(sorted(TRAINING)), STRANGE)
    def holds(name: str, value: Any) -> None:
        data = (np.eye(4, dtype=np.float32), np.arange(4) % 2)
        model = asap.models.MLP(input_shape=4, classes=2, hidden=())
        before = model.parameters.copy()
        arguments = {"workers": 2, "epochs": 1, "progress": False} | {name: value}
        run = outcome(lambda: train(model, data, **arguments))
        assert isinstance(run, Exception) != TRAINING[name](value)
        if isinstance(run, Exception):
            assert name in str(run)
            assert np.array_equal(model.parameters, before)

    holds()


def test_training_takes_what_is_documented() -> None:
    training_takes_what_is_documented(asap.train)


def test_training_that_begins_before_it_checks_is_seen() -> None:
    def hasty(model: asap.Model, data: Any, **arguments: Any) -> Any:
        model.parameters += 1
        return asap.train(model, data, **arguments)

    with pytest.raises(AssertionError):
        training_takes_what_is_documented(hasty)
