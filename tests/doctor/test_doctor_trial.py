"""The checks on a real display: start, cookie, picture stream."""

from __future__ import annotations

import dataclasses

import pytest

from jupyter_xdisplay.doctor.trial import (
    client_environment,
    cookie_check,
    display_number,
    handshake_check,
    release_text,
    stream_check,
    trial_checks,
)
from jupyter_xdisplay.doctor.x_setup import addresses, knock, parse_setup_reply, setup_request


def test_handshake_on_a_display(display):
    """A program with the cookie connects and sees the size that was asked."""
    check = handshake_check(display)
    assert check.status == "ok"
    assert "800x600" in check.detail


def test_handshake_without_the_cookie_file(display, tmp_path):
    """A cookie file that is empty makes the connection fail, with a fix."""
    empty = tmp_path / "empty"
    empty.touch()
    check = handshake_check(dataclasses.replace(display, xauthority=str(empty)))
    assert check.status == "problem"
    assert check.fix


def test_cookie_is_enforced(display):
    """Connections without the cookie are refused, also for the same user."""
    check = cookie_check(display)
    assert check.status == "ok", check.detail
    assert "socket file" in check.detail


def test_open_server_is_found(display, start_xvfb):
    """An X server that lets anybody in is a problem."""
    _process, number = start_xvfb()
    check = cookie_check(dataclasses.replace(display, display=f":{number}"))
    assert check.status == "problem"
    assert "anybody" in check.detail


def test_no_socket_is_found(display):
    """A display that nothing listens on is a problem."""
    check = cookie_check(dataclasses.replace(display, display=":987"))
    assert check.status == "problem"
    assert "no socket" in check.detail


def test_readable_cookie_is_found(display, tmp_path):
    """A cookie file that others can read is a problem, with the command that closes it."""
    loose = tmp_path / "Xauthority"
    loose.touch(mode=0o600)
    loose.chmod(0o644)
    check = cookie_check(dataclasses.replace(display, xauthority=str(loose)))
    assert check.status == "problem"
    assert check.fix == f"chmod go= {loose}"


def test_picture_stream(display):
    """The RFB server greets and the screenshot is a picture."""
    assert stream_check(display).status == "ok"


def test_environment_of_programs(display, monkeypatch):
    """Programs of the checks get the display, and nothing that hides their windows."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    variables = client_environment(display)
    assert variables["DISPLAY"] == display.display
    assert variables["XAUTHORITY"] == display.xauthority
    assert "QT_QPA_PLATFORM" not in variables


def test_missing_xvfb(monkeypatch, tmp_path):
    """Without Xvfb the start is a problem with the command that installs it, and nothing raises."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {check.name: check for check in trial_checks()}
    assert found["X start"].status == "problem"
    assert "Xvfb" in found["X start"].detail
    assert "jupyter xdisplay setup" in (found["X start"].fix or "")
    assert "X cookie" not in found


@pytest.mark.parametrize(
    ("release", "text"), [(12101007, "21.1.7"), (12004000, "20.4.0"), (11804000, "11804000")]
)
def test_release_text(release, text):
    """X.Org's release numbers become versions; older schemes stay as they are."""
    assert release_text(release) == text


@pytest.mark.parametrize(("display", "number"), [(":5", 5), (":5.0", 5), ("localhost:10.0", 10)])
def test_display_number(display, number):
    """The number is read from every form of DISPLAY."""
    assert display_number(display) == number


def test_setup_request_is_padded():
    """Name and data of an authorization are padded to four bytes each (X protocol)."""
    assert setup_request() == b"l\0\x0b\0\0\0\0\0\0\0\0\0"
    request = setup_request(b"MIT-MAGIC-COOKIE-1", bytes(16))
    assert len(request) == 12 + 20 + 16


def test_setup_reply_in_pieces():
    """A refusal is read once it is whole."""
    reason = b"No protocol specified\n"
    padded = reason + bytes(-len(reason) % 4)
    whole = bytes([0, len(reason), 11, 0, 0, 0, len(padded) // 4, 0]) + padded
    assert all(parse_setup_reply(whole[:end]) is None for end in range(len(whole)))
    reply = parse_setup_reply(whole)
    assert reply is not None
    assert not reply.accepted
    assert reply.reason == "No protocol specified"


def test_knock_where_nothing_listens():
    """Nobody there is None, not an error."""
    assert knock(addresses(987)["socket file"]) is None
