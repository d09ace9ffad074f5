"""GUI toolkits: which can be used, and what one is installed with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from . import NO_TOOLKIT, Failed, say

PROBE_S = 120

QT_PACKAGES = (
    *("libgl1", "libegl1", "libglib2.0-0", "libdbus-1-3", "libfontconfig1", "fonts-dejavu-core"),
    *("libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4", "libxcb-image0"),
    *("libxcb-keysyms1", "libxcb-randr0", "libxcb-render-util0", "libxcb-shape0"),
    *("libxcb-xinerama0", "libxcb-xkb1"),
)
"""What Qt's platform plugin xcb is linked to, by the names of Debian and Ubuntu."""

QT_BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")
_QT_PROBE = """
import ctypes
from {0}.QtCore import QLibraryInfo as info
from {0}.QtWidgets import QApplication
where = getattr(info, "path", None) or info.location
plugins = where(getattr(info, "LibraryPath", info).PluginsPath)
ctypes.CDLL(plugins + "/platforms/libqxcb.so")
"""
PROBES = {
    "tkinter": "import tkinter",
    **{name: _QT_PROBE.format(name) for name in QT_BINDINGS},
    "gi": "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk",
    "wx": "import wx",
}
"""Toolkit → what fails where it, or a library that it needs, is not there."""


def usable(names: Iterable[str] = PROBES) -> list[str]:
    """Return the toolkits that a program could use."""
    return [name for name in names if _works(name)]


def _works(name: str, *, loud: bool = False) -> bool:
    try:
        found = subprocess.run(
            [sys.executable, "-c", PROBES[name]],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if loud and found.returncode:
        sys.stdout.write(found.stderr)
    return found.returncode == 0


def tk_packages() -> list[str]:
    """Return the system packages that Tk comes with, for this Python."""
    if sys.base_prefix != "/usr":
        return ["libtk8.6"] if find_spec("_tkinter") else []
    default = Path("/usr/bin/python3").resolve()
    if default == Path(sys.executable).resolve():
        return ["python3-tk"]
    return [f"python3.{sys.version_info.minor}-tk"]


def choose_toolkit(asked: str) -> str:
    """Return what has to be installed: "qt", "tk" or "none"."""
    if asked == "none":
        return "none"
    if asked == "auto":
        if there := usable():
            say("toolkits of the image: " + ", ".join(there))
            return "none"
        return "qt"
    wanted = ("tkinter",) if asked == "tk" else QT_BINDINGS
    return "none" if usable(wanted) else asked


def check_toolkit(toolkit: str) -> None:
    """Fail where what was installed cannot be used."""
    wanted = {"qt": QT_BINDINGS, "tk": ("tkinter",)}.get(toolkit, ())
    present = [name for name in wanted if find_spec(name)]
    if wanted and not any(_works(name, loud=True) for name in present or wanted[:1]):
        raise Failed(NO_TOOLKIT, f"the toolkit {toolkit} was installed and cannot be used")
