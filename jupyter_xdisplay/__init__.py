"""Windows that notebook code opens, shown live and interactive in the notebook.

Extension points only: importing this package imports nothing heavy (design, "Layout").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_xdisplay.kernel.api import display
    from jupyter_xdisplay.kernel.display import Display

__version__ = "0.1.0"
__all__ = [
    "Display",
    "__version__",
    "display",
    "load_ipython_extension",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    """Load the Python API (`display`, `Display`) at its first use (PEP 562)."""
    if name == "Display":
        from jupyter_xdisplay.kernel.display import Display

        return Display
    if name == "display":
        from jupyter_xdisplay.kernel.api import display

        return display
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """`%load_ext jupyter_xdisplay`."""
    from jupyter_xdisplay.kernel.extension import load

    load(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """`%unload_ext jupyter_xdisplay`: everything that was changed in the kernel is put back."""
    from jupyter_xdisplay.kernel.extension import unload

    unload(ipython)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_xdisplay.server.app import XDisplayApp

    return [{"module": "jupyter_xdisplay", "app": XDisplayApp}]
