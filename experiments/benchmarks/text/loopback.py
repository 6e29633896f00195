"""A server on this machine that speaks ``/v1/chat/completions``: what it says is a function's, no model runs in it."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

MOST = 2**22  # bytes of a question


@dataclass(frozen=True)
class Reply:
    """An answer as it goes over the wire."""

    content: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None  # bytes that the header says, if others than there are


def said(content: str | None, tokens: int | None = 100, **message: object) -> Reply:
    """Return what a language model says as the API writes it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
    told: dict[str, Any] = {"object": "chat.completion", "choices": [choice]}
    if tokens is not None:
        told["usage"] = {"total_tokens": tokens}
    return Reply(json.dumps(told).encode())


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def data(self) -> Mapping[str, Any]:
        """The JSON object of the user's message."""
        told: dict[str, Any] = json.loads(self.body["messages"][-1]["content"])
        return told


class ChatServer:
    """Answers in threads on a free port of the loopback address until it is closed; use it in a ``with``.

    Parameters
    ----------
    reply : callable
        Returns the answer to a request.
    """

    def __init__(self, reply: Callable[[Asked], Reply]) -> None:
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(reply, self.asked))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _handler(reply: Callable[[Asked], Reply], asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), MOST)
            request = Asked(self.path, dict(self.headers.items()), json.loads(self.rfile.read(length)))
            asked.append(request)
            answer = reply(request)
            self.send_response(answer.status)
            length = len(answer.content) if answer.announced is None else answer.announced
            for name, value in {"Content-Length": str(length), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the library)
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the one who asked has gone
                self.close_connection = True

    return Handler
