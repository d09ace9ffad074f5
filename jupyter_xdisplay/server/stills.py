"""Notebook files hold a picture of each display; pages get the live view while it lives.

The live view is a widget. Without its model a front end shows an error in its place, even where a
PNG lies beside it (JupyterLab 4.6 with a new kernel). So a notebook that is saved gets the screen
as it is at that moment, also while the kernel is busy, and a small reference in place of the
widget; a notebook that is read gets the widget back where its display and its model are alive.
"""

from __future__ import annotations

import base64
import inspect
from collections.abc import Awaitable, Iterator
from typing import Any

from jupyter_xdisplay.errors import DisplayNotFound, XDisplayError
from jupyter_xdisplay.runtime.manager import DisplayManager

METADATA_KEY = "jupyter_xdisplay"
VIEW_MIME = "application/vnd.jupyter.widget-view+json"
REFERENCE_KEY = "view"
TIMEOUT_S = 1.5
"""A save waits no longer for a picture, and with it the whole server."""


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

    def before_save(self, *, model: dict[str, Any], **_: Any) -> None:
        """Put pictures and references into a notebook model, in place."""
        for mark, data in _display_outputs(model):
            view = data.pop(VIEW_MIME, None)
            if view is not None:
                mark[REFERENCE_KEY] = view
            try:
                picture = self._manager.still(str(mark.get("display_id")), TIMEOUT_S)
            except XDisplayError:
                continue  # another server's display, or long gone: the picture there stays
            data["image/png"] = base64.b64encode(picture).decode() + "\n"

    def revive(self, model: dict[str, Any]) -> dict[str, Any]:
        """Put live views back into a notebook model where they can live; return the model."""
        for mark, data in _display_outputs(model):
            view = mark.get(REFERENCE_KEY)
            if isinstance(view, dict) and self._is_alive(mark):
                data[VIEW_MIME] = view
        return model

    async def _revive_later(self, model: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        return self.revive(await model)

    def _is_alive(self, mark: dict[str, Any]) -> bool:
        """Tell whether the display runs, and the kernel process that has the widget's model."""
        try:
            info = self._manager.get(str(mark.get("display_id")))
        except DisplayNotFound:
            return False
        process = self._manager.kernel_processes.get(info.kernel_id or "")
        return info.state == "running" and process is not None and process == mark.get("process")


def _display_outputs(model: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
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


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list: a notebook that is read need not be a valid one."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
