"""The Unix socket on which kernels ask for displays: no TLS, Host, XSRF or base_url in the way.

========================  ==================================================
``GET /displays``         this kernel's displays
``POST /displays``        `DisplaySpec` → `DisplayInfo`
``DELETE /displays/ID``   ends or parks (``?force=1`` ends) → `DisplayInfo`
========================  ==================================================

Each kernel has a capability of its own, given in its environment; it reaches its own displays
and no other kernel's.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import struct
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_unix_socket
from tornado.web import Application

from jupyter_xdisplay.errors import DisplayNotFound, UsageError
from jupyter_xdisplay.json_handler import JSONHandler
from jupyter_xdisplay.kernel_protocol import (
    CAPABILITY_VARIABLE,
    PID_HEADER,
    PROCESS_HEADER,
    SOCKET_VARIABLE,
)
from jupyter_xdisplay.paths import make_private_directory
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec

MAX_BODY_BYTES = 64 * 1024


class KernelSocket:
    """The socket in a private directory of its own.

    Parameters
    ----------
    manager
        The displays.

    Raises
    ------
    PrivateDirectoryError
        When that directory cannot be made.
    """

    def __init__(self, manager: DisplayManager) -> None:
        self._manager = manager
        self._kernels: dict[str, str] = {}
        self._capabilities: dict[str, str] = {}
        self._directory, lock_fd = make_private_directory(secrets.token_hex(6))
        self._lock = ExitStack()
        self._lock.callback(os.close, lock_fd)
        self.path: Path = self._directory / "kernels.sock"
        self._server: HTTPServer | None = None

    def listen(self) -> None:
        """Start to answer, in the running event loop."""
        routes = [
            (r"/displays", DisplaysHandler),
            (r"/displays/([0-9a-f]{12})", DisplayHandler),
        ]
        application = Application(
            [(path, kind, {"kernels": self, "manager": self._manager}) for path, kind in routes],
            log_function=lambda _: None,
        )
        self._server = HTTPServer(application, max_body_size=MAX_BODY_BYTES)
        self._server.add_socket(bind_unix_socket(str(self.path), mode=0o600))

    def close(self) -> None:
        """Stop to answer and remove the socket. Idempotent."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._lock.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def environment(self, kernel_id: str) -> dict[str, str]:
        """Return the variables by which a kernel finds us; the same over its restarts."""
        capability = self._capabilities.get(kernel_id)
        if capability is None:
            capability = self._capabilities[kernel_id] = secrets.token_urlsafe(32)
            self._kernels[_digest(capability)] = kernel_id
        return {SOCKET_VARIABLE: str(self.path), CAPABILITY_VARIABLE: capability}

    def revoke(self, kernel_id: str) -> None:
        """Forget a kernel's capability."""
        capability = self._capabilities.pop(kernel_id, None)
        if capability is not None:
            del self._kernels[_digest(capability)]

    def kernel_of(self, authorization: str) -> str | None:
        """Return whose capability is in an Authorization header (RFC 6750), None for nobody's."""
        scheme, _, capability = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        # looked up by digest: the time that a look-up takes tells nothing of the secret
        return self._kernels.get(_digest(capability))


class KernelHandler(JSONHandler):
    """Base: knows which kernel asks, or refuses."""

    def initialize(self, kernels: KernelSocket, manager: DisplayManager) -> None:
        """Take the capabilities and the displays."""
        self.kernels = kernels
        self.manager = manager

    def prepare(self) -> None:
        """Refuse who has no capability; note which process the kernel is."""
        kernel_id = self.kernels.kernel_of(self.request.headers.get("Authorization", ""))
        if kernel_id is None:
            self.set_status(403)
            self.finish(DisplayNotFound("This kernel's capability is not known here.").to_json())
            return
        self.kernel_id = kernel_id
        pid = self._peer_pid()
        if kernel_id in self.manager.kernel_runtimes:
            pid = self._told_pid()
        if pid:
            self.manager.kernel_pids[kernel_id] = pid
        process = self.request.headers.get(PROCESS_HEADER)
        if process:
            self.manager.kernel_processes[kernel_id] = process

    def own(self, display_id: str) -> DisplayInfo:
        """Return a display of this kernel; raise DisplayNotFound for any other."""
        info = self.manager.get(display_id)
        if info.kernel_id != self.kernel_id:
            raise DisplayNotFound(f"There is no display {display_id}.", fix="%xdisplay list")
        return info

    def _told_pid(self) -> int:
        """Return the pid that it has in its container; a lie would be about its own displays."""
        told = self.request.headers.get(PID_HEADER, "")
        return int(told) if told.isascii() and told.isdecimal() else 0

    def _peer_pid(self) -> int:
        """Return the pid of who connected, in our PID namespace (unix(7), SO_PEERCRED)."""
        connection = self.request.connection
        stream: IOStream | None = getattr(connection, "stream", None)
        if stream is None or stream.socket is None:
            return 0
        size = struct.calcsize("3i")
        credentials = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", credentials)[0])


class DisplaysHandler(KernelHandler):
    """All displays of the kernel."""

    def get(self) -> None:
        """List them."""
        self.answer(self.manager.list_displays(self.kernel_id))

    async def post(self) -> None:
        """Start one, or return the one of that name."""
        spec = DisplaySpec.from_json(self.json_object())
        if spec.container is not None and self.kernel_id in self.manager.kernel_runtimes:
            raise UsageError(
                "A kernel in a container sees its own displays only.",
                fix="start it from a kernel of the machine itself",
            )
        self.answer(await self.manager.create(spec, self.kernel_id))


class DisplayHandler(KernelHandler):
    """One display of the kernel."""

    async def delete(self, display_id: str) -> None:
        """End or park it."""
        self.own(display_id)
        force = self.get_query_argument("force", "0") == "1"
        self.answer(await self.manager.stop(display_id, force=force))


def _digest(capability: str) -> str:
    return sha256(capability.encode()).hexdigest()
