"""Services: what keeps a toolkit's windows alive between cells, until a message comes.

ipykernel has such loops, too. Ours of Tk keeps one hidden root window for the life of the process:
ipykernel's makes and destroys one around every cell, which opens a connection to X each time, and
Tcl prints `invalid command name "…"` into cells that follow each other quickly. ipykernel's of
GTK calls a coroutine as if it were a function (7.4), so that no cell runs any more. Its of wx has
a hidden window, for which `app.MainLoop()` in a cell waits after the user's own are closed. And
its of Qt was seen to wait for ever beside a request (7.4, on a busy machine).

So each of ours also looks a few times a second whether there is anything to do outside of it.
"""

from __future__ import annotations

import asyncio
import atexit
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Heard = Callable[..., bool]

WX_INTERVAL_MS = 10
"""How often wx, which can watch no socket, looks for messages."""

LOOK_AGAIN_MS = 100
"""How often other loops look for what they were not woken for."""

MAX_STEPS = 100
"""So many events are served in passing; a program that always has one must not hold up a cell."""


class Service(ABC):
    """A toolkit's loop, as ipykernel calls it: with the kernel, and until a message for it came."""

    def __init__(self) -> None:
        self._ended = False

    def __call__(self, kernel: Any) -> None:
        """Serve the toolkit until a message for the kernel arrives."""
        import zmq

        stream = _shell_stream(kernel)
        if self._ended or stream.closed():  # the kernel ends
            return

        def heard(*_: object) -> bool:
            over = self._ended or stream.closed()
            if over or stream.flush(limit=1) or request_at_work(kernel):
                self.leave()
            return True  # GLib: go on listening

        self.run(stream.getsockopt(zmq.FD), heard)

    def _schedule_exit(self, delay_s: float) -> None:
        """Do what ipykernel expects of a loop that it has to leave after an error."""
        self.leave_in(delay_s)

    def exit_hook(self, _kernel: Any) -> None:
        """Do what ipykernel expects when the kernel exits, from any thread: serve no more."""
        self._ended = True
        self.leave()

    @abstractmethod
    def run(self, descriptor: int, heard: Heard) -> None:
        """Serve until `leave`; call `heard` whenever the descriptor is readable.

        Also at the start, as the descriptor of ZeroMQ tells of new messages only, and every
        `LOOK_AGAIN_MS`.
        """

    @abstractmethod
    def leave(self) -> None:
        """Make `run` return."""

    @abstractmethod
    def leave_in(self, delay_s: float) -> None:
        """Make `run` return after some seconds."""

    @abstractmethod
    def pump(self, kernel: Any) -> None:
        """Serve what waits, and return at once."""


class TkService(Service):
    """Tk, with a hidden root window."""

    def __init__(self) -> None:
        super().__init__()
        self._root: Any = None

    @property
    def windows(self) -> int:
        """How many main windows of Tk are ours: loops of user code must not wait for them."""
        return int(self._root is not None)

    def run(self, descriptor: int, heard: Heard) -> None:
        """Serve until `leave`."""
        import tkinter as tk

        root = self._root = self._root or _hidden_root()
        waiting = ""

        def look() -> None:
            nonlocal waiting
            heard()
            waiting = root.after(LOOK_AGAIN_MS, look)

        root.tk.createfilehandler(descriptor, tk.READABLE, heard)
        waiting = root.after(0, look)
        try:
            root.tk.mainloop()
        finally:
            root.after_cancel(waiting)
            root.tk.deletefilehandler(descriptor)

    def leave(self) -> None:
        """Make `run` return."""
        if self._root is not None:
            self._root.quit()

    def leave_in(self, delay_s: float) -> None:
        """Make `run` return after some seconds."""
        if self._root is not None:
            self._root.after(int(1000 * delay_s), self._root.quit)

    def pump(self, _kernel: Any) -> None:
        """Serve what waits."""
        if "tkinter" not in sys.modules:
            return
        import _tkinter

        if self._root is None:  # it has not run yet: all cells were sent at once
            try:
                self._root = _hidden_root()
            except _tkinter.TclError:
                return  # the display has ended
        for _ in range(MAX_STEPS):  # not update(): that ends when no event comes any more
            if not self._root.tk.dooneevent(_tkinter.DONT_WAIT):
                return


class QtService(Service):
    """Qt, in the application that ipykernel made."""

    def __init__(self) -> None:
        super().__init__()
        self._application: Any = None
        self._loop: Any = None

    def __call__(self, kernel: Any) -> None:
        """Serve the application until a message for the kernel arrives."""
        self._application = kernel.app
        super().__call__(kernel)

    def run(self, descriptor: int, heard: Heard) -> None:
        """Serve until `leave`."""
        core = self._core
        loop = self._loop = core.QEventLoop()
        notifier = core.QSocketNotifier(descriptor, core.QSocketNotifier.Type.Read)
        notifier.activated.connect(heard)
        timer = core.QTimer()
        timer.timeout.connect(heard)
        timer.start(LOOK_AGAIN_MS)
        core.QTimer.singleShot(0, heard)
        try:
            loop.exec() if hasattr(loop, "exec") else loop.exec_()
        finally:
            timer.stop()
            notifier.setEnabled(False)
            self._loop = None

    def leave(self) -> None:
        """Make `run` return."""
        if (loop := self._loop) is not None:
            loop.quit()

    def leave_in(self, delay_s: float) -> None:
        """Make `run` return after some seconds."""
        self._core.QTimer.singleShot(int(1000 * delay_s), self.leave)

    def pump(self, kernel: Any) -> None:
        """Serve what waits."""
        if (application := getattr(kernel, "app", None)) is not None:
            application.processEvents()

    @property
    def _core(self) -> Any:
        """The QtCore of the binding that is in use."""
        binding = type(self._application).__module__.partition(".")[0]
        return sys.modules[f"{binding}.QtCore"]


class GtkService(Service):
    """GTK, whose events GLib brings."""

    def __init__(self) -> None:
        super().__init__()
        self._loop: Any = None

    def run(self, descriptor: int, heard: Heard) -> None:
        """Serve until `leave`."""
        from gi.repository import GLib

        self._loop = GLib.MainLoop()
        priority = GLib.PRIORITY_DEFAULT
        GLib.idle_add(lambda: not heard(), priority=priority)
        watch = GLib.io_add_watch(descriptor, priority, GLib.IOCondition.IN, heard)
        timer = GLib.timeout_add(LOOK_AGAIN_MS, heard)
        try:
            self._loop.run()
        finally:
            GLib.source_remove(timer)
            GLib.source_remove(watch)
            self._loop = None

    def leave(self) -> None:
        """Make `run` return."""
        if (loop := self._loop) is not None:
            loop.quit()

    def leave_in(self, delay_s: float) -> None:
        """Make `run` return after some seconds."""
        from gi.repository import GLib

        GLib.timeout_add(int(1000 * delay_s), self.leave)

    def pump(self, _kernel: Any) -> None:
        """Serve what waits."""
        from gi.repository import GLib

        context = GLib.MainContext.default()
        for _ in range(MAX_STEPS):
            if not context.iteration(False):
                return


class WxService(Service):
    """wx, with an application where user code has none.

    Applications are kept for ever: the end of a former one would leave wx without any.
    """

    def __init__(self) -> None:
        super().__init__()
        self._applications: list[Any] = []
        self._loop: Any = None

    def run(self, _descriptor: int, heard: Heard) -> None:
        """Serve until `leave`."""
        import wx

        self._ensure_application()
        self._loop = wx.GUIEventLoop()
        timer = wx.PyTimer(heard)
        timer.Start(WX_INTERVAL_MS)
        try:
            self._loop.Run()
        finally:
            timer.Stop()
            self._loop = None

    def leave(self) -> None:
        """Make `run` return: when a dialog that is open in it has closed, too."""
        if (loop := self._loop) is not None:
            loop.ScheduleExit()

    def leave_in(self, delay_s: float) -> None:
        """Make `run` return after some seconds."""
        import wx

        if wx.GetApp() is not None:
            wx.CallLater(int(1000 * delay_s), self.leave)

    def pump(self, _kernel: Any) -> None:
        """Serve what waits."""
        import wx

        self._ensure_application()
        loop = wx.GUIEventLoop()
        activator = wx.EventLoopActivator(loop)
        try:
            for _ in range(MAX_STEPS):
                if not loop.Pending():
                    break
                loop.Dispatch()
            loop.ProcessIdle()
        finally:
            del activator

    def _ensure_application(self) -> None:
        import wx

        if wx.GetApp() is None:
            self.keep(wx.App(redirect=False, clearSigInt=False))

    def keep(self, application: Any) -> None:
        """Keep an application of wx, as long as Python can destroy it."""
        if not self._applications:
            atexit.register(self._applications.clear)
        if all(application is not known for known in self._applications):
            self._applications.append(application)


def request_at_work(kernel: Any) -> bool:
    """Tell whether the main loop must go on: a request is being handled, or is on its way.

    On its way means: in the loop's queue of what is ready, as every task is between two steps.
    """
    if getattr(asyncio.get_event_loop(), "_ready", ()):
        return True
    if (lock := getattr(kernel, "_main_asyncio_lock", None)) is not None:  # ipykernel 7
        return bool(lock.locked())
    # ipykernel 6: one task takes requests out of a queue; at rest it waits there.
    return not getattr(getattr(kernel, "msg_queue", None), "_getters", True)


def _hidden_root() -> Any:
    import tkinter as tk

    default = getattr(tk, "_default_root", None)
    root = tk.Tk()
    root.withdraw()
    if default is None:
        # Not the parent of what user code makes without naming one.
        vars(tk)["_default_root"] = None
    return root


def _shell_stream(kernel: Any) -> Any:
    from ipykernel import eventloops

    find = getattr(eventloops, "get_shell_stream", None)
    return find(kernel) if find is not None else kernel.shell_stream


TK = TkService()
QT = QtService()
GTK = GtkService()
WX = WxService()
