"""What encoders and decoders keep for a whole connection: their zlib streams."""

from __future__ import annotations

import zlib
from typing import Any

from jupyter_xdisplay.rfb.errors import ProtocolError

TIGHT_STREAMS = 4


class Deflater:
    """A zlib stream in parts, each of them complete for a reader that has those before."""

    def __init__(self, level: int, stream: Any = None) -> None:
        self.level = level
        self._stream: Any = stream or zlib.compressobj(level)

    def pack(self, data: bytes) -> bytes:
        """Return the next part."""
        return bytes(self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH))

    def copy(self) -> Deflater:
        """Return a stream that goes on from here by itself."""
        return Deflater(self.level, self._stream.copy())


class EncoderState:
    """The zlib streams of one viewer, on the server side.

    One thread at a time. Call `begin_update` before the rectangles of an update are made, and
    `abandon_update` when they will not be sent after all: the client's streams have not seen them.

    Parameters
    ----------
    compression
        Level from 0 to 9, as the client asks (`ServerConnection.compression`).
    """

    def __init__(self, compression: int = 1) -> None:
        self.compression = compression
        self._tight: list[Deflater | None] = [None] * TIGHT_STREAMS
        self._zrle: Deflater | None = None
        self._zrle_before: Deflater | None = None

    def begin_update(self) -> None:
        """Remember where the streams are."""
        self._zrle_before = self._zrle.copy() if self._zrle else None

    def abandon_update(self) -> None:
        """Go back to `begin_update`: Tight's streams start anew, ZRLE's goes on from there."""
        self._tight = [None] * TIGHT_STREAMS
        self._zrle = self._zrle_before

    def tight(self, stream: int, level: int) -> tuple[Deflater, bool]:
        """Return one of Tight's streams, and whether the client must reset its own before."""
        found = self._tight[stream]
        if found is not None and found.level == level:
            return found, False
        found = self._tight[stream] = Deflater(level)
        return found, True

    def zrle(self) -> Deflater:
        """Return ZRLE's only stream; its level stays that of its first use."""
        if self._zrle is None:
            self._zrle = Deflater(self.compression)
        return self._zrle


class Inflater:
    """Reads a zlib stream that comes in parts; never unpacks more than asked for."""

    def __init__(self) -> None:
        self._stream: Any = zlib.decompressobj()

    def unpack(self, data: bytes, largest: int) -> bytes:
        """Return what a part holds.

        Raises
        ------
        ProtocolError
            When it is broken, or holds more than `largest` bytes.
        """
        if self._stream.eof:
            raise ProtocolError("A zlib stream of pixels goes on after its end.")
        try:
            found: bytes = self._stream.decompress(data, max(1, largest))
            while rest := self._stream.unconsumed_tail:
                more = self._stream.decompress(rest, 1)
                if more or self._stream.unconsumed_tail == rest:
                    raise ProtocolError(f"A part of a zlib stream has more than {largest} bytes.")
        except zlib.error as error:
            raise ProtocolError("A zlib stream of pixels is broken.") from error
        if len(found) > largest:
            raise ProtocolError(f"A part of a zlib stream has more than {largest} bytes.")
        return found


class DecoderState:
    """The zlib streams of one server, on the client side."""

    def __init__(self) -> None:
        self.tight = [Inflater() for _ in range(TIGHT_STREAMS)]
        self.zrle = Inflater()

    def reset_tight(self, mask: int) -> None:
        """Start the streams anew whose bits are set in a compression-control byte."""
        for index in range(TIGHT_STREAMS):
            if mask >> index & 1:
                self.tight[index] = Inflater()
