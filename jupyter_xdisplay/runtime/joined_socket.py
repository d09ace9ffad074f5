"""The X server's socket in a container that was joined, whose files the pod does not have.

They share the network, and so the abstract socket; libxcb newer than 1.17 knows that no longer, and
looks for /tmp/.X11-unix/X0. Nothing can be mounted into a container that runs. But where both share
PIDs as well, a link does: /proc/PID/root leads to the files of a process of the pod (proc(5)), for
programs of the pod's user, and for root; nobody else may follow it (ptrace(2), access mode checks).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_xdisplay.runtime.own_containers import X_SOCKETS

if TYPE_CHECKING:
    from jupyter_xdisplay.runtime.joined import Joined
    from jupyter_xdisplay.runtime.pod import Pod

log = logging.getLogger(__name__)

FIND = """
for process in /proc/[0-9]*; do
    if [ "$process/root" -ef / ] && grep -q "$0" "$process/cmdline"; then
        echo "${process#/proc/}"
        break
    fi
done
"""
"""Prints the pid of the pod's process 1, as the joined container counts."""

PROCESS_ONE = "sidecar.process_one"
OPENS_S = 2.0
"""How soon that process opens itself (`process_one.OPEN_VARIABLE`)."""

LINK = """
mkdir -p -m 1777 "${1%/*}" || exit
if [ -L "$1" ] && [ ! -S "$1" ]; then rm -f "$1"; fi
ln -s "$2" "$1"
[ -S "$1" ]
"""
"""A link that leads nowhere was left by a display that was killed."""

UNLINK = """
if [ -L "$1" ]; then rm -f "$1"; fi
rmdir "${1%/*}"
"""


@dataclass(frozen=True)
class JoinedSocket:
    """How the programs of a joined container come to the X server of a pod.

    Parameters
    ----------
    joined
        The container.
    root
        Where in it the files of the pod are; empty: nowhere.
    why_not
        Why nowhere.
    """

    joined: Joined
    root: str
    why_not: str = ""

    @property
    def words(self) -> str:
        """What has to be said of it; nothing where all programs come to it."""
        if self.root:
            return ""
        return (
            "; reached by its abstract socket alone, which programs with a libxcb newer than 1.17 "
            f"do not know: {self.why_not}"
        )

    def place(self, display: str) -> None:
        """Make the link, once the X server runs as `display`."""
        if not self.root:
            return
        socket = f"{X_SOCKETS}/X{display.lstrip(':')}"
        done = self.joined.run(LINK, socket, self.root + socket)
        if done.exit_code:
            log.warning(
                "There is another %s in container %s: its programs with a libxcb newer than 1.17 "
                "do not come to the display %s. Its X server should be ended, or the file removed.",
                *(socket, self.joined.container.name, display),
            )

    def remove(self, display: str) -> None:
        """Remove the link."""
        if self.root:
            self.joined.run(UNLINK, f"{X_SOCKETS}/X{display.lstrip(':')}")


def find_socket(pod: Pod, joined: Joined) -> JoinedSocket:
    """Look from inside a joined container whether its programs come to the pod's files."""
    if not joined.shares_pids:
        return JoinedSocket(joined, "", "its PIDs are not its own (--pid)")
    end = time.monotonic() + OPENS_S
    while time.monotonic() < end:
        pid = pod.shell(FIND, PROCESS_ONE).strip()
        root = f"/proc/{pid}/root"
        if pid and joined.run('[ -d "$1/tmp" ]', root).exit_code == 0:
            return JoinedSocket(joined, root)
    return JoinedSocket(joined, "", "its user may not follow /proc/PID/root to the display's")
