"""REST for single windows; described in `rest-api.yml`."""

from __future__ import annotations

import json
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.server.handlers import DisplayAPIHandler
from jupyter_xdisplay.server.recordings import RecordingInfo, Recordings
from jupyter_xdisplay.spec import DisplaySpec


class WindowHandler(DisplayAPIHandler):
    """One top-level window."""

    @web.authenticated
    @authorized
    async def get(self, display_id: str, window: str) -> None:
        """Send it as PNG; `?pid=PID` for that of this process."""
        pid = self.number_argument("pid")
        picture = await self.displays.screenshot(display_id, window=int(window), pid=pid)
        self.set_header("Cache-Control", "no-store")
        self.finish(picture, set_content_type="image/png")

    @web.authenticated
    @authorized
    async def post(self, display_id: str, window: str) -> None:
        """Ask its program for another size."""
        size = DisplaySpec.from_json(self.json_object()).size
        if size is None:
            raise UsageError("The body names no size.", fix='send {"size": "640x480"}')
        self.answer(await self.displays.resize_window(display_id, int(window), size))

    @web.authenticated
    @authorized
    async def delete(self, display_id: str, window: str) -> None:
        """Ask its program to close it; `?force=1` ends the program."""
        force = self.get_query_argument("force", "0") == "1"
        self.answer(await self.displays.close_window(display_id, int(window), force=force))


class RecordingHandler(DisplayAPIHandler):
    """The newest recording of a window."""

    @property
    def recordings(self) -> Recordings:
        """All of them."""
        recordings: Recordings = self.settings["xdisplay_recordings"]
        return recordings

    @web.authenticated
    @authorized
    async def post(self, display_id: str, window: str) -> None:
        """Begin one, for who may write files, too."""
        user = self.current_user
        if not await ensure_async(self.authorizer.is_authorized(self, user, "write", "contents")):
            raise web.HTTPError(403)
        info = await self.recordings.start(display_id, int(window), self.json_object())
        self.set_status(202)
        self._tell(info)

    @web.authenticated
    @authorized
    async def get(self, display_id: str, window: str) -> None:
        """Tell how it is."""
        self._tell(self.recordings.get(display_id, int(window)))

    @web.authenticated
    @authorized
    async def delete(self, display_id: str, window: str) -> None:
        """End it now; what there is will be kept."""
        self._tell(self.recordings.stop(display_id, int(window)))

    def _tell(self, info: RecordingInfo) -> None:
        self.finish(json.dumps(info.to_json()))


_WINDOW = r"xdisplay/api/displays/([0-9a-f]{12})/windows/([1-9][0-9]{0,9})"
WINDOW_HANDLERS: list[tuple[str, Any]] = [
    (_WINDOW, WindowHandler),
    (_WINDOW + r"/recording", RecordingHandler),
]
