"""The files of checkpoints: what they hold, and what is refused with which words before anything is trained."""

import json
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import _checkpoint_file

safetensors = pytest.importorskip("safetensors", reason="needs the extra io")
from safetensors.numpy import save  # noqa: E402

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]
Arrays = dict[str, NDArray[Any]]


@pytest.fixture
def path(blobs: Data, make_model: MakeModel, tmp_path: Path) -> Path:
    """A checkpoint of three workers with momentum and a scale that is sampled; the only one in its folder."""
    path = tmp_path / "run.checkpoint"
    step = asap.TailTau(0.05, sample=(1, 4))
    checkpoint = asap.Checkpoint(path, every=1e9)
    asap.train(
        make_model(), blobs, workers=3, step=step, epochs=3, momentum=0.5, validation=blobs, checkpoint=checkpoint
    )
    return path


def contents(path: Path) -> tuple[dict[str, str], Arrays]:
    """Metadata and tensors as any reader of safetensors finds them."""
    with safetensors.safe_open(path, framework="numpy") as file:
        return dict(file.metadata()), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def rewrite(path: Path, change: Callable[[dict[str, Any], Arrays], object], **metadata: str) -> None:
    """Change settings and tensors, with a right checksum."""
    found, arrays = contents(path)
    document = json.loads(found["checkpoint"])
    change(document, arrays)
    text = json.dumps(document)
    crc = zlib.crc32(text.encode())
    for name in sorted(arrays):
        crc = zlib.crc32(arrays[name].tobytes(), crc)
    path.write_bytes(save(arrays, found | {"checkpoint": text, "crc32": f"{crc:08x}"} | metadata))


def test_the_file_is_the_documented_one(path: Path, blobs: Data, make_model: MakeModel) -> None:
    metadata, arrays = contents(path)
    document = json.loads(metadata["checkpoint"])
    assert metadata["schema"] == "asap.checkpoint/2"
    assert document["architecture"] == make_model().architecture.to_dict()
    assert document["data"]["samples"] == 599
    assert document["config"]["momentum"] == 0.5
    assert document["gradients"] == arrays["workers.counts"][:, 0].sum() == 57
    assert document["version"] == arrays["workers.staleness"].sum()
    assert document["table_versions"][0] == 0
    assert arrays["tables.0"].tolist() == [1.0]
    shapes = {name: array.shape for name, array in arrays.items() if not name.startswith(("tables.", "seen."))}
    model = make_model()
    assert shapes.pop("parameters") == shapes.pop("velocity") == (model.num_parameters,)
    assert shapes.pop("workers.counts") == (3, 14)
    assert shapes.pop("workers.sums") == (3, 2)
    assert {shapes.pop(f"workers.{name}")[0] for name in ("staleness", "rejections", "sampled")} == {3}
    assert shapes.pop("history.counts")[1:] == (14,)
    assert shapes.pop("history.sums")[1:] == (5,)
    assert shapes.pop("figures.counts") == (len(document["table_versions"]) - 1, 2)
    assert shapes.pop("figures.sums") == (len(document["table_versions"]) - 1, 3)
    assert shapes.pop("counted") == arrays[f"seen.{len(document['table_versions']) - 1}"].shape
    assert shapes == {"last_row.counts": (1, 10), "last_row.sums": (1, 2)}
    rewrite(path, lambda document, arrays: None)
    assert asap.resume(path, blobs, epochs=4).gradients == 76


def test_only_the_checkpoint_and_the_one_before_stay(path: Path, blobs: Data) -> None:
    before = path.read_bytes()
    asap.resume(path, blobs, epochs=4)
    assert sorted(each.name for each in path.parent.iterdir()) == ["run.checkpoint", "run.checkpoint.previous"]
    assert _checkpoint_file.previous(path).read_bytes() == before
    assert asap.resume(_checkpoint_file.previous(path), blobs, epochs=4).gradients == 76


def test_a_file_system_without_links_will_do(path: Path, blobs: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    before = path.read_bytes()
    monkeypatch.setattr("os.link", refuse)
    asap.resume(path, blobs, epochs=4)
    assert sorted(each.name for each in path.parent.iterdir()) == ["run.checkpoint", "run.checkpoint.previous"]
    assert _checkpoint_file.previous(path).read_bytes() == before


def test_a_folder_is_made(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    asap.train(make_model(), blobs, checkpoint=asap.Checkpoint(tmp_path / "a" / "b" / "c"))
    assert (tmp_path / "a" / "b" / "c").is_file()


BROKEN: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda content: b"", "is truncated, or no safetensors file: it has 0 bytes"),
    (lambda content: content[:5], "is truncated, or no safetensors file: it has 5 bytes"),
    (lambda content: content[:8], "is truncated, or no safetensors file: it has 8 bytes"),
    (lambda content: content[:100], "is truncated, or no safetensors file: it has 100 bytes"),
    (lambda content: content[:-1], "is damaged, or no safetensors file"),
    (lambda content: content + b"\0", "is damaged, or no safetensors file"),
    (lambda content: b"\x80\x04K\x01." * 100, "is truncated, or no safetensors file"),
    (lambda content: struct.pack("<Q", 2**63) + content[8:], "is truncated, or no safetensors file"),
    (lambda content: struct.pack("<Q", 2**25) + bytes(2**25), "its header cannot have 33554432 bytes"),
    (lambda content: struct.pack("<Q", 8) + b"[" * 8, "is damaged, or no safetensors file"),
    (lambda content: struct.pack("<Q", 10**6) + b"[" * 10**6, "is damaged, or no safetensors file"),
    (lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], "its checksum is"),
    (
        lambda content: save({}, {"other": "1"}),
        "is no checkpoint of asap: its schema must be asap.checkpoint/2; got ''",
    ),
    (lambda content: save({}, {"schema": "asap.model/1"}), "is no checkpoint of asap: .* got 'asap.model/1'"),
    (
        lambda content: save({}, {"schema": "asap.checkpoint/3"}),
        "has version 3 of the format; this asap reads version 2",
    ),
    (lambda content: save({}, {"schema": "asap.checkpoint/2"}), "its settings cannot be read: KeyError"),
    (lambda content: save({}, {"schema": "asap.checkpoint/2", "checkpoint": "{"}), "its settings cannot be read"),
    (lambda content: save({}, {"schema": "asap.checkpoint/2", "checkpoint": "[" * 10**5}), "settings cannot be read"),
    (lambda content: save({}, {"schema": "asap.checkpoint/2", "checkpoint": "[]"}), "its settings must be an object"),
    (lambda content: save({}, {"schema": "asap.checkpoint/2", "checkpoint": "{}"}), "is damaged: KeyError"),
]


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_what_is_no_checkpoint_is_refused(
    path: Path, blobs: Data, broken: Callable[[bytes], bytes], message: str
) -> None:
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        asap.resume(path, blobs)
    assert "run.checkpoint" in str(caught.value)


def wide(columns: int) -> Callable[[dict[str, Any], Arrays], object]:
    return lambda document, arrays: arrays.update({"workers.sampled": np.ones((3, columns), np.uint64)})


WRONG: list[tuple[Callable[[dict[str, Any], Arrays], object], str]] = [
    (lambda document, arrays: document.update(version=-1), "version must be an integer ≥ 0; got -1"),
    (lambda document, arrays: document.update(version="1"), "TypeError: version must be an integer"),
    (lambda document, arrays: document.update(version=10**6), "must have a version of at most its gradients"),
    (lambda document, arrays: document.update(gradients=2**64), "gradients must be an integer"),
    (lambda document, arrays: document.update(num_workers=0), "num_workers must be an integer ≥ 1"),
    (lambda document, arrays: document.update(num_workers=10**6), "num_workers must be an integer ≤ 4096"),
    (lambda document, arrays: document.update(num_workers=4), "must know its workers; got 3 of 4"),
    (lambda document, arrays: document.update(seconds=None), "seconds must be"),
    (lambda document, arrays: document.update(sampled=10**6), "updates that its workers have counted"),
    (lambda document, arrays: document.update(sampled=True), "sampled must be an integer"),
    (lambda document, arrays: document.update(table_numbers=[0] * 9), "a version for each scale table"),
    (lambda document, arrays: document.update(table_versions=[0] * 9), "is damaged: tensors missing"),
    (lambda document, arrays: document.update(table_versions=[]), "unknown .*tables.0"),
    (lambda document, arrays: document.update(resumed=[-1]), "resumed must be an integer ≥ 0; got -1"),
    (lambda document, arrays: document["config"].update(engine={"kind": "os.system"}), "engine must have a kind of"),
    (lambda document, arrays: document["config"].update(checkpoint=None), "the run has no checkpoints"),
    (lambda document, arrays: document["config"].update(momentum=0.0), r"unknown \['velocity'\]"),
    (lambda document, arrays: document["architecture"].update(layers=[]), "is damaged"),
    (lambda document, arrays: document["architecture"].update(input_shape=[2**40]), "is damaged"),
    (lambda document, arrays: document["data"].update(samples=0), "samples must be an integer ≥ 1"),
    (lambda document, arrays: arrays.update(extra=np.zeros(1)), r"unknown \['extra'\]"),
    (lambda document, arrays: arrays.pop("velocity"), r"tensors missing \['velocity'\]"),
    (lambda document, arrays: arrays.update(parameters=arrays["parameters"][1:]), "parameters cannot be F32 of shape"),
    (lambda document, arrays: arrays.update(parameters=arrays["parameters"].astype("f8")), "parameters cannot be F64"),
    (lambda document, arrays: arrays["parameters"].fill(np.nan), "must all be finite"),
    (lambda document, arrays: arrays["velocity"].fill(np.inf), "the velocity of a checkpoint must be finite"),
    (lambda document, arrays: arrays["tables.0"].fill(-1), "scales must be finite and at least 0"),
    (lambda document, arrays: arrays.update({"tables.0": np.zeros(0)}), "a scale table must have at least one entry"),
    (lambda document, arrays: arrays.update({"workers.sums": np.zeros((2, 2))}), "must have a row for each"),
    (lambda document, arrays: arrays.update({"history.sums": np.zeros((9, 5))}), "must have the same rows"),
    (wide(5000), "must have at most 4096 counts"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_wrong_contents_are_refused(
    path: Path, blobs: Data, change: Callable[[dict[str, Any], Arrays], object], message: str
) -> None:
    rewrite(path, change)
    with pytest.raises(ValueError, match=message):
        asap.resume(path, blobs, epochs=4)


def test_lengths_beyond_numpys_are_refused(path: Path, blobs: Data) -> None:
    rewrite(path, lambda document, arrays: arrays.update({"workers.rejections": np.zeros((3, 0), np.uint64)}))
    content = path.read_bytes()
    end = 8 + struct.unpack_from("<Q", content)[0]
    header = content[8:end].replace(b"[3,0]", b"[%d,0]" % (2**63 - 1))
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[end:])
    with pytest.raises(ValueError, match=r"run\.checkpoint is damaged: "):
        asap.resume(path, blobs)


def test_the_checkpoint_before_is_named_when_the_last_one_is_damaged(path: Path, blobs: Data) -> None:
    asap.resume(path, blobs, epochs=4)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"is damaged, .*; the checkpoint before it is .*run\.checkpoint\.previous"):
        asap.resume(path, blobs, epochs=5)


def test_a_missing_file_is_named(tmp_path: Path, blobs: Data) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FileNotFoundError, match="no such checkpoint"):
            asap.resume(path, blobs)


def test_random_damage_is_refused(path: Path) -> None:
    content = path.read_bytes()
    saved = _checkpoint_file.read(path)
    dice = np.random.default_rng(5)
    for _ in range(400):
        broken = bytearray(content)
        for position in dice.integers(0, len(broken), dice.integers(1, 4)):
            broken[position] = dice.integers(0, 256)
        if dice.integers(0, 4) == 0:
            del broken[dice.integers(0, len(broken)) :]
        path.write_bytes(broken)
        if broken == content:
            continue
        found = None
        with suppress(ValueError):
            found = _checkpoint_file.read(path)
        if found is not None:  # spaces around the header, say
            assert found.config == saved.config
            assert found.state["arrays"]["parameters"].tobytes() == saved.state["arrays"]["parameters"].tobytes()


def test_where_the_copy_of_the_checkpoint_before_finds_no_room_the_one_before_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(b"present")
    _checkpoint_file.previous(path).write_bytes(b"before")

    def no_second_names(*_: object) -> None:
        raise PermissionError("no second names")

    def no_room(_: Path, target: Path) -> None:
        target.write_bytes(b"pres")
        raise OSError("planted")

    monkeypatch.setattr("os.link", no_second_names)
    monkeypatch.setattr("shutil.copyfile", no_room)
    with pytest.raises(OSError, match="planted"):
        _checkpoint_file._keep_previous(path)
    assert path.read_bytes() == b"present"
    assert _checkpoint_file.previous(path).read_bytes() == b"before"
