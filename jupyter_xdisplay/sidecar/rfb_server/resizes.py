"""SetDesktopSize: who asked for which size of the screen, and what each viewer is told.

The answer is an ExtendedDesktopSize rectangle (rfbproto). To the viewer that asked it says
"this client" and a status; to the others "another client", to all "the server" where no viewer
asked. A new size itself is told by each viewer's own thread, in order with the pixels of that
size; here only the reason is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.rfb import ResizeReason, ResizeStatus, SetDesktopSize
from jupyter_xdisplay.spec import MIN_SIDE, Size


class _Asked(NamedTuple):
    """Who asked last, for which size, and what it was before: windows follow a while later."""

    viewer: object
    size: Size
    before: Size


class Resizes:
    """Resizes a display, or a window, for its viewers.

    Parameters
    ----------
    size
        Gives the screen's size now.
    resize
        Gives it another size; raises an XDisplayError where it cannot.
    """

    def __init__(
        self,
        size: Callable[[], Size],
        resize: Callable[[Size], Awaitable[Any]],
    ) -> None:
        self._size = size
        self._resize = resize
        self._asked: _Asked | None = None
        self._under_way = 0

    async def ask(self, viewer: object, wanted: SetDesktopSize) -> ResizeStatus | None:
        """Do what a viewer asks for.

        The screen stays one, as large as the framebuffer, whatever screens are asked for.

        Returns
        -------
        ResizeStatus or None
            What to tell the viewer at once: that nothing was to be done, or why it was not.
            None: its thread will meet the new size.
        """
        size = Size(wanted.width, wanted.height)
        if min(size) < MIN_SIDE or not _is_layout(wanted):
            return ResizeStatus.INVALID_LAYOUT
        if size == self._size() and not self._under_way:
            return ResizeStatus.OK
        self._asked = _Asked(viewer, size, self._size())
        self._under_way += 1
        try:
            await self._resize(size)
        except XDisplayError:  # more than the X server was started with, or it is grabbed
            return ResizeStatus.OUT_OF_RESOURCES
        finally:
            self._under_way -= 1
        self._keep_asked(self._size())
        return None

    def reason(self, viewer: object, size: Size) -> ResizeReason:
        """Return why the screen has that size now, for one viewer."""
        for now in (self._size(), size):  # a thread may meet a size before it is known here
            self._keep_asked(now)
        asked = self._asked
        if asked is None or asked.size != size:
            return ResizeReason.SERVER
        if asked.viewer is viewer:
            return ResizeReason.THIS_CLIENT
        return ResizeReason.OTHER_CLIENT

    def _keep_asked(self, now: Size) -> None:
        """Forget who asked last once somebody else has given it another size since."""
        asked = self._asked
        if asked is None or self._under_way:
            return
        if now == asked.size:
            self._asked = asked._replace(before=now)  # done: back again would be another's doing
        elif now != asked.before:
            self._asked = None


def _is_layout(wanted: SetDesktopSize) -> bool:
    """Tell whether there are screens, each within the framebuffer (rfbproto, SetDesktopSize)."""
    return bool(wanted.screens) and all(
        screen.width > 0
        and screen.height > 0
        and screen.x + screen.width <= wanted.width
        and screen.y + screen.height <= wanted.height
        for screen in wanted.screens
    )
