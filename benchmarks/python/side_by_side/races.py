"""The time to a training loss: a sweep of settings for each contender, then the best of each with several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from side_by_side.forms import Form
from side_by_side.process import AbsentError, Process
from side_by_side.rates import Bench, tell
from side_by_side.target import Arrival, Setting, fastest, time_to

Tried = list[tuple[Setting, float]]


@dataclass(frozen=True)
class Races:
    """Contenders on the way to a loss.

    Attributes:
        bench: where they run.
        target: the training loss to reach.
        batches: the batch sizes tried.
        rates: the learning rates tried.
        seeds: how many starts are timed at the best setting.
    """

    bench: Bench
    target: float
    batches: Sequence[int]
    rates: Sequence[float]
    seeds: int

    def arrivals(self, contenders: Mapping[str, Sequence[Form]], model: str, cores: int) -> list[Arrival]:
        """Let each library find its best setting among its forms, then time them in turns, seed by seed."""
        tried = {peer: self._sweep(forms, model, cores) for peer, forms in contenders.items()}
        settings = {peer: fastest(trials) for peer, trials in tried.items() if trials}
        with ExitStack() as stack:
            processes = {
                peer: stack.enter_context(self._process(contenders[peer], setting, model, cores))
                for peer, setting in settings.items()
            }
            runs = [
                {peer: self._time(processes[peer], model, setting, seed) for peer, setting in settings.items()}
                for seed in range(1, self.seeds + 1)
            ]
        return [
            Arrival(model, cores, peer, setting, tuple(run[peer] for run in runs), tuple(tried[peer]))
            for peer, setting in settings.items()
        ]

    def _process(self, forms: Sequence[Form], setting: Setting, model: str, cores: int) -> Process:
        form = next(form for form in forms if form.name == setting.form)
        return self.bench.process(form, model, setting.batch, cores)

    def _sweep(self, forms: Sequence[Form], model: str, cores: int) -> Tried:
        """Return the seconds of all settings that are available; one slower than the best before is given up."""
        tried: Tried = []
        for form in forms:
            for batch in self.batches:
                try:
                    with self.bench.process(form, model, batch, cores) as contender:
                        self._try(contender, batch, model, tried)
                except AbsentError as absence:
                    tell(f"{form.peer} {form.name}: absent: {absence}")
        return tried

    def _try(self, contender: Process, batch: int, model: str, tried: Tried) -> None:
        for rate in self.rates:
            setting = Setting(contender.form.name, batch, rate)
            limit = min((seconds for _, seconds in tried), default=math.inf)
            seconds, _ = self._time(contender, model, setting, 0, limit)
            tried.append((setting, seconds))
            outcome = f"{seconds:.2f} s" if math.isfinite(seconds) else "given up"
            tell(f"{model}  {contender.form.peer}  {setting.form}  {batch}  rate {rate:g}: {outcome}")

    def _time(
        self, contender: Process, model: str, setting: Setting, seed: int, limit: float = math.inf
    ) -> tuple[float, float]:
        """Return seconds and epochs to the target."""
        contender.rate(0.1)  # what is compiled late, is compiled now
        self.bench.begin(contender, model, setting.rate, seed)
        file = str(self.bench.reference.folder / "snapshot.npy")

        def judge() -> float:
            contender.ask("save", file)
            return self.bench.reference.loss(model, file)

        def advance(updates: int) -> tuple[int, float]:
            made, seconds = contender.ask("for_updates", updates)
            return made, seconds

        seconds, samples = time_to(self.target, setting.batch, advance, judge, limit)
        return seconds, samples / self.bench.reference.samples
