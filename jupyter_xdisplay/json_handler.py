"""What our HTTP handlers share: displays and errors as JSON, and JSON bodies."""

from __future__ import annotations

import json
from typing import Any

from tornado.web import RequestHandler

from jupyter_xdisplay.errors import UsageError, XDisplayError
from jupyter_xdisplay.spec import DisplayInfo, ViewerInfo

MAX_DIGITS = 10
"""Windows and processes have numbers of 32 bits."""


class JSONHandler(RequestHandler):
    """A handler whose answers and errors are JSON. Mix in before other bases."""

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log faults of this program; our own errors are answers."""
        if not isinstance(value, XDisplayError):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with `XDisplayError.to_json`; other errors as the next base does."""
        error = kwargs.get("exc_info", (None, None))[1]
        if not isinstance(error, XDisplayError):
            super().write_error(status_code, **kwargs)
            return
        self.set_status(error.http_status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(error.to_json()))

    def answer(self, value: DisplayInfo | list[DisplayInfo] | list[ViewerInfo]) -> None:
        """Send one display, or several, or viewers, and finish."""
        body = value.to_json() if isinstance(value, DisplayInfo) else [i.to_json() for i in value]
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body))

    def number_argument(self, name: str) -> int:
        """Return a number of the query, 0 where it is not there; raise UsageError for another."""
        text = self.get_query_argument(name, "0")
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            raise UsageError(f"{text!r} is no {name}'s number.")
        return int(text)

    def json_object(self) -> dict[str, Any]:
        """Return the request's JSON object, empty without a body.

        Raises
        ------
        UsageError
            When the body is something else.
        """
        try:
            value = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise UsageError("The body is not a JSON object.", fix='send such as {"name": "main"}')
        return value
