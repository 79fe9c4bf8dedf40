"""Models: shapes and counts, parameters as a flat vector, outputs, files."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap.datasets import DataSet, Split

safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra io")


def images(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def image_set(*shape: int, classes: int = 10) -> Split:
    x = images(*shape)
    return Split(x, (np.arange(len(x)) % classes).astype(np.int32))


@pytest.mark.parametrize(
    ("make", "shape", "count"),
    [
        (asap.models.MLP, (28, 28), 134_794),
        (asap.models.MLP, 784, 134_794),
        (asap.models.CNN, (28, 28), 27_354),
        (asap.models.LeNet, (28, 28), 34_622),
        (asap.models.LeNet, (28, 28, 1), 34_622),
        (asap.models.LeNet, (32, 32, 3), 52_202),
    ],
)
def test_ready_made_networks_have_the_papers_parameter_counts(make: type, shape: object, count: int) -> None:
    assert make(input_shape=shape, classes=10).num_parameters == count
    assert make(shape, classes=10).num_parameters == count


def test_shape_and_classes_come_from_the_data() -> None:
    split = image_set(12, 20, 24, 3, classes=7)
    data_set = DataSet("made-up", split, split, tuple("abcdefgh"), "")
    assert asap.models.LeNet(split).input_shape == (20, 24, 3)
    assert asap.models.LeNet(split).num_outputs == 7
    assert asap.models.LeNet((split.inputs, split.labels)).num_outputs == 7
    assert asap.models.LeNet(data_set).num_outputs == 8
    assert asap.models.LeNet(split, classes=9).num_outputs == 9


@pytest.mark.parametrize("make", [asap.models.MLP, asap.models.CNN, asap.models.LeNet])
def test_ready_made_networks_say_what_they_need(make: type) -> None:
    for arguments in (
        {},
        {"classes": 10},
        {"input_shape": (28, 28)},
        {"data": image_set(2, 28, 28), "input_shape": 784},
    ):
        with pytest.raises(TypeError, match=r"needs either data, or input_shape= with classes="):
            make(**arguments)
    with pytest.raises(TypeError, match="mean-squared-error"):
        make((np.zeros((3, 28, 28), np.float32), np.zeros((3, 2), np.float32)))


def test_channels_last_arrays_are_convolved_over_height_and_width() -> None:
    model = asap.Sequential([asap.Conv2d(1, 2), asap.Dense(1)], input_shape=(3, 4, 2), loss="mean-squared-error")
    assert model.weights("0.conv2d.weight").shape[:2] == (1, 2)
    model.parameters = 0.0 * model.parameters
    model.weights("0.conv2d.weight")[0, 1, 0, 1] = 1.0  # picks channel 1, same row, next column
    model.weights("1.dense.weight")[:, 0] = np.arange(6)  # 2 rows × 3 columns
    x = np.random.default_rng(0).random((5, 3, 4, 2), np.float32)
    expected = (x[:, :2, 1:, 1].reshape(5, 6) * np.arange(6)).sum(axis=1)
    np.testing.assert_allclose(model.predict(x)[:, 0], expected, rtol=1e-5)


def test_outputs_are_probabilities_under_softmax_and_do_not_depend_on_the_batch_size() -> None:
    model = asap.models.CNN(input_shape=(12, 12), classes=4)
    x = images(70, 12, 12)
    outputs = model.predict(x)
    assert outputs.shape == (70, 4)
    assert (outputs >= 0).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, batch_size=7), outputs, rtol=1e-5)


def test_byte_images_stand_for_values_between_0_and_1() -> None:
    model = asap.models.LeNet(input_shape=(28, 28), classes=10)
    x = images(9, 28, 28)
    np.testing.assert_allclose(model.predict(x), model.predict((x / 255).astype(np.float32)), rtol=1e-4)


def test_evaluation_is_the_mean_over_samples() -> None:
    split = image_set(50, 12, 12, classes=4)
    model = asap.models.CNN(split)
    outputs = model.predict(split.inputs).astype(np.float64)
    loss, accuracy, samples = model.evaluate(split, batch_size=16)
    assert samples == 50
    assert accuracy == np.mean(outputs.argmax(axis=1) == split.labels)
    np.testing.assert_allclose(loss, -np.log(outputs[np.arange(50), split.labels]).mean(), rtol=1e-5)


def test_regression_has_no_accuracy_and_takes_flat_targets() -> None:
    x = np.random.default_rng(0).random((20, 3), np.float32)
    y = x.sum(axis=1)
    model = asap.Sequential([asap.Dense(1)], input_shape=3, loss="mean-squared-error")
    assert model.evaluate((x, y)).accuracy is None
    assert model.evaluate((x, y)) == model.evaluate((x, y[:, np.newaxis]))


def test_gradient_agrees_with_central_differences() -> None:
    rng = np.random.default_rng(3)
    data = rng.random((8, 5), np.float32), np.arange(8, dtype=np.int32) % 3
    model = asap.Sequential([asap.Dense(6), asap.Tanh(), asap.Dense(3)], input_shape=5, seed=2)
    loss, gradient = model.gradient(data, range(8))
    assert loss == pytest.approx(model.evaluate(data).loss, rel=1e-5)
    start, direction, h = model.parameters.copy(), rng.standard_normal(model.num_parameters), 1e-2
    model.parameters = start + h * direction
    above = model.evaluate(data).loss
    model.parameters = start - h * direction
    below = model.evaluate(data).loss
    assert (above - below) / (2 * h) == pytest.approx(gradient @ direction, rel=1e-2)


@pytest.mark.parametrize(
    ("indices", "error"),
    [([], "one or more"), ([-1], "one or more"), ([0.5], "one or more"), ([20], "below 20; got 20")],
)
def test_gradient_checks_its_indices(indices: list[float], error: str) -> None:
    model = asap.models.MLP(input_shape=3, classes=2)
    with pytest.raises(ValueError, match=error):
        model.gradient((np.zeros((20, 3), np.float32), np.zeros(20, np.int32)), indices)


def test_parameters_are_one_vector_that_weights_look_into() -> None:
    model = asap.models.LeNet(input_shape=(28, 28), classes=10)
    assert sum(int(np.prod(shape)) for shape, _ in model.layout.values()) == model.num_parameters
    model.weights("8.dense.bias")[:] = 7.0
    assert (model.parameters == 7.0).sum() == 10
    held = model.weights("0.conv2d.weight")
    model.parameters = np.zeros(model.num_parameters)
    assert not held.any()
    model.parameters[:6] = 1.0
    assert held.sum() == 6


def test_parameters_of_another_shape_are_refused() -> None:
    model = asap.models.MLP(input_shape=4, classes=2)
    for wrong in (np.zeros(3), np.zeros((model.num_parameters, 1)), ["a"] * model.num_parameters):
        with pytest.raises(ValueError, match=rf"parameters must be numbers of shape \({model.num_parameters},\); got"):
            model.parameters = wrong
    with pytest.raises(KeyError, match=r"'0\.dense\.weight'.*got 'dense'"):
        model.weights("dense")


def test_a_seed_fixes_the_initial_parameters() -> None:
    first, again, other = (asap.models.MLP(input_shape=9, classes=3, seed=seed).parameters for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("initialiser", "deviation"), [("papers", 0.01), ("he", (2 / 784) ** 0.5)])
def test_initialisers_have_their_deviation(initialiser: str, deviation: float) -> None:
    model = asap.models.MLP(input_shape=784, classes=10, initialiser=initialiser)
    assert model.weights("0.dense.weight").std() == pytest.approx(deviation, rel=0.02)
    assert model.weights("0.dense.bias").any() == (initialiser == "papers")


def test_glorot_stays_within_its_bounds() -> None:
    weights = asap.models.MLP(input_shape=784, classes=10, initialiser="glorot").weights("0.dense.weight")
    bound = (6 / (784 + 128)) ** 0.5
    assert np.abs(weights).max() <= bound
    assert weights.std() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_wrong_networks_are_refused_with_advice() -> None:
    with pytest.raises(TypeError, match=r"asap\.engines\.Sequential\(\)"):
        asap.Sequential()
    with pytest.raises(TypeError, match=r"layers\[1\] must be a layer.*got the class ReLU: add \(\)"):
        asap.Sequential([asap.Dense(3), asap.ReLU], input_shape=4)
    with pytest.raises(TypeError, match=r"layers\[0\] must be a layer.*got 128"):
        asap.Sequential([128], input_shape=4)
    with pytest.raises(ValueError, match=r"input_shape must be n, \(height, width\) or .*got \(1, 2, 3, 4\)"):
        asap.Sequential([asap.Dense(3)], input_shape=(1, 2, 3, 4))
    with pytest.raises(ValueError, match="'softmax-cross-entropy', 'mean-squared-error'; got 'hinge'"):
        asap.Sequential([asap.Dense(3)], input_shape=4, loss="hinge")
    with pytest.raises(ValueError, match="initialiser must be one of 'he'"):
        asap.Sequential([asap.Dense(3)], input_shape=4, initialiser="xavier")
    with pytest.raises(ValueError, match="units must be an integer ≥ 1; got 0"):
        asap.Dense(0)
    with pytest.raises(TypeError, match=r"window must be an integer ≥ 1; got 2\.5"):
        asap.Conv2d(4, 2.5)


def test_shapes_that_do_not_fit_name_the_layer() -> None:
    with pytest.raises(ValueError, match=r"Conv2d|conv2d"):
        asap.Sequential([asap.Conv2d(4, 5), asap.Dense(2)], input_shape=(4, 4))


def test_data_that_does_not_fit_is_refused() -> None:
    model = asap.models.LeNet(input_shape=(28, 28), classes=10)
    with pytest.raises(ValueError, match=r"\(n, 28, 28\).*got \(3, 27, 28\)"):
        model.predict(images(3, 27, 28))
    with pytest.raises(ValueError, match=r"data\[1\] must be in 0…9"):
        model.evaluate((images(2, 28, 28), np.array([3, 10])))
    split = image_set(2, 28, 28)
    with pytest.raises(TypeError, match=r"pass data\.train or data\.test"):
        model.evaluate(DataSet("made-up", split, split, (), ""))


def test_copies_and_pickles_are_equal_and_independent() -> None:
    model = asap.models.LeNet(input_shape=(28, 28), classes=10)
    before = model.parameters.copy()
    x = images(4, 28, 28)
    for twin in (model.copy(), copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(twin) is asap.models.LeNet
        assert repr(twin) == repr(model)
        assert np.array_equal(twin.predict(x), model.predict(x))
        twin.parameters[:] = 0
        assert np.array_equal(model.parameters, before)


def test_the_text_of_a_model_lists_its_layers() -> None:
    text = repr(asap.models.LeNet(input_shape=(28, 28), classes=10))
    assert text.startswith("LeNet: input 28 × 28, 34,622 parameters")
    assert "Conv2d(filters=16, window=5)" in text
    assert "30,840" in text


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    asap.models.CNN(input_shape=(12, 12), classes=4, initialiser="papers", seed=5).save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_a_saved_model_comes_back_bit_by_bit(saved: Path) -> None:
    model = asap.models.CNN(input_shape=(12, 12), classes=4, initialiser="papers", seed=5)
    loaded = asap.load(saved)
    assert loaded.architecture == model.architecture
    assert np.array_equal(loaded.parameters, model.parameters)
    assert [path.name for path in saved.parent.iterdir()] == ["model.safetensors"]


def test_every_layer_and_loss_survives_a_file(tmp_path: Path) -> None:
    layers = [
        asap.Conv2d(2, 3),
        asap.Tanh(),
        asap.MaxPool2d(2),
        asap.Flatten(),
        asap.Dense(5),
        asap.ReLU(),
        asap.Dense(2),
    ]
    model = asap.Sequential(layers, input_shape=(9, 8, 3), loss="mean-squared-error")
    model.save(str(tmp_path / "model"))
    assert asap.load(str(tmp_path / "model")).architecture == model.architecture


def test_model_files_are_safetensors_that_others_can_read(saved: Path) -> None:
    tensors = safetensors.load_file(saved)
    model = asap.load(saved)
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        name: shape for name, (shape, _) in model.layout.items()
    }
    assert np.array_equal(tensors["0.conv2d.weight"], model.weights("0.conv2d.weight"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such model file.*absent"):
        asap.load(tmp_path / "absent")


@pytest.mark.parametrize("kept", [0, 5, 100, 4000, -1])
def test_a_truncated_file_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged, or no safetensors file"):
        asap.load(saved)


def test_a_tensor_longer_than_numpys_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.safetensors"
    header = b'{"a":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,0]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match=r"long\.safetensors is damaged, or no safetensors file"):
        asap.load(path)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(b"\x93NUMPY" + bytes(200))
    with pytest.raises(ValueError, match=r"foreign\.safetensors is damaged, or no safetensors file"):
        asap.load(path)
    safetensors.save_file({"weight": np.zeros(3, np.float32)}, path)
    with pytest.raises(
        ValueError, match=r"foreign\.safetensors is no model saved by asap: .*'asap\.model/1'; got None"
    ):
        asap.load(path)


def document(units: object = 2, kind: str = "Dense") -> str:
    values = {"input_shape": [3], "layers": [{"kind": kind, "units": units}], "loss": "mean-squared-error"}
    return json.dumps(values)


@pytest.mark.parametrize(
    ("architecture", "error"),
    [
        ("{", "architecture cannot be read"),
        ("[]", "architecture cannot be read"),
        ("{}", "architecture cannot be read"),
        (document(kind="Attention"), "layer kind must be one of"),
        (document(units="two"), "units must be an integer"),
        (document(units=5), "the file holds"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(tmp_path: Path, architecture: str, error: str) -> None:
    path = tmp_path / "odd.safetensors"
    tensors = {"0.dense.weight": np.zeros((3, 2), np.float32), "0.dense.bias": np.zeros(2, np.float32)}
    safetensors.save_file(tensors, path, {"schema": "asap.model/1", "architecture": architecture})
    with pytest.raises(ValueError, match=rf"odd\.safetensors is damaged: .*{error}"):
        asap.load(path)


def test_a_fitting_handmade_file_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "made.safetensors"
    tensors = {"0.dense.weight": np.ones((3, 2), np.float32), "0.dense.bias": np.zeros(2, np.float32)}
    safetensors.save_file(tensors, path, {"schema": "asap.model/1", "architecture": document()})
    assert asap.load(path).predict(np.ones((1, 3), np.float32)).tolist() == [[3.0, 3.0]]


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ImportError, match=r'Saving a model needs safetensors: pip install "asap\[io\]"'):
        asap.models.MLP(input_shape=2, classes=2).save(tmp_path / "model")
    with pytest.raises(ImportError, match=r'Loading a model needs safetensors: pip install "asap\[io\]"'):
        asap.load(tmp_path / "model")
