"""VNC Authentication (RFC 6143 section 7.2.2): a challenge encrypted with the password by DES."""

from __future__ import annotations

import hmac
import warnings
from typing import Any

from jupyter_xdisplay.errors import ProgramMissing, UsageError

CHALLENGE_BYTES = 16
PASSWORD_BYTES = 8
"""Bytes of a password that count; the others are cut off, as everywhere in VNC."""


def check_password(password: str) -> None:
    """See that a password can be used.

    Raises
    ------
    UsageError
        When it is empty, or not Latin-1.
    ProgramMissing
        When the package that has DES is not installed.
    """
    if not password:
        raise UsageError("An empty password protects nothing.", fix="give one, or None for none")
    response(password, bytes(CHALLENGE_BYTES))


def response(password: str, challenge: bytes) -> bytes:
    """Return what a client that knows the password answers to the challenge.

    The bits of each byte of the key are reversed (erratum of RFC 6143, rfbproto: VNC
    Authentication).
    """
    try:
        raw = password.encode("latin-1")
    except UnicodeEncodeError:
        raise UsageError(
            "A VNC password has Latin-1 characters only.", fix="use letters and digits"
        ) from None
    padded = raw[:PASSWORD_BYTES].ljust(PASSWORD_BYTES, b"\0")
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in padded)
    encryptor = _des(key).encryptor()
    return bytes(encryptor.update(challenge) + encryptor.finalize())


def verify(password: str, challenge: bytes, answer: bytes) -> bool:
    """Tell whether the answer is that of a client that knows the password."""
    return hmac.compare_digest(response(password, challenge), answer)


def _des(key: bytes) -> Any:
    """Return DES in ECB mode: TripleDES with one key three times."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
            except ImportError:  # cryptography < 43
                from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES
    except ImportError as error:
        raise ProgramMissing(
            "VNC passwords need the Python package cryptography.",
            fix="pip install 'jupyter-xdisplay[vnc]'",
        ) from error
    return Cipher(TripleDES(key * 3), modes.ECB())  # noqa: S305
