"""The server extension: switched on, and answering."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest
from jupyter_server.serverapp import list_running_servers

from jupyter_xdisplay.doctor import server
from jupyter_xdisplay.doctor.check import guarded


def switch_extension(config, *, on):
    """Write Jupyter configuration that switches the extension on or off."""
    folder = config / "jupyter_server_config.d"
    folder.mkdir()
    value = {"ServerApp": {"jpserver_extensions": {"jupyter_xdisplay": on}}}
    (folder / "jupyter_xdisplay.json").write_text(json.dumps(value))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def jupyter_server(tmp_path, monkeypatch):
    """Give a function that starts a real Jupyter server; only it is listed as running."""
    runtime = tmp_path / "runtime"
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv(server.SOCKET_VARIABLE, raising=False)
    started = []

    def start(*, extension: bool):
        switch_extension(tmp_path, on=extension)
        monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
        process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter_server", "--no-browser", "--ip=127.0.0.1",
                "--port=0", "--allow-root", f"--ServerApp.root_dir={tmp_path}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        # It is listed a moment before it listens.
        while not any(_listens(info["port"]) for info in list_running_servers(str(runtime))):
            assert process.poll() is None
            time.sleep(0.05)

    yield start
    for process in started:
        process.terminate()
        process.wait(30)


@pytest.fixture
def kernel_socket(tmp_path, monkeypatch):
    """Stand in for the extension's socket for kernels: it lists one display."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            granted = self.headers["Authorization"] == "Bearer secret"
            body = b"[]" if granted else b'{"error": "XDisplayError", "message": "refused"}'
            self.send_response(200 if granted else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "unix"

        def log_message(self, *_args):
            pass

    class Server(ThreadingMixIn, UnixStreamServer):
        daemon_threads = True

    path = tmp_path / "kernels.sock"
    with Server(str(path), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        monkeypatch.setenv(server.SOCKET_VARIABLE, str(path))
        monkeypatch.setenv(server.CAPABILITY_VARIABLE, "secret")
        yield path
        listening.shutdown()


@pytest.mark.parametrize(("switch", "status"), [(True, "ok"), (False, "problem")])
def test_switched_on(tmp_path, monkeypatch, switch, status):
    """Jupyter's own configuration decides, its nearest folder first."""
    switch_extension(tmp_path, on=switch)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    check = server.enabled_check()
    assert check.status == status
    assert (check.fix or "").startswith("" if switch else "jupyter server extension enable")


def test_kernel_reaches_its_server(kernel_socket):
    """In a kernel the extension's socket is asked."""
    (check,) = server.reachable_checks()
    assert check.status == "ok"
    assert "answers this kernel" in check.detail


def test_kernel_with_a_wrong_capability(kernel_socket, monkeypatch):
    """A refusal is a problem, not an exception."""
    monkeypatch.setenv(server.CAPABILITY_VARIABLE, "other")
    (check,) = guarded("server", server.reachable_checks)
    assert check.status == "problem"


def test_kernel_whose_server_is_gone(tmp_path, monkeypatch):
    """A socket that nobody serves is a problem."""
    monkeypatch.setenv(server.SOCKET_VARIABLE, str(tmp_path / "gone.sock"))
    (check,) = guarded("server", server.reachable_checks)
    assert check.status == "problem"


def test_no_server_runs(tmp_path, monkeypatch):
    """Where none runs there is nothing to ask: a note."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv(server.SOCKET_VARIABLE, raising=False)
    (check,) = server.reachable_checks()
    assert check.status == "note"


def test_server_without_the_extension(jupyter_server):
    """A real server without the extension is a problem that says how to switch it on."""
    jupyter_server(extension=False)
    (check,) = server.reachable_checks()
    assert check.status == "problem", check.detail
    assert "without the extension" in check.detail
    assert "restart that server" in (check.fix or "")


def test_server_with_the_extension(jupyter_server):
    """A real server with the extension answers."""
    jupyter_server(extension=True)
    (check,) = server.reachable_checks()
    assert check.status == "ok", check.detail


def test_view_and_anywidget():
    """The bundle and anywidget's part for the front ends are looked for."""
    bundle = Path(server.__file__).parents[1] / "static" / "widget.js"
    assert server.bundle_check().status == ("ok" if bundle.exists() else "problem")
    assert server.anywidget_check().status in {"ok", "note"}
    assert os.environ.get("JUPYTER_PATH") or server.anywidget_check().detail
