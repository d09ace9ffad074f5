"""REST for browsers and tools: every answer is held against `rest-api.yml`."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image
from tornado.web import RequestHandler

from jupyter_xdisplay.server.handlers import HANDLERS
from jupyter_xdisplay.server.recordings import RecordingInfo
from jupyter_xdisplay.server.tunnel import TUNNELS
from jupyter_xdisplay.server.window_handlers import WINDOW_HANDLERS
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo, DisplaySpec, ViewerInfo, VncPort, WindowInfo
from tests.rfb_viewer import viewer_of
from tests.server.conftest import MakeServer
from tests.server.documented import DESCRIPTION, DocumentedServer, schema
from tests.server.real_server import API, JupyterServer
from tests.sidecar.vnc_viewer import PortViewer
from tests.traces import processes_of
from tests.waiting import wait_until
from tests.xclient import running

UNKNOWN = "0123456789ab"
METHODS = ("get", "post", "put", "patch", "delete")
BAD_SIZES = ["0x0", "1x1", "99999x99999", "abc", [640], [1e3, 1e3], {"width": 1}, True]


@pytest.fixture
def rest(server: JupyterServer) -> DocumentedServer:
    """Give the shared server, its answers checked."""
    return DocumentedServer(server)


def _png_size(body: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(body)) as image:
        assert image.format == "PNG"
        return (image.width, image.height)


def _named(pattern: str) -> str:
    """Return a route's pattern with the names that the description has for its groups."""
    pattern = re.sub(r"windows/\([^)]*\)", "windows/{window_id}", pattern)
    return re.sub(r"\([^)]*\)", "{display_id}", pattern)


def test_the_description_has_every_route_and_method() -> None:
    """`rest-api.yml` and the handlers name the same paths and methods."""
    real = {
        "/" + _named(pattern): {
            method
            for method in METHODS
            if getattr(kind, method) is not getattr(RequestHandler, method)
        }
        for pattern, kind in [*HANDLERS, *WINDOW_HANDLERS, *TUNNELS]
    }
    described = {
        path: set(operations) & set(METHODS) for path, operations in DESCRIPTION["paths"].items()
    }
    assert described == real


def test_the_description_is_well_formed() -> None:
    """Every reference leads somewhere, and every schema is one."""
    references = re.findall(r"'\$ref': '#/([^']+)'", str(DESCRIPTION))
    assert references
    for reference in references:
        target: Any = DESCRIPTION
        for key in reference.split("/"):
            target = target[key]
    for value in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator.check_schema(value)
        assert value["description"]


@pytest.mark.parametrize("kind", [DisplayInfo, WindowInfo, ViewerInfo, VncPort, RecordingInfo])
def test_the_schemas_have_every_field(kind: Any) -> None:
    """A field that is added to the values is added to the description."""
    described = DESCRIPTION["components"]["schemas"][kind.__name__]
    fields = {field.name for field in dataclasses.fields(kind)}
    assert set(described["properties"]) == set(described["required"]) == fields


def test_a_request_has_the_fields_of_a_display_spec() -> None:
    """What a request may name is `DisplaySpec`, and the kernel."""
    described = DESCRIPTION["components"]["schemas"]["DisplayRequest"]
    assert set(described["properties"]) == set(DisplaySpec().to_json()) | {"kernel_id"}
    schema(described).validate(DisplaySpec().to_json())


def test_a_display_is_made_listed_described_and_ended(rest: DocumentedServer) -> None:
    """Its whole life by REST; it is remembered as ended, with its last picture."""
    created = rest.ask("POST", API, {"name": "lab", "size": "400x300", "dpi": 120, "depth": 24})
    info = created.json
    assert (created.status, info["state"], info["name"]) == (201, "running", "lab")
    assert (info["size"], info["dpi"]) == ([400, 300], 120)
    assert Path(info["xauthority"]).is_file()
    target = f"{API}/{info['id']}"
    assert rest.ask("GET", target).json["id"] == info["id"]
    assert [i["id"] for i in rest.ask("GET", API).json if i["state"] != "ended"] == [info["id"]]
    ended = rest.ask("DELETE", target)
    assert (ended.status, ended.json["state"]) == (200, "ended")
    assert ended.json["reason"]
    assert not Path(info["xauthority"]).exists()
    assert rest.ask("DELETE", target).json["state"] == "ended"  # again: nothing happens
    assert rest.ask("GET", target).json["state"] == "ended"
    assert _png_size(rest.ask("GET", f"{target}/screenshot").body) == (400, 300)


def test_the_same_name_gives_the_same_display(rest: DocumentedServer) -> None:
    """One display of a name; another name is another display."""
    first = rest.ask("POST", API).json  # a body is not needed
    assert rest.ask("POST", API, {}).json["id"] == first["id"]
    assert rest.ask("POST", API, {"name": "two"}).json["id"] != first["id"]


def test_the_list_narrows_to_a_kernel(rest: DocumentedServer) -> None:
    """`?kernel_id=` gives that kernel's displays only."""
    kernel_id = rest.server.start_kernel()
    of_kernel = rest.ask("POST", API, {"kernel_id": kernel_id}).json
    of_none = rest.ask("POST", API, {}).json
    assert of_kernel["kernel_id"] == kernel_id
    listed = rest.ask("GET", f"{API}?kernel_id={kernel_id}").json
    assert [info["id"] for info in listed] == [of_kernel["id"]]
    assert of_none["id"] in [info["id"] for info in rest.ask("GET", API).json]
    assert rest.ask("GET", f"{API}?kernel_id=none").json == []


def test_a_screenshot_is_a_png_of_the_screens_size(rest: DocumentedServer) -> None:
    """After a resize too, with the pixels of a window; no browser keeps it."""
    info = DisplayInfo.from_json(rest.ask("POST", API).json)
    target = f"{API}/{info.id}"
    assert _png_size(rest.ask("GET", f"{target}/screenshot").body) == (320, 240)
    with running(info, "window", "--colour", "00ff00"):
        resized = rest.ask("POST", f"{target}/resize", {"size": "640x480"})
        assert (resized.status, resized.json["size"]) == (200, [640, 480])

        def green() -> bool:
            answer = rest.ask("GET", f"{target}/screenshot")
            assert answer.headers["Cache-Control"] == "no-store"
            assert _png_size(answer.body) == (640, 480)
            with Image.open(io.BytesIO(answer.body)) as image:
                colours = image.convert("RGB").getcolors(640 * 480)
                return (0, 255, 0) in [colour for _, colour in colours]

        wait_until(green, "the window is not in the picture")
        wait_until(lambda: rest.ask("GET", target).json["windows"], "no window is told")


def test_viewers_are_told_with_what_they_get(rest: DocumentedServer) -> None:
    """Those of our own RFB server, by Jupyter and by a VNC port; x11vnc's are counted only."""
    info = DisplayInfo.from_json(rest.ask("POST", API).json)
    target = f"{API}/{info.id}"
    assert rest.ask("GET", f"{target}/viewers").json == []
    sidecar = SidecarClient(info.socket)
    access = sidecar.open_vnc()
    wait_until(lambda: (rest.ask("GET", target).json["vnc"] or {}).get("port") == access.port)
    with (
        contextlib.closing(viewer_of(sidecar)),
        PortViewer(access, password=access.password) as viewer,
    ):
        viewer.until_ready()
        answer = rest.ask("GET", f"{target}/viewers")
        assert sorted(figures["origin"] for figures in answer.json) == ["127.0.0.1", "notebook"]
        assert access.password.encode() not in answer.body + rest.ask("GET", target).body
        rest.ask("DELETE", target)
        wait_until(viewer.is_disconnected)
    assert rest.ask("GET", target).json["vnc"] is None
    assert rest.ask("GET", f"{target}/viewers").json == []

    other = DisplayInfo.from_json(rest.ask("POST", API, {"stream": "x11vnc"}).json)
    with contextlib.closing(viewer_of(SidecarClient(other.socket))):
        wait_until(lambda: rest.ask("GET", f"{API}/{other.id}").json["viewers"] == 1)
        assert rest.ask("GET", f"{API}/{other.id}/viewers").json == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        *(({"size": size}, "not a size|too small|larger") for size in BAD_SIZES),
        ({"sise": "640x480"}, "unknown field"),
        ({"name": "../../etc"}, "cannot name"),
        ({"name": ["a"]}, "cannot name"),
        ({"dpi": "96"}, "not possible"),
        ({"depth": 8}, "not supported"),
        ({"stream": "no-such"}, "no RFB server"),
        ({"kernel_id": "0c2e21a6-0000-4000-8000-000000000000"}, "no kernel"),
        ({"kernel_id": ["a"]}, "no kernel"),
        ({"kernel_id": {}}, "no kernel"),
        ({"kernel_id": 1}, "no kernel"),
        ([], "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
    ],
)
def test_bad_requests_start_nothing(rest: DocumentedServer, body: Any, said: str) -> None:
    """400, with what is wrong and what would be right."""
    before = len(rest.ask("GET", API).json)
    answer = rest.ask("POST", API, body)
    assert answer.status == 400
    assert re.search(said, answer.json["message"])
    assert answer.json["fix"]
    assert len(rest.ask("GET", API).json) == before


def test_bad_resizes_change_nothing(rest: DocumentedServer) -> None:
    """400, and the screen keeps its size."""
    info = rest.ask("POST", API, {}).json
    for body in [{}, {"size": None}, {"width": 1}, b"no", *({"size": size} for size in BAD_SIZES)]:
        assert rest.ask("POST", f"{API}/{info['id']}/resize", body).status == 400, body
    assert rest.ask("GET", f"{API}/{info['id']}").json["size"] == [320, 240]


@pytest.mark.parametrize(
    ("method", "end", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/screenshot", None),
        ("GET", "/viewers", None),
        ("POST", "/resize", {"size": "640x480"}),
        ("GET", "/windows/1", None),
        ("POST", "/windows/1", {"size": "640x480"}),
        ("DELETE", "/windows/1", None),
        ("DELETE", "/windows/1?force=1", None),
    ],
)
def test_an_unknown_display_is_not_found(
    rest: DocumentedServer, method: str, end: str, body: Any
) -> None:
    """404 with our error on each route; what cannot be an id is no route."""
    answer = rest.ask(method, f"{API}/{UNKNOWN}{end}", body)
    assert (answer.status, answer.json["error"]) == (404, "DisplayNotFound")
    for name in ("..%2f..%2fetc", UNKNOWN.upper(), UNKNOWN + "c", "x"):
        assert rest.server.ask(method, f"{API}/{name}{end}", body).status == 404


def test_other_methods_are_refused(server: JupyterServer) -> None:
    """405 on every REST route."""
    ends = ("", *(f"/{UNKNOWN}{end}" for end in ("", "/screenshot", "/viewers", "/windows/1")))
    for end in ends:
        for method in ("PUT", "PATCH"):
            assert server.ask(method, API + end, {}).status == 405


def test_an_ended_display_cannot_be_resized(rest: DocumentedServer) -> None:
    """410 with the reason; a request for that name starts another one."""
    info = rest.ask("POST", API, {}).json
    ended = rest.ask("DELETE", f"{API}/{info['id']}").json
    answer = rest.ask("POST", f"{API}/{info['id']}/resize", {"size": "640x480"})
    assert (answer.status, answer.json["error"]) == (410, "DisplayEnded")
    assert ended["reason"] in answer.json["message"]
    again = rest.ask("POST", API, {}).json
    assert (again["id"] != info["id"], again["state"]) == (True, "running")


def test_a_killed_x_server_is_told(rest: DocumentedServer) -> None:
    """Reason and fix by REST; no picture had been taken, so there is none (404)."""
    info = rest.ask("POST", API, {}).json
    pids = {name: pid for pid, name in processes_of(Path(info["socket"]).parent).items()}
    os.kill(pids["Xvfb"], signal.SIGKILL)
    rest.server.wait_until_ended(info["id"])
    told = rest.ask("GET", f"{API}/{info['id']}").json
    assert "SIGKILL" in told["reason"]
    assert told["fix"]
    assert rest.ask("GET", f"{API}/{info['id']}/screenshot").status == 404


def test_limits_and_missing_programs(make_server: MakeServer) -> None:
    """429 and 503 name the setting that is in the way; the end of a display makes room."""
    limited = {"DisplayManager": {"max_displays": 1}}
    rest = DocumentedServer(make_server(config=limited))
    info = rest.ask("POST", API, {}).json
    full = rest.ask("POST", API, {"name": "two"})
    assert (full.status, full.json["error"]) == (429, "LimitReached")
    assert "DisplayManager.max_displays" in full.json["fix"]
    rest.ask("DELETE", f"{API}/{info['id']}")
    assert rest.ask("POST", API, {"name": "two"}).status == 201

    rest = DocumentedServer(make_server(config={"LocalRuntime": {"openbox": "no-such-program"}}))
    missing = rest.ask("POST", API, {})
    assert (missing.status, missing.json["error"]) == (503, "ProgramMissing")
    assert "LocalRuntime.openbox" in missing.json["fix"]
    assert rest.ask("GET", API).json == []


def test_the_view_is_served_under_the_base_url(server: JupyterServer) -> None:
    """`static/jupyter_xdisplay/widget.js` as JavaScript, without a login: it is code only."""
    answer = server.ask("GET", "static/jupyter_xdisplay/widget.js", token=False)
    assert answer.status == 200
    assert "javascript" in answer.headers["Content-Type"]
    assert b"render" in answer.body


def test_errors_are_not_logged_as_faults(rest: DocumentedServer) -> None:
    """A bad request is an answer: the server's log has no traceback of it."""
    before = rest.server.log.stat().st_size
    rest.ask("POST", API, {"size": "abc"})
    rest.ask("GET", f"{API}/{UNKNOWN}")
    with rest.server.log.open() as log:
        log.seek(before)
        assert "Traceback" not in log.read()
