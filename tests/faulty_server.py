"""The simulated model's server on loopback, as it is on a bad day.

A share of the requests is answered wrongly, chosen by a hash of body and number of times
that this body has come: the same whatever the order of threads, and never for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from evals.simulation.model import SimulatedModel
from evals.simulation.server import Application

FAULTS = (
    "429 with Retry-After", "429 without", "500", "502 with HTML", "reset", "stall",
    "malformed JSON", "truncated body",
)  # fmt: skip
_PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


class FaultyServer:
    """Serves `Application` on a free port in a thread of its own; see `serving`.

    `share` of the requests get one of `faults`. `stall` is how long a stalled request goes
    unanswered, in seconds. `down()` true refuses every request with 503. What a test reads:
    `requests` (complete ones that came in), `faults` (by kind).
    """

    def __init__(
        self,
        model: SimulatedModel,
        *,
        share: float = 0.2,
        faults: Sequence[str] = FAULTS,
        stall: float = 2.0,
        retry_after: str = "0.05",
        down: Callable[[], bool] = lambda: False,
    ) -> None:
        self._application = Application(model)
        self._share, self._faults, self._stall = share, faults, stall
        self._retry_after, self._down = retry_after, down
        self._seen: Counter[bytes] = Counter()
        self.requests = 0
        self.faults: Counter[str] = Counter()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Listen; `url` is known afterwards."""
        started = threading.Event()

        async def listen() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            port = self._server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}/v1"
            started.set()

        self._loop.create_task(listen())
        self._thread.start()
        assert started.wait(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def stop(self) -> None:
        """Close every connection and end the thread."""

        def end() -> None:
            if self._server is not None:
                self._server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_soon(self._loop.stop)

        self._loop.call_soon_threadsafe(end)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            with suppress(Exception):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        named = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(named.get("content-length") or 0))
        self.requests += 1
        return await self._answer(method, path, body, writer)

    async def _answer(
        self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        if self._down():
            self.faults["down"] += 1
            return await _send(writer, 503, _error("down for maintenance", "server_error"))
        fault = self._fault(body)
        if fault is None:
            status, text, kind = await self._application_says(method, path, body)
            return await _send(writer, status, text, **{"content-type": kind})
        self.faults[fault] += 1
        if fault == "429 with Retry-After":
            return await _send(
                writer, 429, _error("slow down", "rate_limit_error", "rate_limit_exceeded"),
                **{"retry-after": self._retry_after},
            )  # fmt: skip
        if fault == "429 without":
            return await _send(writer, 429, _error("slow down", "rate_limit_error"))
        if fault == "500":
            return await _send(writer, 500, _error("a defect", "server_error"))
        if fault == "502 with HTML":
            return await _send(writer, 502, _PAGE, **{"content-type": "text/html"})
        if fault == "reset":
            # Linger 0: closing sends a reset instead of an end.
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()
            return False
        if fault == "stall":
            await asyncio.sleep(self._stall)
            return False
        status, text, _ = await self._application_says(method, path, body)
        if fault == "malformed JSON":
            return await _send(writer, status, text[: len(text) // 2] + b"}}")
        # A body shorter than was promised.
        await _send(writer, status, text[: len(text) // 2], length=len(text))
        return False

    def _fault(self, body: bytes) -> str | None:
        digest = hashlib.blake2b(body, digest_size=8).digest()
        time = self._seen[digest]
        self._seen[digest] += 1
        drawn = hashlib.blake2b(digest + time.to_bytes(4), digest_size=8).digest()
        if int.from_bytes(drawn[:4]) >= self._share * 2**32:
            return None
        return self._faults[int.from_bytes(drawn[4:]) % len(self._faults)]

    async def _application_says(
        self, method: str, path: str, body: bytes
    ) -> tuple[int, bytes, str]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path.split("?")[0], "headers": []}
        await self._application(scope, receive, send)
        kind = dict(sent[0]["headers"])[b"content-type"].decode()
        return sent[0]["status"], b"".join(m.get("body", b"") for m in sent), kind


def _error(message: str, kind: str, code: str | None = None) -> bytes:
    """An error in OpenAI's form."""
    return json.dumps({"error": {"message": message, "type": kind, "code": code}}).encode()


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, length: int = -1, **headers: str
) -> bool:
    named = {
        "content-type": "application/json",
        "content-length": str(len(body) if length < 0 else length),
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    writer.write(f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode("latin-1") + body)
    await writer.drain()
    return True


@contextmanager
def serving(seed: int = 0, slip: float = 0.02, **options: Any) -> Iterator[FaultyServer]:
    """Serve the simulated model of a run's seed; options as `FaultyServer` has them."""
    from evals.simulation.seeds import model_seed

    server = FaultyServer(SimulatedModel(model_seed(seed), slip), **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
