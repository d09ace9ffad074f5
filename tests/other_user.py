"""Another Unix user who runs our programs: possible as root."""

from __future__ import annotations

import os
import shutil

import pytest

UID = 65534

AS_OTHER_USER = [
    shutil.which("setpriv") or "setpriv",
    f"--reuid={UID}",
    f"--regid={UID}",
    "--clear-groups",
    # Python or the checkout may lie below /root: reading them is all that is granted.
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
]
"""Put before a command (setpriv(1), util-linux), it runs as that user."""

needs_other_user = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root, to act as another user"
)
