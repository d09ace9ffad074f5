"""The Jupyter server extension: switched on, and answering."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path, jupyter_path

from jupyter_xdisplay.doctor.check import Check, note, ok, problem
from jupyter_xdisplay.kernel_protocol import CAPABILITY_VARIABLE, SOCKET_VARIABLE

EXTENSION = "jupyter_xdisplay"
ENABLE = f"jupyter server extension enable --sys-prefix {EXTENSION}"
ANSWER_TIMEOUT_S = 5.0
_LONGEST_ANSWER = 1 << 20


def enabled_check() -> Check:
    """Return whether Jupyter's configuration switches the extension on in this environment."""
    from jupyter_server.extension.config import ExtensionConfigManager

    manager: Any = ExtensionConfigManager(read_config_path=jupyter_config_path())
    extensions = manager.get_jpserver_extensions()
    if extensions.get(EXTENSION):
        return ok("server extension", "is switched on in this environment")
    how = "is switched off" if EXTENSION in extensions else "is not switched on"
    return problem("server extension", f"{how} in this environment's configuration", ENABLE)


def reachable_checks() -> list[Check]:
    """Return whether a server's extension answers: this kernel's, or those of this user."""
    if os.environ.get(SOCKET_VARIABLE):
        return [_this_kernel()]
    return _running_servers()


def bundle_check() -> Check:
    """Return whether the view's JavaScript is in this package."""
    bundle = files("jupyter_xdisplay") / "static" / "widget.js"
    size = len(bundle.read_bytes()) if bundle.is_file() else 0
    if size:
        return ok("view", f"widget.js is there ({size // 1024} KiB)")
    fix = "python -m pip install --force-reinstall jupyter-xdisplay (a checkout: make setup)"
    return problem("view", "static/widget.js is missing in this installation", fix)


def anywidget_check() -> Check:
    """Return whether JupyterLab and Notebook of this environment can load anywidget."""
    try:
        installed = version("anywidget")
    except PackageNotFoundError:
        return problem("anywidget", "is not installed", "python -m pip install anywidget")
    folders = [Path(path) / "anywidget" for path in jupyter_path("labextensions")]
    if any(folder.is_dir() for folder in folders):
        return ok("anywidget", f"{installed}, with its part for JupyterLab and Notebook")
    detail = f"{installed}; its part for JupyterLab and Notebook is not in this environment"
    fix = "in the environment that runs the server: python -m pip install anywidget"
    return note("anywidget", detail, fix)


def _this_kernel() -> Check:
    from jupyter_xdisplay.kernel.server_host import ServerHost

    host = ServerHost(os.environ[SOCKET_VARIABLE], os.environ.get(CAPABILITY_VARIABLE, ""))
    count = len(host.list())
    return ok("server", f"its extension answers this kernel ({_displays(count)})")


def _running_servers() -> list[Check]:
    from jupyter_server.serverapp import list_running_servers

    found = [_ask(server) for server in list_running_servers()]
    if not found:
        return [note("server", "none of this user is running: nothing to ask", "jupyter lab")]
    if any(check.status == "ok" for check in found):
        return found
    return [Check(c.name, "problem" if c.fix else c.status, c.detail, c.fix) for c in found]


def _ask(server: dict[str, Any]) -> Check:
    """Ask one running server for its displays; a note where it cannot be asked."""
    url = str(server.get("url", ""))
    if not url.startswith(("http://", "https://")):
        return note("server", f"{url or 'one'} listens on a Unix socket: not asked")
    request = urllib.request.Request(f"{url}xdisplay/api/displays")  # noqa: S310 - checked above
    if token := server.get("token"):
        request.add_header("Authorization", f"token {token}")
    # No proxy: this is a server of this user on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_TIMEOUT_S) as response:
            count = len(json.loads(response.read(_LONGEST_ANSWER)))
    except urllib.error.HTTPError as error:
        error.close()
        return _refused(url, error.code)
    except (OSError, ValueError) as error:
        return note("server", f"{url} does not answer: {getattr(error, 'reason', error)}")
    return ok("server", f"the extension answers at {url} ({_displays(count)})")


def _refused(url: str, status: int) -> Check:
    if status == 404:
        detail = f"{url} runs without the extension: started before it was installed, or elsewhere"
        return note("server", detail, f"{ENABLE}; then restart that server")
    if status in {401, 403}:
        return note("server", f"{url} wants a login: not asked")
    return note("server", f"{url} answers with HTTP status {status}", "see the server's log")


def _displays(count: int) -> str:
    return "1 display" if count == 1 else f"{count} displays"
