"""Recordings of windows: taken in threads, written into the folder of the kernel's notebook."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import re
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from tornado.web import HTTPError
from traitlets.config import LoggingConfigurable

from jupyter_xdisplay import recording
from jupyter_xdisplay.errors import LimitReached, UsageError, WindowNotFound, XDisplayError
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.sidecar.rfb_viewer import RfbViewer, StreamEnded
from jupyter_xdisplay.spec import WindowInfo

MAX_SECONDS = 120
AT_ONCE = 4
REMEMBERED = 100
CLOSE_S = 5.0
FPS = {"gif": 10.0, "mp4": 30.0}
MOST_PIXELS = {"gif": 128_000_000, "mp4": 600_000_000}
"""Of all frames together: those of a GIF are in memory when it is written, the others in a file.
Long recordings of large windows have fewer frames a second."""

TITLE_MAX = 40


@dataclasses.dataclass(frozen=True)
class RecordingInfo:
    """A recording as it is; `path` is that of the contents manager, `seconds` what was asked."""

    state: str
    path: str
    seconds: float
    message: str | None = None
    fix: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return dataclasses.asdict(self)


@dataclasses.dataclass
class _Entry:
    info: RecordingInfo
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None


class Recordings(LoggingConfigurable):
    """All recordings of this server; the newest of each window is remembered.

    Parameters
    ----------
    manager
        The displays.
    contents_manager
        Takes the files.
    session_manager
        Knows which notebook a kernel belongs to.
    """

    def __init__(
        self, manager: DisplayManager, contents_manager: Any, session_manager: Any
    ) -> None:
        super().__init__(parent=manager)
        self._manager = manager
        self._contents = contents_manager
        self._sessions = session_manager
        self._entries: dict[tuple[str, int], _Entry] = {}
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="recording")

    async def start(self, display_id: str, window: int, asked: dict[str, Any]) -> RecordingInfo:
        """Begin to record a window.

        Raises
        ------
        UsageError
            When `asked` makes no sense, or the window is recorded already.
        ProgramMissing
            When what writes that format is not installed.
        LimitReached
            When `AT_ONCE` windows are recorded already.
        WindowNotFound
            When there is no such window.
        """
        kind, seconds = _read_request(asked)
        info = self._manager.get(display_id)
        known = next((one for one in info.windows if one.id == window), None)
        if known is None:
            raise WindowNotFound(f"There is no window {window:#x} on this display any more.")
        most = MOST_PIXELS[kind] / (known.width * known.height)
        most = min(most, recording.MOST_FRAMES[f".{kind}"] - 1)
        fps = min(FPS[kind], most / seconds)
        recording.check(Path(tempfile.gettempdir()) / f"recording.{kind}", seconds, fps)
        path = await self._free_path(info.kernel_id, f"{_name(known)}.{kind}")
        running = [entry for entry in self._entries.values() if entry.info.state == "running"]
        if self._entries.get((display_id, window)) in running:
            raise UsageError("This window is being recorded.", fix="DELETE ends that recording")
        if len(running) >= AT_ONCE:
            raise LimitReached(f"{AT_ONCE} windows are being recorded.", fix="end one of them")
        entry = _Entry(RecordingInfo("running", path, seconds))
        self._entries.pop((display_id, window), None)
        self._entries[display_id, window] = entry
        client = SidecarClient(info.socket)
        entry.task = asyncio.create_task(self._record(entry, client, window, kind, fps))
        self._forget_old()
        return entry.info

    def get(self, display_id: str, window: int) -> RecordingInfo:
        """Return the newest recording of a window; raise WindowNotFound when there is none."""
        return self._entry(display_id, window).info

    def stop(self, display_id: str, window: int) -> RecordingInfo:
        """End a recording soon, and keep what there is. Idempotent."""
        entry = self._entry(display_id, window)
        entry.stop.set()
        return entry.info

    async def close(self) -> None:
        """End all recordings, and give them a moment to be written."""
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        for entry in self._entries.values():
            entry.stop.set()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_S)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _entry(self, display_id: str, window: int) -> _Entry:
        self._manager.get(display_id)
        entry = self._entries.get((display_id, window))
        if entry is None:
            raise WindowNotFound(f"No recording of window {window:#x} has been made.")
        return entry

    async def _record(
        self, entry: _Entry, client: SidecarClient, window: int, kind: str, fps: float
    ) -> None:
        """Take it, write it, and put it where the contents manager keeps files."""
        loop = asyncio.get_running_loop()
        info, outcome = entry.info, {"state": "failed", "message": "The recording broke off."}
        try:
            with tempfile.TemporaryDirectory(prefix="xdisplay-") as folder:
                file = Path(folder) / f"recording.{kind}"
                await loop.run_in_executor(
                    self._threads, _take, client, window, file, info.seconds, fps, entry.stop
                )
                content = base64.b64encode(file.read_bytes()).decode()
            model = {"type": "file", "format": "base64", "content": content}
            await ensure_async(self._contents.save(model, info.path))
            outcome = {"state": "done"}
        except XDisplayError as error:
            outcome.update(message=error.message, fix=error.fix or "")
        except (HTTPError, OSError) as error:
            reason = getattr(error, "log_message", None) or str(error)
            outcome["message"] = f"{info.path} cannot be written: {reason}"
        finally:
            entry.info = dataclasses.replace(info, **outcome)  # type: ignore[arg-type]
            self.log.info("Recording %s: %s", info.path, outcome)

    async def _free_path(self, kernel_id: str | None, name: str) -> str:
        """Return a path beside the kernel's notebook, else at the root, that is not taken."""
        folder = ""
        for session in await ensure_async(self._sessions.list_sessions()):
            if kernel_id is not None and session["kernel"]["id"] == kernel_id:
                folder = session["path"].rpartition("/")[0]
        free = await ensure_async(self._contents.increment_filename(name, folder, insert="-"))
        path = f"{folder}/{free}".lstrip("/")
        if path in {entry.info.path for entry in self._entries.values()}:
            stem, dot, suffix = path.rpartition(".")
            path = f"{stem}-{time.monotonic_ns() % 1_000_000}{dot}{suffix}"
        return path

    def _forget_old(self) -> None:
        over = [key for key, entry in self._entries.items() if entry.info.state != "running"]
        for key in over[: max(0, len(over) - REMEMBERED)]:
            del self._entries[key]


def _take(
    client: SidecarClient,
    window: int,
    file: Path,
    seconds: float,
    fps: float,
    stop: threading.Event,
) -> None:
    """Record until the time is over, the window closes, or it is told to stop; write the file."""
    most = MOST_PIXELS[file.suffix[1:]]
    with recording.Recording() as taken:
        try:
            with closing(RfbViewer(client.open_rfb(window=window, view_only=True))) as viewer:
                taken.follow(
                    viewer.picture,
                    seconds,
                    fps,
                    lambda pause_s: stop.wait(pause_s) or taken.pixels >= most,
                )
        except StreamEnded as error:
            if not taken.frames:
                raise WindowNotFound("The window closed before it was recorded.") from error
        taken.save(file, max(taken.lasted_s, 1 / fps), fps)


def _read_request(asked: dict[str, Any]) -> tuple[str, float]:
    """Return format and seconds of a request's body."""
    kind, seconds = asked.get("format", "gif"), asked.get("seconds", 10)
    if unknown := sorted(set(asked) - {"format", "seconds"}):
        raise UsageError(f"unknown field {unknown[0]!r}.", fix="known fields: format, seconds")
    if not isinstance(kind, str) or kind not in FPS:
        raise UsageError(f"{kind!r} is no format of recordings.", fix="use gif or mp4")
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 < seconds <= MAX_SECONDS:
        raise UsageError(f"{seconds!r} s cannot be recorded.", fix=f"use up to {MAX_SECONDS} s")
    return kind, float(seconds)


def _name(window: WindowInfo) -> str:
    """Return a file name without its suffix: letters and digits of the title, and the time."""
    title = re.sub(r"[\W_]+", "-", window.title or window.wm_class)[:TITLE_MAX].strip("-")
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return "-".join(filter(None, ["xdisplay", title, now]))
