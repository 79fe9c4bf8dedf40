"""Optional dependencies, imported where they are needed."""

from importlib import import_module
from typing import Any


def require(module: str, extra: str, purpose: str) -> Any:
    """Import `module`; when it is missing, the ImportError names the extra that brings it.

    Args:
        module: dotted name, such as "safetensors.numpy".
        extra: the extra of asap's distribution that lists it, such as "io".
        purpose: what it is needed for, as the beginning of a sentence.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there and lacks something of its own
        raise ImportError(f'{purpose} needs {package}: pip install "asap[{extra}]"') from error
