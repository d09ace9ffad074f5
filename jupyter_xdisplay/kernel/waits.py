"""Functions that wait in a toolkit's loop, as user code calls them: with interrupts (SIGINT).

Python raises KeyboardInterrupt in the Python code that runs next. A toolkit's loop waits in C,
where no Python code runs, and prints what its callbacks raise instead of passing it on. So:

- `KeptInterrupt` keeps an interrupt that came in a callback until the loop has returned;
- the loops of Tk and Qt are woken by the signal;
- `cv2.waitKey` and `pygame.event.wait` wait in short steps.

The functions without `_` are wrappers for `wrapt.FunctionWrapper`.
"""

from __future__ import annotations

import math
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel import loops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

    Call = Callable[..., Any]

STEP_MS = 50
"""How long functions that wait in steps do not look for an interrupt."""

NO_KEY = -1


class KeptInterrupt:
    """While it is entered an interrupt ends the toolkit's loop, and is raised again after it.

    Nothing changes outside the main thread, and where SIGINT does not mean KeyboardInterrupt: a
    handler of the user's own, matplotlib's, or an idle kernel that ignores it.

    Parameters
    ----------
    leave
        Makes the toolkit's loop return. Called at the interrupt.
    """

    def __init__(self, leave: Callable[[], object]) -> None:
        self._leave = leave
        self._before: Callable[[int, FrameType | None], Any] | None = None
        self.caught: tuple[int, FrameType | None] | None = None

    @property
    def is_active(self) -> bool:
        """Whether interrupts are kept here."""
        return self._before is not None

    def __enter__(self) -> KeptInterrupt:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before) and _raises(before):
                self._before = before
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._before is None:
            return
        if signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._before)
        if kind is None and self.caught is not None:
            self._before(*self.caught)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.caught = (number, frame)
        self._leave()
        if self._before is not None and (frame is None or frame.f_code not in _WAKING):
            # At once too: a callback may compute for ever.
            self._before(number, frame)


def _raises(handler: Any) -> bool:
    """Tell whether a handler of SIGINT leads to KeyboardInterrupt: Python's own, or ours in it."""
    return handler is signal.default_int_handler or isinstance(
        getattr(handler, "__self__", None), KeptInterrupt
    )


class _Waker:
    """A socket that is readable after each signal."""

    def __init__(self) -> None:
        self._signalled, self.readable = socket.socketpair()
        self._signalled.setblocking(False)
        self.readable.setblocking(False)
        self._before = signal.set_wakeup_fd(self._signalled.fileno())

    def on_qt(self) -> None:
        """Be Python code that runs after a signal: its handler is called right here.

        Without arguments: PySide crashes where it has to make them for Python.
        """
        self._drain()

    def on_tk(self, _file: object, _mask: int) -> None:
        """Do what `on_qt` does."""
        self._drain()

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self.readable.recv(64)

    def close(self) -> None:
        """Put back what was told of signals before."""
        signal.set_wakeup_fd(self._before)
        self._signalled.close()
        self.readable.close()


_WAKING = (_Waker.on_qt.__code__, _Waker.on_tk.__code__)


@contextmanager
def _waking_qt(core: Any) -> Iterator[None]:
    waker = _Waker()
    notifier = core.QSocketNotifier(waker.readable.fileno(), core.QSocketNotifier.Type.Read)
    notifier.activated.connect(waker.on_qt)
    try:
        yield
    finally:
        notifier.setEnabled(False)
        waker.close()


@contextmanager
def _waking_tk(tk: Any) -> Iterator[None]:
    waker = _Waker()
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

    with KeptInterrupt(leave) as kept:
        if not kept.is_active or core.QCoreApplication.instance() is None:
            return wrapped(*args, **kwargs)
        with _waking_qt(core):
            return wrapped(*args, **kwargs)


def run_tk(wrapped: Call, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the loop of Tk (`Misc.mainloop`)."""
    windows = _read(_threshold, args, kwargs)
    if windows is None:
        return wrapped(*args, **kwargs)
    # It ends when no more main windows than that are left.
    windows += loops.hidden_windows()
    with KeptInterrupt(instance.tk.quit) as kept:
        if not kept.is_active:
            return wrapped(windows)
        with _waking_tk(instance.tk):
            return wrapped(windows)


def run_default_tk(
    wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run the loop of Tk (the function `tkinter.mainloop`)."""
    root = vars(sys.modules["tkinter"])["_default_root"]
    return (wrapped if root is None else root.mainloop)(*args, **kwargs)


def run_turtle(_wrapped: Call, screen: Any, _args: Any, _kwargs: Any) -> None:
    """Run the loop of Tk (`turtle.done`)."""
    screen.cv.mainloop()


def wait_for_key(
    wrapped: Call, _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Wait for a key as `cv2.waitKey` and `cv2.waitKeyEx` do."""
    delay = _read(_delay, args, kwargs)
    if delay is None:
        return wrapped(*args, **kwargs)
    with KeptInterrupt(_nothing) as kept:
        for step in _steps(delay):
            started = time.monotonic()
            key = wrapped(step)
            # Qt waits for nothing where there is no window any more.
            had_no_window = time.monotonic() - started < step / 2000
            if key != NO_KEY or had_no_window or kept.caught:
                return key
    return NO_KEY


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
    """Leave a wait that looks for itself whether it has to end."""
