"""Corrections of gradients: which engines serve which, what they leave as it is, files, checkpoints and replays."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

CORRECTIONS = [asap.DelayCompensated(0.2), asap.GapAware(0.9), asap.NormClipped(0.3)]
CONSISTENT = [asap.Synchronous(), asap.Locked(), asap.Leashed(), asap.Leashed(read="copy"), asap.Leashed(1)]


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("engine", CONSISTENT, ids=repr)
def test_a_corrected_run_is_replayed_bit_by_bit(
    correction: asap.corrections.Correction, engine: Any, blobs: Data, make_model: MakeModel
) -> None:
    run = asap.train(
        make_model(),
        blobs,
        engine=engine,
        step=asap.InversePlusOne(0.05),
        correction=correction,
        workers=4,
        epochs=3,
        momentum=0.5,
        trace=True,
    )
    assert run.status == "completed"
    assert asap.replay(run).identical


@pytest.mark.parametrize("engine", [asap.engines.Sequential(), asap.Locked(), asap.Hogwild(), asap.Leashed()], ids=repr)
def test_one_worker_has_the_bits_of_plain_sgd(engine: Any, blobs: Data, make_model: MakeModel) -> None:
    def trained(correction: asap.corrections.Correction | None) -> bytes:
        run = asap.train(make_model(), blobs, engine=engine, workers=1, epochs=2, correction=correction)
        return run.parameters.tobytes()

    plain = trained(None)
    for correction in (asap.DelayCompensated(50.0), asap.GapAware(), asap.NormClipped(1e6)):
        assert trained(correction) == plain
    assert trained(asap.NormClipped(0.01)) != plain


def test_a_clipped_step_is_no_longer_than_the_bound(blobs: Data, make_model: MakeModel) -> None:
    model = make_model()
    before = model.parameters.copy()
    run = asap.train(model, blobs, workers=1, step=0.5, updates=1, correction=asap.NormClipped(0.125))
    assert np.linalg.norm(run.parameters - before) == pytest.approx(0.5 * 0.125, rel=1e-5)


@pytest.mark.parametrize("correction", [asap.DelayCompensated(), asap.GapAware()], ids=repr)
def test_engines_that_keep_no_view_say_so(
    correction: asap.corrections.Correction, blobs: Data, make_model: MakeModel
) -> None:
    with pytest.raises(ValueError, match="correction must be one that needs the gradient alone, or the Hogwild read"):
        asap.train(make_model(), blobs, engine=asap.Hogwild(read="in-place"), workers=2, correction=correction)
    with pytest.raises(ValueError, match="correction must be none for a fused Hogwild"):
        asap.train(make_model(), blobs, engine=asap.Hogwild(update="fused"), workers=2, correction=correction)
    run = asap.train(make_model(), blobs, engine=asap.Hogwild(), workers=2, correction=correction)
    assert run.vectors_high_water == 3  # it copies then


def test_leashed_keeps_a_vector_more_per_worker(blobs: Data, make_model: MakeModel) -> None:
    for read in ("in-place", "copy"):
        run = asap.train(
            make_model(), blobs, engine=asap.Leashed(read=read), workers=4, epochs=4, correction=asap.GapAware()
        )
        assert run.vectors_high_water <= (3 * 4 + 1 if read == "in-place" else 2 * 4 + 1 + 2 * 4)


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda each: type(each).__name__)
def test_a_correction_is_kept_in_files(
    correction: asap.corrections.Correction, blobs: Data, make_model: MakeModel, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    run = asap.train(make_model(), blobs, workers=2, epochs=2, correction=correction, trace=True)
    run.save(tmp_path)
    loaded = asap.Run.load(tmp_path)
    assert loaded.config.correction == correction
    assert asap.replay(loaded, blobs).identical
    assert pickle.loads(pickle.dumps(correction)) == correction
    assert eval(repr(correction), vars(asap)) == correction


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda each: type(each).__name__)
def test_a_resumed_run_is_the_run_that_was_never_interrupted(
    correction: asap.corrections.Correction, blobs: Data, make_model: MakeModel, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    settings: dict[str, Any] = {"workers": 1, "correction": correction, "momentum": 0.5}
    whole = asap.train(make_model(), blobs, epochs=4, **settings)
    asap.train(make_model(), blobs, epochs=2, checkpoint=asap.Checkpoint(tmp_path / "run"), **settings)
    resumed = asap.resume(tmp_path / "run", blobs, epochs=4)
    assert resumed.parameters.tobytes() == whole.parameters.tobytes()
    assert resumed.config.correction == correction


def test_a_resumed_run_with_an_average_movement_is_replayed_from_it(
    blobs: Data, make_model: MakeModel, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra io")
    checkpoint = asap.Checkpoint(tmp_path / "run")
    asap.train(make_model(), blobs, workers=3, epochs=2, correction=asap.GapAware(), checkpoint=checkpoint)
    run = asap.resume(tmp_path / "run", blobs, epochs=5, trace=True)
    assert run.trace is not None
    assert run.trace.movement is not None
    assert (run.trace.movement >= 0).all()
    assert run.trace.movement.any()
    assert asap.replay(run).identical
    run.save(tmp_path / "saved")
    assert asap.replay(asap.Run.load(tmp_path / "saved"), blobs).identical


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: asap.DelayCompensated(-1), "strength must be a finite number ≥ 0; got -1"),
        (lambda: asap.GapAware(1.0), r"memory must be a number in \[0, 1\); got 1.0"),
        (lambda: asap.NormClipped(0), "bound must be a finite number above 0; got 0"),
        (lambda: asap.NormClipped("long"), "bound must be a finite number above 0; got 'long'"),
    ],
)
def test_wrong_arguments_are_named(make: Callable[[], object], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        make()
