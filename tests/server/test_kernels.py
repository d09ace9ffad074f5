"""A display lives with its kernel: launch, restart, rename, shutdown, death and culling."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from jupyter_xdisplay.kernel_protocol import CAPABILITY_VARIABLE, SOCKET_VARIABLE
from jupyter_xdisplay.spec import DisplayInfo
from tests.server.conftest import MakeServer
from tests.server.real_server import API, JupyterServer, environment_of
from tests.waiting import wait_until
from tests.xclient import running

GIVEN = (SOCKET_VARIABLE, CAPABILITY_VARIABLE)
DIES_AGAIN = """
import os, sys
from pathlib import Path

if (mark := Path(sys.argv[2])).exists():
    sys.exit(1)
mark.touch()
os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", "-f", sys.argv[1]])
"""


def _has_display(environment: dict[str, str], info: dict[str, str]) -> bool:
    return (environment.get("DISPLAY"), environment.get("XAUTHORITY")) == (
        info["display"],
        info["xauthority"],
    )


def test_a_kernel_is_told_how_to_reach_us(server: JupyterServer) -> None:
    """Socket and capability are in its environment; no DISPLAY until there is a display."""
    first, second = (server.kernel_environment(server.start_kernel()) for _ in range(2))
    assert Path(first[SOCKET_VARIABLE]).is_socket()
    assert first[SOCKET_VARIABLE] == second[SOCKET_VARIABLE]
    assert first[CAPABILITY_VARIABLE] != second[CAPABILITY_VARIABLE]
    assert "DISPLAY" not in first
    assert not set(GIVEN) & set(environment_of(server.process.pid))


def test_a_restart_keeps_the_display_and_closes_old_windows(server: JupyterServer) -> None:
    """The same display, DISPLAY set in the new process, the old process's windows gone."""
    kernel_id = server.start_kernel()
    before = server.kernel_environment(kernel_id)
    info = server.display(kernel_id=kernel_id)
    server.display(kernel_id=kernel_id, name="another")
    with running(DisplayInfo.from_json(info), "window", "--title", "old"):
        wait_until(lambda: server.info(info["id"])["windows"])
        environment = environment_of(server.restart_kernel(kernel_id))
        wait_until(lambda: not server.info(info["id"])["windows"], "the old window stays")
    assert server.state(info["id"]) == "running"
    assert _has_display(environment, info)  # of the two, the one called main
    assert [environment[name] for name in GIVEN] == [before[name] for name in GIVEN]


def test_a_rename_loses_nothing(server: JupyterServer) -> None:
    """A session's rename rewrites the environment of later launches: ours is there again."""
    session_id, kernel_id = server.start_session("one.ipynb")
    before = server.kernel_environment(kernel_id)
    info = server.display(kernel_id=kernel_id)
    new = {"path": "two.ipynb", "name": "two.ipynb"}
    renamed = server.ask("PATCH", f"api/sessions/{session_id}", new)
    assert renamed.status == 200
    environment = environment_of(server.restart_kernel(kernel_id))
    assert environment["JPY_SESSION_NAME"].endswith("two.ipynb")
    assert _has_display(environment, info)
    assert [environment[name] for name in GIVEN] == [before[name] for name in GIVEN]


def test_a_killed_kernel_that_comes_back_keeps_its_display(server: JupyterServer) -> None:
    """Killed with -9 and restarted by Jupyter, as after a crash of its code."""
    kernel_id = server.start_kernel()
    info = server.display(kernel_id=kernel_id)
    pid = server.kernel_pid(kernel_id)
    os.kill(pid, signal.SIGKILL)
    environment = environment_of(server.kernel_pid(kernel_id, other_than=pid))
    assert _has_display(environment, info)
    assert server.state(info["id"]) == "running"


def test_a_shutdown_ends_the_kernels_displays_only(server: JupyterServer) -> None:
    """All of that kernel, by the kernels' or the sessions' API; no other kernel's and nobody's."""
    session_id, kernel_id = server.start_session("three.ipynb")
    other_id = server.start_kernel()
    mine = [server.display(kernel_id=kernel_id, name=name) for name in ("main", "two")]
    others = [server.display(kernel_id=other_id), server.display()]
    assert server.ask("DELETE", f"api/sessions/{session_id}").status == 204
    for info in mine:
        assert server.state(info["id"]) == "ended"
        assert not Path(info["socket"]).parent.exists()
    assert [server.state(info["id"]) for info in others] == ["running", "running"]
    server.end_kernel(other_id)
    assert [server.state(info["id"]) for info in others] == ["ended", "running"]


def test_a_kernel_that_does_not_come_back_ends_its_display(make_server: MakeServer) -> None:
    """Dead for good, after Jupyter tried to restart it as often as it does."""
    server = make_server(config={"KernelRestarter": {"restart_limit": 1, "time_to_dead": 0.3}})
    folder = server.data / "kernels" / "dies"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-c", DIES_AGAIN, "{connection_file}", str(folder / "mark")]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "dies"}))
    kernel_id = server.start_kernel("dies")
    info = server.display(kernel_id=kernel_id)
    os.kill(server.kernel_pid(kernel_id), signal.SIGKILL)
    server.wait_until_ended(info["id"])
    assert server.get("api/kernels") == []


def test_a_dead_kernel_that_nobody_restarts_ends_its_display(make_server: MakeServer) -> None:
    """Without autorestart Jupyter itself does not notice; a start with each kernel is on here."""
    server = make_server(
        config={
            "KernelManager": {"autorestart": False},
            "XDisplayApp": {"start_with_kernel": True},
        }
    )
    kernel_id = server.start_kernel()
    [info] = server.get(f"{API}?kernel_id={kernel_id}")
    assert _has_display(server.kernel_environment(kernel_id), info)
    os.kill(server.kernel_pid(kernel_id), signal.SIGKILL)
    server.wait_until_ended(info["id"])


def test_culling_ends_the_display(make_server: MakeServer) -> None:
    """An idle kernel that Jupyter culls takes its display with it; another server's stays."""
    culling = {"cull_idle_timeout": 1, "cull_interval": 1}
    server = make_server(config={"MappingKernelManager": culling})
    neighbour = make_server()
    kept = neighbour.display()
    kernel_id = server.start_kernel()
    info = server.display(kernel_id=kernel_id)
    server.wait_until_ended(info["id"])
    server.stop()
    assert neighbour.state(kept["id"]) == "running"
    assert neighbour.info(kept["id"])["display"] == kept["display"]
