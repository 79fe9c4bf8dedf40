"""What is compared: each peer in the forms that may be its best, on one core or several."""

from __future__ import annotations

from dataclasses import dataclass

PEERS = ("pytorch", "jax", "scikit-learn")
MODELS = ("mlp", "lenet")

_REPLACED = ("OPENBLAS_CORETYPE", "XLA_FLAGS")  # what the caller's environment may say about speed


@dataclass(frozen=True)
class Form:
    """One way to write the training in one library.

    Attributes:
        peer: the library.
        name: what the table calls it.
        module: who makes the contender, in this package.
        variant: what that module calls it.
        uses: "threads" when the library itself spreads an update over the cores, "processes" or "workers" when each
            core makes updates of its own.
    """

    peer: str
    name: str
    module: str
    variant: str
    uses: str = "threads"

    def environment(self, outer: dict[str, str], cores: int) -> dict[str, str]:
        """Return the environment of its process, so set before any library is loaded."""
        threads = cores if self.uses == "threads" else 1
        libraries = ("OMP", "MKL", "OPENBLAS")
        limits = {f"{library}_NUM_THREADS": str(threads) for library in libraries} | {"JAX_PLATFORMS": "cpu"}
        if threads == 1:
            limits["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        return {name: value for name, value in outer.items() if name not in _REPLACED} | limits


def ours(engine: str) -> Form:
    """Return asap with an engine, in the words of its command line, and one worker per core."""
    return Form("asap", engine, "asap_forms", engine, "workers")


def forms(peer: str, model: str, cores: int) -> list[Form]:
    """Return the forms of a peer for a model; none where the library has no such model."""
    return [
        form
        for form in _FORMS[peer].get(model, [])
        if cores > 1 or form.uses == "threads"  # one process of several is what the others are
    ]


def _pytorch(name: str, variant: str) -> Form:
    return Form("pytorch", name, "pytorch_forms", variant)


def _hogwild(name: str, variant: str) -> Form:
    return Form("pytorch", f"Hogwild, {name}", "pytorch_hogwild", variant, "processes")


def _jax(*variants: str) -> list[Form]:
    return [Form("jax", variant, "jax_forms", variant) for variant in variants]


_FORMS = {
    "pytorch": {
        "mlp": [
            _pytorch("eager", "eager"),
            _pytorch("no autograd", "by-hand"),
            _pytorch("compiled", "compiled"),
            _hogwild("eager", "eager"),
            _hogwild("no autograd", "by-hand"),
            _hogwild("compiled", "compiled"),
        ],
        "lenet": [
            _pytorch("eager", "eager"),
            _pytorch("eager, channels last", "eager channels-last"),
            _pytorch("compiled", "compiled"),
            _pytorch("compiled, channels last", "compiled channels-last"),
            _hogwild("eager, channels last", "eager channels-last"),
            _hogwild("compiled", "compiled"),
            _hogwild("compiled, channels last", "compiled channels-last"),
        ],
    },
    "jax": {
        "mlp": _jax("step", "scan"),
        "lenet": _jax("step NHWC", "step NCHW", "step rows", "step banded", "scan NHWC", "scan rows", "scan banded"),
    },
    "scikit-learn": {"mlp": [Form("scikit-learn", "partial_fit", "scikit_learn_forms", "partial_fit")]},
}
