"""HTTP over a Unix socket, blocking: for kernels and scripts, with the standard library only."""

from __future__ import annotations

import errno
import http.client
import json
import socket
from pathlib import Path
from typing import Any

from jupyter_xdisplay.errors import Unreachable, error_from_json

MAX_ANSWER_BYTES = 256 * 1024 * 1024


def refuse_links(path: str | Path) -> None:
    """Refuse a socket, or its folder, that is a symbolic link.

    Programs in a container can replace what is in their display's folder, and must not point us
    to the socket of another display.

    Raises
    ------
    OSError
        When one of them is a link.
    """
    for part in (Path(path), Path(path).parent):
        if part.is_symlink():
            raise OSError(errno.ELOOP, f"{part} is a symbolic link")


class UnixHTTPConnection(http.client.HTTPConnection):
    """An HTTP connection to a Unix socket.

    Parameters
    ----------
    path
        The socket's path.
    timeout_s
        Deadline in seconds of each single send and receive.
    """

    def __init__(self, path: str | Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = str(path)

    def connect(self) -> None:
        """Connect to the Unix socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        refuse_links(self._path)
        self.sock.connect(self._path)


def request(
    path: str | Path,
    method: str,
    target: str,
    body: dict[str, Any] | None = None,
    *,
    headers: dict[str, str] | None = None,
    timeout_s: float = 30.0,
) -> bytes:
    """Send one request and return the answer's body.

    Raises
    ------
    Unreachable
        When nobody answers on that socket.
    XDisplayError
        What the other side met, as its own class.
    """
    connection = UnixHTTPConnection(path, timeout_s)
    try:
        connection.request(
            method,
            target,
            None if body is None else json.dumps(body),
            {"Content-Type": "application/json", **(headers or {})},
        )
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"Nobody answers on {path}: {error}.", fix="%xdisplay") from error
    finally:
        connection.close()
    if response.status >= 400:
        raise error_from_json(_object(answer, response.status))
    return answer


def _object(answer: bytes, status: int) -> dict[str, Any]:
    try:
        value = json.loads(answer)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"message": f"HTTP status {status}"}
