"""Events of one connection, given to the parts that asked for their kind."""

from __future__ import annotations

import logging
import select
from collections.abc import Callable, Sequence
from typing import Any

import xcffib

from jupyter_xdisplay.x11.connection import X11Connection

Handler = Callable[[Any], None]
MAX_AT_ONCE = 10_000
"""Events taken by one `dispatch`: a client that floods us must not keep the caller in there."""

log = logging.getLogger(__name__)


class Events:
    """Gives the events of a connection to handlers, by their xcffib class.

    Parameters
    ----------
    connection
        Used by one thread at a time, the same that calls `dispatch` and `wait`.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._x = connection
        self._handlers: dict[type[Any], list[Handler]] = {}

    @property
    def file_descriptor(self) -> int:
        """Readable when the server said something.

        Events may also be there while it is not: those that came with a reply. So `dispatch`
        before a select, or use `wait`.
        """
        return int(self._x.raw.get_file_descriptor())

    def on(self, kind: type[Any], handler: Handler) -> Callable[[], None]:
        """Call `handler` with every event of that xcffib class; return what ends that."""
        self._handlers.setdefault(kind, []).append(handler)

        def off() -> None:
            handlers = self._handlers.get(kind, [])
            if handler in handlers:
                handlers.remove(handler)

        return off

    def dispatch(self) -> int:
        """Hand out what has arrived and return how many events that were. Does not wait.

        Errors of requests that nobody waited for arrive here too: the window that they were
        about is gone.

        Raises
        ------
        xcffib.ConnectionException
            When the server is gone.
        """
        self._x.flush()
        count = 0
        while count < MAX_AT_ONCE:
            try:
                event = self._x.raw.poll_for_event()
            except xcffib.Error as error:
                log.debug("X error: %r", error)
                continue
            if event is None:
                break
            count += 1
            for handler in tuple(self._handlers.get(type(event), ())):
                handler(event)
        return count

    def wait(self, timeout_s: float | None, others: Sequence[int] = ()) -> list[int]:
        """Wait for events, and for other file descriptors; hand out the events.

        Parameters
        ----------
        timeout_s
            Longest wait; None waits without end.
        others
            File descriptors that also end the wait.

        Returns
        -------
        list[int]
            Those of `others` that are readable.
        """
        taken = self.dispatch()
        poll = select.poll()
        for fd in (self.file_descriptor, *others):
            poll.register(fd, select.POLLIN)
        timeout_ms = None if timeout_s is None else max(0, round(timeout_s * 1000 + 0.499))
        ready = {fd for fd, _ in poll.poll(0 if taken else timeout_ms)}
        if self.file_descriptor in ready:
            self.dispatch()
        return [fd for fd in others if fd in ready]
