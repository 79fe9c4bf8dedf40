"""Numbers as tables and figures show them."""

from __future__ import annotations

__all__ = ["number"]


def number(value: float, form: str = "") -> str:
    """Return a number in this form; by default with three digits, and with all of those before the point."""
    if form:
        return format(value, form)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
