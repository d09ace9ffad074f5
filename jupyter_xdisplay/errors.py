"""What can go wrong, each with its fix.

::

    XDisplayError
    ├── UsageError            an argument that makes no sense (also a ValueError)
    ├── ProgramMissing        a program that is not installed
    ├── ToolkitMissing        no GUI toolkit can be imported in this Python
    ├── StartFailed           a program was started and did not come up
    ├── PrivateDirectoryError the private directory is full, not writable or not ours
    ├── LimitReached          a configured maximum
    ├── DisplayNotFound       no display of that name or id
    ├── DisplayEnded          the display was there and is gone
    ├── WindowNotFound        no such window, or it was closed
    ├── WaitTimedOut          what was waited for did not come
    ├── KernelConnected       ending the X server would end this kernel's own process
    ├── EngineUnreachable     no container engine answers, or not to this user
    ├── ImageMissing          the container engine does not have an image, or not a current one
    ├── ImageBuildFailed      an image could not be built
    └── Unreachable           the sidecar or the server does not answer

Every error crosses processes as JSON (`to_json`, `error_from_json`), so that a kernel raises what
the server or the sidecar met, with the log lines of the program that failed.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "DisplayEnded",
    "DisplayNotFound",
    "EngineUnreachable",
    "ImageBuildFailed",
    "ImageMissing",
    "KernelConnected",
    "LimitReached",
    "PrivateDirectoryError",
    "ProgramMissing",
    "StartFailed",
    "ToolkitMissing",
    "Unreachable",
    "UsageError",
    "WaitTimedOut",
    "WindowNotFound",
    "XDisplayError",
    "error_from_json",
]


class XDisplayError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message
        What failed, in one sentence.
    fix
        The command or step that mends it, or None where there is none.
    log
        The last lines of the failed program's log.
    """

    http_status = 500

    def __init__(
        self, message: str, *, fix: str | None = None, log: list[str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.log = list(log or [])

    def __str__(self) -> str:
        parts = [self.message]
        if self.log:
            parts.append("Its last lines:\n" + "\n".join(f"    {line}" for line in self.log))
        if self.fix:
            parts.append(f"To mend it: {self.fix}")
        return "\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the error as a JSON object with `error`, `message`, `fix` and `log`."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "fix": self.fix,
            "log": self.log,
        }


class UsageError(XDisplayError, ValueError):
    """An argument that makes no sense; `fix` shows one that does."""

    http_status = 400


class ProgramMissing(XDisplayError):
    """A program that is needed is not installed."""

    http_status = 503


class ToolkitMissing(XDisplayError):
    """No GUI toolkit can be imported in this Python."""


class StartFailed(XDisplayError):
    """A program was started and did not come up."""


class PrivateDirectoryError(XDisplayError):
    """The private directory cannot be made: full, not writable, or somebody else's."""


class LimitReached(XDisplayError):
    """A configured maximum is reached."""

    http_status = 429


class DisplayNotFound(XDisplayError):
    """There is no display of that name or id, or it belongs to another kernel."""

    http_status = 404


class DisplayEnded(XDisplayError):
    """The display was there and is gone; the message says why."""

    http_status = 410


class WindowNotFound(XDisplayError):
    """There is no such window, or it was closed."""

    http_status = 404


class WaitTimedOut(XDisplayError):
    """What was waited for did not come in time; the message says what was seen instead."""

    http_status = 504


class KernelConnected(XDisplayError):
    """Ending the X server would end the kernel's own process."""

    http_status = 409


class EngineUnreachable(XDisplayError):
    """No container engine answers, or this user may not use it."""

    http_status = 503


class ImageMissing(XDisplayError):
    """The container engine does not have an image, or not a current one."""

    http_status = 503


class ImageBuildFailed(XDisplayError):
    """An image could not be built; the log is the end of the build's output."""


class Unreachable(XDisplayError):
    """The sidecar or the server does not answer on its socket."""

    http_status = 502


_BY_NAME = {
    error.__name__: error
    for error in (
        UsageError,
        ProgramMissing,
        ToolkitMissing,
        StartFailed,
        PrivateDirectoryError,
        LimitReached,
        DisplayNotFound,
        DisplayEnded,
        WindowNotFound,
        WaitTimedOut,
        KernelConnected,
        EngineUnreachable,
        ImageMissing,
        ImageBuildFailed,
        Unreachable,
    )
}


def error_from_json(value: dict[str, Any]) -> XDisplayError:
    """Rebuild an error from `XDisplayError.to_json`; unknown kinds become `XDisplayError`."""
    kind = _BY_NAME.get(str(value.get("error")), XDisplayError)
    return kind(
        str(value.get("message", "unknown error")), fix=value.get("fix"), log=value.get("log")
    )
