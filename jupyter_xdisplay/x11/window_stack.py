"""Reads which windows are to be seen, in few round trips."""

from __future__ import annotations

from typing import Any

import xcffib
import xcffib.xproto

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.geometry import Rect
from jupyter_xdisplay.x11.window_group import Managed, PopUp, WindowStack

LONG_WORDS = 1


def read_window_stack(connection: X11Connection) -> WindowStack:
    """Return all windows that are to be seen now.

    A window that goes while this reads is left out.
    """
    x = connection
    tree = x.core.QueryTree(x.root).reply().children
    order = tuple(int(child) for child in tree)
    listed = x.property_numbers(x.root, "_NET_CLIENT_LIST")
    active = (x.property_numbers(x.root, "_NET_ACTIVE_WINDOW") or [0])[0]
    frames = {window: _frame_of(x, window) for window in listed}
    asked = dict.fromkeys((*order, *listed))
    cookies = {
        window: (
            x.core.GetWindowAttributes(window),
            x.core.GetGeometry(window),
            x.core.TranslateCoordinates(window, x.root, 0, 0),
            x.core.GetProperty(
                False,
                window,
                xcffib.xproto.Atom.WM_TRANSIENT_FOR,
                xcffib.xproto.Atom.WINDOW,
                0,
                LONG_WORDS,
            ),
        )
        for window in asked
    }
    seen = {}
    for window, cookie in cookies.items():
        read = _read(cookie)
        if read is not None:
            seen[window] = read
    base_mask = ~x.raw.get_setup().resource_id_mask
    managed = {}
    for window in listed:
        frame = frames[window]
        if window in seen and frame in seen:
            _, rect, border, transient_for = seen[window]
            _, frame_rect, frame_border, _ = seen[frame]
            managed[window] = Managed(
                *(window, frame, rect, border, frame_rect, frame_border),
                *(transient_for, window & base_mask),
            )
    pop_ups = {
        window: PopUp(window, rect, border, transient_for, window & base_mask)
        for window in order
        if window in seen
        for override, rect, border, transient_for in [seen[window]]
        if override
    }
    return WindowStack(managed, pop_ups, order, active)


def _frame_of(x: X11Connection, window: int) -> int:
    """Return the child of the root window that a window is in."""
    while True:
        try:
            reply = x.core.QueryTree(window).reply()
        except xcffib.xproto.WindowError:
            return window
        if reply.parent in {reply.root, 0}:
            return window
        window = reply.parent


def _read(cookies: tuple[Any, Any, Any, Any]) -> tuple[bool, Rect, int, int] | None:
    """Return override-redirect, place, border and WM_TRANSIENT_FOR; None if not to be seen."""
    replies = []
    for cookie in cookies:
        try:
            replies.append(cookie.reply())
        except (xcffib.xproto.WindowError, xcffib.xproto.DrawableError):
            replies.append(None)
    attributes, geometry, place, transient = replies
    if attributes is None or geometry is None or place is None or transient is None:
        return None
    if (
        attributes.map_state != xcffib.xproto.MapState.Viewable
        or attributes._class != xcffib.xproto.WindowClass.InputOutput  # noqa: SLF001
    ):
        return None
    border = geometry.border_width
    rect = Rect(
        place.dst_x - border,
        place.dst_y - border,
        geometry.width + 2 * border,
        geometry.height + 2 * border,
    )
    value = bytes(transient.value.buf())
    transient_for = int.from_bytes(value[:4], "little") if len(value) >= 4 else 0
    return bool(attributes.override_redirect), rect, border, transient_for
