"""A folder of small pictures, as ImageNet has them: a folder per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason='Pillow is not installed (extra "images")')

CLASSES = ("cat", "dog", "emu")


def write_pictures(folder: Path, each: int = 20, size: tuple[int, int] = (8, 8)) -> str:
    """Write so many lossless pictures of each class, whose brightness tells it; return their pattern."""
    random = np.random.default_rng(5)
    for label, name in enumerate(CLASSES):
        folder.joinpath(name).mkdir(parents=True)
        for number in range(each):
            pixels = random.integers(0, 90, (*size, 3)) + 80 * label
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number:03}.png")
    return f"{folder}/*/*.png"
