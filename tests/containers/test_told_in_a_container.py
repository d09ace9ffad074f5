"""A sidecar in a container that lies when it comes up; with the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_xdisplay.errors import StartFailed
from jupyter_xdisplay.runtime.manager import DisplayManager
from tests.containers.fixtures import MakeContainer
from tests.containers.test_joined import SPEC, manager
from tests.runtime.liar import TRUE

__all__ = ["manager"]

SAY = """
mkdir "$0"; touch "$0/Xauthority"; echo $$ > "$0/pid"
printf '%s\\n' '{said}'
exec cat
"""


def say(monkeypatch: pytest.MonkeyPatch, said: object) -> None:
    """Put a program in the place of all sidecars."""
    script = SAY.replace("{said}", json.dumps(said))
    monkeypatch.setattr("jupyter_xdisplay.runtime.pod.LAUNCH", script)


async def test_where_our_socket_is(
    make_container: MakeContainer,
    manager: DisplayManager,
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
    tmp_path: Path,
) -> None:
    """Nothing is made at a path that is told, nor is the display another one than it is here."""
    make_container(user="4321:4321", ipc_mode="shareable")
    lies = {"id": "f" * 12, "socket": f"{tmp_path}/made/s", "runtime": "local", "container": ""}
    say(monkeypatch, {"info": {**TRUE.to_json(), **lies}})
    info = await manager.create(SPEC)
    assert not [path.name for path in below(tmp_path)]
    assert info.socket == f"{root}/d-{info.id}/{info.id}.sock"
    assert (info.runtime, info.container, info.id == lies["id"]) == ("docker", "theirs", False)


def below(folder: Path) -> list[Path]:
    """Return what is in a folder."""
    return list(folder.iterdir())


@pytest.mark.parametrize("said", [{"info": {"size": 3}}, {"info": None}, {"error": 3}, [], {}])
async def test_what_cannot_be_read(
    make_container: MakeContainer,
    manager: DisplayManager,
    monkeypatch: pytest.MonkeyPatch,
    leftovers: Path,
    said: object,
) -> None:
    """The start has failed, and left nothing."""
    make_container()
    say(monkeypatch, said)
    with pytest.raises(StartFailed):
        await manager.create(SPEC)
    assert not below(leftovers)
