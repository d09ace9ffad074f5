"""The Python API: `display()`. Works in notebooks, in IPython and in plain scripts.

::

    import jupyter_xdisplay as xd

    with xd.display(size="800x600") as d:
        d.run("glxgears")
        d.snapshot("gears.png")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_xdisplay.spec import DisplaySpec

if TYPE_CHECKING:
    from jupyter_xdisplay.kernel.display import Display
    from jupyter_xdisplay.kernel.sizes import SizeLike


def display(
    size: SizeLike = None,
    name: str = "main",
    dpi: int | None = None,
    stream: str | None = None,
    runtime: str | None = None,
    container: str | None = None,
) -> Display:
    """Return the display called `name`, started where it does not run, and switch to it.

    DISPLAY and XAUTHORITY point to it from then on, for this process and what it starts.

    Parameters
    ----------
    size
        Width and height in pixels, as `"1280x720"` or `(1280, 720)`.
    name
        Its name: one process can have several.
    dpi
        Dots per inch that programs are told.
    stream
        The RFB server: `"builtin"` (the default) or `"x11vnc"`.
    runtime
        Where its X server runs: `"local"` or `"docker"`; beside this kernel by default.
    container
        With `"docker"`: the container whose programs it is for, by default the one that this
        kernel runs in.

    Raises
    ------
    XDisplayError
        Whatever did not come up, with the last lines of its log and the step that mends it.
    """
    from jupyter_xdisplay.kernel.session import get_session

    spec = DisplaySpec.from_json(
        {
            "name": name,
            "size": size,
            "dpi": dpi,
            "stream": stream,
            "runtime": runtime,
            "container": container,
        }
    )
    return get_session().start(spec).display
