"""Which updates of a run a step makes its tables of."""

from __future__ import annotations

from dataclasses import dataclass

from asap import _checks, _core

__all__ = ["Online"]

SAMPLE = (10, 110)
"""The window that steps take their distribution from unless told otherwise, in updates per worker."""

_MOST = 10**6  # updates per worker; the core has no longer ones


@dataclass(frozen=True)
class Online:
    """All updates of a run, those of long ago counting less: a step with such a sample makes tables all the time.

    An update of staleness τ, published or rejected, weighs w = 1 when it is counted and 2^(−n/h) when n further ones
    have been, h being `half_life` · m; updates counted between the same two tables weigh the same. What a step sees is
    p(τ) = Σ w over updates of staleness τ / Σ w. Σ w tends to h/ln 2: by default it sees as many updates as in the
    window (10, 110), about 144 per worker, whatever the length of the run, and nothing that was 20 half-lives ago.

    A new table comes every `every` · m updates, published or rejected (at least one), and is swapped in while the
    workers run: one that rejects everything it meets does not stay. Until the first one C = 1, or what the step has
    without a sample. By default that is twice in a half-life: a table then
    lags behind by a third of what it is made of, at most.

    `run.tables` and `run.table_figures` tell which tables a run had.

    Args:
        every: from one table to the next, in updates per worker, published or rejected; above 0, at most 10⁶.
        half_life: after which an update weighs half, in updates per worker; above 0, at most 10⁶.
    """

    every: float = 50.0
    half_life: float = 100.0

    def __post_init__(self) -> None:
        for name in ("every", "half_life"):
            accepted = f"a number of updates per worker above 0 and at most {_MOST}"
            value = _checks.number(name, getattr(self, name), accepted, lambda x: 0 < x <= _MOST)
            object.__setattr__(self, name, value)


Sample = tuple[int, int] | Online
"""(first, last), a window in updates per worker, or all updates, forgotten in time."""


def checked(value: object) -> Sample:
    """Return `value` as it is when it is an Online, else as a window (first, last), 0 ≤ first < last."""
    if isinstance(value, Online):
        return value
    accepted = "sample must be (first, last) with 0 ≤ first < last, in updates per worker, or asap.Online()"
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{accepted}; got {_checks.shown(value)}")
    first, last = (_checks.integer(f"sample[{i}]", part, 0) for i, part in enumerate(value))
    if first >= last:
        raise ValueError(f"{accepted}; got {value!r}")
    return first, last


def to_core(sample: Sample) -> tuple[int, int] | _core.OnlineSample:
    """Return the sample as the core takes it."""
    return _core.OnlineSample(sample.every, sample.half_life) if isinstance(sample, Online) else sample
