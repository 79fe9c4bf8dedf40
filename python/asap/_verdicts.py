"""The command that tells what a step does to a staleness distribution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from asap import _checks, _options, _policies, _run_file, _tables, framework
from asap._app import command
from asap._console import show
from asap.laboratory import label_of
from asap.laboratory.plan import rate_of, with_rate
from asap.staleness import StalenessDistribution
from asap.steps import Step
from asap.steps.sample import SAMPLE


class _Seen(NamedTuple):
    """A staleness distribution, and the step and the workers of the run that it is from."""

    staleness: StalenessDistribution
    step: Step | None = None
    workers: int = 1


@command()
def check(
    staleness: Annotated[
        str,
        typer.Argument(help="Folder or run.json of a saved run, or counts of τ = 0, 1, …: with commas, or in a file."),
    ],
    step: Annotated[
        str | None, typer.Option(help=f"By default the run's own, else constant. {_policies.STEP_HELP}")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Base rate η; by default the run's own, else 0.01.")] = None,
    workers: Annotated[int | None, typer.Option(help="m; by default the run's, else 1.")] = None,
    normalise: Annotated[bool, typer.Option("--normalise", help="Show C / E[C], too, and both tables.")] = False,
    smoothness: Annotated[float | None, typer.Option(help="L: asks for bounds, which need --gradient, too.")] = None,
    gradient: Annotated[float | None, typer.Option(help="M², the largest mean square of a gradient.")] = None,
    distance: Annotated[float | None, typer.Option(help="‖θ₀ − θ*‖, for the convex bounds.")] = None,
    gap: Annotated[float | None, typer.Option(help="f(θ₀) − f*, for the others.")] = None,
    curvature: Annotated[float | None, typer.Option(help="μ, for the bound of Polyak and Łojasiewicz.")] = None,
    error: Annotated[float | None, typer.Option(help="ε, which the bounds are to come down to.")] = None,
    updates: Annotated[int | None, typer.Option(help="T, after which the bounds at --rate are asked for.")] = None,
    json: _options.Json = None,
) -> None:
    """Tell whether a step keeps the mean, prefers fresh gradients and is bounded on a staleness distribution."""
    seen = _seen(staleness)
    judged = _judged(seen, step, rate)
    given: dict[str, Any] = {"workers": seen.workers if workers is None else workers}
    beyond = seen.staleness.max + 2  # a table's entries so far: those for the τ that occurred, and the next
    found = {"C": framework.check(judged, seen.staleness, **given)}
    tables = {"C": judged.table(seen.staleness, **given)[:beyond]}
    if normalise:
        normalised = framework.normalise(judged, seen.staleness, **given)
        found["C / E[C]"] = framework.check(normalised, seen.staleness)
        tables["C / E[C]"] = normalised[:beyond]
    constants = {
        "smoothness": smoothness,
        "gradient": gradient,
        "distance": distance,
        "gap": gap,
        "curvature": curvature,
    }
    bounds = _bounds(judged, seen.staleness, {**constants, "error": error, "updates": updates}, **given)
    reached = [] if error is None else _reached(bounds, error)
    held = [] if updates is None else _held(bounds, rate_of(judged), updates)
    document = {
        "schema": "asap.check/1",
        "step": judged,
        **given,
        "staleness": seen.staleness.counts,
        "properties": {name: each.to_dict() for name, each in found.items()},
        "tables": tables,
        "bounds": reached,
        "bounds_at": held,
    }
    shown = _tables.verdict(label_of(judged), seen.staleness, found, tables if normalise else {}, reached, held)
    show(shown, document, json)


def _seen(text: str) -> _Seen:
    """Return the distribution of a run, or of counts."""
    path = Path(text)
    path = path / _run_file.RUN if path.is_dir() else path
    if path.suffix == ".json":
        fields = _run_file.checked_fields(path, _run_file.document(path))
        return _Seen(fields["staleness"], fields["config"].step, fields["config"].workers)
    counts = path.read_text().replace(",", " ").split() if path.is_file() else text.split(",")
    try:
        return _Seen(StalenessDistribution([int(count) for count in counts]))
    except ValueError:
        raise ValueError(
            "staleness must be the folder or run.json of a saved run, or counts of τ = 0, 1, …, integers ≥ 0; "
            f"got {text!r}"
        ) from None


def _judged(seen: _Seen, word: str | None, rate: float | None) -> Step:
    """Return the step that is asked about, or the run's own, at the base rate if one is given."""
    if word is None and seen.step is not None:
        return seen.step if rate is None else with_rate(seen.step, _checks.positive("rate", rate))
    asked = "constant" if word is None else word
    return _policies.step(asked, 0.01 if rate is None else rate, "constant", SAMPLE)


def _bounds(
    step: Step, staleness: StalenessDistribution, asked: Mapping[str, Any], *, workers: int
) -> dict[str, framework.Bound]:
    """Return each bound that the constants suffice for; none where nothing is asked."""
    if all(value is None for value in asked.values()):
        return {}
    for name in ("smoothness", "gradient"):
        if asked[name] is None:
            raise ValueError(f"{name} must be given for bounds, a number above 0; got none")
    if asked["error"] is None and asked["updates"] is None:
        raise ValueError("error or updates must be given for bounds, above 0; got none")
    constants = {name: value for name, value in asked.items() if name not in ("error", "updates")}
    bounds = vars(framework.bounds(step, staleness, workers=workers, **constants))
    found = {name: bound for name, bound in bounds.items() if bound is not None}
    if not found:
        raise ValueError("distance or gap must be given for bounds, a number above 0; got none")
    return found


def _reached(bounds: Mapping[str, framework.Bound], error: float) -> list[dict[str, Any]]:
    """Return a row for each bound: how many updates bring it down to the error, at which rate."""
    rows = []
    for name, bound in bounds.items():
        updates = bound.updates_to(error)
        best = bound.best_rate(updates)
        rows.append({"name": name, "updates": updates, "best_rate": best, "error": bound(best, updates)})
    return rows


def _held(bounds: Mapping[str, framework.Bound], rate: float, updates: int) -> list[dict[str, Any]]:
    """Return a row for each bound: what it is at this rate after so many updates, and at the best rate."""
    rows = []
    for name, bound in bounds.items():
        best = bound.best_rate(updates)
        row = {"name": name, "rate": rate, "updates": updates, "error": bound(rate, updates)}
        rows.append({**row, "best_rate": best, "best_error": bound(best, updates)})
    return rows
