"""Reaching a container engine, and what is said where none is reached."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_xdisplay.containers import engine
from jupyter_xdisplay.errors import EngineUnreachable
from tests.containers.real_engine import Engine, RunningEngine
from tests.other_user import AS_OTHER_USER, needs_other_user


def test_an_engine_that_answers(real_engine: Engine | RunningEngine) -> None:
    """`DOCKER_HOST` names it."""
    client = engine.connect()
    assert client.info()["ID"] == real_engine.client.info()["ID"]
    client.close()


def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, and one where nobody listens: another fix for each."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(EngineUnreachable, match="there is no socket") as caught:
        engine.connect()
    assert "systemctl start docker" in (caught.value.fix or "")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with pytest.raises(EngineUnreachable, match="does not answer") as caught:
        engine.connect()
    assert caught.value.log


@needs_other_user
def test_an_engine_of_others(real_engine: Engine | RunningEngine) -> None:
    """Whoever may not use the socket is told of groups and rootless engines, and of no chmod."""
    code = "from jupyter_xdisplay.containers import engine; engine.connect()"
    found = subprocess.run(
        [*AS_OTHER_USER, sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "may not use the container engine" in found.stderr
    assert "usermod -aG docker" in found.stderr
    assert "chmod" not in found.stderr
