"""Saved notebooks hold a picture; read ones get the live view while it lives."""

from __future__ import annotations

import base64
import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

from jupyter_xdisplay.kernel.host import CAPABILITY_VARIABLE, PROCESS_HEADER, SOCKET_VARIABLE
from jupyter_xdisplay.server.stills import METADATA_KEY, REFERENCE_KEY, VIEW_MIME
from jupyter_xdisplay.spec import DisplayInfo
from jupyter_xdisplay.unix_http import request
from tests.server.conftest import MakeServer
from tests.server.real_server import JupyterServer
from tests.waiting import wait_until
from tests.xclient import running

PROCESS = "0123456789abcdef"
VIEW = {"version_major": 2, "version_minor": 0, "model_id": "abc"}
OLD_PICTURE = "iVBORw0KGgo=\n"
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


def _notebook(display_id: str, process: str = PROCESS) -> dict[str, Any]:
    """Return a notebook as a front end holds it: a live view, an old picture, other outputs."""
    marked = {
        "output_type": "display_data",
        "metadata": {METADATA_KEY: {"display_id": display_id, "process": process}},
        "data": {VIEW_MIME: VIEW, "image/png": OLD_PICTURE, "text/plain": "display"},
    }
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
            "source": "%xdisplay",
            "execution_count": 1,
            "outputs": [marked, other],
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


def _colours(output: dict[str, Any]) -> set[Any]:
    with Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))) as image:
        assert image.size == (320, 240)
        return {colour for _, colour in image.convert("RGB").getcolors(320 * 240) or []}


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


def test_another_servers_picture_stays(stills_server: JupyterServer) -> None:
    """A display that is not known here: its picture and its mark stay, it has no view."""
    _save(stills_server, "foreign.ipynb", _notebook("0123456789ab"))
    output = _output(_saved(stills_server, "foreign.ipynb"))
    assert output["data"]["image/png"] == OLD_PICTURE
    assert VIEW_MIME not in output["data"]
    assert output["metadata"][METADATA_KEY][REFERENCE_KEY] == VIEW
    assert VIEW_MIME not in _output(_read(stills_server, "foreign.ipynb"))["data"]


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


@pytest.mark.parametrize("mark", [None, 1, {}, {"display_id": ["x"]}, {"display_id": None}])
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
