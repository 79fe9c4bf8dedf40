import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from asap.arrays import as_arrays, as_inputs
from asap.datasets import DataSet, Split

IMAGES = np.zeros((5, 28, 28), np.uint8)
LABELS = np.arange(5)
STRIDED = np.zeros((10, 4, 6, 3), np.float32)
PLANAR = np.zeros((5, 3073), np.uint8)[:, 1:].reshape(5, 3, 32, 32).transpose(0, 2, 3, 1)

ACCEPTED = {
    "features": np.zeros((5, 7), np.float32),
    "images": IMAGES,
    "images with channels": np.zeros((5, 28, 28, 3)),
    "every second sample": STRIDED[::2],
    "backwards": STRIDED[::-1, :, ::-1],
    "every second row": STRIDED[:, ::2],
    "transposed": STRIDED.transpose(0, 2, 1, 3),
    "planar": PLANAR,
    "one sample repeated": np.broadcast_to(np.float32(1.0), (5, 3)),
    "fortran order": np.zeros((5, 7), order="F"),
    "read-only": np.frombuffer(bytes(20), np.uint8).reshape(5, 4),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_inputs_are_passed_on_without_a_copy(case: str) -> None:
    given = ACCEPTED[case]
    passed = as_inputs(given)
    assert type(passed) is np.ndarray
    assert passed.__array_interface__["data"] == given.__array_interface__["data"]
    assert (passed.shape, passed.strides, passed.dtype) == (given.shape, given.strides, given.dtype)


def test_arrays_larger_than_memory_are_checked_block_by_block(tmp_path: Path) -> None:
    path, shape = tmp_path / "large.f32", (300_000, 200)  # 240 MB, a hole in the file
    with path.open("wb") as file:
        file.truncate(4 * shape[0] * shape[1])
        file.seek(4 * (200_123 * shape[1] + 17))
        file.write(np.float32(np.inf).tobytes())
    mapped = np.memmap(path, np.float32, "r", shape=shape)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=re.escape("inputs must be finite; inputs[200123, 17] is inf")):
            as_inputs(mapped)
        assert as_inputs(mapped[:200_000]).base is not None
        assert tracemalloc.get_traced_memory()[1] < mapped.nbytes // 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [(0, 0), (1, 2), (3999, 599), (2000, 0)])
def test_the_first_value_that_is_not_finite_is_named(dtype: type, bad: float, index: tuple[int, int]) -> None:
    x = np.zeros((4000, 600), dtype)
    x[index] = bad
    x[index[0] :, index[1] + 1 :] = np.nan
    with pytest.raises(ValueError, match=re.escape(f"x must be finite; x[{index[0]}, {index[1]}] is {bad}")):
        as_inputs(x, name="x")


def test_not_finite_values_between_strides_do_not_matter() -> None:
    x = np.full((8, 6), np.nan, np.float32)
    x[::2, ::3] = 0
    assert as_inputs(x[::2, ::3]).shape == (4, 2)


REFUSED = {
    "list": ([[1.0]], TypeError, "inputs must be a NumPy array; got [[1.0]] (list): pass np.asarray(inputs)"),
    "none": (None, TypeError, "inputs must be a NumPy array; got None"),
    "masked": (np.ma.zeros((2, 2)), TypeError, "inputs must not be masked"),
    "object": (np.array([[None]]), TypeError, "inputs must be uint8, float32 or float64; got object"),
    "int64": (np.zeros((2, 2), np.int64), TypeError, "got int64: convert it with inputs.astype(np.float32)"),
    "float16": (np.zeros((2, 2), np.float16), TypeError, "got float16"),
    "bool": (np.zeros((2, 2), bool), TypeError, "got bool"),
    "complex": (np.zeros((2, 2), complex), TypeError, "got complex128"),
    "text": (np.array([["a"]]), TypeError, "got <U1"),
    "fields": (np.zeros(2, [("a", "f4")]), TypeError, "got [('a', '<f4')]"),
    "big-endian": (
        np.zeros((2, 2), ">f4"),
        TypeError,
        "in this machine's byte order; got >f4: convert it with inputs.astype(np.float32)",
    ),
    "big-endian double": (np.zeros((2, 2), ">f8"), TypeError, "got >f8: convert it with inputs.astype(np.float64)"),
    "no axis": (np.float32(1)[...], ValueError, "got ()"),
    "one axis": (
        np.zeros(784),
        ValueError,
        "inputs must have shape (n, features) or (n, height, width) or (n, height, width, channels); got (784,)",
    ),
    "five axes": (np.zeros((1, 2, 3, 4, 5)), ValueError, "got (1, 2, 3, 4, 5)"),
    "no sample": (np.zeros((0, 3)), ValueError, "inputs must have at least one sample with at least one value"),
    "no value": (np.zeros((3, 0)), ValueError, "inputs must have at least one sample with at least one value"),
    "unaligned": (
        np.frombuffer(bytes(17), np.uint8)[1:].view(np.float32).reshape(2, 2),
        ValueError,
        "inputs must lie at addresses that suit float32; got unaligned memory",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_inputs_are_refused_with_advice(case: str) -> None:
    given, kind, message = REFUSED[case]
    with pytest.raises(kind, match=re.escape(message)):
        as_inputs(given)


@pytest.mark.parametrize("sample", [(28, 28), (28, 28, 1)])
@pytest.mark.parametrize("given", [(5, 28, 28), (5, 28, 28, 1)])
def test_a_single_channel_may_have_an_axis_of_its_own_or_none(sample: tuple, given: tuple) -> None:
    assert as_inputs(np.zeros(given), shape=sample).shape == given


SHAPES = [
    ((60000, 783), (28, 28), "images must have shape (n, 28, 28) or (n, 28, 28, 1); got (60000, 783)"),
    ((5, 784), (28, 28), "got (5, 784): images.reshape(-1, 28, 28)"),
    ((5, 28, 28), (784,), "images must have shape (n, 784); got (5, 28, 28): images.reshape(-1, 784)"),
    ((28, 28), (28, 28), "got (28, 28): a single sample is passed as images[np.newaxis]"),
    ((784,), (784,), "images must have shape (n, 784); got (784,): a single sample is passed as images[np.newaxis]"),
    ((5, 3, 32, 32), (32, 32, 3), "got (5, 3, 32, 32): channels come last: images.transpose(0, 2, 3, 1)"),
    ((5, 32, 32), (32, 32, 3), "images must have shape (n, 32, 32, 3); got (5, 32, 32)"),
    ((5, 3072), (32, 32, 3), "images must have shape (n, 32, 32, 3); got (5, 3072)"),
    ((5, 28, 28, 3), (28, 28), "got (5, 28, 28, 3)"),
]


@pytest.mark.parametrize(("given", "sample", "message"), SHAPES)
def test_a_shape_that_does_not_fit_is_shown_with_those_that_do(given: tuple, sample: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message) + r"(, which copies nothing)?$"):
        as_inputs(np.zeros(given, np.uint8), name="images", shape=sample)


# --- with labels


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "<i4", ">i4", "i8", "u8"])
def test_labels_of_any_integer_type_become_contiguous_int32(dtype: str) -> None:
    labels = np.repeat(LABELS, 2).astype(dtype)[::2]
    arrays = as_arrays((IMAGES, labels), classes=5)
    assert arrays.labels is not None
    assert (arrays.labels.dtype, arrays.labels.flags.c_contiguous) == (np.dtype(np.int32), True)
    assert arrays.labels.tolist() == LABELS.tolist()
    assert arrays.targets is None
    assert arrays.inputs.base is IMAGES
    assert len(arrays) == 5


def test_labels_that_fit_are_not_copied() -> None:
    labels = LABELS.astype(np.int32)
    assert np.shares_memory(as_arrays(Split(IMAGES, labels)).labels, labels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
@pytest.mark.parametrize(("shape", "target_size"), [((5,), 1), ((5, 1), 1), ((5, 3), 3), ((5,), None), ((5, 2), None)])
def test_targets_become_contiguous_float32(dtype: object, shape: tuple, target_size: int | None) -> None:
    targets = (np.arange(np.prod(shape)) / 4).reshape(shape).astype(dtype)
    arrays = as_arrays((IMAGES, targets), target_size=target_size)
    assert arrays.targets is not None
    assert (arrays.targets.dtype, arrays.targets.shape, arrays.labels) == (np.dtype(np.float32), shape, None)
    assert arrays.targets.flags.c_contiguous
    np.testing.assert_array_equal(arrays.targets, targets)


def test_targets_that_fit_are_not_copied() -> None:
    targets = np.zeros((5, 2), np.float32)
    assert np.shares_memory(as_arrays((IMAGES, targets)).targets, targets)


SPLIT = Split(IMAGES, LABELS.astype(np.int32))
PAIRS = {
    "data set": (DataSet("x", SPLIT, SPLIT, (), ""), {}, TypeError, "pass data.train or data.test"),
    "array": (IMAGES, {}, TypeError, "data must be a Split or a tuple (inputs, labels); got a ndarray"),
    "triple": (
        (IMAGES, LABELS, LABELS),
        {},
        TypeError,
        "data must be a Split or a tuple (inputs, labels); got a tuple",
    ),
    "list of labels": ((IMAGES, [1, 2]), {}, TypeError, "data[1] must be a NumPy array; got [1, 2] (list)"),
    "inputs": ((IMAGES[0, 0], LABELS), {}, ValueError, "data[0] must have shape (n, features)"),
    "inputs of a split": (Split(IMAGES[0, 0], LABELS), {}, ValueError, "data.inputs must have shape (n, features)"),
    "inputs of another model": ((IMAGES, LABELS), {"shape": (32, 32)}, ValueError, "got (5, 28, 28)"),
    "length": ((IMAGES, LABELS[:4]), {}, ValueError, "data[1] must have shape (5,), one label per sample; got (4,)"),
    "one-hot": ((IMAGES, np.eye(5, dtype=int)), {}, ValueError, "one label per sample; got (5, 5)"),
    "negative": (
        Split(IMAGES, np.array([0, 1, -1, -2, 3], np.int32)),
        {},
        ValueError,
        "data.labels must be in 0…2147483647; data.labels[2] is -1",
    ),
    "class": ((IMAGES, LABELS), {"classes": 4}, ValueError, "data[1] must be in 0…3; data[1][4] is 4"),
    "too large for int32": ((IMAGES, LABELS + 2**32), {}, ValueError, "data[1][0] is 4294967296"),
    "largest uint64": (
        (IMAGES, np.full(5, 2**64 - 1, np.uint64)),
        {"classes": 5},
        ValueError,
        "data[1][0] is 18446744073709551615",
    ),
    "bool": ((IMAGES, LABELS > 2), {}, TypeError, "data[1] must be integers (labels) or floating-point numbers"),
    "object": ((IMAGES, LABELS.astype(object)), {}, TypeError, "got object"),
    "floats for labels": (
        (IMAGES, LABELS.astype(float)),
        {"classes": 5},
        TypeError,
        "data[1] must be integers, the labels of 5 classes; got float64",
    ),
    "labels for targets": (
        (IMAGES, LABELS),
        {"target_size": 1},
        TypeError,
        "targets to predict; got int64: convert it with data[1].astype(np.float32)",
    ),
    "length of targets": ((IMAGES, np.zeros(6)), {}, ValueError, "data[1] must have shape (5,) or (5, k); got (6,)"),
    "width of targets": (
        (IMAGES, np.zeros((5, 2))),
        {"target_size": 3},
        ValueError,
        "data[1] must have shape (5, 3); got (5, 2)",
    ),
    "one target too many": (
        (IMAGES, np.zeros((5, 2))),
        {"target_size": 1},
        ValueError,
        "data[1] must have shape (5,) or (5, 1); got (5, 2)",
    ),
    "no targets": ((IMAGES, np.zeros((5, 0))), {}, ValueError, "got (5, 0)"),
    "targets with three axes": ((IMAGES, np.zeros((5, 1, 1))), {}, ValueError, "got (5, 1, 1)"),
    "NaN in targets": (
        (IMAGES, np.array([[0, 1], [2, np.nan], [np.nan, 0], [0, 0], [0, 0]])),
        {},
        ValueError,
        "data[1] must be finite; data[1][1, 1] is nan",
    ),
    "targets beyond float32": (
        (IMAGES, np.array([0, 1e300, 0, 0, 0])),
        {},
        ValueError,
        "data[1] must be finite; data[1][1] is 1e+300",
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_other_data_is_refused_with_the_name_of_the_array(case: str) -> None:
    data, arguments, kind, message = PAIRS[case]
    with pytest.raises(kind, match=re.escape(message)):
        as_arrays(data, **arguments)


def test_errors_use_the_callers_name() -> None:
    with pytest.raises(ValueError, match=re.escape("validation[1] must be in 0…2; validation[1][3] is 3")):
        as_arrays((IMAGES, LABELS), name="validation", classes=3)
