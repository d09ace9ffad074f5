"""The SDK's client for an engine behind TLS. Imports the SDK; import it where that is wanted."""

from __future__ import annotations

from typing import Any

import docker


class _Api(docker.APIClient):
    """Verifies with the engine's own authority.

    A bundle that REQUESTS_CA_BUNDLE names, for the proxy of a company mostly, would take its place
    (github.com/psf/requests, issue 3829).
    """

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """See `requests.Session`."""
        wanted = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, wanted, cert)


class TlsClient(docker.DockerClient):
    """As `DockerClient`, with such connections."""

    def __init__(self, **settings: Any) -> None:
        self.api = _Api(**settings)
