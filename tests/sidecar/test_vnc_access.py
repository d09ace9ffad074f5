"""What can be asked of a VNC port, passwords, and how guessing is held up."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_xdisplay.errors import ProgramMissing, UsageError
from jupyter_xdisplay.sidecar.vnc_access import (
    FIRST_WAIT_S,
    FREE_FAILURES,
    LONGEST_WAIT_S,
    Lockout,
    VncRequest,
    new_password,
)


def test_nothing_asked_is_this_machine_only() -> None:
    """Without a word: the loopback address, a port and a password chosen later."""
    assert VncRequest.from_json({}) == VncRequest()
    assert VncRequest().address == "127.0.0.1"
    assert VncRequest.from_json({"listen": "localhost", "port": 5901}).address == "127.0.0.1"


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "fe80::1"])
def test_an_address_for_others_needs_a_password_of_ones_own(address: str) -> None:
    """Without one it is refused with both ways out; with one it is taken."""
    with pytest.raises(UsageError) as caught:
        VncRequest.from_json({"listen": address})
    assert f"--listen {address} --password TEXT" in str(caught.value.fix)
    assert "ssh" in str(caught.value.fix)
    taken = VncRequest.from_json({"listen": address, "password": "sesame12"})
    assert taken.address == address


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_addresses_need_none(address: str) -> None:
    """Nobody else reaches them; a random password is made."""
    assert VncRequest.from_json({"listen": address}).password is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"port": 0}, "no TCP port"),
        ({"port": 65536}, "no TCP port"),
        ({"port": -1}, "no TCP port"),
        ({"port": "5901"}, "no TCP port"),
        ({"port": True}, "no TCP port"),
        ({"port": 5901.0}, "no TCP port"),
        ({"listen": ""}, "no IP address"),
        ({"listen": "*"}, "no IP address"),
        ({"listen": "example.org"}, "no IP address"),
        ({"listen": 0}, "no IP address"),
        ({"password": ""}, "0 characters"),
        ({"password": "short"}, "5 characters"),
        ({"password": "much too long"}, "first 8 characters"),
        ({"password": "sesame\n"}, "control characters"),
        ({"password": "sesame\0"}, "control characters"),
        ({"password": "\u041c\u043e\u0441\u043a\u0432\u0430"}, "Latin-1"),
        ({"password": 12345678}, "control characters"),
        ({"view_only": 1}, "neither true nor false"),
        ({"pasword": "sesame12"}, "unknown field"),
    ],
)
def test_what_cannot_be_is_refused(value: dict[str, Any], said: str) -> None:
    """A usage error that says what is wrong, and never repeats a password."""
    with pytest.raises(UsageError) as caught:
        VncRequest.from_json(value)
    assert said in caught.value.message
    if value.get("password"):
        assert str(value["password"]) not in str(caught.value)


def test_a_password_is_in_no_representation() -> None:
    """Neither logs nor tracebacks that print a request show it."""
    assert "sesame12" not in repr(VncRequest(password="sesame12"))


def test_generated_passwords_can_be_read_aloud() -> None:
    """Eight characters, all that VNC takes, none that looks like another; never the same."""
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    assert {len(password) for password in made} == {8}
    assert not set("".join(made)) & set("0Oo1IliL|") - {"L"}
    assert all(VncRequest.from_json({"password": password}).password for password in made)


def test_without_cryptography_the_fix_is_named() -> None:
    """Where DES is missing, the error has the command that installs it."""
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from jupyter_xdisplay.errors import ProgramMissing\n"
        "from jupyter_xdisplay.sidecar.vnc_access import VncRequest\n"
        "try: VncRequest.from_json({'password': 'sesame12'})\n"
        "except ProgramMissing as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "jupyter-xdisplay[vnc]" in done.stdout
    assert issubclass(ProgramMissing, Exception)


def test_guessing_is_held_up_longer_and_longer() -> None:
    """Some are free, then waits double up to a limit; a right password ends the row."""
    lockout = Lockout()
    for _ in range(FREE_FAILURES - 1):
        lockout.failed(100.0)
        assert lockout.wait_s(100.0) == 0
    waits = []
    now_s = 100.0
    for _ in range(12):
        lockout.failed(now_s)
        waits.append(lockout.wait_s(now_s))
        assert lockout.wait_s(now_s + waits[-1]) == 0
        now_s += waits[-1]
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S
    lockout.succeeded()
    lockout.failed(now_s)
    assert lockout.wait_s(now_s) == 0


@given(st.lists(st.booleans(), max_size=60))
def test_the_longest_wait_is_bounded(results: list[bool]) -> None:
    """Whatever row of right and wrong passwords: nobody is locked out for ever."""
    lockout = Lockout()
    for right in results:
        if right:
            lockout.succeeded()
        else:
            lockout.failed(0.0)
        assert 0 <= lockout.wait_s(0.0) <= LONGEST_WAIT_S
