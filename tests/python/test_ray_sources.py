"""Data of learners: parts in files and of Ray Datasets, and pictures that are decoded when their batch comes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asap
from asap._fingerprint import fingerprint

ray = pytest.importorskip("ray", reason='Ray is not installed (extra "ray")')
import ray_learners  # noqa: E402
from ray_setting import data, model, same_bits  # noqa: E402

import asap.ray  # noqa: E402
from asap import config as configs  # noqa: E402
from asap.datasets import DataError  # noqa: E402
from asap.ray import _given  # noqa: E402
from asap.ray._batches import Part  # noqa: E402
from asap.ray.files import survey  # noqa: E402

SETTINGS = dict(learners=2, batch_size=16, step=0.05, progress=False)


def config(**changes):
    nothing = dict.fromkeys(("epochs", "updates", "seconds", "stop"))
    plain = dict(engine=asap.Softsync(), step=0.05, workers=2, batch_size=16, momentum=0.0, weight_decay=0.0, seed=3)
    return configs.checked_config(**{**plain, **nothing, "affinity": "none", **changes})


def write_files(folder, counts, **changes):
    """Files of so many samples each; the first value of a sample is its number. Return their pattern."""
    inputs, labels = data(sum(counts))
    inputs[:, 0] = np.arange(len(inputs))
    ends = np.cumsum(counts)[:-1]
    for number, arrays in enumerate(zip(np.split(inputs, ends), np.split(labels, ends), strict=True)):
        np.savez(folder / f"part-{number:02}.npz", **dict(zip(("inputs", "labels"), arrays, strict=True)) | changes)
    return f"{folder}/part-*.npz"


def parts(source, learners, **changes):
    return [source.batches(model(), config(**changes), learner) for learner in range(learners)]


def seen(part, batches, first=0):
    """The samples of so many of its batches, by their first value."""
    return [int(number) for _ in range(batches) for number in part.data.inputs[part.samples(first), 0]]


# --- files


@pytest.mark.parametrize("learners", [1, 2, 3])
def test_a_learner_holds_its_files_and_goes_through_each_sample_once(tmp_path, learners):
    counts = [40, 7, 33, 12, 21]
    training, tell = _given.given(write_files(tmp_path, counts), model(), config(), learners)
    numbers = np.split(np.arange(113), np.cumsum(counts)[:-1])
    assert len(training) == 113
    passed = []
    for learner, part in enumerate(parts(tell(), learners)):
        own = np.concatenate(numbers[learner::learners])
        np.testing.assert_array_equal(part.data.inputs[:, 0], own)
        per_pass = -(-len(own) // 16)
        first, second = seen(part, per_pass), seen(part, per_pass)
        assert sorted(first) == sorted(second) == list(own)
        assert first != second
        passed += first
    assert sorted(passed) == list(range(113))


def test_each_part_has_an_order_of_its_own_which_the_seed_decides(tmp_path):
    _, tell = _given.given(write_files(tmp_path, [50, 50]), model(), config(), 2)
    first, second = (np.array(seen(part, 4)) for part in parts(tell(), 2))
    assert list(first) != list(second - 50)
    again, other = (seen(parts(tell(), 2, seed=seed)[0], 4) for seed in (3, 4))
    assert list(first) == again != other


@given(st.integers(1, 60), st.integers(1, 70), st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_a_learner_that_takes_a_place_goes_on_where_the_run_is(samples, batch_size, learners, batch):
    dataset = asap._core.Dataset(np.arange(samples, dtype=np.float32)[:, np.newaxis], np.zeros(samples, np.int32))
    settled = config(batch_size=batch_size)
    before, after = (Part(dataset, settled, 0, learners) for _ in range(2))
    for number in range(batch // learners):
        before.samples(number)
    for later in (batch, batch + 1, batch + 17):
        np.testing.assert_array_equal(before.samples(0), after.samples(later))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from(["f4", "f8", "u1"]), st.booleans())
@settings(max_examples=20, deadline=None)
def test_headers_say_what_is_loaded(tmp_path_factory, save, counts, dtype, fortran):
    folder = tmp_path_factory.mktemp("files")
    for number, count in enumerate(counts):
        inputs = np.full((count, 4, 5), number, dtype, "F" if fortran else "C")
        save(folder / f"{number}.npz", inputs=inputs, labels=np.zeros(count, np.int64))
    files = asap.ray.Files(f"{folder}/*.npz")
    found = survey(files.files, ("inputs", "labels"))
    loaded = [np.load(file) for file in files.files]
    assert found.counts == tuple(len(each["inputs"]) for each in loaded) == tuple(counts)
    assert [header for header, _ in found.headers] == [(each["inputs"].shape, each["inputs"].dtype) for each in loaded]
    assert (files.input_shape, files.num_classes) == ((4, 5), 1)


def test_learners_train_on_their_files_and_on_no_others(session, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_learners.Noting, "folder", str(tmp_path))
    monkeypatch.setattr("asap.ray._crew.Learner", ray_learners.Noting)
    folder = tmp_path / "data"
    folder.mkdir()
    inputs, labels = data(200)
    for number in range(4):
        np.savez(folder / f"{number}.npz", inputs=inputs[number * 50 :][:50], labels=labels[number * 50 :][:50])
    trained = model()
    before = trained.evaluate(data()).loss
    run = asap.ray.train(trained, f"{folder}/*.npz", epochs=12, **SETTINGS | {"step": 0.2}, validation=data())
    assert run.gradients == 12 * 13
    assert run.history[-1]["validation_loss"] < before - 0.05
    held = [np.load(tmp_path / f"learner-{learner}.npy") for learner in range(2)]
    np.testing.assert_array_equal(held[0], np.concatenate([inputs[:50, 0], inputs[100:150, 0]]))
    np.testing.assert_array_equal(held[1], np.concatenate([inputs[50:100, 0], inputs[150:, 0]]))


def test_targets_train_in_files(session, tmp_path):
    inputs, _ = data(100)
    for number in range(2):
        part = inputs[number * 50 :][:50]
        np.savez(tmp_path / f"{number}.npz", inputs=part, targets=part[:, :1].astype(np.float64))
    trained = asap.Sequential([asap.Dense(1)], input_shape=20, loss="mean-squared-error", seed=1)
    before = trained.evaluate((inputs, inputs[:, :1])).loss
    asap.ray.train(trained, asap.ray.Files(f"{tmp_path}/*.npz"), epochs=5, **SETTINGS)
    assert trained.evaluate((inputs, inputs[:, :1])).loss < before / 2


def test_workers_within_train_on_the_part_of_their_learner(session, tmp_path):
    pattern = write_files(tmp_path, [80, 80])
    within = asap.ray.Within(workers=2, engine=asap.Hogwild(), step=0.0001, batches=4)
    run = asap.ray.train(model(), pattern, within=within, epochs=3, learners=2, batch_size=10, progress=False)
    assert (run.updates, run.cluster.within.total) == (3 * 4, 3 * 4 * 4)


def test_a_run_on_files_is_resumed_with_the_same_files_only(session, tmp_path):
    pattern = write_files(tmp_path, [60, 60])
    saving = asap.Checkpoint(tmp_path / "checkpoint")
    asap.ray.train(model(), pattern, epochs=1, checkpoint=saving, **SETTINGS | {"step": 0.0001, "learners": 1})
    run = asap.ray.resume(saving.path, pattern, epochs=2, progress=False)
    assert run.gradients == 2 * 8
    with np.load(tmp_path / "part-01.npz") as arrays:
        np.savez_compressed(tmp_path / "part-01.npz", **{name: array.copy() for name, array in arrays.items()})
    with pytest.raises(ValueError, match="data must be the training data of the run, with the fingerprint"):
        asap.ray.resume(saving.path, pattern, epochs=3)
    with pytest.raises(ValueError, match="data must be the training data of the run, 120 samples; got 60"):
        asap.ray.resume(saving.path, f"{tmp_path}/part-00.npz", epochs=3)


def test_what_needs_the_samples_here_is_refused(tmp_path):
    pattern = write_files(tmp_path, [6, 6])
    for refused in (dict(trace=True), dict(snapshots=5)):
        (name,) = refused
        with pytest.raises(ValueError, match=f"{name} must be .* where each learner has its own part of the data"):
            asap.ray.train(model(), pattern, learners=2, **refused)
    with pytest.raises(ValueError, match=r"at least one file per learner, 3; got 2 of '.*part-\*\.npz'"):
        asap.ray.train(model(), pattern, learners=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            dict(inputs=np.zeros((6, 21), np.float32)),
            r"inputs of .*part-00.npz must have shape \(n, 20\); got \(6, 21\)",
        ),
        (
            dict(inputs=np.zeros((6, 20), np.int64)),
            "inputs of .*part-00.npz must be uint8, float32 or float64; got int64",
        ),
        (dict(labels=np.zeros(6)), "labels of .*part-00.npz must be integers"),
        (dict(labels=np.zeros(5, int)), r"part-00.npz: expected inputs and labels .*found shapes \(6, 20\) and \(5,\)"),
        (dict(inputs=np.zeros((0, 20), np.float32), labels=np.zeros(0, int)), "one or more; found shapes"),
        (dict(inputs=np.float32(1)), r"part-00.npz: .*found shapes \(\) and \(6,\)"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, changes, message):
    with pytest.raises((TypeError, ValueError, DataError), match=message):
        asap.ray.train(model(), write_files(tmp_path, [6], **changes), learners=1)


def test_files_that_do_not_belong_together_are_named(tmp_path):
    pattern = write_files(tmp_path, [6, 6])
    np.savez(tmp_path / "part-01.npz", inputs=np.zeros((6, 20)), labels=np.zeros(6, np.int64))
    with pytest.raises(
        DataError, match=r"part-01.npz: expected inputs of float32 .*part-00.npz; found float64 samples"
    ):
        asap.ray.train(model(), pattern, learners=2)
    np.savez(tmp_path / "part-01.npz", inputs=np.zeros((6, 20)), answers=np.zeros(6, np.int64))
    with pytest.raises(DataError, match=r"part-01.npz: expected the arrays inputs and labels; found inputs, answers"):
        asap.ray.train(model(), pattern, learners=2)


def test_damage_anywhere_in_a_file_is_an_error_that_names_it(tmp_path):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, inputs=data(6)[0], labels=data(6)[1])
    whole, file, random = buffer.getvalue(), tmp_path / "one.npz", np.random.default_rng(2)
    file.write_bytes(whole)
    _, tell = _given.given(str(file), model(), config(), 1)
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"one\.npz: expected .*; found"):
            parts(tell(), 1)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        file.write_bytes(damaged)
        try:
            survey((str(file),), ("inputs", "labels"))
            parts(tell(), 1)
        except (DataError, ValueError, TypeError) as error:
            assert "one.npz" in str(error)  # noqa: PT017


def test_a_label_that_is_none_ends_the_run_with_its_reason(session, tmp_path):
    pattern = write_files(tmp_path, [20], labels=np.full(20, 3))
    with pytest.raises(RuntimeError, match=r"learner 0 failed 4 times in a row") as failed:
        asap.ray.train(model(), pattern, learners=1, progress=False)
    assert "part-0" in str(failed.value.__cause__)
    assert "must be in 0…2" in str(failed.value.__cause__)


# --- Ray Datasets


@pytest.fixture
def ray_data(session):
    """Ray Data, quiet."""
    pytest.importorskip("pyarrow", reason='Ray Data needs pyarrow (extra "ray-data")')
    module = pytest.importorskip("ray.data", reason='Ray Data needs more than Ray (extra "ray-data")')
    context = module.DataContext.get_current()
    context.enable_progress_bars = False
    return module


def dataset(ray_data, samples, blocks):
    inputs, labels = data(samples)
    inputs[:, 0] = np.arange(samples)
    ends = np.sort(np.random.default_rng(7).integers(0, samples, blocks - 1))
    rows = zip(np.split(inputs, ends), np.split(labels, ends), strict=True)
    frames = [{"inputs": list(x), "labels": y, "unused": y} for x, y in rows if len(x)]
    import pandas

    return ray_data.from_pandas([pandas.DataFrame(frame) for frame in frames])


@pytest.mark.parametrize("learners", [1, 3])
def test_a_ray_dataset_is_cut_into_parts_that_have_all_of_it(ray_data, learners):
    training, tell = _given.given(dataset(ray_data, 101, 7), model(), config(), learners)
    assert len(training) == 101
    held = [part.data.inputs[:, 0] for part in parts(tell(), learners)]
    np.testing.assert_array_equal(np.concatenate(held), np.arange(101))
    assert {len(each) for each in held} <= {101 // learners, 101 // learners + 1}


def test_the_fingerprint_of_a_ray_dataset_knows_no_order(ray_data):
    def of(dataset):
        return fingerprint(_given.given(dataset, model(), config(), 2)[0])

    whole = dataset(ray_data, 60, 3)
    assert of(whole) == of(dataset(ray_data, 60, 5)) == of(whole.random_shuffle(seed=1))
    assert of(whole) != of(dataset(ray_data, 59, 3))


def test_learners_train_on_their_part_of_a_ray_dataset(ray_data):
    inputs, labels = data(200)
    given_ = ray_data.from_items([{"inputs": x, "labels": y} for x, y in zip(inputs, labels, strict=True)])
    trained = model()
    before = trained.evaluate(data()).loss
    run = asap.ray.train(trained, given_, epochs=12, **SETTINGS | {"step": 0.2})
    assert run.gradients == 12 * 13
    assert trained.evaluate(data()).loss < before - 0.05


def test_ray_datasets_that_do_not_fit_are_refused(ray_data):
    with pytest.raises(ValueError, match="data must have the columns 'inputs' and 'labels'; lacks 'inputs', has 'id'"):
        asap.ray.train(model(), ray_data.range(10))
    with pytest.raises(ValueError, match="data must have at least one sample per learner, 6; got 5"):
        asap.ray.train(model(), dataset(ray_data, 5, 1), learners=6)
    wrong = ray_data.from_items([{"inputs": np.zeros(3, np.float32), "labels": 0}] * 5)
    with pytest.raises(ValueError, match=r"column 'inputs' of data must have shape \(n, 20\); got \(1, 3\)"):
        asap.ray.train(model(), wrong)
    with pytest.raises(ValueError, match="trace must be False where each learner has its own part of the data"):
        asap.ray.train(model(), wrong, trace=True)


# --- pictures


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    pytest.importorskip("PIL", reason='Pillow is not installed (extra "images")')
    from pictures import write_pictures

    return asap.ray.Images(write_pictures(tmp_path_factory.mktemp("pictures"), size=(9, 7)), size=(8, 8))


def picture_model():
    layers = [asap.Conv2d(4, 3), asap.ReLU(), asap.MaxPool2d(2), asap.Dense(3)]
    return asap.Sequential(layers, input_shape=(8, 8, 3), seed=1)


@pytest.mark.parametrize("cpus", [1, 3])
def test_decoded_pictures_have_the_bits_of_those_in_memory(session, images, cpus):
    settings = dict(
        engine=asap.Synchronous(), batch_size=7, epochs=3, step=0.05, momentum=0.5, weight_decay=0.01, seed=7,
        progress=False, snapshots=asap.Snapshots(5, samples=30),
    )  # fmt: skip
    there, here = picture_model(), picture_model()
    run = asap.ray.train(there, images, learners=2, learner_options={"num_cpus": cpus}, **settings)
    expected = asap.train(here, images.load(), workers=2, **settings)
    assert same_bits(there.parameters, here.parameters)
    assert (run.updates, run.gradients, run.losses.loss[0]) == (
        expected.updates, expected.gradients, expected.losses.loss[0],
    )  # fmt: skip
    assert run.losses.loss[-1] == expected.losses.loss[-1]


def test_a_trace_on_pictures_is_replayed_on_those_in_memory(session, images, tmp_path):
    trained = picture_model()
    saving = asap.Checkpoint(tmp_path / "checkpoint")
    run = asap.ray.train(trained, images, epochs=2, trace=True, checkpoint=saving, **SETTINGS)
    replay = asap.replay(run, images.load())
    assert replay.exact
    assert same_bits(replay.parameters, trained.parameters)
    assert asap.ray.resume(saving.path, images, epochs=3, progress=False).resumed == (run.updates,)


def test_workers_within_train_on_pictures(session, images):
    trained = picture_model()
    before = trained.evaluate(images.load()).loss
    within = asap.ray.Within(workers=2, step=0.05, batches=3)
    asap.ray.train(trained, images, within=within, learners=1, batch_size=5, epochs=6, progress=False)
    assert trained.evaluate(images.load()).loss < before


@pytest.mark.parametrize("samples", [None, 10])
def test_the_fingerprint_of_pictures_is_that_of_the_same_in_memory(images, monkeypatch, samples):
    if samples is not None:
        monkeypatch.setattr("asap._fingerprint._MAX_BYTES", samples * 8 * 8 * 3)
    training, _ = _given.given(images, picture_model(), config(), 2)
    assert fingerprint(training) == fingerprint(picture_model()._dataset(images.load()))


def test_pictures_that_the_model_cannot_take_are_refused(images):
    with pytest.raises(ValueError, match=r"pictures of data must have shape \(n, 20\); got \(60, 8, 8, 3\)"):
        asap.ray.train(model(), images)
    two = asap.Sequential([asap.Dense(2)], input_shape=(8, 8, 3))
    with pytest.raises(ValueError, match=r"labels of data must be in 0…1; labels of data\[40\] is 2"):
        asap.ray.train(two, images)


def test_a_damaged_picture_ends_the_run_and_is_named(session, tmp_path):
    from pictures import write_pictures

    images = asap.ray.Images(write_pictures(tmp_path, each=4), size=(8, 8))
    tmp_path.joinpath("emu/003.png").write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match=r"learner 0 failed 4 times in a row") as failed:
        asap.ray.train(picture_model(), images, epochs=1, **SETTINGS | {"batch_size": 2, "learners": 1})
    assert isinstance(failed.value.__cause__, DataError)
    assert "emu/003.png" in str(failed.value.__cause__)


# --- words


def test_a_string_is_a_name_or_a_pattern():
    for text in ("part-*.npz", "one.npz", "/data/part?", "[ab]"):
        assert _given.is_pattern(text)
    for text in (*asap.datasets.names(), "imagenet"):
        assert not _given.is_pattern(text)
    with pytest.raises(TypeError, match=r"data must be a Split, .* or a Ray Dataset; got 5"):
        asap.ray.train(model(), 5)


def test_the_command_takes_patterns_of_files_and_of_pictures(session, command, tmp_path):
    pytest.importorskip("typer", reason="needs the extra cli")
    from pictures import write_pictures

    tmp_path.joinpath("files").mkdir()
    pattern = write_files(tmp_path / "files", [40, 40])
    few = ("--model", "mlp", "--updates", 5, "--learners", 1, "--no-progress")
    assert command("ray", "--dataset", pattern, *few).status == 0
    pictures = write_pictures(tmp_path / "pictures", each=2, size=(16, 16))
    assert command("ray", "--dataset", pictures, "--image-size", "16x16", "--model", "lenet", *few[2:]).status == 0
    refused = command("ray", "--dataset", pictures, "--image-size", "16")
    assert (refused.status, "image_size must be HEIGHTxWIDTH, as in 64x64; got '16'" in refused.err) == (2, True)
