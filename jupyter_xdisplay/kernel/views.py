"""The outputs that show a display: a live view, and a picture for whoever opens the notebook."""

from __future__ import annotations

import base64
import threading
import uuid
from typing import TYPE_CHECKING, Any

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.kernel.host import PROCESS_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_xdisplay.kernel.comm_bridge import CommBridge
    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.kernel.widget import DisplayWidget

VIEW_MIME = "application/vnd.jupyter.widget-view+json"
METADATA_KEY = "jupyter_xdisplay"
"""Key in the metadata of an output; the server's save hook finds outputs by it."""


class _Shown:
    """What one display has on the notebook's page."""

    def __init__(self, widget: DisplayWidget, bridge: CommBridge | None) -> None:
        self.widget = widget
        self.bridge = bridge
        self.outputs: list[str] = []
        self.png: bytes | None = None
        self.still: bytes | None = None


class Views:
    """All views of this kernel's displays.

    Parameters
    ----------
    on_stop
        Called with a display when one of its views asks to stop it.
    """

    def __init__(self, on_stop: Callable[[Display], None]) -> None:
        self._on_stop = on_stop
        self._shown: dict[str, _Shown] = {}
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
        shown = self._shown.get(display.id) or self._make(display, via_server=via_server)
        shown.png = png
        output = f"xdisplay-{uuid.uuid4().hex}"
        shown.outputs.append(output)
        publish(
            _bundle(display, png, shown.widget),
            raw=True,
            metadata=_metadata(display),
            display_id=output,
        )

    def wants_pictures(self, display: Display) -> bool:
        """Tell whether outputs of a display should be given newer pictures from here.

        Not while somebody looks: a new picture makes the front end draw the view anew.
        """
        shown = self._shown.get(display.id)
        return shown is not None and (shown.bridge is None or shown.bridge.open_views == 0)

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
            _replace(output, _bundle(display, png, shown.widget), _metadata(display))

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
        telling = [png for png in pictures if not _is_single_colour(png)]
        shown.still = next(iter([*telling, *pictures]), None)

    def end(self, display: Display) -> None:
        """Leave the last picture in the outputs of a display that has ended or is parked."""
        shown = self._shown.pop(display.id, None)
        if shown is None:
            return
        for output in shown.outputs:
            # Without our mark: the server would put a later picture, of an empty screen, here.
            _replace(output, _bundle(display, shown.still, None), {})
        if shown.bridge is not None:
            shown.bridge.close()
        shown.widget.close()

    def _make(self, display: Display, *, via_server: bool) -> _Shown:
        from jupyter_xdisplay.kernel.widget import DisplayWidget

        info = display.known_info
        widget = DisplayWidget(info, via_server=via_server)
        bridge: CommBridge | None = None
        if not via_server:
            from jupyter_xdisplay.kernel.comm_bridge import CommBridge

            bridge = CommBridge(widget, info.socket, lambda: self._on_stop(display))
        shown = self._shown[display.id] = _Shown(widget, bridge)
        return shown


def _import_widget() -> None:
    from jupyter_xdisplay.kernel import widget  # noqa: F401


def _bundle(display: Display, png: bytes | None, widget: DisplayWidget | None) -> dict[str, Any]:
    info = display.known_info
    bundle: dict[str, Any] = {
        "text/plain": f"<Display {info.name!r} {info.display} {info.size}>",
    }
    if png is not None:
        bundle["image/png"] = base64.b64encode(png).decode()
    if widget is not None:
        bundle[VIEW_MIME] = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": widget.model_id,
        }
    return bundle


def _metadata(display: Display) -> dict[str, Any]:
    return {METADATA_KEY: {"display_id": display.id, "process": PROCESS_NAME}}


def _replace(output: str, bundle: dict[str, Any], metadata: dict[str, Any]) -> None:
    from IPython.display import update_display

    update_display(bundle, display_id=output, raw=True, metadata=metadata)


def _is_single_colour(png: bytes) -> bool:
    import io

    import PIL.Image

    image = PIL.Image.open(io.BytesIO(png)).convert("RGB")
    extrema: Any = image.getextrema()
    return all(low == high for low, high in extrema)
