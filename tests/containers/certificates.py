"""Certificates for an engine's port, made by openssl."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ADDRESS = f"127.{os.getpid() >> 16 & 255}.{os.getpid() >> 8 & 255}.{(os.getpid() & 255) or 1}"
"""Loopback addresses are many: nobody else has this one, so all its ports are free."""


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """Make an authority, and a certificate for both sides that it signed."""
    key = ["-newkey", "rsa:2048", "-nodes"]
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    openssl(folder, "req", *key, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=engine")
    (folder / "extensions").write_text(
        f"subjectAltName=IP:{ADDRESS}\nextendedKeyUsage=serverAuth,clientAuth\n"
    )
    openssl(
        folder,
        *("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-out"),
        *("cert.pem", "-extfile", "extensions", "-CAcreateserial"),
    )
