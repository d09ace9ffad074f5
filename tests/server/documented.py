"""The interface as `rest-api.yml` describes it, and answers held against that."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.server.real_server import Answer, JupyterServer

DESCRIPTION: dict[str, Any] = yaml.safe_load(
    resources.files("jupyter_xdisplay.server").joinpath("rest-api.yml").read_text()
)


def schema(value: dict[str, Any]) -> Draft202012Validator:
    """Return a validator for a schema of the description."""
    return Draft202012Validator({**value, "components": DESCRIPTION["components"]})


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    """Follow a `$ref` into the description."""
    found: Any = value
    while "$ref" in found:
        target: Any = DESCRIPTION
        for key in found["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        found = target
    return dict(found)


def path_of(target: str) -> str:
    """Return the described path that a request's target belongs to."""
    plain = "/" + target.partition("?")[0]
    plain = re.sub(r"/displays/[^/]+", "/displays/{display_id}", plain)
    return re.sub(r"/windows/[^/]+", "/windows/{window_id}", plain)


def check(method: str, target: str, answer: Answer) -> None:
    """Hold an answer against the description: its status, type and body."""
    operation = DESCRIPTION["paths"][path_of(target)][method.lower()]
    assert str(answer.status) in operation["responses"], (method, target, answer)
    [(kind, body)] = resolved(operation["responses"][str(answer.status)])["content"].items()
    assert answer.headers.get_content_type() == kind
    if kind == "application/json":
        schema(body["schema"]).validate(answer.json)


class DocumentedServer:
    """Asks a server and holds every answer against the description."""

    def __init__(self, server: JupyterServer) -> None:
        self.server = server

    def ask(self, method: str, target: str, body: Any = None, **options: Any) -> Answer:
        """Do what `JupyterServer.ask` does."""
        answer = self.server.ask(method, target, body, **options)
        check(method, target, answer)
        return answer
