"""Reads which windows are to be seen, in few round trips."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

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
    seen = _read_all(x, (*order, *listed))
    base_mask = ~x.raw.get_setup().resource_id_mask
    managed = {
        window: _managed(window, seen[window], frames[window], seen[frames[window]], base_mask)
        for window in listed
        if window in seen and frames[window] in seen
    }
    pop_ups = {
        window: PopUp(window, one.rect, one.border, one.transient_for, window & base_mask)
        for window in order
        if (one := seen.get(window)) is not None and one.override_redirect
    }
    return WindowStack(managed, pop_ups, order, active)


class _Seen(NamedTuple):
    """A window that is to be seen, as the X server tells of it."""

    override_redirect: bool
    rect: Rect
    border: int
    transient_for: int


def _managed(window: int, one: _Seen, frame: int, around: _Seen, base_mask: int) -> Managed:
    return Managed(
        window=window,
        frame=frame,
        rect=one.rect,
        border=one.border,
        frame_rect=around.rect,
        frame_border=around.border,
        transient_for=one.transient_for,
        base=window & base_mask,
    )


def _read_all(x: X11Connection, windows: Iterable[int]) -> dict[int, _Seen]:
    """Return those that are to be seen: all is asked for before any answer is waited for."""
    cookies = {
        window: (
            x.core.GetWindowAttributes(window),
            x.core.GetGeometry(window),
            x.core.TranslateCoordinates(window, x.root, 0, 0),
            x.core.GetProperty(
                *(False, window, xcffib.xproto.Atom.WM_TRANSIENT_FOR, xcffib.xproto.Atom.WINDOW),
                *(0, LONG_WORDS),
            ),
        )
        for window in dict.fromkeys(windows)
    }
    answers = {window: _read(cookie) for window, cookie in cookies.items()}
    return {window: one for window, one in answers.items() if one is not None}


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


def _read(cookies: tuple[Any, Any, Any, Any]) -> _Seen | None:
    """Return what is told of a window; None if it is not to be seen."""
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
    return _Seen(bool(attributes.override_redirect), rect, border, transient_for)
