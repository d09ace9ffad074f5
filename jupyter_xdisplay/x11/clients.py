"""X clients and their processes: XRes 1.2 (resproto) and KillClient."""

from __future__ import annotations

from collections.abc import Iterable

import xcffib
import xcffib.res
import xcffib.xproto

from jupyter_xdisplay.errors import WindowNotFound
from jupyter_xdisplay.x11.connection import X11Connection

LOCAL_CLIENT_PID = 2
"""XRes ClientIdSpec mask bit for the pid of a local client."""


class Clients:
    """Who is connected to a display.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._x = connection
        self._res = connection.extension(xcffib.res.key)
        self._res.QueryVersion(1, 2).reply()

    def pids(self) -> dict[int, int]:
        """Return the pid of each client by its resource base.

        0 where the client is in another PID namespace (facts 27).
        """
        spec = xcffib.res.ClientIdSpec.synthetic(0, LOCAL_CLIENT_PID)
        reply = self._res.QueryClientIds(1, [spec]).reply()
        return {
            item.spec.client: (list(item.value) or [0])[0]
            for item in reply.ids
            if item.spec.mask & LOCAL_CLIENT_PID
        }

    def distinct_pids(self) -> tuple[int, ...]:
        """Return the pids of all clients, each once, in order."""
        return tuple(sorted(set(self.pids().values())))

    def base_of(self, resource: int) -> int:
        """Return the resource base of the client that made `resource` (X11 protocol, chapter 8)."""
        mask: int = self._x.raw.get_setup().resource_id_mask
        return resource & ~mask

    def pid_of(self, resource: int) -> int:
        """Return the pid of the client that made `resource`; 0 where it is not known."""
        return self.pids().get(self.base_of(resource), 0)

    def kill_owner(self, window: int) -> None:
        """Close the client that made a window (KillClient): nothing is asked of its program.

        Raises
        ------
        WindowNotFound
            When the window is gone.
        """
        try:
            self._x.core.KillClient(window, is_checked=True).check()
        except xcffib.Error as error:
            raise WindowNotFound(f"Window {window:#x} has closed.") from error

    def with_windows(self) -> set[int]:
        """Return the resource bases of all clients that have a window anywhere below the root.

        The root's own children are not enough: a window manager's frames are its windows, and
        the programs' windows are inside them.
        """
        found = set()
        for child in self._x.core.QueryTree(self._x.root).reply().children:
            found.add(self.base_of(child))
            try:
                inner = self._x.core.QueryTree(child).reply().children
            except xcffib.xproto.WindowError:
                continue
            found.update(self.base_of(window) for window in inner)
        return found

    def kill(self, keep_pids: Iterable[int]) -> int:
        """Close every client that has windows, but for those of `keep_pids`; return how many.

        Each is closed by the X server itself (KillClient), so that nothing is asked of a
        program that may hang.
        """
        keep = set(keep_pids)
        pids = self.pids()
        own = self.base_of(self._x.raw.generate_id())
        killed = 0
        for base in self.with_windows() - {own, 0}:
            if pids.get(base) in keep:
                continue
            window = self._some_window(base)
            if window is not None:
                self._x.core.KillClient(window)
                killed += 1
        self._x.flush()
        return killed

    def _some_window(self, base: int) -> int | None:
        waiting = list(self._x.core.QueryTree(self._x.root).reply().children)
        for child in waiting:
            if self.base_of(child) == base:
                return int(child)
            try:
                inner = self._x.core.QueryTree(child).reply().children
            except xcffib.xproto.WindowError:
                continue
            for window in inner:
                if self.base_of(window) == base:
                    return int(window)
        return None
