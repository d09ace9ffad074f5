"""Who keeps the displays: this process, or the server extension over its real socket."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_xdisplay.errors import DisplayNotFound, Unreachable, UsageError, XDisplayError
from jupyter_xdisplay.kernel.host import Host, choose_host
from jupyter_xdisplay.kernel.local_host import LocalHost
from jupyter_xdisplay.kernel.server_host import ServerHost
from jupyter_xdisplay.kernel_protocol import CAPABILITY_VARIABLE, SOCKET_VARIABLE
from jupyter_xdisplay.runtime.manager import DisplayManager
from jupyter_xdisplay.server.kernel_socket import KernelSocket
from jupyter_xdisplay.spec import DisplaySpec, Size
from tests.kernel.kernel_process import Starter


class Server:
    """The server extension's manager and its socket for kernels, in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.call(self._listen())

    def call(self, work: Any) -> Any:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _listen(self) -> None:
        self.manager = DisplayManager()
        self.socket = KernelSocket(self.manager)
        self.socket.listen()

    async def _close(self) -> None:
        self.socket.close()
        await self.manager.close()

    def close(self) -> None:
        """End the displays and the socket."""
        self.call(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def server(leftovers: Path) -> Iterator[Server]:
    """Give a running server side."""
    server = Server()
    yield server
    server.close()


def kernel_host(server: Server, kernel_id: str = "k") -> ServerHost:
    """Return the host of one kernel."""
    environment = server.socket.environment(kernel_id)
    return ServerHost(environment[SOCKET_VARIABLE], environment[CAPABILITY_VARIABLE])


@pytest.fixture(params=["local", "server"])
def host(request: pytest.FixtureRequest, server: Server) -> Iterator[Host]:
    """Give each kind of host."""
    host: Host = LocalHost() if request.param == "local" else kernel_host(server)
    yield host
    host.close()


def test_a_display_lives_and_ends(host: Host) -> None:
    """Both hosts create, list, return the same again, and end a display."""
    assert host.list() == []
    info = host.create(DisplaySpec(size=Size(320, 240)))
    assert (info.state, info.size) == ("running", (320, 240))
    assert host.create(DisplaySpec()).id == info.id
    assert [i.id for i in host.list()] == [info.id]
    assert host.stop(info.id).state == "ended"
    assert host.create(DisplaySpec()).id != info.id


def test_errors_come_through(host: Host) -> None:
    """What the manager raises arrives as the same class, with its fix."""
    with pytest.raises(UsageError) as caught:
        host.create(DisplaySpec(size=Size(9999, 9999)))
    assert "3840x2160" in (caught.value.fix or "")
    with pytest.raises(DisplayNotFound):
        host.stop("0123456789ab")


def test_the_server_keeps_displays_apart(server: Server) -> None:
    """A kernel neither sees nor ends another kernel's display; a wrong secret gets nothing."""
    first, second = kernel_host(server, "1"), kernel_host(server, "2")
    info = first.create(DisplaySpec())
    assert second.list() == []
    with pytest.raises(DisplayNotFound):
        second.stop(info.id)
    with pytest.raises(XDisplayError):
        ServerHost(str(server.socket.path), "wrong").list()
    first.stop(info.id)


def test_nobody_answers(tmp_path: Path) -> None:
    """A server that is gone is an Unreachable error."""
    with pytest.raises(Unreachable):
        ServerHost(str(tmp_path / "gone"), "x").list()


def test_a_script_is_not_the_kernel(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """A plain process that inherited the variables keeps its displays itself."""
    for variable, value in server.socket.environment("k").items():
        monkeypatch.setenv(variable, value)
    assert isinstance(choose_host().host, LocalHost)


def test_close_from_a_forked_child(host: Host) -> None:
    """Closing the host in a forked child ends nothing of the parent's."""
    info = host.create(DisplaySpec())
    pid = os.fork()
    if pid == 0:
        host.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert host.create(DisplaySpec()).id == info.id


def test_a_kernel_of_a_server(server: Server, start_kernel: Starter) -> None:
    """A kernel with the variables has its displays kept by the server, and hides its secret."""
    kernel = start_kernel(**server.socket.environment("k"))
    kernel.ok("import os; before = dict(os.environ)")
    cell = kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay")
    assert "kept by the Jupyter server" in cell.words
    state = cell.comms[-1]["content"]["data"]["state"]
    assert state["via"] == "server"
    assert len(state["_esm"]) < 4096
    assert kernel.value(f"{CAPABILITY_VARIABLE!r} in os.environ") == "False"
    assert [info.kernel_id for info in server.manager.list_displays()] == ["k"]
    kernel.ok("%xdisplay stop")
    assert kernel.value("dict(os.environ) == before") == "True"


def test_parked_by_the_server(server: Server, start_kernel: Starter) -> None:
    """The server parks a display that its kernel is connected to, as its process tells it."""
    kernel = start_kernel(**server.socket.environment("k"))
    kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay\nimport tkinter; root = tkinter.Tk()")
    assert "parked" in kernel.ok("%xdisplay stop").text
    assert kernel.is_alive()


def test_a_display_that_came_with_the_kernel(server: Server, start_kernel: Starter) -> None:
    """DISPLAY given at the start is taken up by `%xdisplay`, and gone with its display."""
    info = server.call(server.manager.create(DisplaySpec(), "k"))
    kernel = start_kernel(
        **server.socket.environment("k"), DISPLAY=info.display, XAUTHORITY=info.xauthority
    )
    kernel.ok("%load_ext jupyter_xdisplay\nimport os, jupyter_xdisplay as xd\n%xdisplay")
    assert kernel.value("xd.display().id") == repr(info.id)
    kernel.ok("%xdisplay stop")
    assert kernel.value("'DISPLAY' in os.environ, 'XAUTHORITY' in os.environ") == "(False, False)"


def test_closed_in_its_view(server: Server, start_kernel: Starter) -> None:
    """A display that was closed over the server is given up by the kernel at its next cell."""
    kernel = start_kernel(**server.socket.environment("k"))
    kernel.ok("%load_ext jupyter_xdisplay\n%xdisplay\nimport os")
    server.call(server.manager.stop(server.manager.list_displays("k")[0].id))
    assert kernel.value("'DISPLAY' in os.environ") == "False"
    assert "had ended" not in kernel.ok("%xdisplay").text
