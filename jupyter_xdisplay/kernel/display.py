"""A display of this process: what `display()` returns.

::

    import jupyter_xdisplay as xd

    with xd.display(size="800x600") as d:
        d.run("glxgears")
        d.snapshot("gears.png")
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import DisplayEnded, Unreachable
from jupyter_xdisplay.kernel import environ, programs
from jupyter_xdisplay.kernel.automation.images import picture
from jupyter_xdisplay.kernel.sizes import read_size

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    import PIL.Image

    from jupyter_xdisplay.kernel.automation.conditions import Title
    from jupyter_xdisplay.kernel.automation.window import Window
    from jupyter_xdisplay.kernel.session import Session
    from jupyter_xdisplay.kernel.sizes import SizeLike
    from jupyter_xdisplay.sidecar.client import SidecarClient
    from jupyter_xdisplay.spec import DisplayInfo, Size, ViewerInfo, VncAccess, WindowInfo


class Display:
    """A display of this process. Made by `api.display`, never directly.

    As a context manager it is stopped at the end, and the environment is as it was before.
    """

    def __init__(self, session: Session, info: DisplayInfo) -> None:
        self._session = session
        self._info = info
        self._windows: weakref.WeakValueDictionary[tuple[int, int], Window]
        self._windows = weakref.WeakValueDictionary()

    @property
    def id(self) -> str:
        """Its id: another one after every start."""
        return self._info.id

    @property
    def name(self) -> str:
        """Its name."""
        return self._info.name

    @property
    def known_info(self) -> DisplayInfo:
        """What was last known about it, without asking."""
        return self._info

    @property
    def info(self) -> DisplayInfo:
        """Everything about it, as it is now. `state` is "ended" when it is gone."""
        if self._info.state == "ended":
            return self._info
        try:
            self.update(self._sidecar().info())
        except Unreachable:
            self.update(self._session.last_words(self._info))
        return self._info

    def info_now(self) -> DisplayInfo:
        """Return everything about it; raise DisplayEnded when it is gone."""
        with self.asked() as sidecar:
            self.update(sidecar.info())
        return self._info

    @property
    def size(self) -> Size:
        """Width and height in pixels, as they are now."""
        return self.info.size

    def windows(self) -> list[Window]:
        """Return the top-level windows that are open now, dialogs too; the oldest first."""
        return [self.window_of(info) for info in self.info.windows]

    def window_of(self, info: WindowInfo) -> Window:
        """Return the object of a window, the same one as long as somebody has it."""
        from jupyter_xdisplay.kernel.automation.window import Window

        window = self._windows.setdefault((info.id, info.pid), Window(self, info))
        window.known_info = info
        return window

    def window(self, title: Title | None = None, *, timeout_s: float = 10.0) -> Window:
        """Wait for a window and return it, the newest where there are several.

        `title` is a text that its title contains, or a compiled regular expression that is found
        in it; None for any window.

        Raises
        ------
        WindowNotFound
            When none came; the message names those that are open.
        DisplayEnded
            When the display is gone.
        """
        from jupyter_xdisplay.kernel.automation.finding import wait_for_window

        return wait_for_window(self, title, timeout_s)

    def viewers(self) -> list[ViewerInfo]:
        """Return what each viewer gets now: frames and bytes a second, round trip, what is used.

        x11vnc tells nothing of its viewers; `info.viewers` counts them.

        Raises
        ------
        DisplayEnded
            When the display is gone.
        """
        with self.asked() as sidecar:
            return sidecar.viewers()

    def vnc(
        self,
        port: int | None = None,
        *,
        listen: str | None = None,
        password: str | None = None,
        view_only: bool = False,
    ) -> VncAccess:
        """Open a TCP port for VNC viewers; return its `address`, `port` and `password`.

        Where it is open already it is only told of again.

        Parameters
        ----------
        port
            By default the first free one from 5900 plus the display's number.
        listen
            An IP address of this machine. Without it only this machine itself can connect; with
            one that others can reach a password of your own is needed. VNC is not encrypted.
        password
            6 to 8 characters; by default a random one is made.
        view_only
            Let viewers only look.

        Raises
        ------
        UsageError
            When it cannot be opened so, or is open otherwise already.
        ProgramMissing
            When the package that VNC passwords need is not installed.
        """
        with self.asked() as sidecar:
            return sidecar.open_vnc(
                port=port, listen=listen, password=password, view_only=view_only
            )

    def stop_vnc(self) -> None:
        """Close the VNC port; its viewers are disconnected. Without one nothing happens."""
        with self.asked() as sidecar:
            self._info = sidecar.close_vnc()

    def png(self) -> bytes:
        """Return the whole screen as PNG.

        Raises
        ------
        DisplayEnded
            When the display is gone.
        """
        with self.asked() as sidecar:
            return sidecar.screenshot()

    def snapshot(self, file: str | os.PathLike[str] | None = None) -> PIL.Image.Image:
        """Return the whole screen as a Pillow image, and write it to `file` where one is given.

        Raises
        ------
        UsageError
            When the file cannot be written, or its suffix names no format of images.
        DisplayEnded
            When the display is gone.
        """
        return picture(self.png(), file)

    def resize(self, size: SizeLike) -> Size:
        """Give the screen another size in pixels; return the one that it has then.

        Raises
        ------
        UsageError
            When it cannot have this size.
        """
        with self.asked() as sidecar:
            self._info = sidecar.resize(read_size(size))
        return self._info.size

    def show(self) -> None:
        """Show it live in the notebook, under the cell that runs.

        Raises
        ------
        UsageError
            When there is no notebook.
        """
        self._session.show(self)

    def run(self, program: str | Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on this display, in a session of its own: no interrupt reaches it.

        Parameters
        ----------
        program
            The program and its arguments, as a list or as one line.
        options
            More options for `subprocess.Popen`.

        Raises
        ------
        ProgramMissing
            When it is not installed; the error names the command that installs it.
        DisplayEnded
            When the display is gone.
        """
        return self.start_program(program, keep_output=False, **options).popen

    def start_program(
        self, program: str | Sequence[str], *, keep_output: bool, **options: Any
    ) -> programs.Program:
        """Start a program as `run` does; see `programs.start`."""
        arguments = shlex.split(program) if isinstance(program, str) else list(program)
        if self.info.state != "running":
            raise self._gone()
        environment = self.environment(options.pop("env", os.environ))
        return programs.start(arguments, environment, keep_output=keep_output, **options)

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return `base` changed so that windows appear on this display."""
        changed = dict(base)
        for change in environ.plan(base, self._info.display, self._info.xauthority):
            if change.value is None:
                changed.pop(change.variable, None)
            else:
                changed[change.variable] = change.value
        return changed

    def stop(self, *, force: bool = False) -> DisplayInfo:
        """End it, with all windows on it; return it as it is then.

        A display that this process itself has windows on is parked instead (state "parked"):
        its end would be the end of this process. `force` ends it all the same.
        """
        return self._session.stop(self, force=force)

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session.is_ours():
            self.stop()

    def __repr__(self) -> str:
        info = self._info
        return f"<Display {info.name!r} {info.display} {info.size} {info.state}>"

    def _ipython_display_(self) -> None:
        if self._session.has_notebook() and self.info.state == "running":
            self.show()
        else:
            print(repr(self))  # noqa: T201

    def ended(self, reason: str, fix: str | None = None) -> None:
        """Note that it is gone."""
        self.update(dataclasses.replace(self._info, state="ended", reason=reason, fix=fix))

    def update(self, info: DisplayInfo) -> None:
        """Take over what the host says about it."""
        self._info = info
        if info.state != "running":
            for window in list(self._windows.values()):
                window.disconnect()

    @contextmanager
    def asked(self) -> Iterator[SidecarClient]:
        """Give the sidecar to ask; one that is gone is DisplayEnded, with the reason."""
        try:
            yield self._sidecar()
        except Unreachable as error:
            raise self._gone() from error

    def _sidecar(self) -> SidecarClient:
        from jupyter_xdisplay.sidecar.client import SidecarClient

        if self._info.state == "ended":
            raise Unreachable(self._info.reason or "The display has ended.")
        return SidecarClient(self._info.socket)

    def _gone(self) -> DisplayEnded:
        info = self.info
        if info.state == "parked":
            return DisplayEnded(f"The display {info.name!r} is parked.", fix="%xdisplay start")
        return DisplayEnded(
            f"The display {info.name!r} has ended: {info.reason or 'it does not answer.'}",
            fix=info.fix or f"%xdisplay start --name {info.name}",
            log=list(info.log),
        )
