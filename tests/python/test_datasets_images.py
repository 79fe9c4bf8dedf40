"""Pictures in folders: classes, sizes, what they become in memory, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import asap

pytest.importorskip("PIL", reason='Pillow is not installed (extra "images")')
from pictures import CLASSES, Image, write_pictures

from asap.datasets import DataError, Images


def test_folders_are_classes_and_sorted_names_the_order(tmp_path):
    images = Images(write_pictures(tmp_path, each=3), size=(8, 8))
    assert images.classes == CLASSES
    assert images.files == tuple(f"{tmp_path}/{name}/{number:03}.png" for name in CLASSES for number in range(3))
    np.testing.assert_array_equal(images.labels, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert (len(images), images.input_shape, images.num_classes) == (9, (8, 8, 3), 3)


def test_a_test_set_takes_the_labels_of_the_training_set(tmp_path):
    write_pictures(tmp_path, each=1)
    images = Images(f"{tmp_path}/[de]*/*", size=(8, 8), classes=CLASSES)
    np.testing.assert_array_equal(images.labels, [1, 2])
    with pytest.raises(ValueError, match=r"classes must name the folder of every picture; .*dog.000.png lies in 'dog'"):
        Images(f"{tmp_path}/*/*", size=(8, 8), classes=("cat", "emu"))


def test_lossless_pictures_of_the_right_size_keep_every_value(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (4, 5, 7, 3)).astype(np.uint8)
    tmp_path.joinpath("one").mkdir()
    for number, each in enumerate(pixels):
        Image.fromarray(each).save(tmp_path / f"one/{number}.png")
    split = Images(f"{tmp_path}/one/*", size=(5, 7)).load()
    np.testing.assert_array_equal(split.inputs, pixels)
    assert split.inputs.dtype == np.uint8
    assert not split.inputs.flags.writeable


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [*(("png", mode) for mode in ("1", "L", "P", "RGBA")), *(("jpg", mode) for mode in ("L", "RGB", "CMYK"))],
)
def test_pictures_of_any_kind_and_size_become_rgb_of_one_size(tmp_path, suffix, mode):
    tmp_path.joinpath("grey").mkdir()
    Image.new("RGB", (13, 9), (255, 255, 255)).convert(mode).save(tmp_path / f"grey/one.{suffix}")
    split = Images(f"{tmp_path}/*/*", size=(4, 6)).load()
    assert split.inputs.shape == (1, 4, 6, 3)
    assert split.inputs.min() >= 250


def test_a_folder_trains_as_any_data(tmp_path):
    images = Images(write_pictures(tmp_path, size=(16, 16)), size=(16, 16))
    model = asap.models.LeNet(images, seed=3)
    assert (model.input_shape, model.num_outputs) == ((16, 16, 3), 3)
    before = model.evaluate(images.load()).loss
    asap.train(model, images.load(), workers=1, batch_size=4, epochs=8, step=0.05, progress=False)
    assert model.evaluate(images.load()).loss < before / 2
    with pytest.raises(TypeError, match=r"data must be a Split.*: pass data.load\(\)"):
        asap.train(model, images)


@pytest.mark.parametrize("contents", [b"", b"no picture", None])
def test_a_damaged_picture_is_named(tmp_path, contents):
    images = Images(write_pictures(tmp_path, each=2), size=(8, 8))
    file = tmp_path / "dog/001.png"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if contents is None else contents)
    with pytest.raises(DataError, match=r"dog.001\.png: expected a picture; found damage"):
        images.load()
    file.unlink()
    with pytest.raises(DataError, match=r"dog.001\.png"):
        images.load()


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file matches"):
        Images(f"{tmp_path}/*/*.jpg", size=(8, 8))
    pattern = write_pictures(tmp_path, each=1)
    with pytest.raises(TypeError, match=r"size must be \(height, width\); got 8 \(int\)"):
        Images(pattern, size=8)
    with pytest.raises(ValueError, match=r"size must be \(height, width\): each must be an integer ≥ 1; got 0"):
        Images(pattern, size=(8, 0))
    with pytest.raises(ValueError, match="classes must be None or a list of different names of folders"):
        Images(pattern, size=(8, 8), classes=("cat", "cat"))
