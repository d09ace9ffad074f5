"""The manager of displays: makes, finds and ends them; the same in the server and in a kernel."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import Any

from traitlets import Any as Any_
from traitlets import Float, Instance, Int, default
from traitlets.config import LoggingConfigurable

from jupyter_xdisplay.errors import (
    DisplayNotFound,
    LimitReached,
    Unreachable,
    XDisplayError,
)
from jupyter_xdisplay.latest import Latest
from jupyter_xdisplay.runtime.base import Runtime
from jupyter_xdisplay.runtime.kept_display import KeptDisplay, with_price
from jupyter_xdisplay.runtime.local import LocalRuntime
from jupyter_xdisplay.runtime.pictures import Pictures, Subject
from jupyter_xdisplay.sidecar.client import watch
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, Size, ViewerInfo, check_container

ENDED_KEPT = 100
"""Ended displays that are remembered, so that views and kernels can be told why."""

SCREENSHOT_TIMEOUT_S = 30.0
LAST_PICTURES_S = 2.0
"""A hung program that grabbed the X server must not hold up the end of its display."""


class DisplayManager(LoggingConfigurable):
    """Keeps displays, each for a kernel (or for none) under a name.

    Used from one event loop. All methods raise `XDisplayError`s.
    """

    max_displays = Int(
        16, min=1, help="Most displays at one time. Each is an X server of about 100 MB."
    ).tag(config=True)
    idle_timeout_s = Float(
        0.0,
        min=0.0,
        help="Seconds after which a display that nobody views and no program uses is ended; "
        "0 keeps it as long as its kernel.",
    ).tag(config=True)
    runtime: Any = Instance(LocalRuntime, help="Where displays run.")

    docker: Any = Any_(help="Where displays for other containers run.")

    @default("docker")
    def _default_docker(self) -> Runtime:
        from jupyter_xdisplay.runtime.docker import DockerRuntime

        return DockerRuntime(parent=self)

    @default("runtime")
    def _default_runtime(self) -> LocalRuntime:
        return LocalRuntime(parent=self)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._entries: dict[str, KeptDisplay] = {}
        self._locks: dict[tuple[str | None, str], asyncio.Lock] = {}
        self._starting = 0
        self._pictures = Pictures()
        self.kernel_pids: dict[str, int] = {}
        """The process of each kernel, where it is known: ending its X server would end it."""
        self.kernel_runtimes: dict[str, Runtime] = {}
        """Where the displays of kernels in containers run: beside them."""
        self.kernel_processes: dict[str, str] = {}
        """A name that each kernel process gave itself: other than a pid it is never used again."""

    async def create(self, spec: DisplaySpec, kernel_id: str | None = None) -> DisplayInfo:
        """Return the display of that kernel and name, started where it does not run.

        A parked display is taken into use again; one that has ended is replaced. Size and DPI of
        a running display stay as they are, but for an explicit size: that resizes it.

        Raises
        ------
        LimitReached
            When `max_displays` run already.
        UsageError
            When it runs for the programs of another container.
        XDisplayError
            Whatever did not come up.
        """
        async with self._locks.setdefault((kernel_id, spec.name), asyncio.Lock()):
            entry = self._find(kernel_id, spec.name)
            if entry is not None:
                check_container(entry.info, spec)
                return await self._reuse(entry, spec)
            if len(self._alive()) + self._starting >= self.max_displays:
                raise LimitReached(
                    f"{self.max_displays} displays run already.",
                    fix="end one (%xdisplay list, %xdisplay stop), or raise the setting "
                    "DisplayManager.max_displays",
                )
            self._starting += 1
            try:
                return await self._start(spec, kernel_id)
            finally:
                self._starting -= 1

    def list_displays(self, kernel_id: str | None = None) -> list[DisplayInfo]:
        """Return the displays of a kernel, or all of them; ended ones last."""
        found = [
            entry.info
            for entry in self._entries.values()
            if kernel_id is None or entry.info.kernel_id == kernel_id
        ]
        return sorted(found, key=lambda info: info.state == "ended")

    def get(self, display_id: str) -> DisplayInfo:
        """Return one display; raise DisplayNotFound when it is not kept."""
        return self._entry(display_id).info

    async def watch(self, display_id: str) -> AsyncGenerator[DisplayInfo, None]:
        """Yield one display now and at every change, until it ended."""
        async for info in self._entry(display_id).latest.watch():
            yield info

    async def resize(self, display_id: str, spec: DisplaySpec) -> DisplayInfo:
        """Give a display the size in `spec`; return it as it is then."""
        return await self._reuse(self._entry(display_id), spec)

    async def viewers(self, display_id: str) -> list[ViewerInfo]:
        """Return what each viewer of a display gets; x11vnc tells nothing of its viewers."""
        entry = self._entry(display_id)
        if entry.has_ended:
            return []
        return await asyncio.to_thread(entry.client.viewers)

    async def screenshot(self, display_id: str, *, window: int = 0, pid: int = 0) -> bytes:
        """Return the screen of a display as PNG: the last one taken where it has ended.

        With `window` that top-level window with its dialogs and pop-ups, or its last picture.
        With `pid` the window of that process: X gives the ids of windows again.
        """
        self._entry(display_id)
        return await asyncio.to_thread(self.still, display_id, window=window, pid=pid)

    def still(
        self,
        display_id: str,
        timeout_s: float = SCREENSHOT_TIMEOUT_S,
        *,
        window: int = 0,
        pid: int = 0,
    ) -> bytes:
        """Do what `screenshot` does, blocking: for hooks that cannot wait otherwise."""
        subject = Subject(display_id, window, pid)
        return self._pictures.take(self._entry(display_id), subject, timeout_s)

    async def resize_window(self, display_id: str, window: int, size: Size) -> DisplayInfo:
        """Ask a window's program for another size in pixels; it may choose another."""
        entry = self._entry(display_id)
        return entry.take(await asyncio.to_thread(entry.living_client.resize_window, window, size))

    async def close_window(
        self, display_id: str, window: int, *, force: bool = False
    ) -> DisplayInfo:
        """Ask a window's program to close it.

        With `force` end that program, be it hung or stopped.

        Raises
        ------
        KernelConnected
            When the program that is to be ended is the kernel of the display.
        """
        entry = self._entry(display_id)
        client = entry.living_client
        kernel_pid = self.kernel_pids.get(entry.info.kernel_id or "")
        keep = [kernel_pid] if kernel_pid is not None else []
        info = await asyncio.to_thread(client.close_window, window, force=force, keep=keep)
        return entry.take(info)

    async def stop(self, display_id: str, *, force: bool = False) -> DisplayInfo:
        """End a display; park it where that would end the kernel's own process.

        With `force` it is ended although the kernel's process is connected to it.
        """
        entry = self._entry(display_id)
        if entry.has_ended:
            return entry.info
        kernel_pid = self.kernel_pids.get(entry.info.kernel_id or "")
        if entry.info.container:  # its programs have pids of their own
            kernel_pid = None
        if not force and kernel_pid is not None and await self._connected(entry, kernel_pid):
            self.log.info("Display %s is parked: its kernel is connected to it", display_id)
            return entry.take(await asyncio.to_thread(entry.client.park, [kernel_pid]))
        await self._end(entry)
        return entry.info

    async def clear(self, kernel_id: str) -> None:
        """Close what the programs of a kernel's former process left on its displays."""
        for entry in self._of(kernel_id):
            with suppress(XDisplayError):
                await asyncio.to_thread(entry.client.clear)
                if entry.info.state == "parked":
                    entry.take(await asyncio.to_thread(entry.client.unpark))

    async def forget_kernel(self, kernel_id: str | None) -> None:
        """End all displays of a kernel that is gone; None: those of no kernel."""
        self.kernel_pids.pop(kernel_id or "", None)
        self.kernel_processes.pop(kernel_id or "", None)
        try:
            await self._end_all(self._of(kernel_id))
        finally:
            beside = self.kernel_runtimes.pop(kernel_id or "", None)
            if beside is not None:
                await beside.close()

    async def end_idle(self) -> None:
        """End displays that have been without viewers and programs for `idle_timeout_s`."""
        if not self.idle_timeout_s:
            return
        now = time.monotonic()
        for entry in list(self._entries.values()):
            info = entry.info
            if info.viewers or info.windows or info.clients or info.state == "ended":
                entry.used = now
            elif now - entry.used > self.idle_timeout_s:
                self.log.info("Ending display %s: idle", info.id)
                await self._end(entry)

    async def close(self) -> None:
        """End all displays."""
        await self._end_all(self._entries.values())

    async def _start(self, spec: DisplaySpec, kernel_id: str | None) -> DisplayInfo:
        display_id = uuid.uuid4().hex[:12]
        sidecar = await self._runtime_for(spec, kernel_id).start(display_id, spec)
        info: DisplayInfo = dataclasses.replace(sidecar.info, kernel_id=kernel_id)
        latest = Latest(info)
        follower = asyncio.create_task(self._follow(display_id), name=f"follow {display_id}")
        self._entries[display_id] = KeptDisplay(sidecar, spec, latest, follower)
        self.log.info("Display %s is %s, for kernel %s", display_id, info.display, kernel_id)
        self._drop_old()
        return info

    def _runtime_for(self, spec: DisplaySpec, kernel_id: str | None) -> Runtime:
        """Return where a display is to run: as asked for, else beside its kernel."""
        beside: Runtime | None = self.kernel_runtimes.get(kernel_id or "")
        if spec.container is not None or (spec.runtime == "docker" and beside is None):
            return self.docker  # type: ignore[no-any-return]
        if beside is not None:
            return beside
        return self.runtime  # type: ignore[no-any-return]

    async def _reuse(self, entry: KeptDisplay, spec: DisplaySpec) -> DisplayInfo:
        info = entry.info
        if info.state == "parked":
            info = await asyncio.to_thread(entry.client.unpark)
        if spec.size is not None and spec.size != info.size:
            info = await asyncio.to_thread(entry.client.resize, spec.size)
        entry.used = time.monotonic()
        return entry.take(info)

    async def _follow(self, display_id: str) -> None:
        """Keep the newest state of a display until it ended, then clean up after it."""
        entry = self._entries[display_id]
        pid = self.kernel_pids.get
        why = "Its sidecar ended without a word: it was killed."
        try:
            async for info in watch(entry.info.socket):
                if not entry.has_ended:
                    entry.take(with_price(info, pid(entry.info.kernel_id or "")))
        except Unreachable:
            pass  # it was gone before it was followed
        except XDisplayError as error:
            why = error.message
        except Exception as error:  # it may say anything, and must not count as running then
            why = f"What its sidecar said could not be taken: {error!r}."
            self.log.exception("Display %s is ended", display_id)
        if not entry.has_ended:
            entry.mark_ended(why)
        entry.latest.close()
        await entry.sidecar.end()

    async def _connected(self, entry: KeptDisplay, kernel_pid: int) -> bool:
        with suppress(XDisplayError):
            return kernel_pid in (await asyncio.to_thread(entry.client.info)).clients
        return False

    async def _end_all(self, entries: Iterable[KeptDisplay]) -> None:
        """End displays, each whatever becomes of the others; raise what one of them met."""
        ended = await asyncio.gather(*map(self._end, entries), return_exceptions=True)
        for error in filter(None, ended):
            raise error

    async def _end(self, entry: KeptDisplay) -> None:
        try:
            if not entry.has_ended:
                await asyncio.to_thread(self._pictures.take_all, entry, LAST_PICTURES_S)
        finally:
            if not entry.has_ended:
                entry.mark_ended("It was stopped.")
            try:
                await entry.sidecar.end()
            except BaseException:
                entry.follower.cancel()  # what did not end may go on telling
                raise
            finally:
                await asyncio.wait([entry.follower])

    def _entry(self, display_id: str) -> KeptDisplay:
        entry = self._entries.get(display_id)
        if entry is None:
            raise DisplayNotFound(
                f"There is no display {display_id}.", fix="%xdisplay starts a new one"
            )
        return entry

    def _find(self, kernel_id: str | None, name: str) -> KeptDisplay | None:
        for entry in self._alive():
            info = entry.info
            if (info.kernel_id, info.name) == (kernel_id, name):
                return entry
        return None

    def _of(self, kernel_id: str | None) -> list[KeptDisplay]:
        return [entry for entry in self._alive() if entry.info.kernel_id == kernel_id]

    def _alive(self) -> list[KeptDisplay]:
        return [entry for entry in self._entries.values() if not entry.has_ended]

    def _drop_old(self) -> None:
        ended = [key for key, entry in self._entries.items() if entry.has_ended]
        for key in ended[: max(0, len(ended) - ENDED_KEPT)]:
            del self._entries[key]
