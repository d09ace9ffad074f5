"""The VNC port: our RFB sessions over TCP behind a password, opened only when somebody asks."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpserver import TCPServer

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.rfb.constants import VERSION_3_8
from jupyter_xdisplay.rfb.security import check_password
from jupyter_xdisplay.rfb.server_handshake import WRONG_PASSWORD
from jupyter_xdisplay.sidecar.rfb_server.session import RfbSession
from jupyter_xdisplay.sidecar.rfb_server.source import Source
from jupyter_xdisplay.sidecar.vnc_access import MAX_PORT, Lockout, VncRequest, new_password
from jupyter_xdisplay.spec import VncAccess

FIRST_PORT = 5900
"""Of display 0, as everywhere in VNC; display N has the one N further on, if it is free."""

PORTS_TRIED = 100
MAX_CONNECTIONS = 16
"""Most connections at one time, those included that have not given a password yet."""

REFUSAL_S = 5.0
ENDED_S = 1.5
"""How long `close` waits for the viewers' threads: a grabbed X server may hold them up."""

POLL_S = 0.01
_U32 = struct.Struct(">I")
_VERSION_3_7 = b"RFB 003.007\n"


class VncSession(RfbSession):
    """The session of one viewer, from its first byte.

    Parameters
    ----------
    stream, source, view_only, password
        As those of `RfbSession`.
    opened
        Called once the viewer has given the password.
    """

    def __init__(
        self,
        stream: IOStream,
        source: Source,
        *,
        view_only: bool,
        password: str,
        opened: Callable[[], None],
    ) -> None:
        super().__init__(stream, source, view_only=view_only, password=password)
        self._opened = opened

    @property
    def gave_wrong_password(self) -> bool:
        """Whether it was refused for that."""
        return self._connection.error == WRONG_PASSWORD

    def _open(self) -> None:
        super()._open()
        self._opened()


class VncServer(TCPServer):
    """Listens from the start until `close`.

    Parameters
    ----------
    request
        Where to listen, and who may come in.
    source
        The display.
    number
        The display's number.
    changed
        Called with +1 for each viewer that has come in, and with -1 when it is gone.

    Raises
    ------
    UsageError
        When it cannot listen there.
    ProgramMissing
        When the package that has DES is not installed.
    """

    def __init__(
        self, request: VncRequest, source: Source, number: int, changed: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._password = request.password or new_password()
        check_password(self._password)
        self._source = source
        self._changed = changed
        self._lockout = Lockout()
        self._sessions: dict[VncSession, str] = {}
        self._refusing = 0
        sockets = _listen(request, FIRST_PORT + number)
        port: int = sockets[0].getsockname()[1]
        self.access = VncAccess(request.address, port, request.view_only, self._password)
        self.add_sockets(sockets)

    def is_as_asked(self, request: VncRequest) -> bool:
        """Tell whether a request is about the port as it is."""
        access = self.access
        return (
            request.port in {None, access.port}
            and request.listen in {None, access.address}
            and request.password in {None, access.password}
            and request.view_only in {False, access.view_only}
        )

    def viewers(self) -> list[dict[str, Any]]:
        """Return the figures of each viewer that has come in, see `Stats.to_json`."""
        return [
            {**session.stats.to_json(), "origin": origin}
            for session, origin in self._sessions.items()
            if session.thread is not None
        ]

    async def close(self) -> None:
        """Stop listening, disconnect all viewers and wait until no thread of theirs is left."""
        self.stop()
        sessions = list(self._sessions)
        for session in sessions:
            session.close()
        threads = [session.thread for session in sessions if session.thread is not None]
        until_s = time.monotonic() + ENDED_S
        while (  # noqa: ASYNC110 - threads do not tell a loop that they ended
            self._sessions or any(thread.is_alive() for thread in threads)
        ) and time.monotonic() < until_s:
            await asyncio.sleep(POLL_S)

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a viewer, or say why not."""
        reason = self._why_not()
        if reason is not None:
            await self._refuse(stream, reason)
            return
        stream.set_nodelay(True)
        assert stream.socket is not None
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        session = VncSession(
            stream,
            self._source,
            view_only=self.access.view_only,
            password=self._password,
            opened=self._let_in,
        )
        self._sessions[session] = str(address[0])
        try:
            await session.run()
        finally:
            del self._sessions[session]
            if session.thread is not None:
                self._changed(-1)
            elif session.gave_wrong_password:
                self._take_failure()

    def _why_not(self) -> str | None:
        wait_s = self._lockout.wait_s(time.monotonic())
        if wait_s:
            return f"Too many wrong passwords: try again in {math.ceil(wait_s)} s."
        if len(self._sessions) >= MAX_CONNECTIONS:
            return f"{MAX_CONNECTIONS} viewers are connected already."
        return None

    def _let_in(self) -> None:
        self._lockout.succeeded()
        self._changed(+1)

    def _take_failure(self) -> None:
        """Note a wrong password; while nobody is let in, nobody goes on guessing either."""
        now_s = time.monotonic()
        self._lockout.failed(now_s)
        if self._lockout.wait_s(now_s):
            for session in list(self._sessions):
                if session.thread is None:
                    session.close()

    async def _refuse(self, stream: IOStream, reason: str) -> None:
        """Say why there is no session, in bounded time and to a bounded number at once."""
        self._refusing += 1
        try:
            if self._refusing <= MAX_CONNECTIONS:
                await asyncio.wait_for(_tell_refusal(stream, reason), REFUSAL_S)
        except (StreamClosedError, OSError, asyncio.TimeoutError):
            pass
        finally:
            self._refusing -= 1
            stream.close()


async def _tell_refusal(stream: IOStream, reason: str) -> None:
    """Offer no security type, and the reason (RFC 6143 section 7.1.2); wait for the hang-up.

    Hanging up first could discard the reason at the viewer.
    """
    await stream.write(VERSION_3_8)
    version = await stream.read_bytes(len(VERSION_3_8))
    none = bytes(1) if version >= _VERSION_3_7 else bytes(4)
    text = reason.encode()
    await stream.write(none + _U32.pack(len(text)) + text)
    while True:
        await stream.read_bytes(4096, partial=True)


def _listen(request: VncRequest, first: int) -> list[socket.socket]:
    """Bind the port that is asked for, or the first free one.

    Raises
    ------
    UsageError
        When there is none, or not on that address.
    """
    ports = [request.port] if request.port else range(first, min(first + PORTS_TRIED, MAX_PORT))
    for port in ports:
        try:
            return bind_sockets(port, request.address)
        except OSError as error:
            if request.port is None and error.errno == errno.EADDRINUSE:
                continue
            raise _cannot_listen(request, port, error) from error
    raise UsageError(
        f"None of the ports from {first} on is free.", fix="%xdisplay vnc --port N, with another N"
    )


def _cannot_listen(request: VncRequest, port: int, error: OSError) -> UsageError:
    where = f"{request.address} port {port}"
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"Another program listens on {where} already.",
            fix="leave out --port: the first free one is taken then",
        )
    if error.errno == errno.EACCES:
        return UsageError(
            f"This user may not listen on {where}.", fix="use a port from 1024 on, such as 5901"
        )
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return UsageError(
            f"{request.address} is no address of this machine.",
            fix="leave out --listen, or give one that `hostname -I` shows, or 0.0.0.0 for all",
        )
    return UsageError(f"Cannot listen on {where}: {error.strerror}.", fix="leave out --listen")
