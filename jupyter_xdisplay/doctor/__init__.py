"""`jupyter xdisplay doctor`: what works here, what does not, and the command that mends it.

`run_checks` returns the findings, `report` their text. The probes (`gl_probe`, `x_probe`) are
programs of their own in this package, so importing it imports nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.doctor.check import Check

if TYPE_CHECKING:
    from jupyter_xdisplay.doctor.findings import (
        exit_code,
        explanation_report,
        iterate_checks,
        report,
        run_checks,
        to_json,
    )
    from jupyter_xdisplay.doctor.known_messages import explain

__all__ = [
    "Check",
    "exit_code",
    "explain",
    "explanation_report",
    "iterate_checks",
    "report",
    "run_checks",
    "to_json",
]


def __getattr__(name: str) -> Any:
    """Load the checks at their first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    home = "known_messages" if name == "explain" else "findings"
    module = importlib.import_module(f"{__name__}.{home}")
    return getattr(module, name)
