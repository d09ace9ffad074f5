"""Who may look at displays: Jupyter's login, authorizer, XSRF and origin checks, on every route."""

from __future__ import annotations

import http.cookies
import os
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_xdisplay.server.handlers import HANDLERS
from jupyter_xdisplay.server.tunnel import TUNNELS
from jupyter_xdisplay.server.window_handlers import WINDOW_HANDLERS
from tests.server.conftest import MakeServer
from tests.server.documented import DESCRIPTION, DocumentedServer
from tests.server.real_server import API, JupyterServer

PAGE = "xdisplay/view"
UNKNOWN = "0123456789ab"
BODY = {"size": "400x300"}
AUTHORIZER = """
import os
from pathlib import Path

from jupyter_server.auth import Authorizer


class Denier(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        with Path(os.environ["ASKED"]).open("a") as asked:
            asked.write(f"{action} {resource}\\n")
        return not Path(os.environ["DENY"]).exists()
"""


def _rest_calls(display_id: str) -> list[tuple[str, str]]:
    """Return method and target of every described REST operation."""
    return [
        (method.upper(), _target(path, display_id))
        for path, operations in DESCRIPTION["paths"].items()
        for method, operation in operations.items()
        if method != "parameters" and "101" not in operation["responses"]
    ]


def _target(path: str, display_id: str) -> str:
    return path.lstrip("/").replace("{display_id}", display_id).replace("{window_id}", "1")


def _sockets(display_id: str) -> list[str]:
    return [f"{API}/{display_id}/{kind}" for kind in ("rfb", "events")]


async def _refusal(server: JupyterServer, path: str, **options: Any) -> int:
    """Return the status with which a WebSocket is refused."""
    with pytest.raises(HTTPClientError) as refused:
        await server.connect(path, **options)
    return refused.value.code


def test_all_routes_are_tried() -> None:
    """The tests here cover every handler that the extension registers."""
    targets = {target for _, target in _rest_calls(UNKNOWN)}
    assert len(targets) == len(HANDLERS) + len(WINDOW_HANDLERS)
    assert len(_sockets(UNKNOWN)) == len(TUNNELS)


async def test_without_a_token_nothing_is_told(server: JupyterServer) -> None:
    """403 on every route and WebSocket, for a display that is there and for one that is not."""
    info = server.display()
    rest = DocumentedServer(server)
    for display_id in (info["id"], UNKNOWN):
        for method, target in _rest_calls(display_id):
            for headers in ({}, {"Authorization": "token wrong"}):
                answer = rest.ask(method, target, BODY, token=False, headers=headers)
                assert answer.status == 403, (method, target)
        for target in _sockets(display_id):
            assert await _refusal(server, target, token=False) == 403, target
    kept = server.get(f"{API}/{info['id']}")
    assert (kept["state"], kept["size"]) == ("running", [320, 240])


def test_without_a_login_pages_lead_to_it(server: JupyterServer) -> None:
    """And back to the page afterwards; with the login's cookie it is there."""
    info = server.display()
    page = f"{PAGE}/{info['id']}?window=1"
    for headers in ({}, {"Authorization": "token wrong"}):
        answer = server.ask("GET", page, token=False, headers=headers)
        assert answer.status == 302
        assert info["xauthority"].encode() not in answer.body
        login, _, query = answer.headers["Location"].partition("?")
        assert login == f"{server.base_url}login"
        assert urllib.parse.parse_qs(query)["next"] == [server.base_url + page]
    cookie = _cookie_header(_log_in(server))
    assert server.ask("GET", page, token=False, headers={"Cookie": cookie}).status == 200


async def test_a_token_in_the_address_opens_websockets(server: JupyterServer) -> None:
    """Browsers cannot send headers with a WebSocket."""
    info = server.display()
    for target in _sockets(info["id"]):
        socket = await server.connect(f"{target}?token={server.token}", token=False)
        assert await socket.read_message() is not None
        socket.close()


async def test_a_page_of_another_origin_is_refused(server: JupyterServer) -> None:
    """The RFB stream and the events stay with the server's own pages, whoever is logged in."""
    info = server.display()
    cookie = _cookie_header(_log_in(server))
    for target in _sockets(info["id"]):
        for origin in ("http://evil.example", f"http://127.0.0.1:{server.port + 1}", "null"):
            foreign = {"Cookie": cookie, "Origin": origin}
            assert await _refusal(server, target, token=False, headers=foreign) == 403, origin
        own = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{server.port}"}
        socket = await server.connect(target, token=False, headers=own)
        assert await socket.read_message() is not None
        socket.close()


def test_a_cookie_needs_the_xsrf_token_too(server: JupyterServer) -> None:
    """A login's cookie alone writes nothing: another site could have sent it."""
    cookies = _log_in(server)
    sent = {"Cookie": _cookie_header(cookies)}
    rest = DocumentedServer(server)
    assert rest.ask("GET", API, token=False, headers=sent).status == 200
    info = server.display()
    writes = [(m, t) for m, t in _rest_calls(info["id"]) if m != "GET"]
    assert len(writes) == 7
    for method, target in writes:
        for wrong in ({}, {"X-XSRFToken": "wrong"}):
            answer = rest.ask(method, target, BODY, token=False, headers={**sent, **wrong})
            assert answer.status == 403, (method, target)
    for method, target in _rest_calls(info["id"]):  # to other origins: nothing is here
        foreign = {**sent, "X-XSRFToken": cookies["_xsrf"], "Origin": "http://evil.example"}
        assert server.ask(method, target, BODY, token=False, headers=foreign).status == 404
    assert server.get(f"{API}/{info['id']}")["state"] == "running"
    right = {**sent, "X-XSRFToken": cookies["_xsrf"]}
    resized = rest.ask("POST", f"{API}/{info['id']}/resize", BODY, token=False, headers=right)
    assert (resized.status, resized.json["size"]) == (200, [400, 300])
    assert rest.ask("POST", API, {"name": "two"}, token=False, headers=right).status == 201
    ended = rest.ask("DELETE", f"{API}/{info['id']}", token=False, headers=right)
    assert ended.json["state"] == "ended"


async def test_an_authorizer_that_denies_is_obeyed(make_server: MakeServer, tmp_path: Path) -> None:
    """It is asked on every route with the action and the resource `xdisplay`, and obeyed."""
    (tmp_path / "denier.py").write_text(AUTHORIZER)
    deny, asked = tmp_path / "deny", tmp_path / "asked"
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    server = make_server(
        config={"ServerApp": {"authorizer_class": "denier.Denier"}},
        environment={"PYTHONPATH": path, "DENY": str(deny), "ASKED": str(asked)},
    )
    info = server.display()
    deny.touch()
    asked.unlink()
    rest = DocumentedServer(server)
    calls = _rest_calls(info["id"])
    for method, target in calls:
        assert rest.ask(method, target, BODY).status == 403, (method, target)
    for target in _sockets(info["id"]):
        assert await _refusal(server, target) == 403
    refused = server.ask("GET", f"{PAGE}/{info['id']}")
    assert (refused.status, info["xauthority"].encode() in refused.body) == (403, False)
    actions = {"GET": "read", "POST": "write", "DELETE": "write"}
    expected = [actions[method] for method, _ in calls] + ["execute"] * len(TUNNELS) + ["read"]
    assert asked.read_text().split("\n")[:-1] == [f"{action} xdisplay" for action in expected]
    deny.unlink()
    kept = server.get(f"{API}/{info['id']}")
    assert (kept["state"], kept["size"], kept["viewers"]) == ("running", [320, 240], 0)


def _log_in(server: JupyterServer) -> dict[str, str]:
    """Log in as a browser does; return the cookies."""
    page = server.ask("GET", "login", token=False)
    cookies = _cookies(page.headers)
    form = urllib.parse.urlencode({"password": server.token, "_xsrf": cookies["_xsrf"]})
    answer = server.ask(
        "POST",
        "login",
        form.encode(),
        token=False,
        headers={
            "Cookie": f"_xsrf={cookies['_xsrf']}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    assert answer.status == 302, answer
    # the token of XSRF belongs to who is logged in: take the newest
    cookies.update(_cookies(answer.headers))
    sent = {"Cookie": _cookie_header(cookies)}
    cookies.update(_cookies(server.ask("GET", "login", token=False, headers=sent).headers))
    return cookies


def _cookie_header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{key}={value}" for key, value in cookies.items())


def _cookies(headers: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in headers.get_all("Set-Cookie") or []:
        found.update({key: morsel.value for key, morsel in http.cookies.SimpleCookie(line).items()})
    return found
