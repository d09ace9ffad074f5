"""A real Jupyter server and pages of it in a real Chromium, as a user would use them."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from tests.e2e.settings import environment

T = TypeVar("T")

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parent / "screenshots"


def wait_for(what: Callable[[], T], message: str | Callable[[], str], timeout_s: float = 30.0) -> T:
    """Return the first true value of `what`; fail with `message` after the deadline."""
    end = time.monotonic() + timeout_s
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            words = message if isinstance(message, str) else message()
            raise AssertionError(f"{words} (waited {timeout_s:.0f} s)")
        time.sleep(0.05)


class Lab:
    """A Jupyter server process.

    Parameters
    ----------
    root
        Its directory of notebooks.
    private_root
        Where displays have their private directories.
    base_url
        Where it is mounted.
    extension
        Whether our server extension is on.
    dark
        Whether JupyterLab has its dark theme.
    arguments
        More command line.
    wrapper
        What goes before it.
    """

    def __init__(
        self,
        root: Path,
        *,
        private_root: Path,
        base_url: str = "/",
        extension: bool = True,
        dark: bool = False,
        arguments: Sequence[str] = (),
        wrapper: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.base_url = base_url
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = root / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *wrapper,
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
                    f"--IdentityProvider.token={self.token}",
                    f"--ServerApp.root_dir={root}",
                    f"--ServerApp.base_url={base_url}",
                    f"--ServerApp.jpserver_extensions=jupyter_xdisplay={extension}",
                    *arguments,
                ],
                stdout=log,
                stderr=log,
                env=environment(root, private_root, dark=dark),
                cwd=root,
            )

    @property
    def url(self) -> str:
        """The server's address with its base URL."""
        return f"http://127.0.0.1:{self.port}{self.base_url}"

    def wait_until_up(self) -> None:
        """Wait until the server answers."""

        def answers() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            with contextlib.suppress(OSError):
                self.api("GET", "api/status")
                return True
            return False

        wait_for(answers, "the Jupyter server did not come up", 60)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server's REST API; return the JSON of its answer."""
        text = self._call(method, path, body)
        return json.loads(text) if text else None

    def _call(self, method: str, path: str, body: Any = None) -> bytes:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            data: bytes = answer.read()
        return data

    def displays(self) -> list[dict[str, Any]]:
        """Return the displays of the server."""
        found: list[dict[str, Any]] = self.api("GET", "xdisplay/api/displays")
        return found

    def display(self, kernel_id: str) -> dict[str, Any]:
        """Return the running display of a kernel."""
        return next(
            info
            for info in self.displays()
            if info["kernel_id"] == kernel_id and info["state"] == "running"
        )

    def screenshot(self, kernel_id: str) -> Image.Image:
        """Return the screen of a kernel's running display, exactly."""
        return self.picture(f"xdisplay/api/displays/{self.display(kernel_id)['id']}/screenshot")

    def picture(self, path: str) -> Image.Image:
        """Return what the REST API answers with a picture."""
        return Image.open(io.BytesIO(self._call("GET", path))).convert("RGB")

    def write_notebook(self, name: str, cells: Sequence[str], kernel: str = "python3") -> Path:
        """Write a notebook of code cells into the server's directory."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel}},
        )
        path = self.root / name
        nbformat.write(notebook, path)
        return path

    def stop(self) -> None:
        """End the server as a user does, twice Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Notebook:
    """A notebook open in JupyterLab or Notebook 7.

    Parameters
    ----------
    page
        The browser's page.
    lab
        The server.
    name
        The notebook's path on the server.
    classic
        Whether to open it in Notebook 7.
    pick
        The kernel to choose in JupyterLab's dialog, which asks where the notebook's is not there.
    """

    def __init__(
        self, page: Page, lab: Lab, name: str, *, classic: bool = False, pick: str | None = None
    ) -> None:
        self.page = page
        self.lab = lab
        self.name = name
        path = "notebooks/" if classic else "lab/tree/"
        page.goto(f"{lab.url}{path}{name}?token={lab.token}" + ("" if classic else "&reset"))
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        if pick is not None:
            dialog = page.locator(".jp-Dialog", has_text="Select Kernel")
            dialog.locator("select").select_option(label=pick)
            dialog.locator(".jp-mod-accept").click()
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the notebook's kernel is there and idle."""

        def idle() -> bool:
            sessions = self.lab.api("GET", "api/sessions")
            return any(
                s["path"].endswith(self.name) and s["kernel"]["execution_state"] == "idle"
                for s in sessions
            )

        wait_for(idle, "the kernel did not become idle", 60)

    @property
    def kernel_id(self) -> str:
        """The notebook's kernel."""
        for session in self.lab.api("GET", "api/sessions"):
            if session["path"].endswith(self.name):
                return str(session["kernel"]["id"])
        raise AssertionError("no session")

    @contextlib.contextmanager
    def restarting(self) -> Iterator[None]:
        """Wait until the kernel that is restarted inside answers.

        The server says so; the state that it keeps may be that of the kernel before.
        """
        with self.page.expect_response(lambda r: "/restart" in r.url, timeout=60e3) as got:
            yield
        assert got.value.ok, got.value.text()

    def restart_kernel(self) -> None:
        """Restart the kernel as a user does, and wait until it is there again."""
        with self.restarting():
            self.page.keyboard.press("Escape")
            self.page.keyboard.press("0")
            self.page.keyboard.press("0")
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
            self.page.locator(".jp-Dialog").wait_for(state="detached")

    def shut_down(self) -> None:
        """Shut the kernel down; the server cannot while it restarts it."""

        def gone() -> bool:
            with contextlib.suppress(urllib.error.HTTPError):
                for session in self.lab.api("GET", "api/sessions"):
                    if session["path"].endswith(self.name):
                        self.lab.api("DELETE", f"api/sessions/{session['id']}")
                return True
            return False

        wait_for(gone, "the kernel cannot be shut down")

    def cell(self, index: int) -> Locator:
        """A cell, by its place."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def view(self, index: int) -> Locator:
        """The display's view in a cell's output."""
        return self.cell(index).locator("[data-xdisplay-state]").first

    def start_cell(self, index: int) -> None:
        """Run a cell without waiting for it."""
        self.cell(index).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")

    def run(self, index: int, timeout_s: float = 60.0) -> None:
        """Run a cell to its end."""
        before = self.prompt(index)
        self.start_cell(index)

        def done() -> bool:
            prompt = self.prompt(index)
            return prompt not in {before, "[*]:", "[ ]:"}

        wait_for(done, f"cell {index} did not end; prompt {self.prompt(index)}", timeout_s)

    def text(self, index: int) -> str:
        """The text of a cell's outputs."""
        return "\n".join(self.cell(index).locator(".jp-OutputArea-output").all_inner_texts())

    def save(self) -> dict[str, Any]:
        """Save as a user does; return the file's content."""
        before = (self.lab.root / self.name).stat().st_mtime_ns
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        path = self.lab.root / self.name

        def saved() -> dict[str, Any] | None:
            if path.stat().st_mtime_ns == before:
                return None
            try:
                return json.loads(path.read_text())
            except ValueError:
                return None  # it is being written

        return wait_for(saved, "the notebook was not saved")

    def screenshot(self, name: str) -> Path:
        """Take a picture of the page, for people."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def prompt(self, index: int) -> str:
        """The number beside a cell: "[*]:" while it runs, "[ ]:" where it did not."""
        return self.cell(index).locator(".jp-InputPrompt").first.inner_text()


@contextlib.contextmanager
def new_page(browser: Browser, *, dark: bool = False, **options: Any) -> Iterator[Page]:
    """A page in a browser profile of its own."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000},
        color_scheme="dark" if dark else "light",
        **options,
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    try:
        yield page
    finally:
        context.close()
