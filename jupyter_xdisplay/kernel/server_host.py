"""The host in a Jupyter server: its extension, asked over its Unix socket for kernels."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_xdisplay.errors import Unreachable
from jupyter_xdisplay.kernel.host import PROCESS_NAME
from jupyter_xdisplay.kernel_protocol import (
    PID_HEADER,
    PROCESS_HEADER,
    VIEWS_BY_COMM,
    VIEWS_VARIABLE,
)
from jupyter_xdisplay.spec import DisplayInfo
from jupyter_xdisplay.unix_http import request

if TYPE_CHECKING:
    from jupyter_xdisplay.spec import DisplaySpec

CREATE_TIMEOUT_S = 30.0
"""A start includes an X server, a window manager and perhaps a slow disk."""

STOP_TIMEOUT_S = 20.0
LIST_TIMEOUT_S = 5.0


class ServerHost:
    """Displays kept by the Jupyter server that started this kernel (`kernel.host.Host`).

    Parameters
    ----------
    socket_path
        The server extension's Unix socket for kernels.
    capability
        The secret that says which kernel is asking.
    """

    is_this_process = False

    def __init__(self, socket_path: str, capability: str) -> None:
        self.via_server = os.environ.get(VIEWS_VARIABLE) != VIEWS_BY_COMM
        self.keeper = "the Jupyter server" if self.via_server else "what started this kernel"
        self._socket_path = socket_path
        self._headers = {
            "Authorization": f"Bearer {capability}",
            PROCESS_HEADER: PROCESS_NAME,
            PID_HEADER: str(os.getpid()),
        }

    def create(self, spec: DisplaySpec) -> DisplayInfo:
        """Return the display called `spec.name`, started (or unparked) where it does not run."""
        reply = self._request("POST", "/displays", CREATE_TIMEOUT_S, spec.to_json())
        return DisplayInfo.from_json(reply)

    def list(self) -> list[DisplayInfo]:
        """Return this kernel's displays."""
        return [
            DisplayInfo.from_json(item)
            for item in self._request("GET", "/displays", LIST_TIMEOUT_S)
        ]

    def stop(self, display_id: str, *, force: bool = False) -> DisplayInfo:
        """End (or park) a display; return it as it is then."""
        url = f"/displays/{quote(display_id, safe='')}?force={int(force)}"
        return DisplayInfo.from_json(self._request("DELETE", url, STOP_TIMEOUT_S))

    def close(self) -> None:
        """Do nothing: the server keeps the displays until the kernel ends."""

    def _request(
        self, method: str, url: str, timeout_s: float, body: dict[str, Any] | None = None
    ) -> Any:
        answer = request(
            self._socket_path, method, url, body, headers=self._headers, timeout_s=timeout_s
        )
        try:
            return json.loads(answer)
        except ValueError as error:
            raise Unreachable(
                "The Jupyter server's extension answered something that is not JSON."
            ) from error
