"""Every public name of the package has a docstring of its own."""

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass

import asap


def has_docstring(member: object) -> bool:
    """Whether somebody wrote one: not inherited, and not the signature that a dataclass writes for itself."""
    text = vars(member).get("__doc__") if isinstance(member, type) else getattr(member, "__doc__", None)
    return bool(text and text.strip()) and not text.startswith(f"{getattr(member, '__name__', '')}(")


def documentable(member: object) -> bool:
    return inspect.isroutine(member) or isinstance(
        member, (type, property, classmethod, staticmethod, types.ModuleType)
    )


def public_members(owner: type | types.ModuleType) -> Iterator[tuple[str, object]]:
    """The public names a class or a module brings itself; what it only passes on is met where it is defined."""
    if isinstance(owner, types.ModuleType):
        yield from ((name, getattr(owner, name)) for name in owner.__all__)
    else:
        yield from ((name, member) for name, member in vars(owner).items() if not name.startswith("_"))


def undocumented(owner: type | types.ModuleType, path: str) -> Iterator[str]:
    for name, member in public_members(owner):
        if not documentable(member):
            continue
        if not has_docstring(member):
            yield f"{path}.{name}"
        if isinstance(member, (type, types.ModuleType)):
            yield from undocumented(member, f"{path}.{name}")


def test_every_public_name_has_a_docstring() -> None:
    assert has_docstring(asap)
    assert list(undocumented(asap, "asap")) == []


def test_the_check_finds_what_is_missing() -> None:
    @dataclass
    class Planted:
        rate: float

        def documented(self) -> None:
            """Is documented."""

        def bare(self) -> None: ...

        @property
        def naked(self) -> float:
            return self.rate

    module = types.ModuleType("planted")
    module.Planted, module.__all__ = Planted, ["Planted"]
    assert list(undocumented(module, "planted")) == ["planted.Planted", "planted.Planted.bare", "planted.Planted.naked"]
