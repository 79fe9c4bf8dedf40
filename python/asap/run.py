"""The result of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _checks, _run_file, _trace_file
from asap._plain import dumps, plain
from asap.cluster import Cluster
from asap.config import TrainConfig
from asap.datasets.files import write_atomically
from asap.environment import Placement, environment
from asap.history import History, row_of
from asap.losses import Losses
from asap.model import Model
from asap.simulation import Simulation
from asap.staleness import StalenessDistribution
from asap.steps import ScaleTable, TableFigures
from asap.trace import Trace

__all__ = ["Run"]

_FIGURES = ("seconds", "updates_per_second", "samples_per_second", "effective_step")


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """What a run was and what it gave.

    Attributes:
        status: "completed", "stopped", "interrupted" or "diverged".
        history: one row per epoch.
        staleness: τ of the published updates (softsync: of all gradients in them), over all workers and per worker.
        rejections: τ of the gradients with C(τ) = 0, likewise.
        updates: updates published; with the synchronous engine one per round.
        gradients: gradients computed to the end: published, part of an update that another one completes (synchronous,
            softsync), dropped, rejected or skipped.
        samples: samples in all gradients but the skipped ones.
        attempts: tries to publish.
        drops: gradients given up after the persistence bound.
        rejected: gradients with C(τ) = 0.
        skipped: gradients that were not finite, with on_nonfinite="skip".
        seconds: from the first worker's start to the last one's end; virtual in a simulated run.
        effective_step: E[C] · η, the mean of η · C(τ) over published and rejected updates.
        vectors_high_water: parameter vectors alive at the same time, at most; gradients are not counted.
        tables: the scale tables, in the order in which they were used; of more than 64 every second, fourth, … one and
            the last.
        table_figures: mean τ, E[C] and E[C²] of the tables that were made of something; of more than 1024 likewise.
        placement: where the workers and the shared vectors were.
        parameters: where the run ended, shape (num_parameters,), read-only.
        version: how many updates `parameters` are made of: `updates`, or fewer after a divergence.
        model: the model that was trained. A later run may have changed its parameters; `parameters` stay.
        config: the settings, with defaults filled in.
        num_samples: samples in the training data.
        num_validation_samples: samples in the validation data.
        environment: hardware and versions.
        resumed: the versions from which the run was resumed; everything counts from its very beginning.
        losses: the training loss on snapshots; None unless trained with `snapshots=`, and of resumed runs.
        trace: what happened to every gradient since it was resumed last, for `asap.replay`; None unless trained with
            `trace=True`.
        simulation: laws and virtual times of a run of `asap.simulate`; None for a run on threads.
        what_if: whether it followed the schedule of another run (`asap.what_if`), which has an order, but no times.
        cluster: what happened on the cluster during a run of `asap.ray.train`; None for any other run.
    """

    status: str
    history: History
    staleness: StalenessDistribution
    rejections: StalenessDistribution
    updates: int
    gradients: int
    samples: int
    attempts: int
    drops: int
    rejected: int
    skipped: int
    seconds: float
    effective_step: float
    vectors_high_water: int
    tables: list[ScaleTable]
    table_figures: list[TableFigures]
    placement: Placement
    parameters: NDArray[np.float32]
    model: Model
    config: TrainConfig
    num_samples: int
    num_validation_samples: int
    environment: Mapping[str, str | int]
    version: int
    resumed: tuple[int, ...] = ()
    trace: Trace | None = None
    losses: Losses | None = None
    simulation: Simulation | None = None
    what_if: bool = False
    cluster: Cluster | None = None

    @classmethod
    def _of(
        cls,
        report: Mapping[str, Any],
        model: Model,
        theta: NDArray[np.float32],
        config: TrainConfig,
        num_samples: int,
        num_validation_samples: int,
        resumed: tuple[int, ...],
        trace: Trace | None,
        losses: Losses | None,
        simulation: Simulation | None,
        what_if: bool,
        cluster: Cluster | None,
    ) -> Run:
        """Return the run that the core reported."""
        counts = report["counts"]
        theta.flags.writeable = False
        return cls(
            status=report["status"],
            history=History([row_of(record, model.architecture.has_classes) for record in report["history"]]),
            staleness=StalenessDistribution._merge(report["staleness"], config.workers),
            rejections=StalenessDistribution._merge(report["rejections"], config.workers),
            updates=counts["published"],
            gradients=counts["gradients"],
            samples=counts["samples"],
            attempts=counts["attempts"],
            drops=counts["dropped"],
            rejected=counts["rejected"],
            skipped=counts["skipped"],
            seconds=report["seconds"],
            effective_step=counts["effective_step"],
            vectors_high_water=report["vectors_high_water"],
            tables=[
                ScaleTable(update, entries, StalenessDistribution._wrap(seen))
                for update, entries, seen in report["tables"]
            ],
            table_figures=[TableFigures(*figures) for figures in report["table_figures"]],
            placement=Placement(**report["placement"]),
            parameters=theta,
            model=model,
            config=config,
            num_samples=num_samples,
            num_validation_samples=num_validation_samples,
            environment=environment(),
            version=report["version"],
            resumed=resumed,
            trace=trace,
            losses=losses,
            simulation=simulation,
            what_if=what_if,
            cluster=cluster,
        )

    @property
    def updates_per_second(self) -> float:
        """Published updates per second, virtual ones in a simulated run."""
        return self.updates / self.seconds if self.seconds > 0 else 0.0

    @property
    def samples_per_second(self) -> float:
        """Samples worked on per second."""
        return self.samples / self.seconds if self.seconds > 0 else 0.0

    def time_to(self, fraction: float) -> float | None:
        """Return the seconds until the training loss fell to a fraction ε of where it began (`Losses.at`), or None.

        Raises:
            ValueError: the run was not trained with `snapshots=`.
        """
        return self._reached(fraction, "seconds")

    def updates_to(self, fraction: float) -> float | None:
        """Return the updates until the training loss fell to a fraction ε of where it began, like `time_to`."""
        return self._reached(fraction, "updates")

    def epochs_to(self, fraction: float) -> float | None:
        """Return the epochs until the training loss fell to a fraction ε of where it began, like `time_to`."""
        return self._reached(fraction, "epoch")

    def _reached(self, fraction: float, along: str) -> float | None:
        if self.losses is None:
            raise ValueError(
                "the run must have losses to tell when they fell; train it with asap.train(…, snapshots=100)"
            )
        return self.losses.at(fraction, along)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the parameters as plain values ready for strict JSON, schema "asap.run/1"."""
        architecture = self.model.architecture
        document = {
            "schema": _run_file.SCHEMA,
            "status": self.status,
            "model": {"name": type(self.model).__name__, "num_parameters": self.model.num_parameters}
            | architecture.to_dict(),
            "data": {"samples": self.num_samples, "validation_samples": self.num_validation_samples},
            "config": self.config.to_dict(),
            "resumed": self.resumed,
            "simulation": self.simulation and self.simulation.to_dict(),
            "what_if": self.what_if,
            "cluster": self.cluster and self.cluster.to_dict(),
            "environment": self.environment,
            "placement": self.placement._asdict(),
            "results": {name: getattr(self, name) for name in (*_run_file.COUNTS, *_FIGURES)},
            "history": list(self.history),
            "losses": None if self.losses is None else list(self.losses),
            "staleness": self.staleness.to_dict(),
            "rejections": self.rejections.to_dict(),
            "tables": [table._asdict() | {"seen": table.seen.counts} for table in self.tables],
            "table_figures": [figures._asdict() for figures in self.table_figures],
        }
        return {name: plain(value) for name, value in document.items()}

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write run.json, parameters.safetensors and, of a traced run, trace.bin into a folder; return the folder.

        It is made where missing. Each file appears complete or not at all, run.json last. `asap.Run.load` gives the run
        back, `asap.load(folder / "parameters.safetensors")` the model alone.

        Raises:
            TypeError, ValueError: `folder` is no name.
            ImportError: safetensors is not installed (extra "io").
        """
        target = Path(_checks.path("folder", folder, "the name of a folder"))
        model = self.model.copy()
        model.parameters = self.parameters
        target.mkdir(parents=True, exist_ok=True)
        model.save(target / _run_file.PARAMETERS)
        document = self.to_dict()
        if self.trace is None:
            (target / _run_file.TRACE).unlink(missing_ok=True)  # of a run that was here before
        else:
            _trace_file.write(target / _run_file.TRACE, self.trace, document["config"])
        write_atomically(target / _run_file.RUN, [dumps(document).encode()])
        return target

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Run:
        """Read a run that `save` wrote.

        The function of an `asap.Custom` step is not in the files; in its place stands one that says so when called. The
        model is a plain `asap.Model` of the same architecture.

        Raises:
            FileNotFoundError: a file is missing.
            TypeError: `folder` is no name.
            ValueError: a file is damaged, truncated, of a newer version, or of another run; names the file and what was
                found.
            ImportError: safetensors is not installed (extra "io").
        """
        return cls(**_run_file.read(Path(_checks.path("folder", folder, "the name of a folder"))))

    def __repr__(self) -> str:
        parts = [f"{self.updates:,} updates in {self.seconds:.3g} s", f"mean τ {self.staleness.mean:.3g}"]
        last = self.history[-1] if self.history else {}
        for name in ("loss", "validation_loss", "accuracy"):
            if (value := last.get(name)) is not None:
                parts.append(f"{name.replace('_', ' ')} {value:.4g}")
        return f"Run({self.status}: {', '.join(parts)})"
