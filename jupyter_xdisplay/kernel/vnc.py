"""The VNC port in words: how to connect to it, and what to beware of."""

from __future__ import annotations

import getpass
import ipaddress
import socket
from typing import TYPE_CHECKING

from jupyter_xdisplay.errors import UsageError

if TYPE_CHECKING:
    from jupyter_xdisplay.spec import VncAccess


IN_CONTAINER = (
    "That address is in the network of the display's container. From its machine it is reached "
    "where the container has the machine's own network (jupyter xdisplay kernel add … --network "
    "host), or with --listen 0.0.0.0 --password TEXT at the container's address (docker inspect)."
)


def read_port(text: str | None) -> int | None:
    """Return the number that was given to `--port`.

    Raises
    ------
    UsageError
        When it is none. Whether it can be a port is judged where it is opened.
    """
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(f"--port {text} is no TCP port.", fix="use a number, such as 5901")
    return int(text)


def tunnel(access: VncAccess) -> str:
    """Return the command that brings the port to another machine through ssh(1)."""
    address = ipaddress.ip_address(access.address)
    target = f"[{address}]" if address.version == 6 else str(address)
    if str(address) in {"127.0.0.1", "0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        target = "localhost"
    return f"ssh -L {access.port}:{target}:{access.port} {_user()}@{socket.gethostname()}"


def describe(access: VncAccess, *, show_password: bool, in_container: bool = False) -> str:
    """Return what the user has to know to connect.

    Parameters
    ----------
    access
        The port.
    show_password
        Whether to name the password: not where the user has just given it.
    in_container
        Whether the address is one in a container.
    """
    rows = [("address", f"{access}" + (", view only" if access.view_only else ""))]
    if show_password:
        rows.append(("password", access.password))
    if not in_container:
        rows.append(("from another machine", tunnel(access)))
        rows.append(("", f"there, connect the VNC viewer to localhost:{access.port}"))
    rows.append(("to close it", "%xdisplay vnc --stop"))
    width = max(len(name) for name, _ in rows)
    lines = ["VNC viewers can connect:", *(f"    {name:{width}}  {text}" for name, text in rows)]
    if in_container:
        lines.append(IN_CONTAINER)
    if not ipaddress.ip_address(access.address).is_loopback:
        lines.append(
            "Beware: VNC is not encrypted. Whoever is on the way can read what is shown and "
            "typed; through ssh nobody can."
        )
    return "\n".join(lines)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return "user"
