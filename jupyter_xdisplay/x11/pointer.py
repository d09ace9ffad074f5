"""The pointer: motion, buttons and wheel by XTEST."""

from __future__ import annotations

from jupyter_xdisplay.x11.connection import X11Connection
from jupyter_xdisplay.x11.xtest import XTest

BUTTONS = 9
"""Left, middle, right; 4 to 7 the wheel up, down, left, right; 8 back, 9 forward."""

MAX_COORDINATE = 32767


class Pointer:
    """The pointer as one viewer moves it.

    Parameters
    ----------
    connection
        Used by one thread at a time.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        self._xtest = XTest(connection)
        self._mask = 0
        self._place = (-1, -1)

    def update(self, x: int, y: int, mask: int) -> None:
        """Move to a place of the screen, then press and release what has changed.

        While a button is held a pointer that is there already is not moved: any event of motion
        between press and release means something. A menu of GTK that opened under the pointer
        takes such a release for a choice.

        Parameters
        ----------
        x, y
            Pixels; the X server keeps it within the screen.
        mask
            Bit 0 is button 1 and so on (RFC 6143, 7.5.5, with rfbproto's extended mouse buttons).
        """
        place = max(0, min(x, MAX_COORDINATE)), max(0, min(y, MAX_COORDINATE))
        if not self._mask or place != self._place or not self._is_at(place):
            self._xtest.move(*place)
            self._place = place
        self._set(mask & ((1 << BUTTONS) - 1))

    @property
    def pressed(self) -> tuple[int, ...]:
        """Return the buttons that this viewer holds."""
        return tuple(n for n in range(1, BUTTONS + 1) if self._mask >> (n - 1) & 1)

    def release_all(self) -> None:
        """Release the buttons that this viewer holds."""
        self._set(0)

    def _is_at(self, place: tuple[int, int]) -> bool:
        """Tell whether nobody else has moved it: a program, or another viewer."""
        found = self._connection.core.QueryPointer(self._connection.root).reply()
        return (found.root_x, found.root_y) == place

    def _set(self, mask: int) -> None:
        for number in range(1, BUTTONS + 1):
            bit = 1 << (number - 1)
            if (mask ^ self._mask) & bit:
                self._xtest.button(number, bool(mask & bit))
        self._mask = mask
        self._xtest.flush()
