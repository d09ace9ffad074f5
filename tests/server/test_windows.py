"""Single windows through the real server: picture, size, close, end of a program."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient
from PIL import Image

from jupyter_xdisplay.errors import KernelConnected
from jupyter_xdisplay.sidecar.client import SidecarClient
from jupyter_xdisplay.spec import DisplayInfo
from tests.server.documented import DocumentedServer
from tests.server.real_server import API, JupyterServer
from tests.waiting import wait_until
from tests.xclient import running, tk_window

UNKNOWN = "0123456789ab"
ANSWER_S = 60


@pytest.fixture
def rest(server: JupyterServer) -> DocumentedServer:
    """Give the shared server, its answers checked."""
    return DocumentedServer(server)


@pytest.fixture
def info(server: JupyterServer) -> DisplayInfo:
    """Give a display."""
    return DisplayInfo.from_json(server.display(size="800x600"))


def _windows(server: JupyterServer, info: DisplayInfo) -> list[dict[str, Any]]:
    windows: list[dict[str, Any]] = server.info(info.id)["windows"]
    return windows


def _window(server: JupyterServer, info: DisplayInfo, title: str) -> str:
    """Return the address of a window, once it is there."""

    def find() -> str:
        found = [w["id"] for w in _windows(server, info) if w["title"] == title]
        return f"{API}/{info.id}/windows/{found[0]}" if found else ""

    return wait_until(find, f"there is no window {title!r}")


def _colours(png: bytes) -> tuple[tuple[int, int], set[Any]]:
    """Return the size and the colours of a PNG."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        colours = image.convert("RGB").getcolors(image.width * image.height) or []
        return image.size, {colour for _, colour in colours}


def test_windows_of_an_ended_display_leave_a_picture(
    rest: DocumentedServer, info: DisplayInfo
) -> None:
    """Of the process that had them: neither of another one, nor of windows that never were."""
    with running(info, "window", "--title", "left", "--colour", "00ff00") as process:
        target = _window(rest.server, info, "left")
        wait_until(lambda: _colours(rest.ask("GET", target).body)[1] == {(0, 255, 0)})
        rest.ask("DELETE", f"{API}/{info.id}")
    left = rest.ask("GET", f"{target}?pid={process.pid}")
    assert _colours(left.body) == ((200, 100), {(0, 255, 0)})
    assert rest.ask("GET", f"{target}?pid={process.pid + 1}").status == 410
    assert rest.ask("GET", f"{API}/{info.id}/windows/77").status == 410
    assert rest.ask("GET", f"{target}?pid=x").status == 400


def test_a_picture_of_a_covered_window(rest: DocumentedServer, info: DisplayInfo) -> None:
    """Its own pixels in its own size, whatever lies over it; no browser keeps it."""
    with (
        running(info, "window", "--title", "below", "--colour", "00ff00"),
        running(info, "window", "--title", "above", "--colour", "ff0000"),
    ):
        for title, colour in (("below", (0, 255, 0)), ("above", (255, 0, 0))):
            target = _window(rest.server, info, title)

            def shown(target: str = target, colour: Any = colour) -> bool:
                answer = rest.ask("GET", target)
                assert answer.headers["Cache-Control"] == "no-store"
                return _colours(answer.body) == ((200, 100), {colour})

            wait_until(shown, f"{title} is not in its picture")


def test_a_window_takes_another_size(rest: DocumentedServer, info: DisplayInfo) -> None:
    """The real window; what is no size, or more than the screen can be, changes nothing."""
    with running(info, "window", "--title", "grows"):
        target = _window(rest.server, info, "grows")
        assert rest.ask("POST", target, {"size": "400x300"}).json["id"] == info.id

        def size() -> tuple[int, int]:
            (window,) = _windows(rest.server, info)
            return window["width"], window["height"]

        wait_until(lambda: size() == (400, 300), "it keeps its size")
        for body in ({}, {"size": None}, {"size": "abc"}, {"size": "4000x3000"}, [], b"no"):
            assert rest.ask("POST", target, body).status == 400, body
        assert rest.ask("POST", target, {"size": [320, 200]}).status == 200
        wait_until(lambda: size() == (320, 200), "it is taken for another size")


def test_a_window_is_asked_to_close(rest: DocumentedServer, info: DisplayInfo) -> None:
    """The program ends as by its own close button; one that does not answer keeps its window."""
    with tk_window(info, "polite") as program:
        asked = rest.ask("DELETE", _window(rest.server, info, "polite"))
        assert (asked.status, asked.json["id"]) == (200, info.id)
        assert program.wait(ANSWER_S) == 0
        wait_until(lambda: not _windows(rest.server, info))
    with tk_window(info, "hung", "busy") as program:
        target = _window(rest.server, info, "hung")
        assert rest.ask("DELETE", target).status == 200
        assert rest.ask("GET", target).status == 200
        assert program.poll() is None
        assert rest.ask("DELETE", f"{target}?force=1").status == 200
        wait_until(lambda: not _windows(rest.server, info))
        program.wait(ANSWER_S)


def test_a_stopped_program_is_ended_by_force(rest: DocumentedServer, info: DisplayInfo) -> None:
    """Its windows go while it is stopped still, then its process; other programs stay."""
    with (
        running(info, "window", "--title", "stopped", "--count", "2") as stopped,
        running(info, "window", "--title", "other") as other,
    ):
        target = _window(rest.server, info, "stopped")
        stopped.send_signal(signal.SIGSTOP)
        assert rest.ask("DELETE", f"{target}?force=1").status == 200
        wait_until(
            lambda: [w["title"] for w in _windows(rest.server, info)] == ["other"],
            "its windows stay",
        )
        assert stopped.wait(ANSWER_S) == -signal.SIGKILL
        assert other.poll() is None


def test_processes_that_are_to_be_kept_are_spared(info: DisplayInfo) -> None:
    """By the sidecar's own interface, on which kernels name themselves."""
    with running(info, "window") as program:
        client = SidecarClient(info.socket)
        (window,) = wait_until(lambda: client.info().windows)
        with pytest.raises(KernelConnected, match="kernel") as refused:
            client.close_window(window.id, force=True, keep=[program.pid])
        assert "interrupt" in str(refused.value.fix)
        assert program.poll() is None
        assert [known.id for known in client.info().windows] == [window.id]
        client.close_window(window.id, force=True, keep=[os.getpid()])
        program.wait(ANSWER_S)


@contextmanager
def _client(server: JupyterServer, kernel_id: str) -> Iterator[BlockingKernelClient]:
    """Talk to a kernel of the server by its connection file."""
    client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{kernel_id}.json"))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=ANSWER_S)
        yield client
    finally:
        client.stop_channels()


def _run(client: BlockingKernelClient, code: str) -> dict[str, Any]:
    """Run code in a kernel; return what its expression `value` is, as text."""
    reply = client.execute_interactive(
        code, user_expressions={"value": "value"}, timeout=ANSWER_S, output_hook=lambda _: None
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    answer: dict[str, Any] = reply["content"]["user_expressions"]["value"]
    return answer


def test_the_kernels_own_process_is_spared(rest: DocumentedServer) -> None:
    """Closing its X client would end it (409, with what to do); what it started may be ended."""
    kernel_id = rest.server.start_kernel()
    body = {"kernel_id": kernel_id, "size": "800x600"}
    info = DisplayInfo.from_json(rest.server.display(**body))
    with _client(rest.server, kernel_id) as client:
        _run(
            client,
            "import os, tkinter\n"
            f"os.environ.update(DISPLAY={info.display!r}, XAUTHORITY={info.xauthority!r})\n"
            "root = tkinter.Tk(); root.title('own'); root.update(); value = 1",
        )
        target = _window(rest.server, info, "own")
        refused = rest.ask("DELETE", f"{target}?force=1")
        assert (refused.status, refused.json["error"]) == (409, "KernelConnected")
        assert "interrupt" in refused.json["fix"]
        with tk_window(info, "child", "busy") as child:
            other = _window(rest.server, info, "child")
            assert rest.ask("DELETE", f"{other}?force=1").status == 200
            child.wait(ANSWER_S)
        value = _run(client, "root.update(); value = root.title()")
        assert value["data"]["text/plain"] == "'own'"
        wait_until(lambda: [w["title"] for w in _windows(rest.server, info)] == ["own"])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_window_that_is_not_there(rest: DocumentedServer, info: DisplayInfo, method: str) -> None:
    """404 with our error; what cannot be a window is no route; of an ended display: 410."""
    body = {"size": "640x480"}
    for query in ("", "?force=1"):
        answer = rest.ask(method, f"{API}/{info.id}/windows/4294967295{query}", body)
        assert (answer.status, answer.json["error"]) == (404, "WindowNotFound")
    for name in ("0", "-1", "abc", "0x1", "12345678901", "..%2f1"):
        assert rest.server.ask(method, f"{API}/{info.id}/windows/{name}", body).status == 404
    rest.ask("DELETE", f"{API}/{info.id}")
    ended = rest.ask(method, f"{API}/{info.id}/windows/1", body)
    assert (ended.status, ended.json["error"]) == (410, "DisplayEnded")


def _record(rest: DocumentedServer, target: str, **body: Any) -> str:
    """Begin to record; return the path that it will have."""
    begun = rest.ask("POST", f"{target}/recording", body)
    assert (begun.status, begun.json["state"]) == (202, "running"), begun
    return str(begun.json["path"])


def _recorded(rest: DocumentedServer, target: str) -> dict[str, Any]:
    """Return a recording once it is over."""

    def over() -> dict[str, Any]:
        answer: dict[str, Any] = rest.ask("GET", f"{target}/recording").json
        return answer if answer["state"] != "running" else {}

    return wait_until(over, "the recording does not end")


def test_a_recording_is_put_beside_the_notebook(rest: DocumentedServer) -> None:
    """A GIF of the window in the folder of its kernel's notebook; by its title and the time."""
    server = rest.server
    (server.notebooks / "folder").mkdir(exist_ok=True)
    _, kernel_id = server.start_session("folder/book.ipynb")
    info = DisplayInfo.from_json(server.display(kernel_id=kernel_id, size="800x600"))
    with running(info, "window", "--title", "../A b", "--colour", "0000ff"):
        target = _window(server, info, "../A b")
        path = _record(rest, target, format="gif", seconds=1)
        assert re.fullmatch(r"folder/xdisplay-A-b-\d{8}-\d{6}\.gif", path)
        again = rest.ask("POST", f"{target}/recording", {})
        assert (again.status, "DELETE" in again.json["fix"]) == (400, True)
        assert _recorded(rest, target)["state"] == "done"
    with Image.open(server.notebooks / path) as image:
        assert (image.format, image.size) == ("GIF", (200, 100))
        assert image.convert("RGB").getpixel((100, 50)) == (0, 0, 255)


def test_a_recording_ends_early(rest: DocumentedServer, info: DisplayInfo) -> None:
    """When it is told to, and when the window closes: what there is, is kept."""
    with running(info, "window", "--title", "short", "--colour", "00ff00"):
        target = _window(rest.server, info, "short")
        paths = [_record(rest, target, seconds=120)]
        assert rest.ask("DELETE", f"{target}/recording").status == 200
        assert _recorded(rest, target) == {
            "state": "done",
            "path": paths[0],
            "seconds": 120.0,
            "message": None,
            "fix": None,
        }
        paths.append(_record(rest, target, seconds=120))
        client = SidecarClient(info.socket)
        wait_until(lambda: any(each.encoder for each in client.viewers()), "nobody records")
    assert _recorded(rest, target)["state"] == "done"
    assert len(set(paths)) == 2
    for path in paths:
        with Image.open(rest.server.notebooks / path) as image:
            assert image.convert("RGB").getpixel((100, 50)) == (0, 255, 0)


def test_a_recording_as_mp4(rest: DocumentedServer, info: DisplayInfo) -> None:
    """Of a display without a kernel: in the root folder."""
    import av

    with running(info, "window", "--title", "film", "--colour", "00ff00"):
        target = _window(rest.server, info, "film")
        path = _record(rest, target, format="mp4", seconds=1)
        assert _recorded(rest, target)["state"] == "done"
    with av.open(str(rest.server.notebooks / path)) as film:
        picture = next(film.decode(video=0)).to_image()
    red, green, blue = picture.getpixel((100, 50))
    assert picture.size == (200, 100)
    assert green > 200
    assert max(red, blue) < 60


def test_bad_recordings_are_refused(rest: DocumentedServer, info: DisplayInfo) -> None:
    """400 for what makes no sense, 404 where there is no window or no recording."""
    with running(info, "window", "--title", "here"):
        target = _window(rest.server, info, "here")
        for body in (
            *({"seconds": wrong} for wrong in (0, -1, 121, "5", None, True, [])),
            *({"format": wrong} for wrong in ("avi", None, 7, [], "../gif")),
            *([], {"fps": 5}, b"no"),
        ):
            assert rest.ask("POST", f"{target}/recording", body).status == 400, body
        for method in ("GET", "DELETE"):
            assert rest.ask(method, f"{target}/recording").status == 404
    none = f"{API}/{info.id}/windows/4294967295/recording"
    assert rest.ask("POST", none, {}).status == 404
