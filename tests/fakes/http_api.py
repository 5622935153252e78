"""The HTTP side of the fake API server and of those that answer in another way."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

BEARER = "abc.def.ghi"


class HttpApi(http.server.ThreadingHTTPServer):
    """Records every request and passes it to `answer`, one at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and query of every request."""
        self.bodies: list[Any] = []
        self.users: set[str | None] = set()
        """Users that requests impersonated."""
        self.accept = ""
        """What the request that is being answered accepts."""
        self.content_type = ""
        """How the body of this request is written."""
        self.sent = 0
        """Bytes of all answers, without their headers."""
        self.lock = threading.RLock()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any
    ) -> tuple[int, Any] | None:
        """Return a status with an object or a text; None closes the connection.

        An iterator of objects is the answer to a watch: each is sent as it comes.
        """
        raise NotImplementedError


class _Handler(http.server.BaseHTTPRequestHandler):
    server: HttpApi

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if self.command == "DELETE" and body:
            # The API server ignores the query then: apiserver, endpoints/handlers/delete.go.
            query = {key: str(value) for key, value in body.items() if key != "dryRun"}
            if body.get("dryRun"):
                query["dryRun"] = ",".join(body["dryRun"])
        with self.server.lock:
            self.server.users.add(self.headers.get("Impersonate-User"))
            self.server.asked.append((self.command, url.path, query))
            self.server.bodies.append(body)
            self.server.accept = self.headers.get("Accept") or ""
            self.server.content_type = self.headers.get("Content-Type") or ""
            answer = self.server.answer(self.command, url.path, query, body)
        if answer is None:
            self.close_connection = True
            return
        status, content = answer
        if isinstance(content, Iterator):
            self.stream(content)
            return
        raw = (content if isinstance(content, str) else json.dumps(content)).encode()
        kind = "text/plain" if isinstance(content, str) else "application/json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.server.sent += len(raw)
        # a command that was interrupted does not read its answer
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(raw)

    def stream(self, content: Iterator[Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            for one in content:
                raw = json.dumps(one).encode() + b"\n"
                self.server.sent += len(raw)
                self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names of http.server

    def log_message(self, *_arguments: Any) -> None:
        pass


Server = TypeVar("Server", bound=HttpApi)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serve in a thread."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def write_kubeconfig(path: Path, url: str, *, namespace: str, token: str = BEARER) -> None:
    """Write the contexts `here`, the current one with a namespace, and `plain` without."""
    config = {
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": namespace}},
            {"name": "plain", "context": {"cluster": "c", "user": "u"}},
        ],
    }
    path.write_text(json.dumps(config))
