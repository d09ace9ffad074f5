"""What viewers look at and act on: the screen, or one window of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_xdisplay.sidecar.rfb_server.inputs import Inputs
from jupyter_xdisplay.sidecar.rfb_server.resizes import Resizes
from jupyter_xdisplay.sidecar.rfb_server.selections import Selections
from jupyter_xdisplay.sidecar.rfb_server.viewer_thread import OpenFramebuffer
from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.x11.framebuffer import ScreenFramebuffer
from jupyter_xdisplay.x11.window_framebuffer import WindowFramebuffer


@dataclasses.dataclass(frozen=True)
class Source:
    """What viewers look at, and what is shared by all that act on it.

    `window` is 0 for the whole screen; input raises any other before it goes there. `screen` and
    `size` give sizes in pixels: of the screen, and of what is looked at.
    """

    display: str
    xauthority: Path
    name: str
    screen: Callable[[], Size]
    size: Callable[[], Size]
    inputs: Inputs
    selections: Selections
    resizes: Resizes
    open_framebuffer: OpenFramebuffer = ScreenFramebuffer
    window: int = 0

    def of_window(
        self,
        window: int,
        title: str,
        size: Callable[[], Size],
        resize: Callable[[Size], Awaitable[Any]],
    ) -> Source:
        """Return one window of the same screen.

        Parameters
        ----------
        window
            A top-level window.
        title
            The desktop's name for its viewers.
        size, resize
            Its size in pixels, and how to ask its program for another.
        """
        return dataclasses.replace(
            self,
            name=title,
            size=size,
            resizes=Resizes(size, resize),
            open_framebuffer=lambda x, events: WindowFramebuffer(x, events, window),
            window=window,
        )
