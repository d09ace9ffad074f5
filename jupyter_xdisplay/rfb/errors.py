"""What ends a connection."""

from __future__ import annotations

from jupyter_xdisplay.errors import XDisplayError


class ProtocolError(XDisplayError):
    """The other side sent what RFB does not allow, or more than we take.

    It never leaves a connection's `receive_data`: it becomes the connection's `error`.
    """

    http_status = 502
