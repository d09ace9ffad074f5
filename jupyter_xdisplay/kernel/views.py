"""The outputs that show a display: a live view, and a picture for whoever opens the notebook."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.kernel.outputs import bundle, let_go, mark
from jupyter_xdisplay.png import is_single_colour

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_xdisplay.kernel.comm_bridge import CommBridge
    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.kernel.inline.cells import Cells
    from jupyter_xdisplay.kernel.widget import DisplayWidget


class _Shown:
    """What one display has on the notebook's page."""

    def __init__(self, widget: DisplayWidget | None, bridge: CommBridge | None) -> None:
        self.widget = widget
        self.bridge = bridge
        self.outputs: list[str] = []
        self.png: bytes | None = None
        """What the outputs have now."""
        self.still: bytes | None = None
        """What they get at the end."""


class Views:
    """All views of this kernel's displays.

    Parameters
    ----------
    on_stop
        Called with a display when one of its views asks to stop it.
    cells
        The kernel's cells: those that no page shows get pictures only.
    """

    def __init__(self, on_stop: Callable[[Display], None], cells: Cells) -> None:
        self._on_stop = on_stop
        self._cells = cells
        self._shown: dict[str, _Shown] = {}
        self._lines: dict[str, _Shown] = {}
        self._importing = False

    def import_early(self) -> None:
        """Import ipywidgets in a thread, while a display starts in another process."""
        if not self._importing:
            self._importing = True
            threading.Thread(target=_import_widget, name="xdisplay-import", daemon=True).start()

    def show(self, display: Display, *, via_server: bool) -> None:
        """Show a display under the cell that runs.

        Raises
        ------
        DisplayEnded
            When it is gone.
        """
        from IPython.display import display as publish

        png = display.png()
        shown = self._shown.get(display.id)
        if shown is None:
            shown = self._shown[display.id] = self._make(display, via_server=via_server)
        shown.png = png
        output = f"xdisplay-{uuid.uuid4().hex}"
        shown.outputs.append(output)
        publish(
            _bundle(display, png, shown.widget),
            raw=True,
            metadata=mark(display.id),
            display_id=output,
        )

    def show_line(self, display: Display, words: str, *, via_server: bool) -> None:
        """Show one line about a display under the cell that runs, with which it can be stopped."""
        from IPython.display import display as publish

        line = self._lines.get(display.id)
        if line is None:
            line = self._lines[display.id] = self._make(display, via_server=via_server, folded=True)
        output = f"xdisplay-{uuid.uuid4().hex}"
        line.outputs.append(output)
        marked = mark(display.id, picture=False) if line.widget is not None else {}
        publish(bundle(words, None, line.widget), raw=True, metadata=marked, display_id=output)

    def wants_pictures(self, display: Display) -> bool:
        """Tell whether outputs of a display get newer pictures from here, not from the server."""
        shown = self._shown.get(display.id)
        return shown is not None and (shown.widget is None or shown.bridge is not None)

    def refresh(self, display: Display) -> None:
        """Put the newest picture into the outputs of a display, if it has changed."""
        shown = self._shown.get(display.id)
        if shown is None:
            return
        try:
            png = display.png()
        except XDisplayError:
            return
        if png == shown.png:
            return
        shown.png = png
        for output in shown.outputs:
            _replace(output, _bundle(display, png, shown.widget), mark(display.id))

    def remember(self, display: Display) -> None:
        """Take the last picture, before a display ends. One of a single colour shows nothing."""
        shown = self._shown.get(display.id)
        if shown is None:
            return
        try:
            candidates = [display.png(), shown.still, shown.png]
        except XDisplayError:
            candidates = [shown.still, shown.png]
        pictures = [png for png in candidates if png is not None]
        telling = [png for png in pictures if not is_single_colour(png)]
        shown.still = next(iter([*telling, *pictures]), None)

    def end(self, display: Display) -> None:
        """Leave the last picture in the outputs of a display that has ended or is parked."""
        line = self._lines.pop(display.id, None)
        if line is not None and line.widget is not None:
            _close(line, _bundle(display, None, None))
        shown = self._shown.pop(display.id, None)
        if shown is None:
            return
        _close(shown, _bundle(display, shown.still, None))

    def _make(self, display: Display, *, via_server: bool, folded: bool = False) -> _Shown:
        if not self._cells.begin().is_on_a_page:
            return _Shown(None, None)
        from jupyter_xdisplay.kernel.widget import DisplayWidget

        info = display.known_info
        widget = DisplayWidget(info, via_server=via_server, folded=folded)
        bridge: CommBridge | None = None
        if not via_server:
            from jupyter_xdisplay.kernel.comm_bridge import CommBridge

            bridge = CommBridge(widget, info.socket, lambda: self._on_stop(display))
        return _Shown(widget, bridge)


def _close(shown: _Shown, left: dict[str, Any]) -> None:
    """Leave something without life in place of all views."""
    for output in shown.outputs:
        # Without our mark: the server would put a later picture, of an empty screen, here.
        _replace(output, left, {})
    let_go(shown.widget, shown.bridge)


def _import_widget() -> None:
    from jupyter_xdisplay.kernel import widget  # noqa: F401


def _bundle(display: Display, png: bytes | None, widget: DisplayWidget | None) -> dict[str, Any]:
    info = display.known_info
    return bundle(f"<Display {info.name!r} {info.display} {info.size}>", png, widget)


def _replace(output: str, bundle: dict[str, Any], metadata: dict[str, Any]) -> None:
    from IPython.display import update_display

    update_display(bundle, display_id=output, raw=True, metadata=metadata)
