"""What this process has: its host, its displays, the current one, and what it changed.

One `Session` per process, shared by the magics and the Python API. A forked child gets a new one
and can never end its parent's displays.
"""

from __future__ import annotations

import atexit
import dataclasses
import difflib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_xdisplay.errors import DisplayNotFound, UsageError, XDisplayError
from jupyter_xdisplay.kernel import describe, programs
from jupyter_xdisplay.kernel.adapt import adapt
from jupyter_xdisplay.kernel.display import Display
from jupyter_xdisplay.kernel.environ import EnvironmentChanges, plan
from jupyter_xdisplay.kernel.host import STOPPED, choose_host
from jupyter_xdisplay.kernel_protocol import NOTICE_VARIABLE

if TYPE_CHECKING:
    from jupyter_xdisplay.kernel.host import Host
    from jupyter_xdisplay.kernel.shell import ShellParts
    from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec


class Started(NamedTuple):
    """A display that was asked for, and what the user has to be told."""

    display: Display
    notices: list[str]


class Session:
    """The displays of this process."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._host: Host | None = None
        self._displays: dict[str, Display] = {}
        self._active: list[Display] = []
        told = os.environ.pop(NOTICE_VARIABLE, None)
        self._notices = [told] if told else []
        self.environment = EnvironmentChanges(os.environ)
        self.shell: ShellParts | None = None

    @property
    def host(self) -> Host:
        """Who keeps the displays; chosen at the first use."""
        with self._lock:
            if self._host is None:
                self._host, warning = choose_host()
                atexit.register(self._at_exit)
                if warning:
                    self._notices.append(warning)
            return self._host

    @property
    def current(self) -> Display | None:
        """The display that DISPLAY points to, as far as it is ours."""
        return self._active[-1] if self._active else None

    def is_ours(self) -> bool:
        """Tell whether this process made the session (a forked child did not)."""
        return self._pid == os.getpid()

    def has_notebook(self) -> bool:
        """Tell whether a view can be shown."""
        return self.shell is not None and self.shell.views is not None

    def start(self, spec: DisplaySpec) -> Started:
        """Start the display that is asked for, or return the one of that name; switch to it.

        Raises
        ------
        XDisplayError
            Whatever did not come up.
        """
        with self._lock:
            self._check_ours()
            self._attach_shell()
            if self.shell is not None:
                self.shell.prepare()
            host = self.host
            notices = [*self._notices, *self._why_ended(spec.name)]
            self._notices.clear()
            display = self._taken(host.create(spec))
            notices += adapt(display, spec)
            notices += self.switch(display)
            return Started(display, notices)

    def switch(self, display: Display) -> list[str]:
        """Point this process to `display`; return what the user has to be told."""
        with self._lock:
            info = display.known_info
            if info.container:
                return [describe.for_container(info)]
            if display in self._active:
                self._active.remove(display)
            self._active.append(display)
            self.environment.apply(plan(os.environ, info.display, info.xauthority))
            return self.shell.display_is_there() if self.shell is not None else []

    def get(self, name: str | None = None) -> Display:
        """Return the display called `name`; without a name the current one.

        Raises
        ------
        DisplayNotFound
            When there is none.
        """
        if name is None and self.current is not None:
            return self.current
        wanted = name or "main"
        displays = self.all()
        for display in displays:
            if display.name == wanted and display.known_info.state != "ended":
                return display
        names = [display.name for display in displays if display.known_info.state != "ended"]
        close = difflib.get_close_matches(wanted, names, 1) or names[:1]
        option = f"--name {name}" if name else ""
        what = f"There is no display {wanted!r}." if name else "There is no display yet."
        raise DisplayNotFound(
            what,
            fix=f"--name {close[0]}" if close and name else f"%xdisplay start {option}".rstrip(),
        )

    def all(self) -> list[Display]:
        """Return every display of this process, those included that ended unexpectedly."""
        with self._lock:
            infos = self.host.list()
            alive = {info.name for info in infos if info.state != "ended"}
            return [
                self._taken(info)
                for info in infos
                if info.state != "ended" or (info.reason != STOPPED and info.name not in alive)
            ]

    def known_names(self) -> list[str]:
        """Return names of displays without asking anybody (for completion)."""
        return list(self._displays)

    def last_words(self, info: DisplayInfo) -> DisplayInfo:
        """Return a display whose sidecar does not answer as its host knows it."""
        try:
            for known in self.host.list():
                if known.id == info.id and known.state == "ended":
                    return known
        except XDisplayError:
            pass
        return dataclasses.replace(
            info, state="ended", reason=info.reason or "its sidecar does not answer any more."
        )

    def show(self, display: Display) -> None:
        """Show a live view of a whole display under the cell that runs.

        Raises
        ------
        UsageError
            When there is no notebook.
        """
        if (views := self.notebook().views) is not None:
            views.show(display, via_server=self.host.via_server)

    def notebook(self) -> ShellParts:
        """Return the shell of the notebook that this process is the kernel of.

        Raises
        ------
        UsageError
            When there is no notebook.
        """
        self._attach_shell()
        if self.shell is None or self.shell.views is None:
            fix = "use it in a Jupyter notebook, or take a picture: .snapshot(FILE)"
            raise UsageError("There is no notebook to show windows in.", fix=fix)
        return self.shell

    def stop(self, display: Display, *, force: bool = False) -> DisplayInfo:
        """End (or park) a display and switch back to what was there before.

        Raises
        ------
        UsageError
            In a process that was forked from the one that started it.
        XDisplayError
            Whatever the host met.
        """
        with self._lock:
            self._check_ours()
            if self.shell is not None:
                self.shell.before_stop(display, last=self._active in ([display], []))
            if display.info.state != "ended":
                programs.end_clients(display.known_info.clients)
                display.update(self.host.stop(display.id, force=force))
            self.release(display)
            if self.shell is not None:
                self.shell.after_stop(display)
            return display.known_info

    def release(self, display: Display) -> None:
        """Switch away from a display that has ended or is parked."""
        with self._lock:
            if display.known_info.state == "ended":
                self._displays.pop(display.name, None)
            was_current = display is self.current
            if display in self._active:
                self._active.remove(display)
            self._active = [other for other in self._active if other.info.state == "running"]
            if self.current is not None:
                if was_current:
                    self.switch(self.current)
                return
            self.environment.undo()
            _forget(display.known_info)
            if self.shell is not None:
                self.shell.no_display_left()

    def attach(self, parts: ShellParts) -> None:
        """Take a shell in; a display that is there already is switched to again."""
        self.shell = parts
        if self.current is not None:
            self.switch(self.current)

    def detach(self) -> None:
        """Let the shell go and put back what was changed in this process. Displays stay."""
        if self.shell is not None:
            self.shell.no_display_left()
            self.shell.close()
            self.shell = None
        self.environment.undo()

    def _attach_shell(self) -> None:
        if self.shell is None and (shell := _ipython()) is not None:
            from jupyter_xdisplay.kernel.shell import ShellParts

            self.attach(ShellParts(shell, self))

    def _taken(self, info: DisplayInfo) -> Display:
        known = self._displays.get(info.name)
        if known is None or known.id != info.id:
            if info.state == "ended":
                return Display(self, info)
            if known is not None and known in self._active:
                self._active.remove(known)
            known = self._displays[info.name] = Display(self, info)
        known.update(info)
        return known

    def _why_ended(self, name: str) -> list[str]:
        """Say why the former display of this name is gone, if nobody asked for its end."""
        known = self._displays.get(name)
        if known is not None:
            former = known.info
        else:
            # A kernel that was restarted, perhaps because its X server took it along.
            infos = [info for info in self.host.list() if info.name == name]
            if not infos or any(info.state != "ended" for info in infos):
                return []
            former = infos[-1]
        if former.state != "ended" or former.reason == STOPPED:
            return []
        return describe.replaced(former)

    def _check_ours(self) -> None:
        if not self.is_ours():
            raise UsageError(
                "This display belongs to the process that this one was forked from.",
                fix="start an own one here: jupyter_xdisplay.display(name=…)",
            )

    def _at_exit(self) -> None:
        """End what a manager inside this process keeps.

        Except the displays that this process is connected to: toolkits close their connections
        after this, and would report a broken one. Their sidecars end with this process.
        """
        if not self.is_ours() or self._host is None or not self._host.is_this_process:
            return
        from jupyter_xdisplay.sidecar.client import SidecarClient

        for display in self._displays.values():
            try:
                client = SidecarClient(display.known_info.socket)
                if self._pid not in client.info().clients:
                    client.stop()
            except XDisplayError:
                continue


def _forget(info: DisplayInfo) -> None:
    """Drop a DISPLAY that this process was started with when that display itself is gone."""
    if os.environ.get("DISPLAY") == info.display:
        del os.environ["DISPLAY"]
        if os.environ.get("XAUTHORITY") == info.xauthority:
            del os.environ["XAUTHORITY"]


def _ipython() -> Any | None:
    """Return the IPython shell of this process, if there is one, without importing IPython."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


_session: Session | None = None
_session_lock = threading.Lock()


def get_session() -> Session:
    """Return the session of this process."""
    global _session  # noqa: PLW0603
    with _session_lock:
        if _session is None:
            _session = Session()
        return _session


def _after_fork_in_child() -> None:
    global _session, _session_lock  # noqa: PLW0603
    _session = None
    _session_lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork_in_child)
