"""The widget that shows a display (anywidget). Imports ipywidgets: import it late."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from jupyter_xdisplay import __version__
from jupyter_xdisplay.errors import StartFailed

if TYPE_CHECKING:
    from jupyter_xdisplay.spec import DisplayInfo

# Text of an ES module that travels with every widget, so it is small (facts 13): it fetches the
# bundle from this package's server extension, once per page.
LOADER = """\
const element = document.getElementById("jupyter-config-data");
const base = element ? JSON.parse(element.textContent).baseUrl : undefined;
const root = new URL(base ?? document.body?.dataset?.baseUrl ?? "/", document.baseURI);
const url = new URL("static/jupyter_xdisplay/widget.js?v=%s", root).href;
async function render(context) {
  let bundle;
  try {
    bundle = await import(/* webpackIgnore: true */ url);
  } catch (error) {
    context.el.textContent =
      `The view of the display could not be loaded from ${url} (${error.message}). ` +
      "Is the server extension on? Run: jupyter xdisplay doctor";
    return;
  }
  return bundle.default.render(context);
}
export default { render };
"""


def bundle_text() -> str:
    """Return the whole view as one ES module.

    Raises
    ------
    StartFailed
        When it was not built (a checkout without the JavaScript).
    """
    file = files("jupyter_xdisplay") / "static" / "widget.js"
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StartFailed(
            "The view's JavaScript (jupyter_xdisplay/static/widget.js) is missing.",
            fix="in a checkout: make setup; else: pip install --force-reinstall jupyter-xdisplay",
        ) from error


class DisplayWidget(anywidget.AnyWidget):
    """The model of all views of one display, or of one of its windows.

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
    """

    _esm = traitlets.Unicode().tag(sync=True)
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
            _esm=LOADER % __version__ if via_server else bundle_text(),
            display_id=info.id,
            name=info.name,
            via="server" if via_server else "comm",
            info=info.to_json(),
            window_id=window,
            pid=pid,
            own=own,
            folded=folded,
        )
