"""The page of its own for one window, or for a whole display."""

from __future__ import annotations

import html.parser
import json

import pytest

from jupyter_xdisplay.spec import DisplayInfo
from tests.server.real_server import JupyterServer
from tests.waiting import wait_until
from tests.xclient import running

UNKNOWN = "0123456789ab"
EVIL_TITLE = "</title></script><script>alert('x')</script><!--<script>"


@pytest.fixture
def info(server: JupyterServer) -> DisplayInfo:
    """Give a display."""
    return DisplayInfo.from_json(server.display(size="800x600"))


class _Page(html.parser.HTMLParser):
    """The parts of a page that a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.scripts: list[dict[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note scripts, and where text belongs."""
        self._open = tag
        if tag == "script":
            self.scripts.append(dict(attrs))
            self._open = str(dict(attrs).get("id"))

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        """Text after an element is nobody's."""
        self._open = ""


def test_a_page_for_a_window(server: JupyterServer, info: DisplayInfo) -> None:
    """It has the view's code, what that needs to know, and the window's title, harmless."""
    with running(info, "window", "--title", EVIL_TITLE):
        (known,) = wait_until(lambda: server.info(info.id)["windows"])
        window = known["id"]
        answer = server.ask("GET", f"xdisplay/view/{info.id}?window={window}")
        assert answer.status == 200
        assert answer.headers.get_content_type() == "text/html"
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        assert any("_xsrf=" in line for line in answer.headers.get_all("Set-Cookie") or [])
        page = _Page(answer.body.decode())
        assert page.texts["title"] == EVIL_TITLE
        data = json.loads(page.texts["xdisplay-data"])
        assert (data["info"]["id"], data["window"]) == (info.id, window)
        assert (data["pid"], data["own"]) == (known["pid"], False)
        assert json.loads(page.texts["jupyter-config-data"])["baseUrl"] == server.base_url
        kinds = [script.get("type") for script in page.scripts]
        assert kinds == ["application/json", "application/json", "module"]
        source = str(page.scripts[2]["src"]).removeprefix(server.base_url)
        script = server.ask("GET", source, token=False)
        assert (script.status, "javascript" in script.headers["Content-Type"]) == (200, True)


def test_a_page_for_a_display_and_for_none(server: JupyterServer, info: DisplayInfo) -> None:
    """The whole display without a window; 404 and 400 where there is nothing to show."""
    page = _Page(server.ask("GET", f"xdisplay/view/{info.id}").body.decode())
    assert page.texts["title"] == "X display main"
    assert json.loads(page.texts["xdisplay-data"])["window"] == 0
    assert server.ask("GET", f"xdisplay/view/{UNKNOWN}").status == 404
    for number in ("abc", "-1", "12345678901", "%D9%A1", ""):
        for name in ("window", "pid"):
            assert server.ask("GET", f"xdisplay/view/{info.id}?{name}={number}").status == 400
