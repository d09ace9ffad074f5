"""What an output with a live view consists of."""

from __future__ import annotations

import base64
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.kernel.host import PROCESS_NAME
from jupyter_xdisplay.kernel_protocol import METADATA_KEY, VIEW_MIME

if TYPE_CHECKING:
    from jupyter_xdisplay.kernel.comm_bridge import CommBridge
    from jupyter_xdisplay.kernel.widget import DisplayWidget
    from jupyter_xdisplay.spec import WindowInfo

MAX_GONE = 64
"""Most widgets that are kept of what is gone."""

_gone: deque[DisplayWidget] = deque()
_gone_lock = threading.Lock()


def bundle(text: str, png: bytes | None, widget: DisplayWidget | None) -> dict[str, Any]:
    """Return a MIME bundle: words, a picture for whoever opens the notebook, a live view."""
    found: dict[str, Any] = {"text/plain": text}
    if png is not None:
        found["image/png"] = base64.b64encode(png).decode()
    if widget is not None:
        found[VIEW_MIME] = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": widget.model_id,
        }
    return found


def let_go(widget: DisplayWidget | None, bridge: CommBridge | None) -> None:
    """End what serves the views of something that is gone.

    Views through the server stay where front ends do not put the picture in their place (JupyterLab
    forgets which output it was of cells that were moved or pasted): they keep what they showed. The
    last `MAX_GONE` only, as pages ask for the state of every widget that there is. Those through
    the comm cannot be told apart from views of a kernel that is busy.
    """
    if widget is None:
        return
    if bridge is not None:
        bridge.close()
        widget.close()
        return
    with _gone_lock:
        _gone.append(widget)
        old = _gone.popleft() if len(_gone) > MAX_GONE else None
    if old is not None:
        old.close()


def describe(window: WindowInfo) -> str:
    """Return what stands for a window where neither view nor picture is shown."""
    return f"<Window {window.title!r} {window.width}x{window.height}>"


def mark(
    display_id: str, window: WindowInfo | None = None, *, picture: bool = True
) -> dict[str, Any]:
    """Return the metadata by which the server knows what an output shows.

    A window is told by its process, too: X gives the ids of programs that ended again. With
    `picture` the server puts a picture into notebooks that are saved.
    """
    found: dict[str, Any] = {"display_id": display_id, "process": PROCESS_NAME}
    if window is not None:
        found |= {"window": window.id, "pid": window.pid}
    if not picture:
        found["picture"] = False
    return {METADATA_KEY: found}
