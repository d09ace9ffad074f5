"""`python -m jupyter_xdisplay.sidecar --directory DIR --holder pidfd:N`.

Prints one line of JSON when the display is up (`{"info": …}`) or is not (`{"error": …}`), and
runs until it is told to stop (SIGTERM, SIGINT, `POST /stop`), its holder is gone or its X server
ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from jupyter_xdisplay.errors import XDisplayError
from jupyter_xdisplay.sidecar.config import SidecarConfig
from jupyter_xdisplay.sidecar.lease import watch_holder
from jupyter_xdisplay.sidecar.program import Sidecar

SWITCH_INTERVAL_S = 0.0001
"""How long a thread that computes may keep another one waiting (`sys.setswitchinterval`): a click
goes through four threads here, and a frame is encoded by two."""


async def run(directory: Path, holder: str) -> int:
    """Run one sidecar to its end; return the exit status."""
    sidecar = Sidecar(directory, SidecarConfig.read(directory))
    loop = asyncio.get_running_loop()
    starting = asyncio.create_task(sidecar.start())

    def end(reason: str) -> None:
        if starting.done():
            tasks.append(asyncio.ensure_future(sidecar.end(reason=reason)))
        else:
            starting.cancel()

    tasks: list[asyncio.Future[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, end, f"It was ended by {number.name}.")
    try:
        watch_holder(holder, lambda: end("Its holder is gone."))
        await starting
        from jupyter_xdisplay.sidecar.http import serve

        server = serve(sidecar)
    except XDisplayError as error:
        _say({"error": error.to_json()})
        return 1
    except asyncio.CancelledError:
        return 1
    else:
        _say({"info": sidecar.info.value.to_json()})
        await sidecar.over.wait()
        server.stop()
        return 0
    finally:
        starting.cancel()
        await sidecar.end()


def _say(value: object) -> None:
    """Print the one line that the starter waits for; it may be gone already."""
    try:
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()
    except OSError:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="jupyter_xdisplay.sidecar", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="the private directory")
    parser.add_argument("--holder", required=True, help="pidfd:N, pid:N or stdin")
    arguments = parser.parse_args()
    os.umask(0o077)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    status = 1
    try:
        status = asyncio.run(run(arguments.directory, arguments.holder))
    except Exception:  # noqa: BLE001 - whatever it was, it is told in the log
        traceback.print_exc()
    # Not sys.exit: a request that a grabbed X server never answers must not keep us alive.
    os._exit(status)


if __name__ == "__main__":
    main()
