"""What a kernel and whoever launched it agree on.

Variables at its launch, headers of requests, and the outputs that show displays.
"""

from __future__ import annotations

SOCKET_VARIABLE = "JUPYTER_XDISPLAY_SOCKET"
"""Environment variable: path of the Unix socket for kernels."""

CAPABILITY_VARIABLE = "JUPYTER_XDISPLAY_CAPABILITY"
"""Environment variable: the secret that says which kernel is asking."""

NOTICE_VARIABLE = "JUPYTER_XDISPLAY_NOTICE"
"""Environment variable: what the user has to be told first, such as why the last process ended."""

VIEWS_VARIABLE = "JUPYTER_XDISPLAY_VIEWS"
"""Environment variable: how views get their pixels where that is not through the server."""

VIEWS_BY_COMM = "comm"

PROCESS_HEADER = "Xdisplay-Process"
"""Request header: the name that this kernel process gave itself."""

PID_HEADER = "Xdisplay-Pid"
"""Request header: its pid in its own PID namespace, that of its displays in a container."""

METADATA_KEY = "jupyter_xdisplay"
"""Key in the metadata of an output that shows a display; the server finds outputs by it."""

VIEW_MIME = "application/vnd.jupyter.widget-view+json"
"""The live view in such an output."""
