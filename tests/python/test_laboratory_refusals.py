"""What cannot be compared is told before anything is run: the whole comparison is refused, and nothing is written."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap.laboratory import subject

Data = tuple[NDArray[np.float32], NDArray[np.int32]]
MakeModel = Callable[[], asap.Model]

FUSED = asap.Hogwild(update="fused")
HELD = "which never holds a gradient"
ALONE = "correction must be one that needs the gradient alone"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "more updates than workers": (
        {"engines": [asap.Softsync(9)]},
        "n must be between 1 and the number of workers, 4: an update needs a gradient; got n = 9",
    ),
    "as few workers once": (
        {"engines": [asap.Softsync(4)], "workers": (4, 3), "compute": 1.0},
        "n must be between 1 and the number of workers, 3: an update needs a gradient; got n = 4",
    ),
    "fused, momentum": (
        {"engines": [FUSED], "momentum": 0.5},
        f"momentum must be 0 for a fused Hogwild, {HELD}; got 0.5",
    ),
    "fused, skipping": ({"engines": [FUSED], "on_nonfinite": "skip"}, "on_nonfinite must be stop for a fused Hogwild"),
    "fused, corrected": (
        {"engines": [FUSED], "steps": [(0.1, asap.NormClipped(1.0))]},
        f"correction must be none for a fused Hogwild, {HELD}; got norm-clipped",
    ),
    "fused, simulated": (
        {"engines": [FUSED], "compute": {"threads": None, "even": 1.0}},
        "engine must be one that holds its gradients, which are delayed, to be simulated; got a fused Hogwild",
    ),
    "softsync, corrected by a view": (
        {"engines": [asap.Softsync()], "steps": [(0.1, asap.GapAware())]},
        f"{ALONE} for the softsync engine",
    ),
    "in place, corrected by a view": (
        {"engines": [asap.Hogwild(read="in-place")], "steps": [(0.1, asap.DelayCompensated())]},
        f"{ALONE}, or the Hogwild read by copying",
    ),
    "a simulated Hogwild, corrected by a view": (
        {"engines": [asap.Hogwild()], "steps": [(0.1, asap.DelayCompensated())], "compute": 1.0},
        f"{ALONE} for a simulated Hogwild; got delay-compensated",
    ),
    "gradients that take no time": ({"compute": 0.0}, "the law compute must have a mean above 0 seconds; got 0"),
    "too little memory": ({"compute": 1.0, "memory_limit": 100}, "memory_limit must be at least"),
    "more threads than there may be": ({"workers": 4097}, "workers must be an integer ≤ 4096; got 4097"),
    "a goal without validation": ({"stop": asap.TargetAccuracy(0.9)}, "needs validation data; give validation="),
    "validation of another shape": (
        {"validation": (np.ones((3, 5), np.float32), np.zeros(3, np.int32))},
        "validation[0] must have shape (n, 2); got (3, 5)",
    ),
}


@pytest.mark.parametrize(("settings", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_run_refuses_the_comparison(
    settings: dict[str, Any],
    words: str,
    blobs: Data,
    make_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Beside a case that could be run, which comes first."""
    monkeypatch.setattr(subject, "train", lambda *_, **__: pytest.fail("a case was run"))
    monkeypatch.setattr(subject, "simulate", lambda *_, **__: pytest.fail("a case was simulated"))
    engines = [asap.Locked(), *settings.get("engines", ())]
    arguments = {"steps": [0.1], "workers": 4, "seeds": 0, "progress": False} | settings | {"engines": engines}
    with pytest.raises(ValueError, match=re.escape(words)):
        asap.compare(make_model(), blobs, folder=tmp_path / "out", **arguments)
    assert list(tmp_path.iterdir()) == []
