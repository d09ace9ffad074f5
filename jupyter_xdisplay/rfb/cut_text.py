"""Reads ClientCutText and ServerCutText, which have the same form both ways.

Plain Latin-1 is RFC 6143 sections 7.5.6 and 7.6.4; a negative length marks the extended clipboard
(rfbproto).
"""

from __future__ import annotations

import struct

from jupyter_xdisplay.rfb import clipboard
from jupyter_xdisplay.rfb.limits import MAX_CLIPBOARD_BYTES
from jupyter_xdisplay.rfb.messages import ClipboardTooLong
from jupyter_xdisplay.rfb.stream import Parse, StreamReader

CutText = str | clipboard.ExtendedCutText | ClipboardTooLong

_LENGTH = struct.Struct(">3xi")


def read_cut_text(reader: StreamReader, *, extended: bool) -> Parse[CutText]:
    """Read what follows the message type.

    Parameters
    ----------
    reader
        Has the bytes.
    extended
        Whether the extended clipboard was agreed on: only then a length may be negative.
    """
    (length,) = yield from reader.unpack(_LENGTH)
    size = -length if extended and length < 0 else length & 0xFFFFFFFF
    if size > MAX_CLIPBOARD_BYTES:
        yield from reader.skip(size)
        return ClipboardTooLong(size)
    data = yield from reader.read(size)
    if extended and length < 0:
        return clipboard.parse(data)
    return data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
