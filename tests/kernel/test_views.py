"""What is left in the notebook: pictures, in every way of running it."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from tests.kernel.kernel_process import REPOSITORY, KernelProcess, picture

START = "%load_ext jupyter_xdisplay\n%xdisplay desktop"
RED = (
    "import sys, subprocess\n"
    "code = '''import tkinter\nroot = tkinter.Tk(); root.title(\"Red\")\n"
    'root.configure(background="red"); root.geometry("400x300+100+100"); root.mainloop()\'\'\'\n'
    "child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)\n"
)
WAIT_FOR_RED = (
    "import time\n"
    "def colours(): return {colour for _, colour in d.snapshot().getcolors(2**24)}\n"
    "while (255, 0, 0) not in colours(): time.sleep(0.05)"
)


def execute(cells: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a notebook as `nbconvert --execute` does; return it."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def pictures(notebook: Any, cell: int) -> list[Image.Image]:
    """Return the PNG outputs of a cell."""
    return [
        Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("RGB")
        for output in notebook.cells[cell].outputs
        if "image/png" in output.get("data", {})
    ]


def colours(image: Image.Image) -> set[Any]:
    """Return the colours in a picture."""
    return {colour for _, colour in image.getcolors(2**24) or []}


def test_nbconvert_shows_what_came_later(
    leftovers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture under `%xdisplay` is that of the figure which a later cell opened."""
    figure = "import matplotlib.pyplot as plt\nplt.figure(facecolor='#12fe34'); plt.show()"
    notebook = execute([START, figure], tmp_path, monkeypatch)
    (image,) = pictures(notebook, 0)
    assert (0x12, 0xFE, 0x34) in colours(image)


def test_saved_widgets_are_small(
    leftovers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server a notebook is saved with its widgets: not with the views' JavaScript."""
    figure = "import matplotlib.pyplot as plt\nplt.figure(); plt.show()"
    notebook = execute([START, figure], tmp_path, monkeypatch)
    (widgets,) = notebook.metadata.widgets.values()
    ours = [it["state"] for it in widgets["state"].values() if "display_id" in it["state"]]
    assert {state["via"] for state in ours} == {"comm"}
    assert all(len(json.dumps(state)) < 10_000 for state in ours)


def test_an_error_stops_run_all(
    leftovers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in `%xdisplay` fails its cell, so that no cell after it runs."""
    with pytest.raises(CellExecutionError, match="did you mean"):
        execute(["%load_ext jupyter_xdisplay", "%xdisplay statsu", "x"], tmp_path, monkeypatch)


def test_stop_leaves_the_last_picture(display: KernelProcess) -> None:
    """`stop` replaces the view by the last picture, without the widget that is gone."""
    display.ok(RED)
    display.ok(WAIT_FOR_RED)
    cell = display.ok("%xdisplay stop")
    (update,) = cell.updates
    assert set(update["data"]) == {"image/png", "text/plain"}
    assert (255, 0, 0) in colours(picture(update))
    assert [m["msg_type"] for m in cell.comms] == ["comm_close"]


def test_an_empty_screen_is_no_last_picture(display: KernelProcess) -> None:
    """When the windows went before `stop`, the last picture is one that shows something."""
    display.ok(RED)
    display.ok(WAIT_FOR_RED)
    display.ok("child.kill(); child.wait()")
    display.ok("!true")
    cell = display.ok("%xdisplay stop")
    assert len(cell.updates) == 1


def test_every_output_is_kept_up_to_date(display: KernelProcess) -> None:
    """All outputs of a display get the newest picture, and none where nothing has changed."""
    display.ok("d.show()")
    display.ok(RED)
    display.ok(WAIT_FOR_RED)
    display.wait_for("True")
    assert display.ok("1").updates == []
    display.ok("child.kill(); child.wait()")
    display.wait_for("not d.windows()")


def test_one_widget_for_all_views(display: KernelProcess) -> None:
    """Several views of one display share a model, and with it what was loaded for it."""
    first = display.ok("d.show()").data[0]["data"]["application/vnd.jupyter.widget-view+json"]
    second = display.ok("d.show()").data[0]["data"]["application/vnd.jupyter.widget-view+json"]
    assert first == second


def test_the_bundle_is_missing(kernel: KernelProcess) -> None:
    """Without the built JavaScript the error says how to build it."""
    kernel.ok(
        "import jupyter_xdisplay.kernel.javascript as j, pathlib\n"
        "j.files = lambda _: pathlib.Path('/nowhere')"
    )
    cell = kernel.fails("%xdisplay", "StartFailed")
    assert "make setup" in cell.traceback
