"""Functions that wait in a toolkit's loop, as user code calls them: with interrupts (SIGINT).

Python raises KeyboardInterrupt in the Python code that runs next. A toolkit's loop waits in C,
where no Python code runs, and prints what its callbacks raise instead of passing it on. So:

- `KeptInterrupt` keeps an interrupt that came in a callback until the loop has returned;
- the loops of Tk, Qt and GTK are woken by the signal;
- waits of Tcl itself are cancelled (`interp(3tcl)`);
- wx, which can watch no socket, comes by Python code every few milliseconds;
- `cv2.waitKey` and `pygame.event.wait` wait in short steps.

The functions without `_` are wrappers for `wrapt.FunctionWrapper`.
"""

from __future__ import annotations

import math
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel.gui import services
from jupyter_xdisplay.kernel.gui.kept_interrupt import KeptInterrupt, Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[..., Any]

STEP_MS = 50
"""How long functions that wait in steps do not look for an interrupt."""

NO_KEY = -1
LOOK_S = 0.5
"""How often it is asked whether a window is there."""

CLOSED = 2
"""After so many times without a window, where there was one, none will come back."""

NEVER = 6
"""After so many times without a window there is none to come: it takes a while to appear."""


@contextmanager
def _waking_qt(core: Any) -> Iterator[None]:
    waker = Waker()
    notifier = core.QSocketNotifier(waker.readable.fileno(), core.QSocketNotifier.Type.Read)
    notifier.activated.connect(waker.on_qt)
    try:
        yield
    finally:
        notifier.setEnabled(False)
        waker.close()


@contextmanager
def _waking_tk(tk: Any) -> Iterator[None]:
    waker = Waker()
    tk.createfilehandler(waker.readable, sys.modules["tkinter"].READABLE, waker.on_tk)
    try:
        yield
    finally:
        tk.deletefilehandler(waker.readable)
        waker.close()


def run_qt(
    binding: str, wrapped: Call, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run a loop of Qt: of the application, an event loop or a dialog."""
    core: Any = sys.modules[f"{binding}.QtCore"]

    def leave() -> None:
        if isinstance(instance, core.QEventLoop):
            instance.quit()
        elif hasattr(instance, "done"):  # a dialog
            instance.done(0)
        else:
            # Not quit(): since Qt 6 it closes the windows.
            core.QCoreApplication.exit(0)

    return _interruptible_qt(core, leave, lambda: wrapped(*args, **kwargs))


def run_qt_dialog(
    binding: str, wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run a dialog that a function of its class makes (`QMessageBox.question`)."""
    core: Any = sys.modules[f"{binding}.QtCore"]
    widgets: Any = sys.modules[f"{binding}.QtWidgets"]

    def leave() -> None:
        dialog = widgets.QApplication.activeModalWidget()
        if dialog is not None:
            # Not close(): a message box without a button to cancel ignores that.
            dialog.done(0) if hasattr(dialog, "done") else dialog.close()

    return _interruptible_qt(core, leave, lambda: wrapped(*args, **kwargs))


def _interruptible_qt(core: Any, leave: Call, run: Call) -> Any:
    with KeptInterrupt(leave) as kept:
        if not kept.is_active or core.QCoreApplication.instance() is None:
            return run()
        with _waking_qt(core):
            return run()


def run_tk(wrapped: Call, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the loop of Tk (`Misc.mainloop`)."""
    windows = _read(_threshold, args, kwargs)
    if windows is None:
        return wrapped(*args, **kwargs)
    # It ends when no more main windows than that are left.
    windows += services.TK.windows
    with KeptInterrupt(instance.tk.quit) as kept:
        if not kept.is_active:
            return wrapped(windows)
        with _waking_tk(instance.tk):
            return wrapped(windows)


def serve(wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve what waits in a toolkit, and return: figures are drawn meanwhile, by callbacks."""
    with KeptInterrupt(_nothing):
        return wrapped(*args, **kwargs)


def wait_in_tk(wrapped: Call, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wait in Tcl for a window or a variable (`Misc.wait_window` and its kin)."""
    tkinter: Any = sys.modules["tkinter"]
    tk = instance.tk
    # It ends scripts in any depth of Tcl, which cannot catch it.
    with KeptInterrupt(lambda: tk.call("interp", "cancel", "-unwind")) as kept:
        if not kept.is_active:
            return wrapped(*args, **kwargs)
        try:
            with _waking_tk(tk):
                return wrapped(*args, **kwargs)
        except tkinter.TclError:
            if kept.caught is None:
                raise
            with suppress(tkinter.TclError):  # it went with its root window
                _end_dialogs(tk, ".")
    return None


def show_tk_dialog(
    wrapped: Call, dialog: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Show one of Tk's own dialogs (`tkinter.commondialog`)."""
    if dialog.master is None:
        # What `wrapped` does itself: where there is no window yet it makes one for the dialog.
        dialog.master = sys.modules["tkinter"]._get_temp_root()  # noqa: SLF001
    return wait_in_tk(wrapped, dialog.master, args, kwargs)


def _end_dialogs(tk: Any, window: str) -> None:
    """Destroy Tk's own dialogs, whose scripts were ended amid their work."""
    for child in tk.splitlist(tk.call("winfo", "children", window)):
        if str(child).rpartition(".")[2].startswith("__tk"):
            tk.call("destroy", child)
        else:
            _end_dialogs(tk, str(child))


def run_default_tk(
    wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run the loop of Tk (the function `tkinter.mainloop`)."""
    root = vars(sys.modules["tkinter"])["_default_root"]
    return (wrapped if root is None else root.mainloop)(*args, **kwargs)


def run_turtle(_wrapped: Call, screen: Any, _args: Any, _kwargs: Any) -> None:
    """Run the loop of Tk (`turtle.done`)."""
    screen.cv.mainloop()


@contextmanager
def leave_at_interrupt(
    wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[None]:
    """Be PyGObject's `register_sigint_fallback`, which goes around each of its loops.

    Its own way raises nothing in a callback that computes for ever, and is off for good where
    SIGINT was not Python's when it was imported.
    """
    with KeptInterrupt(*args, **kwargs) as kept:
        if kept.is_active:
            yield
        else:
            with wrapped(*args, **kwargs):
                yield


def run_wx(wrapped: Call, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a loop of wx: of the application, a dialog, or a canvas of matplotlib."""
    wx: Any = sys.modules["wx"]

    def leave() -> None:
        if isinstance(instance, wx.Dialog):
            if instance.IsModal():
                instance.EndModal(wx.ID_CANCEL)
        elif isinstance(instance, wx.App):
            instance.ExitMainLoop()
        else:
            instance.stop_event_loop()

    with KeptInterrupt(leave) as kept:
        if not kept.is_active or wx.GetApp() is None:
            return wrapped(*args, **kwargs)
        timer = type("Waking", (wx.Timer,), {"Notify": Waker.on_wx})()
        timer.Start(STEP_MS)
        try:
            return wrapped(*args, **kwargs)
        finally:
            timer.Stop()


def make_wx_application(
    wrapped: Call, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Make an application of wx that leaves SIGINT alone: by default the signal ends the kernel."""
    former = sys.modules["wx"].GetApp()
    if former is not None:
        services.WX.keep(former)
        former.ProcessPendingEvents()  # closed figures, for example; nobody else would any more
    services.WX.keep(instance)
    if len(args) < 4:
        kwargs = {**kwargs, "clearSigInt": False}
    return wrapped(*args, **kwargs)


def wait_for_key(
    own_windows: Callable[[], int | None],
    wrapped: Call,
    _instance: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Wait for a key as `cv2.waitKey` and `cv2.waitKeyEx` do.

    `own_windows` gives how many windows this process has, where that is known: OpenCV waits for
    ever once its window is closed, if all of its windows were destroyed before.
    """
    delay = _read(_delay, args, kwargs)
    if delay is None:
        return wrapped(*args, **kwargs)
    closed = _Closed(own_windows)
    with KeptInterrupt(_nothing) as kept:
        for step in _steps(delay):
            started = time.monotonic()
            key = wrapped(step)
            # Qt waits for nothing where there is no window any more.
            had_no_window = time.monotonic() - started < step / 2000
            if key != NO_KEY or had_no_window or kept.caught or closed():
                return key
    return NO_KEY


class _Closed:
    """Tells whether there is no window of this process, and none to come."""

    def __init__(self, own_windows: Callable[[], int | None]) -> None:
        self._own_windows = own_windows
        self._next = time.monotonic() + LOOK_S
        self._had_some = False
        self._without = 0

    def __call__(self) -> bool:
        """Tell."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + LOOK_S
        windows = self._own_windows()
        self._had_some = self._had_some or bool(windows)
        self._without = self._without + 1 if windows == 0 else 0
        return self._without >= (CLOSED if self._had_some else NEVER)


def wait_for_event(
    wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Wait for an event as `pygame.event.wait` does."""
    timeout = _read(_timeout, args, kwargs)
    if timeout is None or timeout < 0:
        return wrapped(*args, **kwargs)
    event: Any = None
    for step in _steps(timeout):
        event = wrapped(step)
        if event.type != sys.modules["pygame"].NOEVENT:
            break
    return event


def _threshold(n: object = 0) -> object:
    """Have the signature of Tk's `mainloop`."""
    return n


def _delay(delay: object = 0) -> object:
    """Have the signature of `cv2.waitKey`."""
    return delay


def _timeout(timeout: object = 0) -> object:
    """Have the signature of `pygame.event.wait`."""
    return timeout


def _read(signature: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """Return the one argument of a call, None where the function itself will refuse it."""
    try:
        value = signature(*args, **kwargs)
    except TypeError:
        return None
    return value if type(value) is int else None


def _steps(limit_ms: int) -> Iterator[int]:
    """Yield waits in milliseconds that together last `limit_ms`; 0 and less is without limit."""
    end = time.monotonic() + limit_ms / 1000
    while limit_ms <= 0 or time.monotonic() < end:
        left = math.ceil(1000 * (end - time.monotonic()))
        yield STEP_MS if limit_ms <= 0 else max(1, min(STEP_MS, left))


def _nothing() -> None:
    """Leave what ends by itself, or looks for itself whether it has to."""
