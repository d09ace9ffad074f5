"""Interrupts (SIGINT) while a toolkit's loop waits in C."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType


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
        if self._before is not None and not _is_waking(frame):
            # At once too: a callback may compute for ever.
            self._before(number, frame)


def _is_waking(frame: FrameType | None) -> bool:
    """Tell whether Python code runs only because the signal has woken the loop."""
    if frame is None:
        return False
    # PyGObject wakes its loops by a function in there.
    return frame.f_code in _WAKING or frame.f_globals.get("__name__") == "gi._ossighelper"


def _raises(handler: Any) -> bool:
    """Tell whether a handler of SIGINT leads to KeyboardInterrupt: Python's own, or ours in it."""
    return handler is signal.default_int_handler or isinstance(
        getattr(handler, "__self__", None), KeptInterrupt
    )


class Waker:
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

    @staticmethod
    def on_wx(_timer: object) -> None:
        """Do what `on_qt` does, for a timer: wx can watch no socket."""

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self.readable.recv(64)

    def close(self) -> None:
        """Put back what was told of signals before."""
        signal.set_wakeup_fd(self._before)
        self._signalled.close()
        self.readable.close()


_WAKING = (Waker.on_qt.__code__, Waker.on_tk.__code__, Waker.on_wx.__code__)
