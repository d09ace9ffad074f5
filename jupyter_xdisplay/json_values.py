"""Single values of a request's body, checked: each is returned, or told with what is possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jupyter_xdisplay.errors import UsageError


def flag(value: dict[str, Any], key: str) -> bool:
    """Return a field that is true or false, false by default."""
    found = value.get(key, False)
    if not isinstance(found, bool):
        raise UsageError(f"{found!r} is no value for {key}.", fix="use true or false")
    return found


def one_of(value: Any, known: Sequence[str], what: str) -> str | None:
    """Return one of `known`, or None where nothing is said."""
    if value is not None and value not in known:
        raise UsageError(f"{value!r} is no {what}.", fix="use one of: " + ", ".join(known))
    return str(value) if value is not None else None


def whole_number(value: dict[str, Any], key: str, low: int, high: int) -> int | None:
    """Return a whole number from `low` to `high`, or None where nothing is said."""
    number = value.get(key)
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise UsageError(
            f"{key} {number!r} is not possible.", fix=f"use a whole number from {low} to {high}"
        )
    return number
