"""Keys wait for the text that is being pasted.

An extended clipboard hands a text over in three messages (rfbproto, Extended Clipboard: notify,
request, provide), and a program asks for it only when the paste key comes: a key that overtakes
the text pastes the one before. So what a viewer types or clicks after its notify is kept until the
display has the text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

HELD_S = 0.5
"""A viewer that announced a text and does not give it holds its keys up no longer."""

MOST_HELD = 1000


class PasteOrder:
    """Input events of one viewer, in order with its texts.

    Parameters
    ----------
    act
        Does what an input event asks for.
    """

    def __init__(self, act: Callable[[Any], None]) -> None:
        self._act = act
        self._held: list[Any] = []
        self._timer: asyncio.TimerHandle | None = None

    def take(self, event: Any) -> None:
        """Act on an input event, now or when the text is there."""
        if self._timer is None:
            self._act(event)
            return
        self._held.append(event)
        if len(self._held) >= MOST_HELD:
            self.go_on()

    def hold(self) -> None:
        """Keep what comes from now on: a text is on its way."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(HELD_S, self.go_on)

    def go_on(self) -> None:
        """Act on all that was kept: the display has the text, or will not get it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        for event in held:
            self._act(event)

    def close(self) -> None:
        """Forget what was kept: the viewer is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._held.clear()
