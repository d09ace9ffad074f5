"""The clipboard: plain Latin-1, and all of Unicode where both sides can."""

from __future__ import annotations

import pytest

from jupyter_xdisplay.rfb import (
    DEFAULT_ENCODINGS,
    ClientCutText,
    ClipboardAnnounced,
    ClipboardTooLong,
    Encoding,
    ServerCutText,
)
from jupyter_xdisplay.rfb.limits import MAX_CLIPBOARD_BYTES
from tests.rfb.loopback import Loopback

PLAIN = tuple(set(DEFAULT_ENCODINGS) - {Encoding.EXTENDED_CLIPBOARD})
TEXT = "Grüße, Κόσμε, мир: 5 €\n\tsecond line\n"


@pytest.mark.parametrize("encodings", [DEFAULT_ENCODINGS, PLAIN], ids=["extended", "plain"])
def test_clipboards_go_both_ways(encodings: tuple[int, ...]) -> None:
    """All of Unicode where both can, Latin-1 with question marks elsewhere."""
    loop = Loopback(encodings=encodings)
    expected = TEXT if encodings == DEFAULT_ENCODINGS else "Grüße, ?????, ???: 5 ?\n\tsecond line\n"
    loop.server.send_clipboard(TEXT)
    assert loop.exchange()[1] == [ServerCutText(expected)]
    loop.client.clipboard(TEXT.replace("\n", "\r\n"))
    heard = loop.exchange()[0]
    assert heard[-1] == ClientCutText(expected)
    assert heard[:-1] == [ClipboardAnnounced()] * (encodings is DEFAULT_ENCODINGS)


def test_an_emptied_clipboard_is_not_a_text() -> None:
    """An extended notice without text is no event."""
    loop = Loopback()
    loop.server.send_clipboard("")
    assert loop.exchange()[1] == []


@pytest.mark.parametrize("encodings", [DEFAULT_ENCODINGS, PLAIN], ids=["extended", "plain"])
def test_a_clipboard_too_long_is_passed_over(encodings: tuple[int, ...]) -> None:
    """The connection goes on; both sides learn the size."""
    loop = Loopback(encodings=encodings)
    long = "x" * (MAX_CLIPBOARD_BYTES + 1)
    loop.client.clipboard(long)
    heard = loop.exchange()[0][-1]
    assert isinstance(heard, ClipboardTooLong)
    loop.server.send_clipboard(long)
    (told,) = loop.exchange()[1]
    assert isinstance(told, ClipboardTooLong)
    loop.client.clipboard("short")
    assert loop.exchange()[0][-1] == ClientCutText("short")


def test_lone_surrogates_do_no_harm() -> None:
    """Text that is not quite Unicode is sent with question marks."""
    loop = Loopback()
    loop.server.send_clipboard("a\udc80b")
    assert loop.exchange()[1] == [ServerCutText("a?b")]
