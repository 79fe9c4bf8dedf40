"""docs/errors.md: every row is what happens, and every public entry point has one."""

import dataclasses
import doctest
import inspect
import os
import re
import shlex
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import asap
from asap import cli, config, environment, laboratory, reproduction

PAGE = Path(__file__).parents[2] / "docs/errors.md"
SPECIAL = ("__call__", "__getitem__")


def rows(text: str) -> list[tuple[str, str, str]]:
    """The rows of all tables: entry point, call, error."""
    return re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+)` \|$", text, re.MULTILINE)


ROWS = rows(PAGE.read_text())
CALLS = [row for row in ROWS if not row[0].startswith("asap ")]
COMMANDS = [row for row in ROWS if row[0].startswith("asap ")]


def with_parameters(function: object) -> bool:
    """Whether a method can be given anything."""
    return inspect.isfunction(function) and len(inspect.signature(function).parameters) > 1


def of_class(kind: type, path: str) -> Iterator[tuple[object, str]]:
    """What a class can be given: by constructor, methods and properties, also by those it inherits from asap."""
    yield kind, path
    for owner in kind.__mro__:
        if not owner.__module__.startswith("asap"):
            continue
        for name, member in vars(owner).items():
            function = getattr(member, "__func__", member)
            if (not name.startswith("_") or name in SPECIAL) and with_parameters(function):
                yield function, f"{path}.{name}"
            if isinstance(member, property) and member.fset:
                yield member, f"{path}.{name}"


def entry_points(module: types.ModuleType, path: str) -> Iterator[tuple[object, str]]:
    """Whatever is public and can be called or set, with the names by which it is reached."""
    for name in module.__all__:
        member, place = getattr(module, name), f"{path}.{name}"
        if isinstance(member, types.ModuleType):
            yield from entry_points(member, place)
        elif isinstance(member, type):
            yield from of_class(member, place)
        elif inspect.isfunction(member):
            yield member, place


MODULES = {"asap": asap} | {
    f"asap.{module.__name__.rpartition('.')[2]}": module for module in (config, environment, laboratory, reproduction)
}
try:
    if "ASAP_SANITIZER" in os.environ:
        raise ImportError("Ray does not run in sanitizers")
    import asap.ray
except ImportError:  # without Ray its rows cannot be run
    CALLS = [row for row in CALLS if not row[0].startswith("asap.ray")]
else:
    MODULES["asap.ray"] = asap.ray
"""The package, and those of its modules that it does not export and that can be given something all the same."""


def missing(text: str) -> list[str]:
    """The entry points of which the page says nothing, under none of their names."""
    named = {row[0] for row in rows(text)} | set(re.findall(r"`([\w.]+)`", text.split("## What checks nothing")[1]))
    names: dict[int, list[str]] = {}
    for path, module in MODULES.items():
        for member, name in entry_points(module, path):
            names.setdefault(id(member), []).append(name)
    return sorted(places[0] for places in names.values() if not named.intersection(places))


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the calls of the page speak of."""
    pytest.importorskip("safetensors", reason="needs the extra io")
    pytest.importorskip("PIL", reason="needs the extra images")
    x, labels = np.linspace(0, 1, 24, dtype=np.float32).reshape(6, 4), np.arange(6) % 2
    model = asap.models.MLP(input_shape=4, classes=2, hidden=())
    states: list[asap.RunState] = []
    run = asap.train(model, (x, labels), workers=2, batch_size=2, trace=True, callbacks=states.append, progress=False)
    comparison = asap.compare(model, (x, labels), engines=[asap.Locked()], steps=[0.1], workers=1, seeds=0)
    folder = tmp_path_factory.mktemp("folder")
    saving = asap.Checkpoint(folder / "checkpoint")
    asap.train(model.copy(), (x, labels), workers=2, batch_size=2, checkpoint=saving, progress=False)
    run.save(folder / "run")
    asap.train(model.copy(), (x, labels), batch_size=2, progress=False).save(folder / "untraced")
    (folder / "run/trace.bin").write_bytes(b"PK")
    (folder / "empty").touch()
    np.savez(folder / "part-0.npz", inputs=x, labels=labels)
    (folder / "run.json").write_text("{}")
    for split in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (folder / f"{split}-{kind}-ubyte").write_bytes(b"PK\3\4" * 4)
    return {
        "asap": asap,
        "np": np,
        "replace": dataclasses.replace,
        "folder": folder,
        "run": run,
        "state": states[-1],
        "summary": comparison.summaries()[0],
        "model": model,
        "data": (x, labels),
        "bound": asap.framework.bounds([1.0], [1], smoothness=1, gradient=1, gap=1).non_convex,
        "x": x,
        "labels": labels,
    }


def outcome(call: str, error: str, things: dict[str, Any]) -> str:
    """What doctest says when a call does not end in this error; nothing when it does."""
    example = doctest.Example(call, "", exc_msg=error + "\n", options={doctest.ELLIPSIS: True})
    said: list[str] = []
    test = doctest.DocTest([example], dict(things), "errors.md", str(PAGE), 0, call)
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    return "".join(said)


@pytest.mark.parametrize(("entry", "call", "error"), CALLS, ids=[row[1] for row in CALLS])
@pytest.mark.usefixtures("private_places")
def test_a_call_is_refused_with_these_words(entry: str, call: str, error: str, things: dict[str, Any]) -> None:
    name = entry.rpartition(".")[2]
    assert name in call or name in SPECIAL
    assert not outcome(call, error, things)


@pytest.mark.parametrize(("entry", "command", "error"), COMMANDS, ids=[row[1] for row in COMMANDS])
@pytest.mark.usefixtures("private_places")
def test_a_command_is_refused_with_these_words(
    entry: str,
    command: str,
    error: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    assert command.startswith(entry)
    if "folder/" in command:
        command = command.replace("folder/", f"{request.getfixturevalue('things')['folder']}/")
    status, words = error.split(": ", 1)
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = " ".join(capfd.readouterr().err.split())
    assert (str(ended.value.code), words in said) == (status, True), said


def test_every_entry_point_has_a_row() -> None:
    assert missing(PAGE.read_text()) == []


def test_every_command_has_a_row() -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    names = {command.name or command.callback.__name__ for command in cli.application().registered_commands}
    assert {entry for entry, _, _ in COMMANDS} == {f"asap {name}" for name in names}


@pytest.mark.parametrize("name", ["asap.train", "asap.Model.parameters", "asap.Evaluation"])
def test_an_entry_point_without_a_row_is_found(name: str) -> None:
    assert name in missing(PAGE.read_text().replace(f"`{name}`", ""))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("asap.Dense(0)", "ValueError: units must be an integer ≥ 2; got 0"),
        ("asap.Dense(0)", "TypeError: units must be an integer ≥ 1; got 0"),
        ("asap.Dense(1)", "ValueError: ..."),
    ],
)
def test_a_row_that_is_wrong_is_found(call: str, error: str) -> None:
    assert outcome(call, error, {"asap": asap})
