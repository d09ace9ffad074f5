"""Command lines, environments and files of the programs that we run."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.spec import Size
from jupyter_xdisplay.xserver import openbox, x11vnc, xauth, xvfb


def _xvfb(**changes: object) -> list[str]:
    facts: dict[str, object] = {
        "display_fd": 7,
        "auth_file": Path("/d/auth"),
        "screen": Size(3840, 2160),
        "depth": 24,
        "dpi": 96,
    }
    return xvfb.xvfb_argv("Xvfb", **(facts | changes))  # type: ignore[arg-type]


def _x11vnc(**changes: object) -> list[str]:
    facts: dict[str, object] = {
        "display": ":5",
        "auth_file": Path("/d/auth"),
        "socket": Path("/d/s"),
        "name": "main",
    }
    return x11vnc.x11vnc_argv("x11vnc", **(facts | changes))  # type: ignore[arg-type]


def _value(argv: list[str], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_xvfb_is_closed_to_others() -> None:
    """A cookie always, no TCP, and none of the options that switch access control off."""
    argv = _xvfb()
    assert _value(argv, "-auth") == "/d/auth"
    assert _value(argv, "-nolisten") == "tcp"
    assert not {"-ac", "-listen", "-inetd"} & set(argv)


def test_xvfb_keeps_its_modes_and_chooses_its_number() -> None:
    """Without -noreset RANDR's modes go with the last client (facts 6)."""
    argv = _xvfb()
    assert "-noreset" in argv
    assert _value(argv, "-displayfd") == "7"
    assert argv[argv.index("-screen") : argv.index("-screen") + 3] == [
        "-screen",
        "0",
        "3840x2160x24",
    ]
    assert not any(item.startswith(":") for item in argv)


def test_extra_arguments_come_last() -> None:
    """An administrator's arguments win over ours."""
    assert _xvfb(extra=["-br", "+iglx"])[-2:] == ["-br", "+iglx"]
    assert _x11vnc(extra=["-noxdamage"])[-1:] == ["-noxdamage"]


def test_only_the_x_server_gets_mesa_pinned() -> None:
    """NVIDIA's libraries crash Xvfb; clients keep their own choice (facts 5)."""
    ours = {"PATH": "/bin", "__GLX_VENDOR_LIBRARY_NAME": "nvidia"}
    assert xvfb.xvfb_environment(ours)["__GLX_VENDOR_LIBRARY_NAME"] == "mesa"
    assert ours["__GLX_VENDOR_LIBRARY_NAME"] == "nvidia"


def test_x11vnc_opens_no_port() -> None:
    """`-rfbport 0` alone leaves [::]:5900 open (facts 2)."""
    argv = _x11vnc()
    assert _value(argv, "-rfbport") == "0"
    assert _value(argv, "-rfbportv6") == "0"
    assert _value(argv, "-unixsock") == "/d/s"
    assert not {"-listen", "-httpport", "-httpdir", "-http", "-connect", "-gui"} & set(argv)


def test_x11vnc_stays_and_serves_several() -> None:
    """A viewer that leaves ends nothing; user settings and remote control change nothing."""
    assert {"-forever", "-shared", "-norc", "-noremote"} <= set(_x11vnc())
    assert "-threads" not in _x11vnc()  # crashes (facts 10)


def test_lock_and_socket_are_where_x_has_them() -> None:
    """The paths of Xserver(1)."""
    assert xvfb.lock_file(12) == Path("/tmp/.X12-lock")
    assert xvfb.socket_file(12) == Path("/tmp/.X11-unix/X12")


@pytest.mark.parametrize("number", [0, 7, 12345])
def test_xauth_reads_our_cookie(tmp_path: Path, number: int) -> None:
    """xauth(1) reads the entry as we meant it: any host, that display, that cookie."""
    cookie = xauth.new_cookie()
    file = tmp_path / "auth"
    file.write_bytes(xauth.xauthority(cookie, number))
    line = subprocess.run(
        ["xauth", "-f", str(file), "-n", "nlist"], check=True, capture_output=True, text=True
    ).stdout.split()
    digits = str(number)
    assert line == [
        "ffff",
        "0000",
        f"{len(digits):04x}",
        digits.encode().hex(),
        "0012",
        b"MIT-MAGIC-COOKIE-1".hex(),
        "0010",
        cookie.hex(),
    ]


def test_a_cookie_without_a_display_is_for_all(tmp_path: Path) -> None:
    """The server's own entry: written before its number is known."""
    file = tmp_path / "auth"
    file.write_bytes(xauth.xauthority(b"c" * 16, None))
    line = subprocess.run(
        ["xauth", "-f", str(file), "nlist"], check=True, capture_output=True, text=True
    ).stdout.split()
    assert line[:3] == ["ffff", "0000", "0000"]
    assert line[-1] == (b"c" * 16).hex()


def test_cookies_are_random() -> None:
    """16 bytes, never the same."""
    cookies = {xauth.new_cookie() for _ in range(100)}
    assert len(cookies) == 100
    assert {len(cookie) for cookie in cookies} == {16}


@given(st.binary(min_size=16, max_size=16), st.none() | st.integers(0, 65535))
def test_an_entry_is_whole(cookie: bytes, number: int | None) -> None:
    """Every length in the entry is that of its field; nothing is left over."""
    data = xauth.xauthority(cookie, number)
    fields, at = [], 2
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        fields.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    assert at == len(data)
    assert fields == [
        b"",
        b"" if number is None else str(number).encode(),
        b"MIT-MAGIC-COOKIE-1",
        cookie,
    ]


def test_the_window_manager_takes_no_keys() -> None:
    """Every key belongs to the program; there is no menu and no second desktop."""
    tree = ET.fromstring(openbox.CONFIGURATION)  # noqa: S314 - our own text
    name = "{http://openbox.org/3.4/rc}"
    assert tree.tag == f"{name}openbox_config"
    assert tree.findall(f".//{name}keybind") == []
    assert list(tree.find(f"{name}menu") or []) == []
    assert tree.findtext(f"{name}desktops/{name}number") == "1"
    actions = {action.get("name") for action in tree.iter(f"{name}action")}
    assert not actions & {"Iconify", "Execute", "ShowMenu", "Exit", "SendToDesktop"}


def test_openbox_leaves_the_users_settings_alone() -> None:
    """Its own configuration file and no session manager."""
    argv = openbox.openbox_argv("openbox", configuration=Path("/d/openbox.xml"))
    assert _value(argv, "--config-file") == "/d/openbox.xml"
    assert "--sm-disable" in argv
