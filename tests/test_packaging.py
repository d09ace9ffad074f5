"""What users of the wheel get."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", str(ROOT), "--wheel-dir", str(folder)),
            *("--no-deps", "--no-build-isolation", "-q"),
        ],
        check=True,
    )
    (path,) = folder.glob("jupyter_xdisplay-*.whl")
    return path


def test_wheel_holds_the_built_view(wheel: Path) -> None:
    """The JavaScript is in the wheel, so users need no Node; sources of it are not."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "jupyter_xdisplay/static/loader.js" in names
    assert "jupyter_xdisplay/static/widget.js" in names
    assert "jupyter_xdisplay/static/page.js" in names
    assert "jupyter_xdisplay/server/rest-api.yml" in names
    assert "jupyter_xdisplay/py.typed" in names
    assert not [name for name in names if "node_modules" in name or name.endswith(".ts")]


def test_wheel_holds_the_licences(wheel: Path) -> None:
    """The licence, and those of the bundled JavaScript, are in the wheel."""
    archive = zipfile.ZipFile(wheel)
    licences = {Path(name).name: name for name in archive.namelist() if "/licenses/" in name}
    assert {"LICENSE", "THIRD_PARTY_LICENSES.md"} <= set(licences)
    assert b"Mozilla Public License" in archive.read(licences["THIRD_PARTY_LICENSES.md"])


def test_wheel_switches_the_server_extension_on(wheel: Path, tmp_path: Path) -> None:
    """Installed into another environment, the extension is on and the command is there."""
    venv.create(tmp_path / "env", with_pip=False, system_site_packages=False)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", f"--python={python}", "install", "-q"),
            *("--no-deps", "--no-index", str(wheel)),
        ],
        check=True,
    )
    config = tmp_path / "env/etc/jupyter/jupyter_server_config.d/jupyter_xdisplay.json"
    assert json.loads(config.read_text())["ServerApp"]["jpserver_extensions"] == {
        "jupyter_xdisplay": True
    }
    answer = subprocess.run(
        [tmp_path / "env/bin/jupyter-xdisplay", "setup", "--print"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert "Traceback" not in answer.stderr
    assert answer.stdout
