"""REST for browsers and tools; described in `rest-api.yml`.

Every request passes Jupyter's identity provider, its authorizer (resource `xdisplay`) and its
XSRF and origin checks.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_xdisplay.errors import DisplayEnded, UsageError
from jupyter_xdisplay.json_handler import JSONHandler
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.spec import DisplaySpec

RESOURCE = "xdisplay"


class DisplayAPIHandler(JSONHandler, APIHandler):
    """Base of the REST handlers."""

    auth_resource = RESOURCE

    @property
    def displays(self) -> DisplayManager:
        """The manager."""
        manager: DisplayManager = self.settings["xdisplay_manager"]
        return manager


class DisplaysHandler(DisplayAPIHandler):
    """All displays."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List them; `?kernel_id=` narrows."""
        self.answer(self.displays.list_displays(self.get_query_argument("kernel_id", None)))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Start one, for a kernel or for none."""
        body = self.json_object()
        kernel_id = body.pop("kernel_id", None)
        if kernel_id is not None and not self._has_kernel(kernel_id):
            raise UsageError(f"There is no kernel {kernel_id!r}.", fix="GET api/kernels lists them")
        info = await self.displays.create(DisplaySpec.from_json(body), kernel_id)
        self.set_status(201)
        self.answer(info)

    def _has_kernel(self, kernel_id: object) -> bool:
        return isinstance(kernel_id, str) and kernel_id in self.kernel_manager


class DisplayHandler(DisplayAPIHandler):
    """One display."""

    @web.authenticated
    @authorized
    async def get(self, display_id: str) -> None:
        """Describe it."""
        self.answer(self.displays.get(display_id))

    @web.authenticated
    @authorized
    async def delete(self, display_id: str) -> None:
        """End it, or park it where its kernel's process is connected (`?force=1` ends)."""
        force = self.get_query_argument("force", "0") == "1"
        self.answer(await self.displays.stop(display_id, force=force))


class ViewersHandler(DisplayAPIHandler):
    """The viewers of a display."""

    @web.authenticated
    @authorized
    async def get(self, display_id: str) -> None:
        """Tell what each of them gets."""
        self.answer(await self.displays.viewers(display_id))


class ScreenshotHandler(DisplayAPIHandler):
    """The picture of a screen."""

    @web.authenticated
    @authorized
    async def get(self, display_id: str) -> None:
        """Send it as PNG."""
        picture = await self.displays.screenshot(display_id)
        self.set_header("Cache-Control", "no-store")
        self.finish(picture, set_content_type="image/png")


class ResizeHandler(DisplayAPIHandler):
    """The size of a screen."""

    @web.authenticated
    @authorized
    async def post(self, display_id: str) -> None:
        """Change it."""
        spec = DisplaySpec.from_json(self.json_object())
        if spec.size is None:
            raise UsageError("The body names no size.", fix='send {"size": "1280x720"}')
        info = self.displays.get(display_id)
        if info.state == "ended":
            raise DisplayEnded(f"This display has ended. {info.reason}", fix=info.fix)
        self.answer(await self.displays.resize(display_id, spec))


_ID = r"xdisplay/api/displays/([0-9a-f]{12})"
HANDLERS: list[tuple[str, Any]] = [
    (r"xdisplay/api/displays", DisplaysHandler),
    (_ID, DisplayHandler),
    (_ID + r"/viewers", ViewersHandler),
    (_ID + r"/screenshot", ScreenshotHandler),
    (_ID + r"/resize", ResizeHandler),
]
