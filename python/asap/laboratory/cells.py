"""Outcomes, by what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from asap.laboratory.case import Group
from asap.laboratory.outcome import Outcome

__all__ = ["by_rate", "cells", "engine_names", "groups", "in_order"]

Key = TypeVar("Key", bound=Hashable)


def groups(outcomes: Iterable[Outcome]) -> list[tuple[Group, list[Outcome]]]:
    """Return each group with its outcomes, one per seed."""
    return _by(outcomes, lambda outcome: outcome.case.group)


def cells(outcomes: Iterable[Outcome], among: Iterable[Outcome] = ()) -> list[tuple[str, list[Outcome]]]:
    """Return the title of each engine with a number of workers, and the outcomes of all its steps.

    The titles tell them from all those `among` which they are, too.
    """
    outcomes = list(outcomes)
    name = engine_names([*outcomes, *among])
    return _by(outcomes, lambda outcome: f"{name(outcome.case.group)}, m = {outcome.case.workers}")


def in_order(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return them by engine and workers first, so that what is to be compared stands side by side."""
    return [each for _, own in cells(outcomes) for _, members in groups(own) for each in members]


def by_rate(outcomes: Iterable[Outcome]) -> list[tuple[float, list[Outcome]]]:
    """Return each base rate of the plan with its outcomes."""
    return _by(outcomes, lambda outcome: outcome.case.nominal)


def engine_names(outcomes: Iterable[Outcome]) -> Callable[[Group], str]:
    """Return what engines are called: with the law of their times where there are several, or threads beside one."""
    several = len({outcome.case.simulated for outcome in outcomes}) > 1

    def name(group: Group) -> str:
        return f"{group.engine}, {group.simulated or 'threads'}" if several else group.engine

    return name


def _by(outcomes: Iterable[Outcome], key: Callable[[Outcome], Key]) -> list[tuple[Key, list[Outcome]]]:
    found: dict[Key, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(key(outcome), []).append(outcome)
    return list(found.items())
