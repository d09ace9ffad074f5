"""Notebook files hold a picture of each display; pages get the live view while it lives.

The live view is a widget, of a whole screen or of one window. Without its model a front end shows
an error in its place, even where a PNG lies beside it (JupyterLab 4.6 with a new kernel). So a
notebook that is saved gets the screen or the window as it is at that moment, also while the kernel
is busy, and a small reference in place of the widget; a notebook that is read gets the widget back
where its display, its window and its model are alive.
"""

from __future__ import annotations

import base64
import inspect
import json
import time
from collections.abc import Awaitable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from tornado.web import HTTPError

from jupyter_xdisplay.errors import DisplayNotFound, XDisplayError
from jupyter_xdisplay.kernel_protocol import METADATA_KEY, VIEW_MIME
from jupyter_xdisplay.png import is_single_colour
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.runtime.pictures import Subject
from jupyter_xdisplay.server.pictures import compact, decoded

REFERENCE_KEY = "view"
PICTURE_MIME = "image/png"
TIMEOUT_S = 1.5
"""A save waits no longer for all its pictures, and with it the whole server."""

Outputs = Iterable[tuple[dict[str, Any], dict[str, Any]]]
"""The mark and the MIME bundle of each output that is ours."""

AT_ONCE = 8
"""Pictures that are asked for at one time."""


class Stills:
    """Hooks into a contents manager.

    Parameters
    ----------
    manager
        The displays.
    """

    def __init__(self, manager: DisplayManager) -> None:
        self._manager = manager

    def attach(self, contents_manager: Any) -> None:
        """Follow what is saved (a pre-save hook) and what is read (there is no hook for that)."""
        contents_manager.register_pre_save_hook(self.before_save)
        read = contents_manager.get

        def read_with_views(*args: Any, **kwargs: Any) -> Any:
            model = read(*args, **kwargs)
            return self._revive_later(model) if inspect.isawaitable(model) else self.revive(model)

        contents_manager.get = read_with_views

    def before_save(
        self, *, model: dict[str, Any], path: str = "", contents_manager: Any = None, **_: Any
    ) -> None:
        """Put pictures and references into a notebook model, in place."""
        outputs = list(_display_outputs(model))
        for mark, data in outputs:
            view = data.pop(VIEW_MIME, None)
            if view is not None:
                mark[REFERENCE_KEY] = view
        self._put_pictures(outputs)
        bare = [
            (mark, data)
            for mark, data in outputs
            if PICTURE_MIME not in data and mark.get("picture", True)
        ]
        if bare:
            _take_over(bare, _saved(contents_manager, path))

    def revive(self, model: dict[str, Any]) -> dict[str, Any]:
        """Put live views back into a notebook model where they can live; return the model.

        What has ended since the save, while no page was there to be told, gets its last picture.
        """
        over: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for mark, data in _display_outputs(model):
            view = mark.get(REFERENCE_KEY)
            if isinstance(view, dict) and self._is_alive(mark):
                data[VIEW_MIME] = view
            else:
                over.append((mark, data))
        self._put_pictures(over)
        return model

    async def _revive_later(self, model: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        return self.revive(await model)

    def _put_pictures(self, outputs: Outputs) -> None:
        """Put the newest pictures into outputs, in place."""
        wanted = [(_shown(mark), data) for mark, data in outputs if mark.get("picture", True)]
        pictures = self._pictures(shown for shown, _ in wanted if shown is not None)
        for shown, data in wanted:
            picture = pictures.get(shown)
            if picture is None:
                continue  # another server's display, or long gone: the picture there stays
            if is_single_colour(picture) and not is_single_colour(decoded(data.get(PICTURE_MIME))):
                continue
            data[PICTURE_MIME] = base64.b64encode(picture).decode() + "\n"

    def _pictures(self, wanted: Iterable[Subject]) -> dict[Subject | None, bytes]:
        """Return the pictures that are there in time, each asked for once."""
        end = time.monotonic() + TIMEOUT_S
        found: dict[Subject | None, bytes] = {}

        def take(shown: Subject) -> None:
            timeout_s = max(0.01, end - time.monotonic())
            with suppress(XDisplayError):
                display_id, window, pid = shown
                found[shown] = self._manager.still(display_id, timeout_s, window=window, pid=pid)
                found[shown] = compact(found[shown])  # if there is the time, else the next time

        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="still")
        wait([threads.submit(take, shown) for shown in dict.fromkeys(wanted)], TIMEOUT_S)
        threads.shutdown(wait=False, cancel_futures=True)
        return dict(found)

    def _is_alive(self, mark: dict[str, Any]) -> bool:
        """Tell whether the display runs, the window, and the process that has the model."""
        shown = _shown(mark)
        if shown is None:
            return False
        try:
            info = self._manager.get(shown.display_id)
        except DisplayNotFound:
            return False
        windows = [window for window in info.windows if window.id == shown.window]
        if shown.window and not any(shown.pid in {0, window.pid} for window in windows):
            return False
        process = self._manager.kernel_processes.get(info.kernel_id or "")
        return info.state == "running" and process is not None and process == mark.get("process")


def _take_over(bare: Outputs, saved: dict[str, Any]) -> None:
    """Keep the pictures that a file has of what is gone: the page knows only the live view."""
    former = {_shown(mark): data.get(PICTURE_MIME) for mark, data in _display_outputs(saved)}
    for mark, data in bare:
        picture = former.get(_shown(mark))
        if picture is not None:
            data[PICTURE_MIME] = picture


def _saved(contents_manager: Any, path: str) -> dict[str, Any]:
    """Return the notebook that a file holds, where the contents manager keeps files here."""
    content = None
    with suppress(AttributeError, OSError, ValueError, HTTPError):
        content = json.loads(Path(contents_manager._get_os_path(path)).read_text())  # noqa: SLF001
    return {"type": "notebook", "content": content}


def _display_outputs(model: dict[str, Any]) -> Outputs:
    """Yield our mark and the MIME bundle of each output of a notebook (nbformat 4) with one."""
    content = model.get("content")
    if model.get("type") != "notebook" or not isinstance(content, dict):
        return
    for cell in _objects(content.get("cells")):
        for output in _objects(cell.get("outputs")):
            metadata, data = output.get("metadata"), output.get("data")
            mark = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
            if isinstance(mark, dict) and isinstance(data, dict):
                yield mark, data


def _shown(mark: dict[str, Any]) -> Subject | None:
    """Return what a mark names; None for a damaged one."""
    display_id, window, pid = mark.get("display_id"), mark.get("window", 0), mark.get("pid", 0)
    if isinstance(display_id, str) and _is_number(window) and _is_number(pid):
        return Subject(display_id, int(window), int(pid))
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 32


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list: a notebook that is read need not be a valid one."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
