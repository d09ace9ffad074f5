"""The examples of docs/automation.md and the notebook about it, run as they are."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from tests.kernel.kernel_process import REPOSITORY

PAGE = REPOSITORY / "docs" / "automation.md"
NOTEBOOK = REPOSITORY / "notebooks" / "03-automation.ipynb"


def test_the_examples_of_the_page(leftovers: Path, tmp_path: Path) -> None:
    """One after the other they are a script that runs, prints and writes what the page says."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert result.returncode == 0, result.stderr
    assert "and not #ff0000" in result.stdout
    assert Image.open(tmp_path / "calculator.png").size > (100, 100)
    with Image.open(tmp_path / "gears.gif") as gears:
        assert gears.n_frames > 5  # type: ignore[attr-defined]


def _outputs(cell: Any, kind: str) -> list[str]:
    return [output["data"][kind] for output in cell.outputs if kind in output.get("data", {})]


def test_the_notebook(leftovers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser each cell runs and shows what it is about."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    book = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert "Calculator" in _outputs(cells[0], "text/plain")[-1]
    for cell in (cells[1], cells[4], cells[6]):
        (png,) = _outputs(cell, "image/png")
        picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
        assert len(picture.resize((60, 60)).getcolors(3600) or ()) > 3, "a picture of nothing"
    assert "It is done" in _outputs(cells[2], "text/plain")[-1]
    assert "and not #ff0000" in cells[3].outputs[0]["text"]
    (gif,) = _outputs(cells[5], "image/gif")
    assert base64.b64decode(gif).startswith(b"GIF89a")
    assert "glxgears" in cells[6].outputs[0]["text"]
    assert "ended" in _outputs(cells[7], "text/plain")[-1]
