"""Saved notebooks hold a picture; read ones get the live view while it lives."""

from __future__ import annotations

import base64
import copy
import io
import json
import math
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from jupyter_xdisplay.kernel_protocol import (
    CAPABILITY_VARIABLE,
    METADATA_KEY,
    PROCESS_HEADER,
    SOCKET_VARIABLE,
    VIEW_MIME,
)
from jupyter_xdisplay.server.pictures import LOSS_MAX, compact
from jupyter_xdisplay.server.stills import REFERENCE_KEY
from jupyter_xdisplay.spec import DisplayInfo
from jupyter_xdisplay.unix_http import request
from tests.server.conftest import MakeServer
from tests.server.real_server import API, JupyterServer
from tests.traces import processes_of
from tests.waiting import wait_until
from tests.xclient import running

BLUE = (0, 0, 255)
PROCESS = "0123456789abcdef"
VIEW = {"version_major": 2, "version_minor": 0, "model_id": "abc"}
OLD_PICTURE = "iVBORw0KGgo=\n"
TEN_FIGURES = """
import matplotlib
matplotlib.use("TkAgg")
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 300)
for number in range(10):
    plt.figure(figsize=(6.4, 4.8), dpi=100)
    if number % 2:
        plt.scatter(x[::3], np.cos(x[::3] * number), label="points")
    else:
        plt.plot(x, np.sin(x + number), label="line")
        plt.plot(x, np.exp(-x / (number + 1)), "--", label="decay")
    plt.title(f"Figure {number}")
    plt.grid()
    plt.legend()
plt.show(block=False)
plt.pause(0.5)
print("ready", flush=True)
plt.show()
"""
MANAGERS = ["AsyncLargeFileManager", "LargeFileManager"]


@pytest.fixture(scope="module", params=MANAGERS)
def stills_server(
    request: pytest.FixtureRequest, server_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterServer]:
    """Give a server with an asynchronous contents manager (the default), or a synchronous one."""
    kind = f"jupyter_server.services.contents.largefilemanager.{request.param}"
    config = {"ServerApp": {"contents_manager_class": kind}}
    server = JupyterServer(tmp_path_factory.mktemp("stills"), server_root, config=config)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


def _marked(display_id: str, picture: str = OLD_PICTURE, **mark: Any) -> dict[str, Any]:
    """Return an output with a live view of a display, or of a window of it."""
    return {
        "output_type": "display_data",
        "metadata": {METADATA_KEY: {"display_id": display_id, "process": PROCESS, **mark}},
        "data": {VIEW_MIME: VIEW, "image/png": picture, "text/plain": "display"},
    }


def _notebook(display_id: str, *more: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as a front end holds it: a live view, an old picture, other outputs."""
    marked = _marked(display_id)
    other = {
        "output_type": "display_data",
        "metadata": {},
        "data": {VIEW_MIME: VIEW, "text/plain": "a slider of somebody else's"},
    }
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Title"},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": "%xdisplay desktop",
            "execution_count": 1,
            "outputs": [marked, other, *more],
        },
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _save(server: JupyterServer, path: str, content: Any, kind: str = "notebook") -> None:
    model = {"type": kind, "format": "json" if kind == "notebook" else "text", "content": content}
    answer = server.ask("PUT", f"api/contents/{path}", model)
    assert answer.status in {200, 201}, answer


def _output(notebook: dict[str, Any], index: int = 0) -> dict[str, Any]:
    output: dict[str, Any] = notebook["cells"][1]["outputs"][index]
    return output


def _saved(server: JupyterServer, path: str) -> dict[str, Any]:
    """Return the notebook in a file; nbformat joins the lines that it keeps apart there."""
    text = (server.notebooks / path).read_text()
    notebook: dict[str, Any] = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def _read(server: JupyterServer, path: str) -> dict[str, Any]:
    notebook: dict[str, Any] = server.get(f"api/contents/{path}")["content"]
    return notebook


def _kernels_display(server: JupyterServer) -> tuple[str, DisplayInfo]:
    """Start a kernel and its display, as the kernel itself does: with its process's name."""
    kernel_id = server.start_kernel()
    _name_process(server, kernel_id, PROCESS)
    return kernel_id, DisplayInfo.from_json(server.display(kernel_id=kernel_id))


def _name_process(server: JupyterServer, kernel_id: str, name: str) -> None:
    environment = server.kernel_environment(kernel_id)
    headers = {
        "Authorization": f"Bearer {environment[CAPABILITY_VARIABLE]}",
        PROCESS_HEADER: name,
    }
    request(environment[SOCKET_VARIABLE], "GET", "/displays", headers=headers)


def _picture(output: dict[str, Any]) -> Image.Image:
    return _png(base64.b64decode(output["data"]["image/png"]))


def _png(body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body)) as image:
        return image.convert("RGB")


def _colours(output: dict[str, Any], size: tuple[int, int] = (320, 240)) -> set[Any]:
    image = _picture(output)
    assert image.size == size
    return {colour for _, colour in image.getcolors(size[0] * size[1]) or []}


def test_a_saved_notebook_holds_the_screen_of_that_moment(stills_server: JupyterServer) -> None:
    """A fresh PNG, the view as a mark, all else as it was; read again, the view is there."""
    server = stills_server
    kernel_id, info = _kernels_display(server)
    with running(info, "window", "--colour", "0000ff"):

        def blue() -> bool:
            _save(server, "live.ipynb", _notebook(info.id))
            return (0, 0, 255) in _colours(_output(_saved(server, "live.ipynb")))

        wait_until(blue, "the window is not in the saved picture")
    saved = _saved(server, "live.ipynb")
    marked = _output(saved)
    assert VIEW_MIME not in marked["data"]
    assert marked["metadata"][METADATA_KEY][REFERENCE_KEY] == VIEW
    assert marked["data"]["text/plain"] == "display"
    assert _output(saved, 1) == _output(_notebook(info.id), 1)
    assert saved["cells"][0] == _notebook(info.id)["cells"][0]
    read = _read(server, "live.ipynb")
    assert _output(read)["data"][VIEW_MIME] == VIEW
    _save(server, "live.ipynb", read)  # what a front end got, it saves again
    assert VIEW_MIME not in _output(_saved(server, "live.ipynb"))["data"]
    # the picture stays, the view does not, once the process or the display is gone
    _name_process(server, kernel_id, "another process")
    assert VIEW_MIME not in _output(_read(server, "live.ipynb"))["data"]
    _name_process(server, kernel_id, PROCESS)
    assert VIEW_MIME in _output(_read(server, "live.ipynb"))["data"]
    server.end_kernel(kernel_id)
    read = _read(server, "live.ipynb")
    assert VIEW_MIME not in _output(read)["data"]
    _save(server, "live.ipynb", read)
    assert _colours(_output(_saved(server, "live.ipynb")))


def _window_of(server: JupyterServer, info: DisplayInfo) -> int:
    (window,) = wait_until(lambda: server.info(info.id)["windows"], "there is no window")
    return int(window["id"])


def test_a_window_has_a_picture_of_its_own(stills_server: JupyterServer) -> None:
    """Not the screen's; the view is back as long as the window lives; then its picture stays."""
    server = stills_server
    kernel_id, info = _kernels_display(server)
    with running(info, "window", "--colour", "0000ff"):
        window = _window_of(server, info)
        notebook = _notebook(info.id, _marked(info.id, window=window))

        def blue() -> bool:
            _save(server, "window.ipynb", copy.deepcopy(notebook))
            return _colours(_output(_saved(server, "window.ipynb"), 2), (200, 100)) == {BLUE}

        wait_until(blue, "the window is not in the saved picture")
        assert VIEW_MIME not in _output(_saved(server, "window.ipynb"), 2)["data"]
        read = _read(server, "window.ipynb")
        assert _output(read, 2)["data"][VIEW_MIME] == VIEW
    wait_until(lambda: not server.info(info.id)["windows"])
    again = _read(server, "window.ipynb")
    assert VIEW_MIME not in _output(again, 2)["data"]
    assert VIEW_MIME in _output(again)["data"]  # the display is still there
    _save(server, "window.ipynb", read)
    assert _colours(_output(_saved(server, "window.ipynb"), 2), (200, 100)) == {BLUE}
    server.end_kernel(kernel_id)


def test_a_single_colour_replaces_nothing_that_shows_something(
    stills_server: JupyterServer,
) -> None:
    """A window that was cleared, or not drawn yet, is no better than what was there."""
    kernel_id, info = _kernels_display(stills_server)
    telling = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(telling, "PNG")
    kept = base64.b64encode(telling.getvalue()).decode()
    plain = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(plain, "PNG")
    replaced = base64.b64encode(plain.getvalue()).decode()
    with running(info, "window", "--colour", "0000ff"):
        window = _window_of(stills_server, info)
        outputs = [_marked(info.id, png, window=window) for png in (kept, replaced)]

        def blue() -> bool:
            _save(stills_server, "plain.ipynb", _notebook(info.id, *copy.deepcopy(outputs)))
            return _colours(_output(_saved(stills_server, "plain.ipynb"), 3), (200, 100)) == {BLUE}

        wait_until(blue, "the window is not in the saved picture")
        saved = _output(_saved(stills_server, "plain.ipynb"), 2)["data"]["image/png"]
        assert saved.strip() == kept
    stills_server.end_kernel(kernel_id)


def _loss(one: Image.Image, other: Image.Image) -> float:
    """Return how much two pictures differ: root mean square, in levels of 0 to 255."""
    if one.size != other.size:
        return math.inf
    return float(np.sqrt(np.mean((np.asarray(one, float) - np.asarray(other, float)) ** 2)))


@pytest.mark.parametrize("colours", [2, 256, 300, 1 << 24])
def test_a_compact_picture_shows_the_same(colours: int) -> None:
    """Up to 256 colours, and what a palette would spoil, exactly; else nearly, and smaller."""
    random = np.random.default_rng(colours)
    numbers = random.integers(0, 1 << 24, 150_000) if colours > 300 else np.arange(colours)
    if colours == 300:  # as edges are: many colours, close to each other, of few pixels
        numbers = np.concatenate([np.zeros(149_700, int), np.arange(300) * 0x010101 % (1 << 24)])
    numbers = np.resize(numbers, (300, 500))
    pixels = np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=3)
    small = compact(file.getvalue())
    loss = _loss(_png(small), Image.fromarray(pixels))
    assert len(small) <= len(file.getvalue())
    assert loss <= (LOSS_MAX if colours == 300 else 0)


def test_ten_figures_make_a_small_file(stills_server: JupyterServer) -> None:
    """Under 300 kB, each with the pixels that its window has, and no JavaScript."""
    kernel_id, info = _kernels_display(stills_server)
    stills_server.ask("POST", f"{API}/{info.id}/resize", {"size": "1280x800"})
    with running(info, "-c", TEN_FIGURES, program=[sys.executable]):
        windows = wait_until(
            lambda: len(found := stills_server.info(info.id)["windows"]) == 10 and found,
            "there are not ten figures",
        )
        targets = [f"{API}/{info.id}/windows/{window['id']}" for window in windows]
        # what is not ready in time on a busy machine stays as it was, and is there the next time
        before = io.BytesIO()
        Image.new("RGB", (1, 1)).save(before, "PNG")
        old = base64.b64encode(before.getvalue()).decode()
        notebook = _notebook(info.id, *(_marked(info.id, old, window=w["id"]) for w in windows))
        del notebook["cells"][1]["outputs"][0]

        def drawn() -> bool:
            _save(stills_server, "ten.ipynb", copy.deepcopy(notebook))
            saved = _saved(stills_server, "ten.ipynb")
            pictures = [_picture(_output(saved, 1 + index)) for index in range(10)]
            small = (stills_server.notebooks / "ten.ipynb").stat().st_size < 300_000
            return (
                small
                and all(
                    _loss(picture, _png(stills_server.ask("GET", target).body)) <= LOSS_MAX
                    for picture, target in zip(pictures, targets, strict=True)
                )
                and all(len(picture.getcolors(1 << 20) or []) > 20 for picture in pictures)
            )

        wait_until(drawn, "the file is large, or its pictures are others than the windows'", 60)
    assert "import(" not in (stills_server.notebooks / "ten.ipynb").read_text()
    stills_server.end_kernel(kernel_id)


def test_many_windows_of_a_display_that_hangs_hold_up_no_save(
    stills_server: JupyterServer,
) -> None:
    """All their pictures together have one deadline: one each would take minutes."""
    kernel_id, info = _kernels_display(stills_server)
    pids = {name: pid for pid, name in processes_of(Path(info.socket).parent).items()}
    sidecar = pids["python"] if "python" in pids else pids["python3"]
    os.kill(sidecar, signal.SIGSTOP)
    try:
        outputs = [_marked(info.id, window=number) for number in range(1, 401)]
        _save(stills_server, "hangs.ipynb", _notebook(info.id, *outputs))
    finally:
        os.kill(sidecar, signal.SIGCONT)
    saved = _saved(stills_server, "hangs.ipynb")
    assert _output(saved, 401)["data"] == {"image/png": OLD_PICTURE, "text/plain": "display"}
    stills_server.end_kernel(kernel_id)


def test_another_servers_picture_stays(stills_server: JupyterServer) -> None:
    """A display that is not known here: its picture and its mark stay, it has no view."""
    _save(stills_server, "foreign.ipynb", _notebook("0123456789ab"))
    output = _output(_saved(stills_server, "foreign.ipynb"))
    assert output["data"]["image/png"] == OLD_PICTURE
    assert VIEW_MIME not in output["data"]
    assert output["metadata"][METADATA_KEY][REFERENCE_KEY] == VIEW
    assert VIEW_MIME not in _output(_read(stills_server, "foreign.ipynb"))["data"]


def test_a_picture_that_only_the_file_has_stays(stills_server: JupyterServer) -> None:
    """A page that was open while its display went knows only the live view, and saves that."""
    _save(stills_server, "kept.ipynb", _notebook("0123456789ab", _marked("0123456789ab", window=7)))
    notebook = _notebook("0123456789ab", _marked("0123456789ab", window=7))
    for index in (0, 2):
        del _output(notebook, index)["data"]["image/png"]
    _save(stills_server, "kept.ipynb", notebook)
    saved = _saved(stills_server, "kept.ipynb")
    assert [_output(saved, index)["data"]["image/png"] for index in (0, 2)] == [OLD_PICTURE] * 2
    _save(stills_server, "new.ipynb", notebook)
    assert "image/png" not in _output(_saved(stills_server, "new.ipynb"))["data"]


def test_what_is_not_ours_stays_as_it_is(stills_server: JupyterServer) -> None:
    """Unmarked notebooks and other files are saved and read as without us."""
    notebook = _notebook("0123456789ab")
    del _output(notebook)["metadata"][METADATA_KEY]
    _save(stills_server, "plain.ipynb", notebook)
    assert _saved(stills_server, "plain.ipynb") == notebook
    for index in range(2):
        assert _output(_read(stills_server, "plain.ipynb"), index)["data"][VIEW_MIME] == VIEW
    text = json.dumps(_notebook("0123456789ab")) + "\n"
    _save(stills_server, "notebook.txt", text, "file")
    assert (stills_server.notebooks / "notebook.txt").read_text() == text
    assert stills_server.get("api/contents/notebook.txt?type=file")["content"] == text
    assert stills_server.get("api/contents/")["type"] == "directory"


@pytest.mark.parametrize(
    "mark",
    [
        *(None, 1, {}, {"display_id": ["x"]}, {"display_id": None}),
        *(
            {"display_id": "0123456789ab", "window": wrong}
            for wrong in (-1, 1 << 40, "1", None, [])
        ),
    ],
)
def test_damaged_marks_harm_nobody(stills_server: JupyterServer, mark: Any) -> None:
    """A notebook that something else wrote is still saved and read."""
    notebook = _notebook("0123456789ab")
    _output(notebook)["metadata"][METADATA_KEY] = mark
    _save(stills_server, "damaged.ipynb", copy.deepcopy(notebook))
    assert _output(_saved(stills_server, "damaged.ipynb"))["data"]["image/png"] == OLD_PICTURE
    assert _read(stills_server, "damaged.ipynb")["cells"]


@pytest.mark.parametrize("metadata", [None, [], "x"])
def test_damaged_notebooks_are_read_as_without_us(
    stills_server: JupyterServer, metadata: Any
) -> None:
    """Jupyter reads what it can of an invalid notebook; so it does with us."""
    notebook = _notebook("0123456789ab")
    _output(notebook, 1)["metadata"] = metadata
    (stills_server.notebooks / "invalid.ipynb").write_text(json.dumps(notebook))
    assert _output(_read(stills_server, "invalid.ipynb"))["data"]["image/png"] == OLD_PICTURE


def test_a_notebook_of_a_restarted_server_shows_pictures(make_server: MakeServer) -> None:
    """A new server knows neither display nor kernel: pictures only."""
    first = make_server()
    info = first.display()
    _save(first, "kept.ipynb", _notebook(info["id"]))
    first.stop()
    second = make_server()
    (second.notebooks / "kept.ipynb").write_bytes((first.notebooks / "kept.ipynb").read_bytes())
    read = _read(second, "kept.ipynb")
    assert _colours(_output(read))
    assert VIEW_MIME not in _output(read)["data"]
