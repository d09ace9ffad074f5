"""The widget that shows a display (anywidget). Imports ipywidgets: import it late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from jupyter_xdisplay import __version__
from jupyter_xdisplay.kernel import javascript

if TYPE_CHECKING:
    from jupyter_xdisplay.spec import DisplayInfo


class DisplayWidget(anywidget.AnyWidget):
    """The model of all views of one display, or of one of its windows.

    Its `_esm` travels with every widget and is saved with it, so it is only what gets the bundle of
    the views: from the server extension, else from the kernel by a message on the comm
    (`CommBridge`), once for a page.

    Parameters
    ----------
    info
        The display.
    via_server
        Whether the browser reaches it through the server extension; else through the comm.
    window
        One window of the display; 0 for the whole of it.
    pid
        The process of that window: X gives the ids of windows again.
    own
        Whether that window is of this process itself.
    folded
        Views show only a line until they are opened.

    Raises
    ------
    StartFailed
        When the JavaScript was not built (a checkout).
    """

    _esm = traitlets.Unicode().tag(sync=True)
    version = traitlets.Unicode(__version__).tag(sync=True)
    display_id = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    via = traitlets.Enum(["server", "comm"]).tag(sync=True)
    info: Any = traitlets.Dict().tag(sync=True)
    window_id = traitlets.Int().tag(sync=True)
    pid = traitlets.Int().tag(sync=True)
    own = traitlets.Bool().tag(sync=True)
    folded = traitlets.Bool().tag(sync=True)
    fit = traitlets.Bool(True, help="Scale to the cell's width, else 1:1.").tag(sync=True)

    def __init__(
        self,
        info: DisplayInfo,
        *,
        via_server: bool,
        window: int = 0,
        pid: int = 0,
        own: bool = False,
        folded: bool = False,
    ) -> None:
        super().__init__(
            _esm=javascript.loader(),
            display_id=info.id,
            name=info.name,
            via="server" if via_server else "comm",
            info=info.to_json(),
            window_id=window,
            pid=pid,
            own=own,
            folded=folded,
        )
        _hear_in_main_shell(self.comm)


def _hear_in_main_shell(comm: Any) -> None:
    """Let the kernel's main shell handle what a comm brings.

    ipykernel 7.4 has the subshell handle it for which the comm spoke last. Our threads speak for
    whichever had a request last; JupyterLab ends subshells, and messages for one are dropped then.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, _default: None  # noqa: SLF001
