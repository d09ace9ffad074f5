"""Hears of every change of a display, from its sidecar, in a thread."""

from __future__ import annotations

import json
import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.unix_http import UnixHTTPConnection

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_S = 10.0


class Follower:
    """Gives a display's info, as JSON, to a function: now and at each change.

    Parameters
    ----------
    socket_path
        The sidecar's socket.
    changed
        Called in the thread.
    ended
        Called in the thread at its end: the sidecar is gone, or `close` was called.
    """

    def __init__(
        self,
        socket_path: str,
        changed: Callable[[dict[str, Any]], None],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._changed = changed
        self._ended = ended
        self._connection = UnixHTTPConnection(socket_path, CONNECT_S)
        self.over = False
        self._thread = threading.Thread(target=self._follow, name="xdisplay-follow", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread soon."""
        self.over = True
        stream = self._connection.sock
        if stream is not None:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def _follow(self) -> None:
        try:
            self._connection.request("GET", "/events")
            response = self._connection.getresponse()
            if self._connection.sock is not None:
                self._connection.sock.settimeout(None)
            while not self.over and (line := response.readline()):
                self._tell(line)
        except Exception:  # noqa: BLE001, S110
            # The sidecar ended in the middle of a line, or was never there: no more news.
            pass
        finally:
            self.over = True
            self._connection.close()
            self._ended()

    def _tell(self, line: bytes) -> None:
        value = json.loads(line)
        try:
            self._changed(value)
        except Exception:
            # What is wrong with one change must not end the news of all after it.
            logging.getLogger(__name__).exception("A change of a display was not shown")
