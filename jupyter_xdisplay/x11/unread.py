"""How much of what the X server sent a program has not read: sock_diag(7), unix(7).

A program that computes does not read its X connection. The kernel's count of unread bytes shows
that from outside, for programs that take no part in `_NET_WM_PING` (Tk, GLUT, Xt).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
UDIAG_SHOW_PEER = 0x04
UDIAG_SHOW_RQLEN = 0x10
UNIX_DIAG_PEER = 2
UNIX_DIAG_RQLEN = 4
HEADER = struct.Struct("=IHHII")
MESSAGE_BYTES = 16
NO_COOKIE = 0xFFFFFFFF


class UnreadBytes:
    """Asks the kernel about the connections of X clients.

    Parameters
    ----------
    server_pid
        The X server's process.
    """

    def __init__(self, server_pid: int) -> None:
        self._server_pid = server_pid
        self._sockets: dict[int, list[int]] = {}
        self._sequence = 0
        self._netlink: socket.socket | None = None
        with suppress(OSError):  # no such family in this kernel or sandbox: nothing can be told
            self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
            self._netlink.settimeout(1.0)

    def of(self, pid: int) -> int | None:
        """Return the bytes that process `pid` has not read from its X connections.

        None where it cannot be told: another PID namespace, another user, TCP, no sock_diag.
        """
        if self._netlink is None or pid <= 0:
            return None
        if pid not in self._sockets:
            self._sockets[pid] = self._x_sockets(pid)
        counts = [self._query(inode)[1] for inode in self._sockets[pid]]
        known = [count for count in counts if count is not None]
        if not known:
            self._sockets.pop(pid)
            return None
        return max(known)

    def close(self) -> None:
        """Close the netlink socket."""
        if self._netlink is not None:
            self._netlink.close()

    def _x_sockets(self, pid: int) -> list[int]:
        server = set(_socket_inodes(self._server_pid))
        return [inode for inode in _socket_inodes(pid) if self._query(inode)[0] in server]

    def _query(self, inode: int) -> tuple[int | None, int | None]:
        """Return the peer's inode and the length of the receive queue of a Unix socket."""
        assert self._netlink is not None
        body = struct.pack(
            "=BBHIIIII",
            socket.AF_UNIX,
            0,
            0,
            0xFFFFFFFF,
            inode,
            UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
            NO_COOKIE,
            NO_COOKIE,
        )
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        size = HEADER.size + len(body)
        head = HEADER.pack(size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, self._sequence, 0)
        try:
            self._netlink.send(head + body)
            answer = self._netlink.recv(4096)
            while HEADER.unpack_from(answer)[3] != self._sequence:  # one that came too late
                answer = self._netlink.recv(4096)
        except (OSError, struct.error):
            return None, None
        attributes = dict(_attributes(answer))
        peer, queue = attributes.get(UNIX_DIAG_PEER), attributes.get(UNIX_DIAG_RQLEN)
        return _first_u32(peer), _first_u32(queue)


def _attributes(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the netlink attributes (netlink(7)) of an answer that is no error."""
    if len(answer) < HEADER.size or HEADER.unpack_from(answer)[1] != SOCK_DIAG_BY_FAMILY:
        return
    place = HEADER.size + MESSAGE_BYTES
    while place + 4 <= len(answer):
        length, kind = struct.unpack_from("=HH", answer, place)
        if length < 4:
            return
        yield kind, answer[place + 4 : place + length]
        place += (length + 3) & ~3


def _first_u32(value: bytes | None) -> int | None:
    return int(struct.unpack_from("=I", value)[0]) if value and len(value) >= 4 else None


def _socket_inodes(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                target = str(Path(entry.path).readlink())
                if target.startswith("socket:["):
                    found.append(int(target[8:-1]))
    return found
