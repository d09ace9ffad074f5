"""GUI toolkits: which one, and the command that adds one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import ToolkitMissing, UsageError
from jupyter_xdisplay.kernel.gui import toolkits
from tests.kernel.kernel_process import REPOSITORY


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("tk", "tk"),
        ("Qt", "qt"),
        ("qt6", "qt"),
        ("gtk3", "gtk"),
        ("TkAgg", "tk"),
        ("qt5agg", "qt"),
        ("inline", "off"),
        ("off", "off"),
        ("auto", "auto"),
        ("pyside6", "qt"),
    ],
)
def test_names(given: str, name: str) -> None:
    """Toolkits go by the names that matplotlib and IPython know them by."""
    assert toolkits.check_gui_name(given) == name


def test_unknown_names() -> None:
    """Any other name is refused with those that there are."""
    with pytest.raises(UsageError) as caught:
        toolkits.check_gui_name("motif")
    assert "tk, qt, gtk, wx, auto, off" in (caught.value.fix or "")


def test_finding_imports_nothing() -> None:
    """Toolkits are found without being imported: that would cost seconds."""
    code = (
        "import sys\n"
        "from jupyter_xdisplay.kernel.gui import toolkits\n"
        "print([t.binding for t in toolkits.available()])\n"
        "print({'PySide6', 'tkinter', '_tkinter', 'gi', 'wx'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPOSITORY
    )
    found, loaded = result.stdout.splitlines()
    assert "PySide6" in found
    assert loaded == "set()"


def test_a_loaded_binding_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What user code has imported already is taken before anything else."""
    for other in ("_tkinter", "tkinter", "gi", "wx"):  # other tests may have imported them
        monkeypatch.delitem(sys.modules, other, raising=False)
    monkeypatch.setitem(sys.modules, "PySide6.QtWidgets", object())
    assert toolkits.available()[0].binding == "PySide6"


def test_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """With none the error is the command for this very Python."""
    monkeypatch.setattr(toolkits, "TOOLKITS", ())
    with pytest.raises(ToolkitMissing) as caught:
        toolkits.choose("qt")
    assert caught.value.fix == f"!{sys.executable} -m pip install PySide6-Essentials"


@pytest.mark.parametrize(
    ("base_prefix", "fix"), [("/usr", "python3-tk"), ("/usr/local", "pip install PySide6")]
)
def test_the_command_fits_this_python(
    monkeypatch: pytest.MonkeyPatch, base_prefix: str, fix: str
) -> None:
    """The distribution's package serves only the distribution's own Python (facts 36)."""
    monkeypatch.setattr(sys, "base_prefix", base_prefix)
    monkeypatch.setattr(toolkits.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert fix in toolkits.install_command("auto")


@pytest.mark.parametrize(
    ("message", "package"),
    [
        ("libEGL.so.1: cannot open shared object file: No such file or directory", "libegl1"),
        ("libxcb-cursor.so.0: cannot open shared object file", "libxcb-cursor0"),
        ("libGL.so.1: cannot open shared object file", "libgl1"),
        ("something else", None),
    ],
)
def test_missing_libraries(
    monkeypatch: pytest.MonkeyPatch, message: str, package: str | None
) -> None:
    """A library that a binding misses is named with its package."""
    monkeypatch.setattr(toolkits.shutil, "which", lambda name: f"/usr/bin/{name}")
    command = toolkits.library_command(message)
    assert (command or "").split()[-1:] == ([package] if package else [])


def test_qt_without_its_x11_plugin(tmp_path: Path) -> None:
    """A Qt whose plugin cannot be loaded is refused: it would abort the whole kernel."""
    plugin = tmp_path / "platforms" / "libqxcb.so"
    plugin.parent.mkdir()
    plugin.write_bytes(b"not a library")

    class Core:
        class QLibraryInfo:
            class LibraryPath:
                PluginsPath = 1

            @staticmethod
            def path(_which: int) -> str:
                return str(tmp_path)

    toolkit = toolkits.Toolkit("qt", "Fake", ("fake.core",), "qt")
    sys.modules["fake.core"] = Core  # type: ignore[assignment]
    try:
        with pytest.raises(ToolkitMissing, match="X11 plugin cannot be loaded"):
            toolkits.load(toolkit)
    finally:
        del sys.modules["fake.core"]


def test_qt_after_cv2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cv2 has pointed Qt to its own plugins, another Qt would abort: refused."""
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/site-packages/cv2/qt/plugins")
    monkeypatch.setitem(sys.modules, "fake.core", object())  # type: ignore[arg-type]
    with pytest.raises(ToolkitMissing, match="cv2"):
        toolkits.load(toolkits.Toolkit("qt", "Fake", ("fake.core",), "qt"))
