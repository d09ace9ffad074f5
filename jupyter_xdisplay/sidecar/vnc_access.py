"""Who may come in by VNC: what can be asked of the port, its password, guessing. Pure."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field
from typing import Any

from jupyter_xdisplay.errors import UsageError
from jupyter_xdisplay.rfb.security import PASSWORD_BYTES, check_password

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535

LEAST_PASSWORD = 6
"""As vncpasswd(1) of TigerVNC demands."""

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""For generated passwords: without 0, O, o, 1, I, i and l, which look alike."""

FREE_FAILURES = 5
FIRST_WAIT_S = 10.0
LONGEST_WAIT_S = 600.0


@dataclass(frozen=True)
class VncRequest:
    """What is asked of the VNC port. None: chosen here.

    `listen` is an IP address of this machine; without it only this machine itself can connect.
    """

    port: int | None = None
    listen: str | None = None
    password: str | None = field(default=None, repr=False)
    view_only: bool = False

    @property
    def address(self) -> str:
        """The address to listen on."""
        return self.listen or LOOPBACK

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> VncRequest:
        """Read a request's body.

        Raises
        ------
        UsageError
            On unknown fields, values of a wrong type or range, a password that VNC would cut,
            and an address that others can reach without a password of the user's own.
        ProgramMissing
            When the package that has DES is not installed.
        """
        known = {"port", "listen", "password", "view_only"}
        if unknown := sorted(set(value) - known):
            raise UsageError(
                f"unknown field {unknown[0]!r} for a VNC port.",
                fix="known fields: " + ", ".join(sorted(known)),
            )
        listen = _address(value.get("listen"))
        password = _password(value.get("password"))
        if not is_loopback(listen or LOOPBACK) and password is None:
            raise UsageError(
                f"On {listen} others can connect: that needs a password that you chose.",
                fix=f"%xdisplay vnc --listen {listen} --password TEXT, or leave out --listen and "
                "connect through ssh",
            )
        view_only = value.get("view_only") or False
        if not isinstance(view_only, bool):
            raise UsageError("'view_only' is neither true nor false.")
        return cls(_port(value.get("port")), listen, password, view_only)


def is_loopback(address: str) -> bool:
    """Tell whether only this machine itself can connect to an IP address."""
    return ipaddress.ip_address(address).is_loopback


def new_password() -> str:
    """Return a random password of as many characters as count in VNC."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_BYTES))


class Lockout:
    """Holds up who guesses passwords. Times are given in seconds (monotonic).

    After `FREE_FAILURES` wrong passwords in a row nobody is let in for `FIRST_WAIT_S`, and twice
    as long after each further one, up to `LONGEST_WAIT_S`. A right password ends the row.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._until_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return for how many seconds nobody is let in; 0: the next one may try."""
        return max(0.0, self._until_s - now_s)

    def failed(self, now_s: float) -> None:
        """Note a wrong password."""
        self._failures += 1
        doublings = self._failures - FREE_FAILURES
        if doublings >= 0:
            self._until_s = now_s + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(doublings, 16))

    def succeeded(self) -> None:
        """Note a right password."""
        self._failures = 0


def _port(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PORT:
        raise UsageError(
            f"{value!r} is no TCP port.", fix=f"use a whole number from 1 to {MAX_PORT}"
        )
    return value


def _address(value: Any) -> str | None:
    if value is None:
        return None
    if value == "localhost":
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError:
        raise UsageError(
            f"{value!r} is no IP address.",
            fix="give one of this machine's, such as 192.168.1.5, or 0.0.0.0 for all of them",
        ) from None


def _password(value: Any) -> str | None:
    """Return a password that can be used; messages never contain it."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable():
        raise UsageError(
            "A VNC password is a text without control characters.", fix="use letters and digits"
        )
    if len(value) > PASSWORD_BYTES:
        raise UsageError(
            f"Of a VNC password only the first {PASSWORD_BYTES} characters count (RFC 6143, "
            f"7.2.2); this one has {len(value)}.",
            fix=f"use {LEAST_PASSWORD} to {PASSWORD_BYTES} characters, or leave it out: a random "
            "one is made then",
        )
    if len(value) < LEAST_PASSWORD:
        raise UsageError(
            f"A VNC password of {len(value)} characters is too easily guessed.",
            fix=f"use {LEAST_PASSWORD} to {PASSWORD_BYTES} characters, or leave it out: a random "
            "one is made then",
        )
    check_password(value)
    return value
