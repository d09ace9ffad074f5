"""A real Jupyter server process with our extension, plain HTTP to it, and its kernels."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_xdisplay.paths import ROOT_VARIABLE
from tests.waiting import wait_until

OTHER_EXTENSIONS = ("jupyterlab", "jupyter_lsp", "notebook", "notebook_shim")
UP_DEADLINE_S = 60.0
END_DEADLINE_S = 30.0
API = "xdisplay/api/displays"

Config = dict[str, dict[str, Any]]


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class JupyterServer:
    """A Jupyter server process on a free port of the loopback interface.

    Parameters
    ----------
    home
        A new directory: notebooks, configuration, runtime files, log.
    private_root
        Where displays have their private directories.
    config
        Class → trait → value, as in jupyter_server_config.json.
    base_url
        Where it is mounted.
    environment
        More environment variables.
    stdin
        Its standard input; at a terminal Ctrl-C asks before it ends.
    """

    def __init__(
        self,
        home: Path,
        private_root: Path,
        *,
        config: Config | None = None,
        base_url: str = "/",
        environment: dict[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.private_root = private_root
        self.base_url = base_url
        self.token = secrets.token_hex(16)
        self.port = 0
        self.notebooks = home / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.runtime = home / "runtime"
        self.data = home / "data"
        self.log = home / "log"
        _write_config(home / "config", config or {})
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={self.token}"),
                    f"--ServerApp.root_dir={self.notebooks}",
                    f"--ServerApp.base_url={base_url}",
                ],
                stdin=stdin,
                stdout=log,
                stderr=log,
                cwd=home,
                env={
                    **os.environ,
                    ROOT_VARIABLE: str(private_root),
                    "JUPYTER_CONFIG_DIR": str(home / "config"),
                    "JUPYTER_DATA_DIR": str(self.data),
                    "JUPYTER_RUNTIME_DIR": str(self.runtime),
                    "IPYTHONDIR": str(home / "ipython"),
                    **(environment or {}),
                },
            )

    def wait_until_up(self) -> None:
        """Wait until the server answers, whatever it answers."""

        def port() -> int:
            assert self.process.poll() is None, self.log.read_text()
            for file in self.runtime.glob("jpserver-*.json"):
                with suppress(ValueError):
                    return int(json.loads(file.read_text())["port"])
            return 0

        def answers() -> bool:
            with suppress(OSError):
                return bool(self.ask("GET", "api/status").status)
            return False

        self.port = wait_until(port, "the Jupyter server did not come up", UP_DEADLINE_S)
        wait_until(answers, "the Jupyter server does not answer", UP_DEADLINE_S)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: bool = True,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request, with the token unless told; bytes as they are, else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Authorization": f"token {self.token}"} if token else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body)
        try:
            connection.request(method, self.base_url + path, data, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Return the JSON of a good answer."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def post(self, path: str, body: Any = None) -> Any:
        """Return the JSON of a good answer."""
        answer = self.ask("POST", path, {} if body is None else body)
        assert answer.status in {200, 201}, answer
        return answer.json

    def display(self, **request: Any) -> dict[str, Any]:
        """Start a display, or take the one that is there."""
        info: dict[str, Any] = self.post(API, request)
        return info

    def info(self, display_id: str) -> dict[str, Any]:
        """Return a display as it is."""
        info: dict[str, Any] = self.get(f"{API}/{display_id}")
        return info

    def state(self, display_id: str) -> str:
        """Return the state of a display."""
        return str(self.info(display_id)["state"])

    def wait_until_ended(self, display_id: str) -> None:
        """Wait until a display has ended."""
        wait_until(lambda: self.state(display_id) == "ended", "the display does not end")

    def end_displays(self) -> None:
        """End all displays."""
        for info in self.get(API):
            if info["state"] != "ended":
                self.ask("DELETE", f"{API}/{info['id']}?force=1")

    async def connect(
        self, path: str, *, token: bool = True, headers: dict[str, str] | None = None
    ) -> WebSocketClientConnection:
        """Open a WebSocket."""
        sent = {"Authorization": f"token {self.token}"} if token else {}
        return await websocket_connect(
            HTTPRequest(
                f"ws://127.0.0.1:{self.port}{self.base_url}{path}",
                headers={**sent, **(headers or {})},
                connect_timeout=30,
                request_timeout=30,
            )
        )

    def start_kernel(self, name: str = "python3") -> str:
        """Start a kernel; return its id once its process runs."""
        kernel_id = str(self.post("api/kernels", {"name": name})["id"])
        self.kernel_pid(kernel_id)
        return kernel_id

    def start_session(self, path: str) -> tuple[str, str]:
        """Start a notebook's kernel; return the ids of the session and of the kernel."""
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.post("api/sessions", body)
        return session["id"], session["kernel"]["id"]

    def restart_kernel(self, kernel_id: str) -> int:
        """Restart a kernel, as users do; return its new process."""
        before = self.kernel_pid(kernel_id)
        self.post(f"api/kernels/{kernel_id}/restart")
        return self.kernel_pid(kernel_id, other_than=before)

    def end_kernel(self, kernel_id: str) -> None:
        """Shut a kernel down, as users do; one that is gone is fine."""
        assert self.ask("DELETE", f"api/kernels/{kernel_id}").status in {204, 404}

    def kernel_pid(self, kernel_id: str, other_than: int = 0) -> int:
        """Return the process of a kernel; `other_than` the one before a restart."""
        return wait_until(lambda: _kernel_pid(kernel_id, other_than), "no kernel process")

    def kernel_environment(self, kernel_id: str) -> dict[str, str]:
        """Return the environment that a kernel's process was started with."""
        return environment_of(self.kernel_pid(kernel_id))

    def stop(self) -> None:
        """End the server, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with."""

    def read() -> dict[str, str]:  # empty for a moment, while the process executes its program
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return dict(os.fsdecode(pair).split("=", 1) for pair in pairs if b"=" in pair)

    return wait_until(read)


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) * 1024


def _kernel_pid(kernel_id: str, other_than: int) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if int(process.name) != other_than and f"kernel-{kernel_id}.json".encode() in command:
                return int(process.name)
    return 0


def _write_config(directory: Path, config: Config) -> None:
    """Write the configuration: only our extension, small screens, and what a test wants."""
    values: Config = {
        "ServerApp": {"jpserver_extensions": dict.fromkeys(OTHER_EXTENSIONS, False)},
        "LocalRuntime": {"size": [320, 240], "max_size": [1280, 800]},
        "KernelRestarter": {"time_to_dead": 0.3},
    }
    for name, traits in config.items():
        values[name] = {**values.get(name, {}), **traits}
    directory.mkdir()
    (directory / "jupyter_server_config.json").write_text(json.dumps(values))
