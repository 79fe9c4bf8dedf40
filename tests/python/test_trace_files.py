"""The files of traced runs: what comes back, and what is refused with which words."""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap.trace import RECORD

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

HEADER_BYTES = 16


@pytest.fixture
def saved(blobs: Data, make_model: MakeModel, tmp_path: Path) -> Path:
    """The folder of a traced run."""
    pytest.importorskip("safetensors", reason="needs the extra io")
    step = asap.TailTau(0.05, sample=(1, 4))
    run = asap.train(make_model(), blobs, workers=3, step=step, epochs=2, momentum=0.5, seed=3, trace=True)
    return run.save(tmp_path / "run")


def test_a_saved_run_comes_back(saved: Path, blobs: Data) -> None:
    run = asap.Run.load(saved)
    assert sorted(path.name for path in saved.iterdir()) == ["parameters.safetensors", "run.json", "trace.bin"]
    document = json.loads((saved / "run.json").read_text())
    loaded = run.to_dict()
    assert loaded.pop("model").items() >= {"num_parameters": run.model.num_parameters}.items()
    assert {name: document[name] for name in loaded} == loaded
    assert asap.replay(run, blobs).identical
    again = asap.Run.load(run.save(saved.parent / "again"))
    assert again.to_dict() == run.to_dict()
    assert again.trace.records.tobytes() == run.trace.records.tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"engine": asap.Hogwild(read="copy"), "step": asap.FLeet(asap.StepRate(0.05, 0.5, 1)), "seconds": 30.0},
        {"engine": asap.Synchronous(), "step": 0.05, "stop": [asap.TargetLoss(-1.0, on="training"), asap.Patience(99)]},
        {"engine": asap.engines.Sequential(), "step": asap.Custom(asap.CosineRate(0.05), [1, 0.5]), "workers": 1},
    ],
)
def test_settings_come_back_as_they_were(
    blobs: Data, make_model: MakeModel, tmp_path: Path, settings: dict[str, Any]
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    defaults: dict[str, Any] = {"workers": 2, "epochs": 3, "validation": blobs}
    run = asap.train(make_model(), blobs, **(defaults | settings))
    loaded = asap.Run.load(run.save(tmp_path))
    assert loaded.config == run.config
    assert loaded.trace is None
    assert list(loaded.history) == list(run.history)
    assert loaded.staleness == run.staleness
    assert loaded.placement == run.placement
    assert np.array_equal(loaded.parameters, run.parameters)
    assert repr(loaded) == repr(run)


def test_a_function_is_loaded_as_its_name(blobs: Data, make_model: MakeModel, tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    step = asap.Custom(0.05, lambda distribution: [1.0], sample=(1, 2))
    run = asap.train(make_model(), blobs, workers=2, step=step, trace=True)
    loaded = asap.Run.load(run.save(tmp_path))
    assert loaded.config.to_dict() == run.config.to_dict()
    with pytest.raises(RuntimeError, match=r"the function .*<lambda> was not saved with the run"):
        loaded.config.step.scale(None)  # type: ignore[union-attr]
    assert asap.replay(loaded, blobs).identical


def test_a_run_without_a_trace_leaves_no_other_runs_trace_behind(
    saved: Path, blobs: Data, make_model: MakeModel
) -> None:
    asap.train(make_model(), blobs).save(saved)
    assert not (saved / "trace.bin").exists()
    assert asap.Run.load(saved).trace is None


def with_header(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with another header of the same length."""
    length = struct.unpack_from("<I", content, 12)[0]
    header = json.loads(content[HEADER_BYTES : HEADER_BYTES + length])
    change(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    assert len(text) <= length
    return content[:HEADER_BYTES] + text.ljust(length) + content[HEADER_BYTES + length :]


def broken_files(content: bytes) -> Iterator[tuple[bytes, str]]:
    """Files that are none, and what is said of them."""
    yield b"", "is no trace of asap: it must begin with .* got b''"
    yield b"PK\3\4" + content[4:], "is no trace of asap"
    yield content[:10], "is truncated: its header has 16 bytes; the file has 10"
    yield content[:100], "is truncated: its header has .* the file has 84 of them"
    yield content[:-1], "is truncated: its header announces .* bytes; the file has"
    yield content + b"\0", "is damaged: its header announces"
    yield content[:8] + struct.pack("<I", 3) + content[12:], "has version 3 of the format; this asap reads version 2"
    yield content[:12] + struct.pack("<I", 2**32 - 16) + content[16:], "its header cannot have 4294967280 bytes"
    yield content[:12] + struct.pack("<I", 47) + content[16:], "its header cannot have 47 bytes"
    yield content[:20] + b"\xff\xff" + content[22:], "is damaged: its header cannot be read"
    yield content[:16] + b"[" * 48 + content[64:], "is damaged: its header cannot be read"
    yield content[:-7] + b"\1" + content[-6:], "is damaged: its checksum is"
    yield with_header(content, lambda header: header.pop("records")), "header cannot be read: KeyError: 'records'"
    yield with_header(content, lambda header: header.update(records=-1)), "records must be an integer from 0 to"
    yield with_header(content, lambda header: header.update(records=2**50)), "is truncated: its header announces"
    yield (
        with_header(content, lambda header: header.update(workers=70_000)),
        "workers must be an integer from 0 to 65536",
    )
    yield with_header(content, lambda header: header.update(workers=0)), "no possible history: .* none of 0 workers"
    yield with_header(content, lambda header: header.update(origin=[])), "origin and config must be objects"
    yield with_header(content, lambda header: header.update(velocity=1)), "velocity must be true or false; got 1"
    yield with_header(content, lambda header: header.update(velocity=True)), "is truncated: its header announces"
    yield with_header(content, lambda header: header["config"].update(seed=4)), "is of another run than run.json"


def test_broken_trace_files_are_refused_with_the_reason(saved: Path) -> None:
    content = (saved / "trace.bin").read_bytes()
    for broken, message in broken_files(content):
        (saved / "trace.bin").write_bytes(broken)
        with pytest.raises(ValueError, match=message) as caught:
            asap.Run.load(saved)
        assert "trace.bin" in str(caught.value)
    (saved / "trace.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"no such trace file: .*trace\.bin"):
        asap.Run.load(saved)


def test_random_damage_is_refused_or_harmless(saved: Path) -> None:
    content = (saved / "trace.bin").read_bytes()
    dice = np.random.default_rng(5)
    for _ in range(300):
        broken = bytearray(content)
        for position in dice.integers(0, len(broken), dice.integers(1, 4)):
            broken[position] = dice.integers(0, 256)
        if dice.integers(0, 4) == 0:
            del broken[dice.integers(0, len(broken)) :]
        (saved / "trace.bin").write_bytes(broken)
        with suppress(ValueError):
            asap.Run.load(saved).trace.check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.update(schema="asap.run/2"), "its schema must be 'asap.run/1'; got 'asap.run/2'"),
        (lambda document: document.pop("results"), "is damaged: KeyError: 'results'"),
        (lambda document: document["results"].update(version="1"), "is damaged: TypeError: version must be an integer"),
        (lambda document: document["config"].update(engine={"kind": "os.system"}), "engine must have a kind of"),
        (lambda document: document["config"].update(workers=0), "workers must be an integer ≥ 1"),
        (lambda document: document["staleness"].update(counts=[-1]), "a count of τ must be an integer ≥ 0; got -1"),
        (lambda document: document["staleness"].update(mean=[0], total=10**9), "mean must be a finite number"),
        (lambda document: document["history"][0].update(loss="low"), "loss must be a finite number; got 'low'"),
        (lambda document: document["environment"].update(isa=[]), "isa must be an integer"),
        (lambda document: document["results"].update(seconds=float("nan")), "NaN is no number of JSON"),
        (lambda document: document.update(status="fine"), "status must be one of"),
    ],
)
def test_broken_run_files_are_refused(saved: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    path = saved / "run.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=message) as caught:
        asap.Run.load(saved)
    assert "run.json" in str(caught.value)


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such run file: .*run\.json"):
        asap.Run.load(tmp_path)
    for text in ("", "{", "[]", "[" * 100_000, "\xff"):
        (tmp_path / "run.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(ValueError, match=r"run\.json is"):
            asap.Run.load(tmp_path)


def test_the_layout_is_the_documented_one(saved: Path) -> None:
    run = asap.Run.load(saved)
    content = (saved / "trace.bin").read_bytes()
    magic, version, length = struct.unpack_from("<8sII", content)
    assert (magic, version, (16 + length) % 64) == (b"\x89asaptr\n", 2, 0)
    header = json.loads(content[16 : 16 + length])
    start = 16 + length
    records = start + -(-4 * header["parameters"] // 64) * 64
    assert len(content) == records + 40 * header["records"]
    assert np.frombuffer(content, "<f4", header["parameters"], start).tobytes() == run.trace.start.tobytes()
    batch, read, replaced, scale, attempts, worker, outcome, unused = struct.unpack_from("<QQQdIHBB", content, records)
    assert (batch, read, replaced, scale, attempts, worker, outcome, unused) == run.trace.records[0].item()
    sections = content[start : start + 4 * header["parameters"]] + content[records:]
    assert zlib.crc32(sections) == header["crc32"]
    assert RECORD.itemsize == 40
