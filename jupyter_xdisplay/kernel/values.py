"""What the options of `%xdisplay` mean: words that were typed, checked and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    import argparse

    from jupyter_xdisplay.kernel.session import Session

MAX_INLINE_MAX = 1000
WAIT_MAX_S = 600.0


def default_name(session: Session) -> str:
    """Return the name of the display that a command is about, when it names none."""
    return session.current.name if session.current is not None else "main"


def display_spec(session: Session, options: argparse.Namespace) -> DisplaySpec:
    """Return the display that is asked for."""
    return DisplaySpec.from_json(
        {
            "name": default_name(session) if options.name is None else options.name,
            "size": options.size,
            "dpi": _dpi(options.dpi),
            "stream": options.stream,
            "runtime": options.runtime,
            "container": options.container,
        }
    )


def max_inline(options: argparse.Namespace) -> int | None:
    """Return most windows with a view at one time, None where nothing is asked."""
    text = options.max_inline
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_INLINE_MAX:
        raise UsageError(
            f"--max-inline {text} is not possible.",
            fix=f"use a whole number from 1 to {MAX_INLINE_MAX}",
        )
    return int(text)


def wait_s(options: argparse.Namespace) -> float | None:
    """Return the seconds of `--wait`, None where nothing is asked."""
    if options.wait is None:
        return None
    try:
        seconds = float(options.wait)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= WAIT_MAX_S:
        raise UsageError(
            f"--wait {options.wait} is not possible.",
            fix=f"use seconds from 0 to {WAIT_MAX_S:.0f}",
        )
    return seconds


def _dpi(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise UsageError(f"--dpi {text} is not possible.", fix="use a whole number, such as 96")
    return int(text)
