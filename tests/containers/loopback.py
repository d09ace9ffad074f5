"""What a company's network has, on loopback: a proxy that counts, and an index behind TLS."""

from __future__ import annotations

import re
import select
import shutil
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 16


class Quiet(BaseHTTPRequestHandler):
    """Says nothing on standard error."""

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(
    handler: type[Quiet], address: str, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve, and give the port."""
    with ThreadingHTTPServer((address, 0), handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def counting_proxy(address: str) -> Iterator[tuple[str, list[str]]]:
    """Give the URL of a proxy, and the hosts that were asked for through it."""
    hosts: list[str] = []
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    class Proxy(Quiet):
        def do_GET(self) -> None:
            """Forward a request."""
            hosts.append(urlsplit(self.path).hostname or "")
            try:
                with direct.open(urllib.request.Request(self.path)) as answer:
                    self.send_response(answer.status)
                    self.send_header("Content-Length", answer.headers["Content-Length"])
                    self.end_headers()
                    shutil.copyfileobj(answer, self.wfile)
            except urllib.error.HTTPError as error:
                self.send_error(error.code)

        def do_CONNECT(self) -> None:
            """Pass bytes on until either side ends."""
            host, _, port = self.path.partition(":")
            hosts.append(host)
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                pairs = {there: self.connection, self.connection: there}
                while True:
                    for ready in select.select(list(pairs), [], [])[0]:
                        data = ready.recv(CHUNK_BYTES)
                        if not data:
                            return
                        pairs[ready].sendall(data)

    with served(Proxy, address) as port:
        yield f"http://{address}:{port}", hosts


@contextmanager
def index_with_tls(address: str, wheels: Path, certificates: Path) -> Iterator[str]:
    """Give the URL of a package index (PEP 503) that has the wheels of a folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")

    class Index(Quiet):
        def do_GET(self) -> None:
            """List the wheels of a package, or send one."""
            name = self.path.rstrip("/").rpartition("/")[2]
            if name.endswith(".whl"):
                content = (wheels / name).read_bytes()
            else:
                files = [
                    path.name
                    for path in wheels.glob("*.whl")
                    if re.sub(r"[-_.]+", "-", path.name.partition("-")[0]).lower() == name
                ]
                content = "".join(f'<a href="/files/{file}">{file}</a>' for file in files).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with served(Index, address, context) as port:
        yield f"https://{address}:{port}/simple/"
