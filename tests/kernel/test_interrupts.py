"""GUI loops of user code: an interrupt ends them, and so does closing their window."""

from __future__ import annotations

import ast
import struct
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import pytest

from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import WindowInfo
from tests.kernel.kernel_process import Cell, KernelProcess
from tests.rfb_viewer import Viewer
from tests.system_packages import SYSTEM_PACKAGES, skip_where_missing
from tests.waiting import wait_until


class Program(NamedTuple):
    """Cells of a program with a GUI loop.

    `loop` gives its window the title `title`, a variable, from inside the loop. `again` runs the
    loop after an interrupt, where that takes another cell: by default with the same window.
    """

    setup: str
    loop: str
    again: str | None = None


FIGURE = "import matplotlib.pyplot as plt; figure = plt.figure('Program')\n"
FIGURE_LOOP = """\
timer = figure.canvas.new_timer(interval=20)
timer.single_shot = True
timer.add_callback(figure.canvas.manager.set_window_title, title)
timer.start()
"""
SHOW = FIGURE_LOOP + "plt.show(block=True)"
PAUSES = FIGURE_LOOP + "while plt.fignum_exists(figure.number): plt.pause(0.1)"

TK = "import tkinter; root = tkinter.Tk(); root.title('Program')"
TK_LOOP = "root.after(20, root.title, title); root.mainloop()"

QT = """\
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QLabel
app = QApplication.instance() or QApplication(['kernel'])
window = QLabel('words')
"""
QT_LOOP = "QTimer.singleShot(20, lambda: window.setWindowTitle(title)); window.show()\n"
QT_DIALOG = QT + "window = QDialog()"

QT_FUNCTION = (
    "from PySide6.QtWidgets import QMessageBox\nQMessageBox.question(None, title, 'words?')"
)

SYSTEM = f"import sys; sys.path.append({str(SYSTEM_PACKAGES)!r})\n"

GTK = (
    SYSTEM
    + """\
import gi; gi.require_version('Gtk', '3.0')
from gi.repository import GLib, Gtk
window = Gtk.Window(title='Program'); window.connect('destroy', Gtk.main_quit)
"""
)
GTK_LOOP = "GLib.timeout_add(20, lambda: window.set_title(title)); window.show_all(); Gtk.main()"
GTK_DIALOG = "dialog = Gtk.MessageDialog(text='words', title=title); dialog.run(); dialog.destroy()"

WX = SYSTEM + "import wx; app = wx.App(); window = wx.Frame(None, title='Program')"
WX_LOOP = "wx.CallLater(20, window.SetTitle, title); window.Show(); app.MainLoop()"
WX_DIALOG = "wx.Dialog(None, title=title).ShowModal()"
WX_TEXT = "wx.TextEntryDialog(None, 'words', title).ShowModal()"

PYGAME = "import pygame; pygame.init(); screen = pygame.display.set_mode((200, 150))"
PYGAME_LOOP = """\
clock = pygame.time.Clock()
while not pygame.event.get(pygame.QUIT):
    pygame.display.set_caption(title)
    clock.tick(30)
"""
PYGAME_WAIT = """\
pygame.time.set_timer(pygame.USEREVENT, 20, 1)
while (event := pygame.event.wait()).type != pygame.QUIT:
    if event.type == pygame.USEREVENT: pygame.display.set_caption(title)
"""

CV2 = """\
import cv2, numpy, threading
picture = numpy.zeros((150, 200, 3), 'uint8')
def is_open():
    try: return cv2.getWindowProperty('Program', cv2.WND_PROP_VISIBLE) > 0
    except cv2.error: return False  # so says OpenCV 5 after the last window
"""
CV2_LOOP = """\
cv2.imshow('Program', picture)
threading.Timer(0.2, cv2.setWindowTitle, ('Program', title)).start()  # waits for the loop
while is_open(): key = {}
"""

GYMNASIUM = "import gymnasium, pygame; env = gymnasium.make('CartPole-v1', render_mode='human')"
GYMNASIUM_LOOP = """\
env.reset()
while not pygame.event.get(pygame.QUIT):
    if any(env.step(env.action_space.sample())[2:4]): env.reset()
    pygame.display.set_caption(title)
"""

PROGRAMS = {
    "show-tk": Program("%xdisplay gui tk\n" + FIGURE, SHOW),
    # matplotlib's loops of Qt and GTK close their windows at an interrupt
    "show-qt": Program("%xdisplay gui qt\n" + FIGURE, SHOW, FIGURE + SHOW),
    "pause-tk": Program("%xdisplay gui tk\n" + FIGURE, PAUSES),
    "pause-qt": Program("%xdisplay gui qt\n" + FIGURE, PAUSES),
    "show-gtk": Program(SYSTEM + "%xdisplay gui gtk\n" + FIGURE, SHOW, FIGURE + SHOW),
    "show-wx": Program(SYSTEM + "%xdisplay gui wx\n" + FIGURE, SHOW),
    "pause-gtk": Program(SYSTEM + "%xdisplay gui gtk\n" + FIGURE, PAUSES),
    "pause-wx": Program(SYSTEM + "%xdisplay gui wx\n" + FIGURE, PAUSES),
    "gtk": Program(GTK, GTK_LOOP),
    "gtk-dialog": Program(GTK, GTK_DIALOG),
    "gtk-beside-figures": Program(
        SYSTEM + "%xdisplay gui gtk\n" + FIGURE + "plt.close()\n" + GTK, GTK_LOOP
    ),
    "wx": Program(WX, WX_LOOP),
    "wx-dialog": Program(WX, WX_DIALOG),
    "wx-text": Program(WX, WX_TEXT),
    "wx-again": Program(WX, "window.Destroy()\n" + WX + "\n" + WX_LOOP),
    "wx-beside-figures": Program(
        SYSTEM + "%xdisplay gui wx\n" + FIGURE + "plt.close()\n" + WX, WX_LOOP
    ),
    "tk": Program(TK, TK_LOOP),
    "tk-wait-window": Program(
        TK, "top = tkinter.Toplevel(root); top.title(title); root.wait_window(top)"
    ),
    "tk-dialog": Program(
        "import tkinter.messagebox", "tkinter.messagebox.showinfo(title, 'words')"
    ),
    "tk-beside-figures": Program("%xdisplay gui tk\n" + FIGURE + "plt.close(); " + TK, TK_LOOP),
    "tk-function": Program(TK, TK_LOOP.replace("root.mainloop()", "tkinter.mainloop()")),
    "turtle": Program(
        "import turtle",
        "turtle.forward(50); turtle.ontimer(lambda: turtle.title(title), 20)\nturtle.done()",
    ),
    "qt": Program(QT, QT_LOOP + "app.exec()"),
    "qt-beside-figures": Program(
        "%xdisplay gui qt\n" + FIGURE + "plt.close(); " + QT, QT_LOOP + "app.exec()"
    ),
    "qt-class": Program(QT, QT_LOOP + "QApplication.exec()"),
    "qt-function": Program(QT, QT_FUNCTION),
    "qt-dialog": Program(QT_DIALOG, QT_LOOP + "window.exec()"),
    "pygame": Program(PYGAME, PYGAME_LOOP),
    "pygame-wait": Program(PYGAME, PYGAME_WAIT),
    "cv2": Program(CV2, CV2_LOOP.format("cv2.waitKey(0)")),
    "cv2-ex": Program(CV2, CV2_LOOP.format("cv2.waitKeyEx()")),
    "cv2-minute": Program(CV2, CV2_LOOP.format("cv2.waitKey(delay=60000)")),
    "gymnasium": Program(GYMNASIUM, GYMNASIUM_LOOP),
}


class Loop:
    """A cell with a GUI loop, run in a thread of the test.

    Parameters
    ----------
    kernel
        The kernel, whose display is `d`.
    code
        The cell. Gives its window the title `title`.
    title
        The value of `title`.
    """

    def __init__(self, kernel: KernelProcess, code: str, title: str) -> None:
        self.sidecar = SidecarClient(ast.literal_eval(kernel.value("d.info.socket")))
        self._kernel = kernel
        self._title = title
        threads = ThreadPoolExecutor(1)
        self._cell: Future[Cell] = threads.submit(kernel.run, f"title = {title!r}\n{code}")
        threads.shutdown(wait=False)
        self.window = wait_until(self._window)

    def _window(self) -> WindowInfo | None:
        assert not self._cell.done(), self._cell.result()
        windows = [window for window in self.sidecar.info().windows if window.title == self._title]
        return windows[0] if windows else None

    def interrupt(self) -> Cell:
        """Interrupt the kernel; return what the cell did."""
        assert not self._cell.done(), self._cell.result()
        self._kernel.manager.interrupt_kernel()
        return self._cell.result()

    def close_window(self) -> Cell:
        """Close the window; return what the cell did."""
        assert not self._cell.done(), self._cell.result()
        self.sidecar.close_window(self.window.id)
        return self._cell.result()

    def type(self, keysym: int) -> Cell:
        """Press a key in the window; return what the cell did."""
        viewer = Viewer(self.sidecar.open_rfb(window=self.window.id))
        viewer.stream.sendall(b"".join(struct.pack(">BBxxI", 4, down, keysym) for down in (1, 0)))
        cell = self._cell.result()
        viewer.close()
        return cell


def assert_interrupted(cell: Cell) -> None:
    """Check that a cell ended by KeyboardInterrupt, and that no toolkit printed it."""
    assert cell.status == "error", cell
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert "Traceback" not in cell.text


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_interrupt_and_close(display: KernelProcess, program: Program) -> None:
    """An interrupt ends the loop; then cells run, the loop runs again, and closing ends it."""
    skip_where_missing(program.setup)
    process = display.value("__import__('os').getpid()")
    display.ok(program.setup)
    assert_interrupted(Loop(display, program.loop, "First loop").interrupt())
    assert display.value("__import__('os').getpid()") == process
    loop = Loop(display, program.again or program.loop, "Second loop")
    cell = loop.close_window()
    assert cell.status == "ok", cell
    assert display.value("__import__('os').getpid()") == process


COMPUTING = {
    "tk": Program(
        TK
        + "\ndef compute():\n    root.title(title); root.update_idletasks()\n    while True: pass",
        "root.after(20, compute); root.mainloop()",
        TK_LOOP,
    ),
    "qt": Program(
        QT + "def compute():\n"
        "    window.setWindowTitle(title); app.processEvents()\n"
        "    while True: pass",
        "QTimer.singleShot(20, compute); window.show(); app.exec()",
        QT_LOOP + "app.exec()",
    ),
    "gtk": Program(
        GTK + "def compute():\n"
        "    window.set_title(title)\n"
        "    while Gtk.events_pending(): Gtk.main_iteration()\n"
        "    while True: pass",
        "GLib.timeout_add(20, compute); window.show_all(); Gtk.main()",
        GTK_LOOP,
    ),
    "wx": Program(
        f"{WX}\ndef compute():\n"
        "    window.SetTitle(title); wx.GetMousePosition()\n"
        "    while True: pass",
        "wx.CallLater(20, compute); window.Show(); app.MainLoop()",
        WX_LOOP,
    ),
}


UPDATE = "root.update(); root.after_idle(compute); "
SERVED = {
    "update": ("tk", UPDATE + "root.update()"),
    "update_idletasks": ("tk", UPDATE + "root.update_idletasks()"),
    "iteration": (
        "gtk",
        """\
window.show_all(); GLib.timeout_add(200, compute)
while True: GLib.MainContext.default().iteration()""",
    ),
    "processEvents": (
        "qt",
        """\
window.show(); QTimer.singleShot(200, compute)
while True: app.processEvents()""",
    ),
    "Yield": (
        "wx",
        """\
window.Show(); wx.CallLater(200, compute)
while True: wx.Yield(); wx.MilliSleep(10)""",
    ),
}


@pytest.mark.parametrize(("toolkit", "loop"), SERVED.values(), ids=SERVED.keys())
def test_interrupt_while_a_toolkit_is_served(
    display: KernelProcess, toolkit: str, loop: str
) -> None:
    """Loops of `plt.pause` draw in there: an interrupt that came then was printed, and lost."""
    setup = COMPUTING[toolkit].setup
    skip_where_missing(setup)
    display.ok(setup)
    cell = Loop(display, f"{loop}\nraise AssertionError('it went on')", "It draws").interrupt()
    # The callback's is shown too.
    assert {error["ename"] for error in cell.errors} == {"KeyboardInterrupt"}


@pytest.mark.parametrize("program", COMPUTING.values(), ids=COMPUTING.keys())
def test_a_callback_that_computes(display: KernelProcess, program: Program) -> None:
    """An interrupt ends a callback and the loop that called it, which would go on by itself."""
    skip_where_missing(program.setup)
    display.ok(program.setup)
    cell = Loop(display, program.loop, "First loop").interrupt()
    # Qt shows the one of the callback too.
    assert {error["ename"] for error in cell.errors} == {"KeyboardInterrupt"}
    assert program.again is not None
    assert Loop(display, program.again, "Second loop").close_window().status == "ok"


def test_a_handler_of_the_user(display: KernelProcess) -> None:
    """Who handles SIGINT otherwise keeps that: it is called once, and decides what ends."""
    display.ok(TK + "\nimport signal; signals = []\ndef tick(): root.after(50, tick)")
    handler = "tick(); signal.signal(signal.SIGINT, lambda *_: (signals.append(1), root.quit()))\n"
    assert Loop(display, handler + TK_LOOP, "First loop").interrupt().status == "ok"
    assert display.value("signals") == "[1]"


CV2_ONCE = CV2_LOOP.partition("while")[0] + "print(cv2.waitKey({}))"


def test_wait_key_returns_the_key(display: KernelProcess) -> None:
    """`cv2.waitKey` in steps returns the key, with and without a limit."""
    display.ok(CV2)
    for limit, key in (("0", "a"), ("60000", "b")):
        cell = Loop(display, CV2_ONCE.format(limit), f"Limit {limit}").type(ord(key))
        assert cell.text.split() == [str(ord(key))]


def test_wait_key_ends_with_the_last_window(display: KernelProcess) -> None:
    """`cv2.waitKey(0)` returns -1 once there is no window that could get a key."""
    display.ok(CV2)
    cell = Loop(display, CV2_ONCE.format(0), "To be closed").close_window()
    assert cell.text.split() == ["-1"]


def test_wait_key_ends_after_all_windows_were_destroyed_before(display: KernelProcess) -> None:
    """OpenCV by itself waits for ever then (opencv-python 4 and 5)."""
    display.ok(CV2)
    once = CV2_ONCE.format(0) + "\ncv2.destroyAllWindows()"
    assert Loop(display, once, "First").type(ord("q")).text.split() == [str(ord("q"))]
    assert Loop(display, once, "Second").close_window().text.split() == ["-1"]


def test_wait_key_keeps_its_limit(display: KernelProcess) -> None:
    """A wait that ends without a key took as long as was asked, whatever that is in steps."""
    display.ok(CV2 + "cv2.imshow('Program', picture); import time")
    for limit in (1, 30, 130):
        took = f"-time.monotonic() + 0 * cv2.waitKey({limit}) + time.monotonic()"
        assert float(display.value(took)) >= limit / 1000


def test_wait_key_refuses_what_it_refuses(display: KernelProcess) -> None:
    """Wrong arguments are told by OpenCV itself, as without us."""
    display.ok(CV2)
    wrong = ["'a'", "1.5", "1, 2", "wait=1"]

    def errors() -> list[str]:
        return [display.run(f"cv2.waitKey({text})").error["evalue"] for text in wrong]

    ours = errors()
    display.ok("%unload_ext jupyter_xdisplay")
    assert errors() == ours


WRAPPED = {
    "cv2": "cv2.waitKey",
    "pygame": "pygame.event.wait",
    "tkinter": "tkinter.Misc.mainloop",
    "PySide6.QtWidgets": "PySide6.QtWidgets.QApplication.exec",
}


@pytest.mark.parametrize("before", [True, False], ids=["imported-before", "imported-after"])
@pytest.mark.parametrize("end", ["%xdisplay stop", "%unload_ext jupyter_xdisplay"])
def test_taken_back(kernel: KernelProcess, end: str, *, before: bool) -> None:
    """Functions are wrapped while a display is in use, however early they are imported."""
    wrapped = f"{{'Wrapper' in type(f).__name__ for f in ({', '.join(WRAPPED.values())})}}"
    imports = f"import {', '.join(WRAPPED)}"
    kernel.ok(f"{imports}\n%xdisplay" if before else f"%xdisplay\n{imports}")
    assert kernel.value(wrapped) == "{True}"
    kernel.ok(end)
    assert kernel.value(wrapped) == "{False}"
    kernel.ok("%reload_ext jupyter_xdisplay\n%xdisplay")
    assert kernel.value(wrapped) == "{True}"
