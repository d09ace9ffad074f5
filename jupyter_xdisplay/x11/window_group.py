"""Which windows belong together: a top-level window, its dialogs and pop-ups. Pure.

Menus of Tk have neither a pid nor WM_TRANSIENT_FOR: they belong to a window of the same X client
(whose resource ids have the same base; X11 protocol, chapter 8).
"""

from __future__ import annotations

from typing import NamedTuple

from jupyter_xdisplay.x11.geometry import Rect


class Managed(NamedTuple):
    """A window in the window manager's care (EWMH `_NET_CLIENT_LIST`).

    Attributes
    ----------
    frame
        The child of the root window that it is in; itself where it has no frame.
    rect, border
        Its place on the screen in pixels, border included, and the border's width.
    frame_rect, frame_border
        The same of the frame.
    transient_for
        The window that it is a dialog of (ICCCM 4.1.2.6), 0 for none.
    base
        Resource base of its client.
    """

    window: int
    frame: int
    rect: Rect
    border: int
    frame_rect: Rect
    frame_border: int
    transient_for: int
    base: int


class PopUp(NamedTuple):
    """A window that no window manager touches: a menu, a tooltip, the list of a combo box."""

    window: int
    rect: Rect
    border: int
    transient_for: int
    base: int


class WindowStack(NamedTuple):
    """All windows that are to be seen.

    Attributes
    ----------
    managed
        By window.
    pop_ups
        By window.
    order
        Children of the root window, bottom first.
    active
        The managed window that has the keyboard (`_NET_ACTIVE_WINDOW`), 0 for none.
    """

    managed: dict[int, Managed]
    pop_ups: dict[int, PopUp]
    order: tuple[int, ...]
    active: int


class Piece(NamedTuple):
    """A child of the root window that is to be drawn, or a part of it.

    `rect` is its place on the screen in pixels, border included; `part` what is drawn of that.
    """

    window: int
    rect: Rect
    border: int
    part: Rect


def top_level(window: int, stack: WindowStack) -> int:
    """Return the window that a dialog, or a dialog's dialog, belongs to; itself for any other."""
    seen = set()
    while window not in seen:
        seen.add(window)
        parent = stack.managed[window].transient_for
        if parent not in stack.managed:
            break
        window = parent
    return window


def pieces(window: int, stack: WindowStack) -> list[Piece]:
    """Return what to draw of a top-level window, bottom first: itself, dialogs, pop-ups.

    Dialogs come with their frame, so that they can be moved and closed.
    """
    own = stack.managed[window]
    found = [Piece(own.frame, own.frame_rect, own.frame_border, own.rect)]
    frames = {managed.frame: managed for managed in stack.managed.values()}
    for child in stack.order:
        dialog = frames.get(child)
        if dialog is not None:
            if dialog.window != window and top_level(dialog.window, stack) == window:
                rect = dialog.frame_rect
                found.append(Piece(child, rect, dialog.frame_border, rect))
        elif child in stack.pop_ups and owner(child, stack) == window:
            pop_up = stack.pop_ups[child]
            found.append(Piece(child, pop_up.rect, pop_up.border, pop_up.rect))
    return found


def owner(window: int, stack: WindowStack) -> int | None:
    """Return the top-level window that a pop-up belongs to, None for nobody's."""
    seen = set()
    pop_up = stack.pop_ups[window]
    while pop_up.transient_for in stack.pop_ups and pop_up.window not in seen:
        seen.add(pop_up.window)
        pop_up = stack.pop_ups[pop_up.transient_for]
    if pop_up.transient_for in stack.managed:
        return top_level(pop_up.transient_for, stack)
    of_client = [managed for managed in stack.managed.values() if managed.base == pop_up.base]
    if not of_client:
        return None
    for managed in of_client:
        if managed.window == stack.active:
            return top_level(managed.window, stack)
    place = {child: number for number, child in enumerate(stack.order)}
    nearest = min(
        of_client,
        key=lambda managed: (
            distance(managed.rect, pop_up.rect),
            -place.get(managed.frame, -1),
        ),
    )
    return top_level(nearest.window, stack)


def distance(one: Rect, other: Rect) -> int:
    """Return how far two rectangles are apart, the larger of across and down; 0 where they meet."""
    across = max(one.x - (other.x + other.width), other.x - (one.x + one.width), 0)
    down = max(one.y - (other.y + other.height), other.y - (one.y + one.height), 0)
    return max(across, down)
