"""The data sets that are known by name: their files, hashes, classes and public mirrors."""

from __future__ import annotations

from asap.datasets.cifar import Layout
from asap.datasets.cifar_set import CifarSet, Edition
from asap.datasets.idx import IdxFile
from asap.datasets.idx_set import IdxSet
from asap.datasets.recipe import Recipe

__all__ = ["RECIPES"]


def _images(name: str, max_count: int, sha256: str) -> IdxFile:
    return IdxFile(name, (28, 28), max_count, sha256)


def _labels(name: str, max_count: int, sha256: str) -> IdxFile:
    return IdxFile(name, (), max_count, sha256)


_MNIST = IdxSet(
    name="mnist",
    classes=tuple("0123456789"),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    train_images=_images(
        "train-images-idx3-ubyte", 60_000, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    train_labels=_labels(
        "train-labels-idx1-ubyte", 60_000, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    test_images=_images(
        "t10k-images-idx3-ubyte", 10_000, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    test_labels=_labels(
        "t10k-labels-idx1-ubyte", 10_000, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
)

_FASHION_MNIST = IdxSet(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    train_images=_images(
        "train-images-idx3-ubyte", 60_000, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    train_labels=_labels(
        "train-labels-idx1-ubyte", 60_000, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    test_images=_images(
        "t10k-images-idx3-ubyte", 10_000, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    test_labels=_labels(
        "t10k-labels-idx1-ubyte", 10_000, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
)

_CIFAR_10_ORIGINAL = Edition(
    description="original contents (recognised by hash)",
    archives=frozenset({"c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}),
    file_digests={
        "data_batch_1.bin": "git:da09f891072747be90e69e4f00ba7cba870dc87e",
        "data_batch_2.bin": "git:7e958840b7a55df3353574298ebc9ca0e4bba48e",
        "data_batch_3.bin": "git:5259a3e9674ffdf2d5c33a1067f7192ff06c9e2f",
        "data_batch_4.bin": "git:301e7d16d78428f13262e87a5bc78ed45b8224aa",
        "data_batch_5.bin": "git:51fe428dfbdd065852912743ae8b7b63bb1e9d8d",
        "test_batch.bin": "git:e3f3b4653f18f27ada1558cabc3352a3ed1b25cc",
    },
)

_CIFAR_10_REBUILT = Edition(
    description=(
        "rebuilt from public copies (recognised by sha256): order and labels of the original, 59,891 images "
        "lossless, 109 decoded from JPEG and so not exact"
    ),
    archives=frozenset({"560b9c1acd3b3771a2f2f82d33b38de54e2f775bb3ea53a9566775812fb6d6b5"}),
    file_digests={
        "data_batch_1.bin": "sha256:0def081c410489f98b3935c2d405fc7436d23377894a5d6a710ce1fad8082588",
        "data_batch_2.bin": "sha256:391e29575970440c9827ff440ffa1280ff77ca6eb244d5c1faba4cff7aa00dc5",
        "data_batch_3.bin": "sha256:121076ec0d3c7be3f1a6e3e94430ab5bb10bdb03bdf439c59ec721c0c800071e",
        "data_batch_4.bin": "sha256:ff251e0cad6f90227932ee79ff8eab028f9446e0bdebab02033743cff03b5147",
        "data_batch_5.bin": "sha256:fac1f56413e32aeecd42ad369e7f1955716e6e67e356724576492ef12a21a825",
        "test_batch.bin": "sha256:12b72019dddc66aa680d9654ddcc864aa808e6540641e0887054d04d415d6427",
    },
)

_CIFAR_10 = CifarSet(
    name="cifar-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
    archive="cifar-10-binary",
    prefix="cifar-10-batches-bin/",
    layout=Layout(
        train_files=tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
        test_files=("test_batch.bin",),
        records_per_file=10_000,
    ),
    editions=(_CIFAR_10_ORIGINAL, _CIFAR_10_REBUILT),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (_MNIST, _FASHION_MNIST, _CIFAR_10)}
