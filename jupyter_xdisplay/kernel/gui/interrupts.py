"""An interrupt (SIGINT) ends the GUI loops that user code runs in a cell.

The functions that wait are wrapped while a display is in use (see `waits`), and those by which
matplotlib shows figures. matplotlib's own loops of Qt do the like themselves.

`cv2.selectROI` and `cv2.selectROIs` are not: their loop is within OpenCV, runs no Python code and
ends by keys only (Esc ends both); an interrupt comes after that.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.kernel.gui import figures, fonts, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    OwnWindows = Callable[[], int | None]
    Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]

QT_BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")

_QT_DIALOGS = (
    *(f"QFileDialog.get{what}" for what in ("ExistingDirectory", "OpenFileName", "OpenFileNames")),
    *("QFileDialog.getSaveFileName", "QColorDialog.getColor", "QFontDialog.getFont"),
    *(f"QInputDialog.get{what}" for what in ("Double", "Int", "Item", "MultiLineText", "Text")),
    *(f"QMessageBox.{what}" for what in ("about", "critical", "information", "question")),
    "QMessageBox.warning",
)
"""Functions that show a dialog and wait for its end."""

_WX_DIALOGS = (
    *("Dialog", "ColourDialog", "DirDialog", "FileDialog", "FontDialog", "GenericMessageDialog"),
    *("MessageDialog", "MultiChoiceDialog", "RichMessageDialog", "SingleChoiceDialog"),
    "TextEntryDialog",
)
"""Classes of wx that have a ShowModal of their own."""


class _Target(NamedTuple):
    """A function that waits: in a module, by its name, or by a class and its method's name."""

    module: str
    path: str
    wrapper: Wrapper


def _targets(own_windows: OwnWindows, before_show: Callable[[], None]) -> Iterator[_Target]:
    yield _Target("tkinter", "Misc.mainloop", waits.run_tk)
    yield _Target("tkinter", "mainloop", waits.run_default_tk)
    for method in ("wait_window", "wait_variable", "wait_visibility"):
        yield _Target("tkinter", f"Misc.{method}", waits.wait_in_tk)
    for method in ("update", "update_idletasks"):
        yield _Target("tkinter", f"Misc.{method}", waits.serve)
    yield _Target("tkinter.commondialog", "Dialog.show", waits.show_tk_dialog)
    yield _Target("turtle", "TurtleScreenBase.mainloop", waits.run_turtle)
    yield _Target("gi._ossighelper", "register_sigint_fallback", waits.leave_at_interrupt)
    yield _Target("gi.overrides.GLib", "MainContext.iteration", waits.serve)
    for function in ("Yield", "YieldIfNeeded", "SafeYield", "App.Yield"):
        yield _Target("wx", function, waits.serve)
    yield _Target("wx", "App.__init__", waits.make_wx_application)
    yield _Target("wx", "App.MainLoop", waits.run_wx)
    for dialog in _WX_DIALOGS:
        yield _Target("wx", f"{dialog}.ShowModal", waits.run_wx)
    yield _Target("matplotlib.pyplot", "show", partial(figures.show_all, before_show))
    tk_figures = "matplotlib.backends._backend_tk"
    yield _Target(tk_figures, "FigureManagerTk.show", figures.show_in_tk)
    canvas = "_FigureCanvasWxBase.start_event_loop"
    yield _Target("matplotlib.backends.backend_wx", canvas, waits.run_wx)
    for function in ("waitKey", "waitKeyEx"):
        yield _Target("cv2", function, partial(waits.wait_for_key, own_windows))
    yield _Target("pygame.event", "wait", waits.wait_for_event)
    for binding in QT_BINDINGS:
        run = partial(waits.run_qt, binding)
        for method in ("exec", "exec_"):
            yield _Target(f"{binding}.QtCore", f"QCoreApplication.{method}", run)
            yield _Target(f"{binding}.QtCore", f"QEventLoop.{method}", run)
            yield _Target(f"{binding}.QtGui", f"QGuiApplication.{method}", run)
            yield _Target(f"{binding}.QtWidgets", f"QApplication.{method}", run)
            yield _Target(f"{binding}.QtWidgets", f"QDialog.{method}", run)
        yield _Target(f"{binding}.QtCore", "QCoreApplication.processEvents", waits.serve)
        yield _Target(f"{binding}.QtCore", "QEventLoop.processEvents", waits.serve)
        for dialog in _QT_DIALOGS:
            yield _Target(f"{binding}.QtWidgets", dialog, partial(waits.run_qt_dialog, binding))


class Interrupts:
    """Makes GUI loops in this process end at an interrupt, and puts everything back.

    Modules that are not imported yet are waited for.

    Parameters
    ----------
    own_windows
        Gives how many windows this process has; None where that is not known.
    before_show
        Called before matplotlib shows its figures.
    """

    def __init__(
        self,
        own_windows: OwnWindows = lambda: None,
        before_show: Callable[[], None] = lambda: None,
    ) -> None:
        self._targets = list(_targets(own_windows, before_show))
        self._installed = False
        self._awaited: set[str] = set()
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Switch it on; a second time is fine."""
        if self._installed:
            return
        self._installed = True
        import wrapt

        for module in {target.module for target in self._targets}:
            if module in sys.modules:
                self._wrap(sys.modules[module])
            elif module not in self._awaited:
                self._awaited.add(module)
                wrapt.register_post_import_hook(self._on_import, module)

    def remove(self) -> None:
        """Switch it off."""
        self._installed = False
        while self._undo:
            self._undo.pop()()

    def _on_import(self, module: ModuleType) -> None:
        self._awaited.discard(module.__name__)
        package, _, name = module.__name__.rpartition(".")
        if package:
            # As the import does right after this. PySide looks its own types up that way.
            setattr(sys.modules[package], name, module)
        if self._installed:
            self._wrap(module)

    def _wrap(self, module: ModuleType) -> None:
        import wrapt

        if module.__name__ == "cv2":
            fonts.give_fonts(module)
        if module.__name__ == "cv2" and not _draws_by_qt(module):
            return
        for name, path, wrapper in self._targets:
            if name != module.__name__:
                continue
            owner_path, _, attribute = path.rpartition(".")
            owner = getattr(module, owner_path, None) if owner_path else module
            # Only where it is defined: a wrapper of an inherited method would be a second one.
            original = vars(owner).get(attribute) if owner is not None else None
            if original is None:
                continue
            ours = wrapt.FunctionWrapper(original, wrapper)
            setattr(owner, attribute, ours)
            self._undo.append(partial(_put_back, owner, attribute, ours, original))


def _draws_by_qt(cv2: Any) -> bool:
    """Tell whether this OpenCV draws its windows by Qt, as the wheels and Debian's packages do.

    With GTK `waitKey(0)` ends at once when the last window is closed, and in steps nothing tells
    that it was so: there it waits as OpenCV made it, and no interrupt ends it.
    """
    return re.search(r"^ *QT: +YES", cv2.getBuildInformation(), re.MULTILINE) is not None


def _put_back(owner: Any, attribute: str, ours: Any, original: Any) -> None:
    owners = [owner]
    if getattr(owner, "__name__", None) == "cv2":
        # The package copies what is in the extension module of the same name.
        owners += [sys.modules.get("cv2"), getattr(sys.modules.get("cv2"), "_native", None)]
    for each in owners:
        if each is not None and vars(each).get(attribute) is ours:
            setattr(each, attribute, original)
