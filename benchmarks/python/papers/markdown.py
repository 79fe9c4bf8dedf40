"""Cells and tables as the page has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from papers.kept import Row, number

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
STEPS = {
    "constant": "constant",
    "inverse-plus-one": "1/(τ+1)",
    "fleet": "FLeet",
    "tail": "TAIL-τ, mid",
    "tail:exclusive": "TAIL-τ, exclusive",
}
ENGINES = {"locked": "lock-based", "hogwild": "Hogwild!", "leashed": "Leashed"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(line) + " |" if line is not lines[1] else "|" + "---|" * len(line) for line in lines
    )


def way(row: Row, level: str, along: str, digits: str = ",.0f", factor: float = 1.0) -> str:
    """Return a way to ε, with how many runs got there and diverged where those are not all and none."""
    found, reached, failed = number(row, f"{along}_{level}"), row[f"reached_{level}"], row["failed"]
    shown = (
        "–"
        if found is None
        else f"{factor * found:{digits}}" + ("" if reached == row["runs"] else f"₍{_low(reached)}₎")
    )
    return shown + ("" if failed == "0" else f"†{_low(failed)}")


def counted(row: Row, level: str, along: str) -> str:
    """Return a way to ε, always with how many runs got there where those are not all."""
    reached = row[f"reached_{level}"]
    return f"–₍{_low(reached)}₎" if number(row, f"{along}_{level}") is None else way(row, level, along)


def geometric_mean(values: Sequence[float]) -> float:
    """Return the mean of ratios."""
    return math.exp(sum(map(math.log, values)) / len(values))


def spread(values: Sequence[float], middle: float, digits: str = ".2f") -> str:
    """Return a figure with the least and the largest of what it is of."""
    return f"{middle:{digits}} ({min(values):{digits}}, {max(values):{digits}})"


def _low(text: str) -> str:
    return text.translate(_SUBSCRIPTS)
