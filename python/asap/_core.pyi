"""Typed face of the compiled core. The public classes in this package wrap it; see their docstrings."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

__version__: str

# --- machine and build
def isa() -> str: ...
def available_isas() -> list[str]: ...
def usable_cpus() -> int: ...
def cpu_quota() -> float | None: ...  # CPUs' worth of time; None without a quota
def affinity_mask() -> str: ...  # of the calling thread: "0-3,8"
def topology(sysfs: str = "/sys") -> dict[str, Any]:
    """Keys: sockets, cores, logical_cpus, max_threads_per_core, numa_nodes, nodes (list of {node, cpus: "0-3,8"})."""

def caches(sysfs: str = "/sys") -> list[dict[str, Any]]:
    """One entry per kind, keys: name ("L1d"), count, size_bytes, shared_by (CPUs)."""

def build_info() -> dict[str, str]: ...

# --- data
class Dataset:
    """A view of arrays (kept alive, never copied): inputs of any strides, and labels or targets."""

    def __init__(
        self,
        inputs: NDArray[Any],
        labels: NDArray[np.int32] | None = None,
        targets: NDArray[np.float32] | None = None,
    ) -> None: ...
    @property
    def inputs(self) -> NDArray[Any]: ...
    @property
    def labels(self) -> NDArray[np.int32] | None: ...
    @property
    def targets(self) -> NDArray[np.float32] | None: ...
    def __len__(self) -> int: ...

class BatchOrder:
    """Which of so many samples a batch number stands for; holds none of them."""

    def __init__(self, samples: int, batch_size: int, seed: int) -> None: ...
    @property
    def batches_per_epoch(self) -> int: ...
    def samples(self, batch: int) -> NDArray[np.uint64]: ...

# --- model
class Dense:
    def __init__(self, units: int) -> None: ...

class Conv2d:
    def __init__(self, filters: int, window: int) -> None: ...

class MaxPool2d:
    def __init__(self, window: int) -> None: ...

class Relu:
    def __init__(self) -> None: ...

class Tanh:
    def __init__(self) -> None: ...

class Flatten:
    def __init__(self) -> None: ...

class Network:
    def __init__(
        self,
        input_shape: tuple[int, int, int],  # channels, height, width
        layers: Sequence[Dense | Conv2d | MaxPool2d | Relu | Tanh | Flatten],
        loss: str,  # "softmax-cross-entropy" | "mean-squared-error"
    ) -> None: ...
    @property
    def num_parameters(self) -> int: ...
    @property
    def num_outputs(self) -> int: ...
    @property
    def parameters(self) -> list[tuple[str, tuple[int, ...], int]]: ...  # name, shape, offset
    def initialise(self, kind: str, seed: int) -> NDArray[np.float32]: ...  # "papers" | "he" | "glorot"
    def predict(self, theta: NDArray[np.float32], data: Dataset, batch_size: int) -> NDArray[np.float32]: ...
    def evaluate(
        self, theta: NDArray[np.float32], data: Dataset, batch_size: int
    ) -> tuple[float, int, int]: ...  # loss sum, correct, samples
    def gradient(
        self, theta: NDArray[np.float32], data: Dataset, indices: NDArray[np.uint64]
    ) -> tuple[float, NDArray[np.float32]]: ...

# --- engines
class Sequential:
    def __init__(self) -> None: ...

class Synchronous:
    def __init__(self) -> None: ...

class Locked:
    def __init__(self) -> None: ...

class Softsync:
    def __init__(self, n: int | None = None) -> None: ...  # None: as many as workers

class Read:
    automatic: ClassVar[Read]
    in_place: ClassVar[Read]
    copy: ClassVar[Read]

class Hogwild:
    def __init__(self, read: Read = ...) -> None: ...

class FusedHogwild:
    def __init__(self, read: Read = ...) -> None: ...

class Leashed:
    def __init__(
        self,
        persistence: int | None = None,  # None: retry until published
        read: Read = ...,
    ) -> None: ...

# --- steps
class Rate:
    @staticmethod
    def constant(base: float) -> Rate: ...
    @staticmethod
    def step(base: float, factor: float, every: int) -> Rate: ...
    @staticmethod
    def cosine(base: float, final: float, updates: int) -> Rate: ...
    def __call__(self, update: int) -> float: ...

class Distribution:
    def __init__(self, counts: NDArray[np.uint64], tau_sum: int | None = None) -> None: ...
    @property
    def counts(self) -> NDArray[np.uint64]: ...
    @property
    def total(self) -> int: ...
    @property
    def tau_sum(self) -> int: ...
    @property
    def mean(self) -> float: ...
    def probability(self, tau: int) -> float: ...
    def cdf(self, tau: int, form: str) -> float: ...
    def quantile(self, q: float) -> int: ...

class NoCorrection:
    def __init__(self) -> None: ...

class DelayCompensated:
    def __init__(self, strength: float) -> None: ...

class GapAware:
    def __init__(self, memory: float) -> None: ...

class NormClipped:
    def __init__(self, bound: float) -> None: ...

Correction = NoCorrection | DelayCompensated | GapAware | NormClipped

class OnlineSample:
    def __init__(self, every: float, half_life: float) -> None: ...

class Policy:
    """A policy's table function with its sampling window."""

    @staticmethod
    def constant() -> Policy: ...
    @staticmethod
    def inverse() -> Policy: ...
    @staticmethod
    def inverse_plus_one() -> Policy: ...
    @staticmethod
    def power(exponent: float) -> Policy: ...
    @staticmethod
    def hinge(slope: float, grace: int) -> Policy: ...
    @staticmethod
    def exponential(decay: float) -> Policy: ...
    @staticmethod
    def delay_adaptive() -> Policy: ...
    @staticmethod
    def threshold(critical: int | None, smoothness: float | None) -> Policy: ...
    @staticmethod
    def ringmaster(limit: int) -> Policy: ...
    @staticmethod
    def fleet(threshold: float | None, sample: tuple[int, int] | OnlineSample) -> Policy: ...
    @staticmethod
    def tail_tau(amplitude: float, cdf: str, sample: tuple[int, int] | OnlineSample) -> Policy: ...
    @staticmethod
    def mind_the_step(law: str, cap: float, last: int, sample: tuple[int, int] | OnlineSample) -> Policy: ...
    @staticmethod
    def normalised(policy: Policy, sample: tuple[int, int] | OnlineSample) -> Policy: ...
    @staticmethod
    def clipped(policy: Policy, least: float, most: float) -> Policy: ...
    @staticmethod
    def fixed(entries: NDArray[np.float64]) -> Policy: ...
    @staticmethod
    def custom(
        table: Callable[[Distribution], NDArray[np.float64]], sample: tuple[int, int] | OnlineSample | None
    ) -> Policy: ...
    @property
    def name(self) -> str: ...
    def table(self, distribution: Distribution, workers: int, rate: float, update: int) -> NDArray[np.float64]: ...

# --- the ASAP framework

class RepeatedAdaptation:
    """A policy over many executions that follow one another; one thread. See src/cpp/asap/step/repeated.h."""

    def __init__(self, policy: Policy, workers: int, rate: Rate) -> None: ...
    @property
    def is_adaptive(self) -> bool: ...  # the table depends on what is counted
    def count(self, staleness: Distribution, rejections: Distribution, published: int) -> None: ...
    @property
    def table(self) -> NDArray[np.float64]: ...  # C in the next one

class Properties:
    """What a scale does under a staleness distribution."""

    @property
    def mean(self) -> float: ...
    @property
    def second_moment(self) -> float: ...
    @property
    def scaled_staleness(self) -> float: ...
    @property
    def scaled_squared_staleness(self) -> float: ...
    @property
    def mean_staleness(self) -> float: ...
    @property
    def mean_squared_staleness(self) -> float: ...
    @property
    def least(self) -> float: ...
    @property
    def most(self) -> float: ...
    @property
    def leveraged(self) -> float: ...
    @property
    def dampened(self) -> float: ...
    @property
    def rejected(self) -> float: ...
    @property
    def first_violation(self) -> int | None: ...

class Bound:
    """A bound as a function of the rate and the number of updates."""

    def __call__(self, rate: float, updates: int) -> float: ...
    def best_rate(self, updates: int) -> float: ...
    def updates_to(self, error: float) -> int: ...

class Bounds:
    """The bounds for which the constants suffice."""

    @property
    def convex(self) -> Bound | None: ...
    @property
    def convex_views(self) -> Bound | None: ...
    @property
    def non_convex(self) -> Bound | None: ...
    @property
    def polyak_lojasiewicz(self) -> Bound | None: ...

def properties_of(scale: NDArray[np.float64], distribution: Distribution) -> Properties: ...
def normalise(scale: NDArray[np.float64], distribution: Distribution) -> NDArray[np.float64]: ...
def bounds(
    properties: Properties,
    smoothness: float,
    gradient: float,
    distance: float | None = None,
    gap: float | None = None,
    curvature: float | None = None,
) -> Bounds: ...

# --- training
class LiveRun:
    """The live state of a run; raises RuntimeError when used after the callback it was handed to."""

    @property
    def seconds(self) -> float: ...
    @property
    def epoch(self) -> float: ...
    @property
    def counts(self) -> dict[str, float]: ...
    @property
    def staleness(self) -> Distribution: ...
    def snapshot(self) -> tuple[NDArray[np.float32], int]: ...  # parameters, version
    def request_stop(self, status: str = "stopped") -> None: ...  # "stopped" | "interrupted"

class Failure:
    """Where a run failed: in a worker, at a batch; or, without one, on the calling thread."""

    def __init__(self, *, worker: int | None, batch: int | None, read: int, tau: int, updates: int) -> None: ...
    @property
    def worker(self) -> int | None: ...
    @property
    def batch(self) -> int | None: ...
    @property
    def read(self) -> int: ...  # version of the parameters that it worked on
    @property
    def tau(self) -> int: ...  # updates published since
    @property
    def updates(self) -> int: ...  # published in all

class Observer(Protocol):
    def on_epoch(self, record: dict[str, Any], live: LiveRun) -> None: ...
    def on_tick(self, live: LiveRun) -> None: ...
    def on_checkpoint(self, state: dict[str, Any]) -> None: ...
    def on_snapshot(self, theta: NDArray[np.float32], version: int, epoch: float, seconds: float) -> None: ...
    def on_failure(self, at: Failure) -> None: ...

class TrainOptions:
    def __init__(
        self,
        *,
        engine: Sequential | Synchronous | Locked | Hogwild | FusedHogwild | Leashed | Softsync,
        workers: int,
        batch_size: int,
        epochs: int | None,
        updates: int | None,
        seconds: float | None,
        rate: Rate,
        policy: Policy,
        correction: Correction,
        momentum: float,
        weight_decay: float,
        seed: int,
        affinity: str,  # "none" | "compact" | "scatter"
        on_nonfinite: str,  # "stop" | "skip"
        snapshots: int | None,  # how often on_snapshot is called, in updates
        checkpoint: tuple[float, str] | None,  # how far apart, in "epochs" | "updates" | "seconds"
    ) -> None: ...

def check_options(options: TrainOptions, max_workers: int) -> None:
    """Raise the ValueError of a run that cannot be, whatever its model and its data."""

def train(
    network: Network,
    theta: NDArray[np.float32],  # start in, result out, in place
    data: Dataset,
    options: TrainOptions,
    *,
    validation: Dataset | None,
    trace: int | None,  # file descriptor that trace records are appended to
    resume: dict[str, Any] | None,  # what on_checkpoint was given
    observer: Observer,
) -> dict[str, Any]:
    """Run to the end with the GIL released; the observer is called on this thread with the GIL held.

    Keys: status ("completed" | "stopped" | "interrupted" | "diverged"), version (of theta), seconds, counts (dict:
    gradients, published, merged, dropped, rejected, skipped, attempts, samples, loss_sum, step_sum), history (list
    of epoch records), staleness and rejections (lists of Distribution, one per worker), tables (list of (update,
    entries, Distribution they were made from)), table_figures (list of (update, mean tau, E[C], E[C²] under that
    distribution)), vectors_high_water, pool_rescans, placement (dict: cpus, nodes, unpinned, pin_error,
    interleave_error), trace (None or (records, stalls)). An epoch record: epoch, updates, seconds, training_loss,
    effective_step, mean_tau, counts (since the record before), validation (None or (loss, accuracy, samples)).

    OSError: the trace cannot be written, or the system gives no thread.

    KeyboardInterrupt: Ctrl-C is seen about every 50 ms, by running pending signal handlers; the run then ends with
    status "interrupted". Any other exception of a signal handler or the observer ends the run and is raised.
    """

class ParameterServer:
    """Shared parameters of learners that are elsewhere; one thread. See src/cpp/asap/server/parameter_server.h."""

    def __init__(
        self,
        num_samples: int,
        theta: NDArray[np.float32],
        options: TrainOptions,
        *,
        most_workers: int,
        resume: dict[str, Any] | None,  # what checkpoint() gave
        trace: bool,
        leads: bool = True,
    ) -> None: ...
    def take(self, worker: int) -> int | None: ...  # a batch; None: none now
    def lose(self, worker: int) -> None: ...
    def hold(self, worker: int, batch: int) -> None: ...  # for a shard: the lead handed it out
    def follow(self, rounds: int) -> None: ...  # for a shard: the lead has ended so many
    def has(self, batch: int) -> bool: ...  # its gradient came
    def receive(
        self, *, batch: int, worker: int, read: int, loss: float, gradient: NDArray[np.float32]
    ) -> bool: ...  # False: not its batch, or it came before, or the run is over
    def resize(self, workers: int) -> None: ...
    @property
    def is_over(self) -> bool: ...
    def request_stop(self, status: str = "stopped") -> None: ...
    @property
    def has_diverged(self) -> bool: ...
    @property
    def rounds(self) -> int: ...  # that ended since it was made
    @property
    def is_gathering(self) -> bool: ...  # in the middle of an update of several gradients
    @property
    def version(self) -> int: ...
    @property
    def workers(self) -> int: ...
    @property
    def parameters(self) -> NDArray[np.float32]: ...  # a read-only view that follows the updates
    @property
    def seconds(self) -> float: ...
    @property
    def epoch(self) -> float: ...
    @property
    def counts(self) -> dict[str, Any]: ...
    @property
    def staleness(self) -> Distribution: ...
    def records(self, first: int) -> NDArray[np.void]: ...  # of the trace, up to a checkpoint or the end
    @property
    def num_records(self) -> int: ...
    def take_rows(self) -> list[tuple[dict[str, Any], NDArray[np.float32]]]: ...  # epoch records, with the parameters
    def take_snapshots(self) -> list[tuple[NDArray[np.float32], int, float, float]]: ...  # version, epoch, seconds
    def set_validation(self, row: int, loss_sum: float, correct: int, samples: int) -> None: ...
    @property
    def is_checkpoint_due(self) -> bool: ...
    def checkpoint(self) -> dict[str, Any] | None: ...  # None: not finite, and the run is over
    def finish(self) -> tuple[dict[str, Any], NDArray[np.float32]]: ...  # the report of train, and the result

class Learner:
    """Gradients of batches, by number or of chosen samples, with the bits of a worker of train; keeps its workspace."""

    def __init__(self, network: Network, data: Dataset, options: TrainOptions) -> None: ...
    def gradient(self, batch: int, theta: NDArray[np.float32], out: NDArray[np.float32]) -> float: ...  # mean loss
    def gradient_of(
        self, samples: NDArray[np.uint64], theta: NDArray[np.float32], out: NDArray[np.float32]
    ) -> float: ...

class Law:
    """Seconds that something takes; a pure function of seed, worker and how often that worker has drawn."""

    @staticmethod
    def constant(seconds: float) -> Law: ...
    @staticmethod
    def exponential(mean: float) -> Law: ...
    @staticmethod
    def log_normal(mean: float, sigma: float) -> Law: ...
    @staticmethod
    def recorded(seconds: Sequence[float], counts: Sequence[int]) -> Law: ...
    @staticmethod
    def scaled(law: Law, factors: Sequence[float]) -> Law: ...
    @staticmethod
    def spread(law: Law, sigma: float) -> Law: ...
    @staticmethod
    def slow_workers(law: Law, factor: float, count: int) -> Law: ...
    @staticmethod
    def slow_now_and_then(law: Law, factor: float, probability: float) -> Law: ...
    @property
    def mean(self) -> float: ...
    def draw(self, seed: int, worker: int, count: int) -> NDArray[np.float64]: ...

def simulate(
    network: Network,
    theta: NDArray[np.float32],  # start in, result out, in place
    data: Dataset,
    options: TrainOptions,  # its seconds are virtual
    *,
    team: Sequence[tuple[float, int]],  # later numbers of workers, by virtual seconds
    compute: Law,
    publish: Law,
    memory_limit: int,  # bytes
    row_every: int | None,  # updates
    validation: Dataset | None,
    trace: int | None,
    observer: Observer,
) -> dict[str, Any]:
    """As train, in virtual time on the calling thread; further keys: compute_seconds, publish_seconds, publishing."""

def check_simulation(
    options: TrainOptions,
    *,
    team: Sequence[tuple[float, int]],
    compute: Law,
    publish: Law,
    memory_limit: int,
    row_every: int | None,
    num_parameters: int | None,  # None: whether the memory suffices is left open
) -> None:
    """Raise the ValueError of a simulation that cannot be."""

def what_if(
    network: Network,
    theta: NDArray[np.float32],  # start in, result out, in place
    data: Dataset,
    options: TrainOptions,  # its limits are those of the records
    records: NDArray[np.void],
    *,
    validation: Dataset | None,
    trace: int | None,
    observer: Observer,
) -> dict[str, Any]:
    """As train, on the calling thread, by the schedule in the records of a trace; all seconds are 0."""

def checkpoint_history(checkpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the epoch records of what on_checkpoint was given; ValueError when its tables do not fit together.

    Keys of such a dict: version, gradients, seconds, num_workers, sampling_from, sampled, last_row_gradients,
    table_numbers, table_versions, and arrays (dict: parameters, velocity, movement, workers.*, history.*, last_row.*,
    tables.*, seen.*, figures.*, counted).
    """

# --- traces; records are structured arrays of asap.trace.RECORD
def check_trace(records: NDArray[np.void], workers: int, first: int) -> None:
    """Raise ValueError, naming the record, when the records are no possible history of a run from version `first`."""

def replay(
    network: Network,
    theta: NDArray[np.float32],  # start in, result out, in place
    data: Dataset,
    options: TrainOptions,
    records: NDArray[np.void],
    *,
    first: int,
    last: int,
    velocity: NDArray[np.float32] | None,  # as theta; None: zeros
    movement: NDArray[np.float32] | None,  # likewise
) -> int:
    """Return how many updates were replayed, with the GIL released; KeyboardInterrupt within about 50 ms."""

# --- benchmarks
class WrongAnswerError(RuntimeError):
    """The answer of a benchmark differs from the reference's."""

class BenchmarkCase:
    """A named piece of work, prepared and checked when it is measured."""

    @property
    def name(self) -> str: ...
    def measure(self, rounds: int, seconds: float) -> dict[str, Any]:
        """Return name, unit, seconds, rate, limit, share; WrongAnswerError when it is wrong."""

def kernel_cases() -> list[BenchmarkCase]: ...
def update_cases(batch_size: int) -> list[tuple[str, str, BenchmarkCase]]: ...  # network, engine
def fma_peak(seconds: float) -> float: ...  # GFLOP/s of one core
