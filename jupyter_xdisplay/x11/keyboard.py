"""The keyboard of one viewer: keysyms in, keys pressed by XTEST."""

from __future__ import annotations

from jupyter_xdisplay.x11.key_mapper import KeyMapper
from jupyter_xdisplay.x11.keysyms import keycode_of_xt

MAX_PRESSED = 64
"""Keys that one viewer can hold: with more the first one is released."""


class Keyboard:
    """The keys that one viewer presses and holds.

    Parameters
    ----------
    mapper
        That of the display.
    """

    def __init__(self, mapper: KeyMapper) -> None:
        self._mapper = mapper
        self._pressed: dict[tuple[str, int], int] = {}

    @property
    def pressed(self) -> tuple[int, ...]:
        """The keycodes that this viewer holds."""
        return tuple(self._pressed.values())

    def key(self, keysym: int, down: bool, scancode: int | None = None) -> float:
        """Press or release a key.

        Parameters
        ----------
        keysym
            What the key means to the viewer, 0 for nothing.
        down
            Pressed; again while it is held: repeated.
        scancode
            XT scancode of the key where it is known (rfbproto, QEMU extended key event).

        Returns
        -------
        float
            0.0 when it is done. Else nothing was done: call again with the same key after that
            many seconds, and hold back what the viewer sent after it.
        """
        name = ("scancode", scancode) if scancode else ("keysym", keysym)
        if down:
            return self._press(name, keysym, keycode_of_xt(scancode) if scancode else None)
        self._release(name, keysym)
        return 0.0

    def release_all(self) -> None:
        """Release the keys that this viewer holds."""
        while self._pressed:
            self._mapper.release(self._pressed.popitem()[1])

    def _release(self, name: tuple[str, int], keysym: int) -> None:
        if name not in self._pressed:
            # `A` went down with Shift, and `a` comes up after it
            same = self._mapper.keymap.keycodes(keysym)
            name = next((other for other, code in self._pressed.items() if code in same), name)
        keycode = self._pressed.pop(name, None)
        if keycode is not None:
            self._mapper.release(keycode)

    def _press(self, name: tuple[str, int], keysym: int, keycode: int | None) -> float:
        held = self._pressed.get(name)
        if held is not None and self._mapper.is_modifier(held):
            return 0.0
        stroke = self._mapper.find(keysym, keycode)
        if isinstance(stroke, float):
            return stroke
        if stroke is None:
            return 0.0
        if held is not None:
            del self._pressed[name]
            self._mapper.release(held)
        elif len(self._pressed) >= MAX_PRESSED:
            self._mapper.release(self._pressed.pop(next(iter(self._pressed))))
        self._mapper.press(stroke)
        self._pressed[name] = stroke.keycode
        return 0.0
