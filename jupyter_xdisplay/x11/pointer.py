"""The pointer: motion, buttons and wheel by XTEST."""

from __future__ import annotations

from jupyter_xdisplay.x11.xtest import XTest

BUTTONS = 9
"""Left, middle, right; 4 to 7 the wheel up, down, left, right; 8 back, 9 forward."""

LEFT = 1
"""The bit of the button by which window managers focus what is clicked."""

MAX_COORDINATE = 32767


class Pointer:
    """The pointer as one viewer moves it.

    Parameters
    ----------
    xtest
        Used by one thread at a time, and shared by all viewers: they move one pointer.
    """

    def __init__(self, xtest: XTest) -> None:
        self._xtest = xtest
        self._mask = 0
        self._just_pressed = False
        """Whether nothing was done since the left button was pressed."""

    def update(self, x: int, y: int, mask: int) -> None:
        """Move to a place of the screen, then press and release what has changed.

        While a button is held a pointer that was put there is not moved again: any event of motion
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
        moves = not self._mask or place != self._xtest.place
        if moves:
            self._xtest.move(*place)
        before = self._mask
        self._set(mask & ((1 << BUTTONS) - 1))
        if self._just_pressed and (moves or before & LEFT > self._mask & LEFT):
            self._xtest.wait_until_taken(bool(self._mask & LEFT))
        self._just_pressed = self._mask & LEFT > before & LEFT

    @property
    def pressed(self) -> tuple[int, ...]:
        """Return the buttons that this viewer holds."""
        return tuple(n for n in range(1, BUTTONS + 1) if self._mask >> (n - 1) & 1)

    def release_all(self) -> None:
        """Release the buttons that this viewer holds."""
        self._set(0)

    def _set(self, mask: int) -> None:
        for number in range(1, BUTTONS + 1):
            bit = 1 << (number - 1)
            if (mask ^ self._mask) & bit:
                self._xtest.button(number, bool(mask & bit))
        self._mask = mask
        self._xtest.flush()
