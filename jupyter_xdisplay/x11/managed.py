"""Whether a window manager manages windows yet."""

from __future__ import annotations

import struct
import time

import xcffib
import xcffib.xproto

from jupyter_xdisplay.x11.connection import X11Connection

LOOK_AGAIN_S = 0.005
MAP_AGAIN_S = 0.05


def wait_until_managed(connection: X11Connection, timeout_s: float) -> bool:
    """Wait until windows that are mapped are managed; return whether they are.

    Openbox announces itself (`_NET_SUPPORTING_WM_CHECK`, EWMH) before it handles MapRequests, and
    loses windows that are mapped in between. So a window of our own is mapped, again and again,
    until it has a WM_STATE (ICCCM 4.1.3.1). It is a dock of one pixel, which no window manager
    decorates or focuses.
    """
    x = connection
    window = x.raw.generate_id()
    x.core.CreateWindow(
        *(x.screen.root_depth, window, x.root, 0, 0, 1, 1, 0),
        *(xcffib.xproto.WindowClass.InputOutput, x.screen.root_visual, 0, []),
    )
    dock = struct.pack("=I", x.atom("_NET_WM_WINDOW_TYPE_DOCK"))
    x.core.ChangeProperty(
        *(xcffib.xproto.PropMode.Replace, window, x.atom("_NET_WM_WINDOW_TYPE")),
        *(xcffib.xproto.Atom.ATOM, 32, 1, dock),
    )
    end = time.monotonic() + timeout_s
    managed = False
    while not managed and time.monotonic() < end:
        x.core.UnmapWindow(window)
        x.core.MapWindow(window)
        x.flush()
        again = time.monotonic() + MAP_AGAIN_S
        while not managed and time.monotonic() < again:
            time.sleep(LOOK_AGAIN_S)
            managed = x.property_bytes(window, "WM_STATE") is not None
    x.core.DestroyWindow(window)
    x.flush()
    return managed
