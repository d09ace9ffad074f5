"""A page of its own for one window, or for a whole display: what "pop out" opens."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.escape import xhtml_escape

from jupyter_xdisplay import __version__
from jupyter_xdisplay.errors import DisplayNotFound
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.handlers import RESOURCE
from jupyter_xdisplay.server.tunnel import WINDOW_PATTERN
from jupyter_xdisplay.spec import DisplayInfo

# Only data is inline; it is not executed, so no Content-Security-Policy is in its way.
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/x-icon" href="{icon}">
<script id="jupyter-config-data" type="application/json">{config}</script>
<script id="xdisplay-data" type="application/json">{data}</script>
<script type="module" src="{script}"></script>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
</body>
</html>
"""


class ViewPage(JupyterHandler):
    """The page."""

    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    def get(self, display_id: str) -> None:
        """Send it; `?window=ID&pid=PID` is a window of that process, else it is the whole display.

        Without `pid` it is the window of whoever has that ID now.
        """
        manager: DisplayManager = self.settings["xdisplay_manager"]
        window, pid = self._number("window"), self._number("pid")
        try:
            info = manager.get(display_id)
        except DisplayNotFound as error:
            raise web.HTTPError(404, str(error)) from error
        _ = self.xsrf_token  # sets its cookie, which the view sends back to resize and to close
        config = {"baseUrl": self.base_url, "wsUrl": self.ws_url}
        script = url_path_join(self.base_url, "static/jupyter_xdisplay/page.js")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(
            PAGE.format(
                title=xhtml_escape(_title(info, window)),
                icon=xhtml_escape(self.static_url("favicon.ico")),
                config=_inline(config),
                data=_inline({"info": info.to_json(), **_subject(manager, info, window, pid)}),
                script=xhtml_escape(f"{script}?v={__version__}"),
            )
        )

    def _number(self, name: str) -> int:
        text = self.get_query_argument(name, "0")
        if WINDOW_PATTERN.fullmatch(text) is None:
            raise web.HTTPError(400, f"{name} is a number, not {text!r}.")
        return int(text)


def _subject(manager: DisplayManager, info: DisplayInfo, window: int, pid: int) -> dict[str, Any]:
    """Return what the page shows: a window, its process, and whether that is the kernel's own."""
    pid = pid or next((known.pid for known in info.windows if known.id == window), 0)
    own = pid != 0 and pid == manager.kernel_pids.get(info.kernel_id or "")
    return {"window": window, "pid": pid, "own": own}


def _title(info: DisplayInfo, window: int) -> str:
    for known in info.windows:
        if known.id == window:
            return known.title or known.wm_class
    return f"X display {info.name}"


def _inline(value: dict[str, Any]) -> str:
    """Return JSON that cannot end the element that it is in, whatever a window calls itself."""
    return json.dumps(value).replace("<", "\\u003c")


PAGES: list[tuple[str, Any]] = [
    (r"xdisplay/view/([0-9a-f]{12})", ViewPage),
]
