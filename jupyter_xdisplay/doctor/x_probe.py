"""Connect to `$DISPLAY` as programs do and use the connection: `python -m ….x_probe`.

Through xcffib, with the cookie that libXau finds in `$XAUTHORITY`; in a process of its own,
because xcb has no deadline and libXau reads the environment. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_xdisplay.x11.connection import X11Connection

EXTENSIONS = ("MIT-SHM", "RANDR", "XTEST", "DAMAGE", "Composite", "XFIXES", "X-Resource", "GLX")
"""What views, programs and x11vnc use."""


def probe() -> dict[str, Any]:
    """Return the server's release, size, depth and missing extensions after round trips."""
    connection = X11Connection(os.environ["DISPLAY"], Path(os.environ["XAUTHORITY"]))
    geometry = connection.core.GetGeometry(connection.root).reply()
    queries = {
        name: connection.core.QueryExtension(len(name), name.encode()) for name in EXTENSIONS
    }
    found = {
        "release": connection.raw.get_setup().release_number,
        "size": [geometry.width, geometry.height],
        "depth": connection.screen.root_depth,
        "missing_extensions": [
            name for name, query in queries.items() if not query.reply().present
        ],
    }
    connection.close()
    return found


def main() -> int:
    """Print what was found as JSON; 1 when the display does not let us in."""
    try:
        found = probe()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the doctor tells
        found = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if "error" in found else 0


if __name__ == "__main__":
    sys.exit(main())
