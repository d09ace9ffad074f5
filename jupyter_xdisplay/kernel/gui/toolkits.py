"""GUI toolkits that this Python can import, and how to get one."""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_xdisplay.errors import ToolkitMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Container

GUI_NAMES = ("tk", "qt", "gtk", "wx")
"""Names for `%xdisplay gui`, besides `auto` and `off`."""

DLOPEN_TIMEOUT_S = 20.0


class Toolkit(NamedTuple):
    """A toolkit: its name here, the modules of its binding, IPython's name for its event loop."""

    name: str
    binding: str
    modules: tuple[str, ...]
    loop: str


TOOLKITS = (
    Toolkit("tk", "tkinter", ("_tkinter", "tkinter"), "tk"),
    Toolkit("qt", "PySide6", ("PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets"), "qt"),
    Toolkit("qt", "PyQt6", ("PyQt6.QtCore", "PyQt6.QtGui", "PyQt6.QtWidgets"), "qt"),
    Toolkit("qt", "PyQt5", ("PyQt5.QtCore", "PyQt5.QtGui", "PyQt5.QtWidgets"), "qt"),
    Toolkit("qt", "PySide2", ("PySide2.QtCore", "PySide2.QtGui", "PySide2.QtWidgets"), "qt"),
    Toolkit("gtk", "gi", ("gi", "cairo"), "gtk3"),
    Toolkit("wx", "wx", ("wx",), "wx"),
)
"""In order of preference where none is loaded yet: Tk needs no system library beyond its own."""


def check_gui_name(name: str) -> str:
    """Return `name` when it is `auto`, `off` or a toolkit (`qt5`, `gtk3`, … count as `qt`, `gtk`).

    Raises
    ------
    UsageError
        When it is none.
    """
    known = (*GUI_NAMES, "auto", "off")
    plain = name.lower().removesuffix("agg").rstrip("0123456789")
    aliases = {"inline": "off", "none": "off", "tkinter": "tk", "pyside": "qt", "pyqt": "qt"}
    plain = aliases.get(plain, plain)
    if plain in known:
        return plain
    raise UsageError(f"{name!r} is no GUI toolkit.", fix="use one of " + ", ".join(known))


def available(name: str = "auto") -> list[Toolkit]:
    """Return the toolkits that can be imported, best first, without importing any.

    A binding that is loaded already comes first: two in one process rarely get along.
    """
    found = [
        toolkit for toolkit in TOOLKITS if name in {"auto", toolkit.name} and _importable(toolkit)
    ]
    return sorted(found, key=lambda toolkit: not is_loaded(toolkit, sys.modules))


def is_loaded(toolkit: Toolkit, modules: Container[str]) -> bool:
    """Tell whether a toolkit's GUI part is among the loaded `modules`."""
    return toolkit.modules[-1] in modules


def choose(name: str = "auto") -> Toolkit:
    """Return the best toolkit called `name` (or of all).

    Raises
    ------
    ToolkitMissing
        When none can be imported; `fix` is the command that adds one to this Python.
    """
    found = available(name)
    if found:
        return found[0]
    what = "No GUI toolkit" if name == "auto" else f"No {name} toolkit"
    raise ToolkitMissing(
        f"{what} can be imported in this Python, so matplotlib can open no window.",
        fix=install_command(name),
    )


def load(toolkit: Toolkit) -> None:
    """Import a toolkit, so that matplotlib and IPython take this binding.

    Raises
    ------
    ToolkitMissing
        When a library of it is missing; with the loader's words.
    """
    try:
        for module in toolkit.modules:
            importlib.import_module(module)
    except ImportError as error:
        raise ToolkitMissing(
            f"{toolkit.binding} is installed but cannot be imported.",
            fix=library_command(str(error)) or install_command(toolkit.name),
            log=[str(error)],
        ) from error
    if toolkit.name == "qt":
        _check_qt_plugin(toolkit)


def install_command(name: str = "auto") -> str:
    """Return the command that adds a toolkit to this Python."""
    python = shlex.quote(sys.executable)
    commands = {
        "qt": f"!{python} -m pip install PySide6-Essentials",
        "wx": f"!{python} -m pip install wxPython",
        "gtk": f"!{python} -m pip install PyGObject pycairo",
    }
    if name in {"auto", "tk"}:
        # The distribution's own Python, a virtual environment of it included (facts 36).
        if sys.base_prefix == "/usr" and shutil.which("apt-get"):
            return f"!{_sudo()}apt-get install -y python3-tk"
        if name == "tk":
            return "this Python was built without Tk; take Qt: " + commands["qt"]
        return commands["qt"]
    return commands[name]


def library_command(message: str) -> str | None:
    """Return the command that adds the system library that a loader's message names."""
    packages = {
        "libGL.so": "libgl1",
        "libEGL.so": "libegl1",
        "libxcb-cursor": "libxcb-cursor0",
        "libxkbcommon-x11": "libxkbcommon-x11-0",
        "libxkbcommon": "libxkbcommon0",
        "libxcb-icccm": "libxcb-icccm4",
        "libxcb-image": "libxcb-image0",
        "libxcb-keysyms": "libxcb-keysyms1",
        "libxcb-render-util": "libxcb-render-util0",
        "libxcb-xkb": "libxcb-xkb1",
        "libxcb-": "libxcb-xinerama0 libxcb-shape0 libxcb-randr0",
        "libfontconfig": "libfontconfig1",
        "libdbus-1": "libdbus-1-3",
        "libglib-2": "libglib2.0-0",
        "libSM.so": "libsm6",
        "libtk": "libtk8.6",
        "libX11-xcb": "libx11-xcb1",
    }
    for library, package in packages.items():
        if library in message and shutil.which("apt-get"):
            return f"!{_sudo()}apt-get install -y {package}"
    return None


def _sudo() -> str:
    return "sudo " if os.geteuid() != 0 and shutil.which("sudo") else ""


def _importable(toolkit: Toolkit) -> bool:
    if is_loaded(toolkit, sys.modules):
        return True
    return all(_has_module(module) for module in toolkit.modules)


def _has_module(name: str) -> bool:
    """Tell whether a module can be found, without importing the package that it is in."""
    package, _, rest = name.partition(".")
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    if not rest:
        return True
    locations = spec.submodule_search_locations
    return PathFinder.find_spec(name, list(locations) if locations else None) is not None


def _check_qt_plugin(toolkit: Toolkit) -> None:
    """Refuse a Qt whose xcb plugin cannot be loaded: Qt would abort this whole process.

    Raises
    ------
    ToolkitMissing
        With the library that is missing.
    """
    if "/cv2/" in os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH", ""):
        raise ToolkitMissing(
            f"cv2 has pointed Qt to its own plugins, with which {toolkit.binding} cannot start.",
            fix="%xdisplay gui tk, or import matplotlib.pyplot before cv2 after a restart",
        )
    core = sys.modules[toolkit.modules[0]]
    plugin = _qt_plugins_directory(core) / "platforms" / "libqxcb.so"
    if not plugin.is_file():
        return  # a Qt of the distribution may keep it elsewhere: Qt knows where
    probe = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    try:
        result = subprocess.run(
            [sys.executable, "-I", "-S", "-c", probe, str(plugin)],
            capture_output=True,
            text=True,
            timeout=DLOPEN_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    if result.returncode != 0:
        words = result.stderr.strip().splitlines()[-1:]
        raise ToolkitMissing(
            f"{toolkit.binding} is installed but its X11 plugin cannot be loaded.",
            fix=library_command(" ".join(words)) or "install the library that is named above",
            log=words,
        )


def _qt_plugins_directory(core: object) -> Path:
    info = core.QLibraryInfo  # type: ignore[attr-defined]
    if hasattr(info, "path"):
        return Path(info.path(info.LibraryPath.PluginsPath))
    return Path(info.location(info.PluginsPath))
