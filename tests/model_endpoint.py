"""An endpoint with OpenAI's interface on loopback, whose replies a test writes itself."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = Mapping[str, Any]


@dataclass
class Reply:
    """What is sent back: `chunks` one by one, each after `pause()`; `length` None means
    that the connection's end is the body's end."""

    status: int = 200
    chunks: Sequence[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    length: int | None = -1
    pause: Callable[[], None] = lambda: None


def said(text: str | None, *, finish: str = "stop", **extra: Any) -> Reply:
    """A completion of this text, 7 tokens in and 3 out."""
    return as_json(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "message": {"role": "assistant", "content": text, **extra},
                }
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    )


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, [json.dumps(value).encode()], named)


def refused(
    status: int, message: str, code: str | None = None, param: str | None = None, **headers: str
) -> Reply:
    """An error in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return as_json({"error": error}, status, **headers)


def html(status: int) -> Reply:
    """A proxy's page."""
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>hello</body></html>"
    return Reply(status, [page], content_type="text/html; charset=utf-8")


def events(*payloads: Any, done: bool = True) -> Reply:
    """Server-sent events, one a payload; without `done` the stream breaks off."""
    lines = [f"data: {json.dumps(payload)}\n\n".encode() for payload in payloads]
    if done:
        lines.append(b"data: [DONE]\n\n")
    return Reply(200, lines, content_type="text/event-stream", length=None)


def delta(text: str | None, finish: str | None = None) -> dict[str, Any]:
    """One chunk of a streamed completion."""
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": finish, "delta": {"role": "assistant", "content": text}}
        ],
    }


def vector(text: str, dimensions: int = 32) -> list[float]:
    """A deterministic vector: hashed words, so that texts that share words are near."""
    found = [0.0] * dimensions
    for word in text.lower().split():
        digest = hashlib.blake2b(word.strip(".,?!").encode(), digest_size=8).digest()
        found[digest[0] % dimensions] += 1.0 + digest[1] / 512
    return found


def embedded(body: Body) -> Reply:
    """Answer a request for embeddings; the items in reverse, as an endpoint may send them."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text)}
        for index, text in enumerate(texts)
    ]
    tokens = sum(len(text.split()) for text in texts)
    return as_json(
        {
            "object": "list",
            "model": body["model"],
            "data": data[::-1],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


@dataclass
class Endpoint:
    """What a test sees of the server: its address and the requests that came."""

    url: str
    requests: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body, _ in self.requests]


@contextmanager
def serving(answer: Callable[[str, Body], Reply]) -> Iterator[Endpoint]:
    """Serve on a free port; `answer(path, body)` gives the reply to each POST."""
    endpoint = Endpoint("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.loads(raw or b"{}")
            endpoint.requests.append((self.path, body, dict(self.headers.items())))
            self._send(answer(self.path, body))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.length is None:
                self.send_header("connection", "close")
                self.close_connection = True
            else:
                size = sum(map(len, reply.chunks)) if reply.length < 0 else reply.length
                self.send_header("content-length", str(size))
            self.end_headers()
            with suppress(OSError):  # a client that gave up
                for chunk in reply.chunks:
                    reply.pause()
                    self.wfile.write(chunk)
                    self.wfile.flush()
            if reply.length is not None and sum(map(len, reply.chunks)) < reply.length:
                self.close_connection = True  # a body shorter than was promised

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
