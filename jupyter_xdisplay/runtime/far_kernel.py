"""The ways between us and a kernel whose container's engine does not see our files.

The engine is on another machine, or we are in a container ourselves. The channels of the kernel
are relayed one by one, at the same paths as where files are shared; what the kernel asks of the
server comes through a process in its pod that listens for it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import StartFailed, XDisplayError
from jupyter_xdisplay.multiplexer import Multiplexer
from jupyter_xdisplay.runtime.relay import Relay
from jupyter_xdisplay.sidecar.listen import READY

if TYPE_CHECKING:
    from jupyter_xdisplay.runtime.exec_stream import ExecStream
    from jupyter_xdisplay.runtime.pod import Pod

log = logging.getLogger(__name__)

READY_S = 20.0
RETRY_S = 0.2
LONGEST_RETRY_S = 10.0
"""Between attempts to open what has broken; each one asks the engine."""

LOG = 'tail -n 5 "$0.log"'


class FarKernel:
    """Those ways for one pod, as long as that lives.

    Parameters
    ----------
    pod
        The pod that the kernel joins.
    server_socket
        Where it asks for displays, here.
    """

    def __init__(self, pod: Pod, server_socket: Path) -> None:
        self.pod = pod
        self._target = server_socket
        self.server_socket = pod.told / "server.sock"
        """The same in the container."""
        self._lock = threading.Lock()
        self._closed = False
        self._over = threading.Event()
        self._relays: list[Relay] = []
        self._stream: ExecStream | None = None

    def open_server(self) -> None:
        """Open the kernel's way to the server, where it is not open.

        Raises
        ------
        StartFailed
            When it does not come up.
        """
        with self._lock:
            if self._stream is None and not self._closed:
                self._stream = self._listen()

    def open_channels(self, channels: Iterable[Path]) -> None:
        """Relay the channels of a process of the kernel that has opened them.

        Not before: whoever waits for them here would have the engine try, again and again.
        """
        self.close_channels()
        with self._lock:
            if self._closed:
                return
            for path in channels:
                path.unlink(missing_ok=True)
                self._relays.append(Relay(path, self._connect_to(path)))

    def close_channels(self) -> None:
        """End the connections to a process of the kernel."""
        with self._lock:
            relays, self._relays = self._relays, []
        for relay in relays:
            relay.close()

    def close(self) -> None:
        """End all connections, for good. Idempotent."""
        with self._lock:
            self._closed = True
            stream = self._stream
        self._over.set()
        self.close_channels()
        if stream is not None:
            stream.close()

    def _connect_to(self, path: Path) -> Callable[[], ExecStream]:
        return lambda: self.pod.connect(path)

    def _listen(self) -> ExecStream:
        stream = self._open_stream()
        threading.Thread(
            target=self._keep_serving, args=(stream,), name=f"far {self.pod.path}", daemon=True
        ).start()
        return stream

    def _open_stream(self) -> ExecStream:
        stream = self.pod.listen(self.server_socket)
        said = b""
        with suppress(OSError):
            while len(said) < len(READY) and (data := stream.receive(READY_S)):
                said += data
        if said != READY:
            stream.close()
            raise StartFailed(
                "The kernel's way to the Jupyter server could not be opened in its container.",
                fix="jupyter xdisplay image build",
                log=self.pod.shell(LOG, str(self.server_socket)).splitlines(),
            )
        return stream

    def _keep_serving(self, stream: ExecStream) -> None:
        """Serve a stream, and others after it: one may break while the kernel lives."""
        self._serve(stream)
        pause = RETRY_S
        while not self._over.wait(pause):
            pause = min(2 * pause, LONGEST_RETRY_S)
            with suppress(XDisplayError, OSError):
                stream = self._open_stream()
                with self._lock:
                    self._stream = stream
                    closed = self._closed
                if closed:
                    stream.close()
                    return
                log.warning("The way between %s and the server is open again", self.pod.path.name)
                self._serve(stream)
                pause = RETRY_S

    def _serve(self, stream: ExecStream) -> None:
        """Connect what comes from there to the server, until the stream ends."""
        connections = Multiplexer(stream.send, self._connect)
        try:
            with suppress(OSError):
                while data := stream.receive():
                    connections.feed(data)
        finally:
            connections.close()
            stream.close()

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._target))
        except OSError:
            connection.close()
            raise
        return connection
