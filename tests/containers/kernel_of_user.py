"""Runs a kernel in a container as the user of this process: for tests that are another user."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from tests.containers.kernels import (
    SHOW,
    START,
    WINDOWS,
    ContainerKernel,
    until_printed,
    write_spec,
)

WRITE = "open('made.txt', 'w').write('by the kernel')"


def left() -> list[str]:
    """Return the private directories that are there."""
    root = Path(os.environ["JUPYTER_XDISPLAY_RUNTIME_DIR"])
    return sorted(path.name for path in root.iterdir())


async def main(image: str, folder: Path) -> None:
    """Show a figure, restart, show another; write a file; say what the file and the display are."""
    kernel = ContainerKernel(write_spec(folder, {"image": image, "network": "none"}), folder)
    await kernel.start()
    try:
        await kernel.run(f"{START}\n{SHOW}")
        await until_printed(kernel, WINDOWS, "['Figure 1']")
        first = await kernel.run("print(xd.display().info.id)")
        await kernel.manager.restart_kernel()
        await kernel.wait_until_ready()
        await kernel.run(f"{START}\n{SHOW}\n{WRITE}")
        await until_printed(kernel, WINDOWS, "['Figure 1']")
        second = await kernel.run("print(xd.display().info.id)")
        user = await kernel.run("import os; print(os.getuid())")
    finally:
        await kernel.stop()
    found = {
        "same display": first == second,
        "user in it": int(user),
        "owner of its file": (folder / "made.txt").stat().st_uid,
        "left": left(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
