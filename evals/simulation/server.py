"""The simulated model behind OpenAI's chat-completions interface, on the loopback.

    python -m evals.simulation.server --seed N --slip X [--port 0]

The process knows the model's seed and the slip rate, nothing of any world. It prints one
line with its port when it is ready, and ends when its parent does (its standard input
closes) or on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from evals.simulation.draws import digest
from evals.simulation.model import ROLES, VERSION, SimulatedModel, UnknownModelError

MAX_BODY = 32 * 1024 * 1024


class BadRequestError(ValueError):
    """A request that the interface refuses; `status`, `code` and `param` as OpenAI has them."""

    def __init__(
        self, message: str, status: int = 400, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


def _content(message: object, index: int) -> dict[str, str]:
    """Return role and text of one chat message; text parts are joined."""
    where = f"messages.[{index}]"
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise BadRequestError(f"'{where}' must be an object with a role.", param=where)
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(
            p.get("text") or ""
            for p in content
            if isinstance(p, dict) and isinstance(p.get("text"), str)
        )
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise BadRequestError(f"'{where}.content' must be text.", param=f"{where}.content")
    return {"role": message["role"], "content": content}


PIECE = 16  # characters of a streamed reply in one event


@dataclass(frozen=True)
class Answer:
    """A body in its pieces, sent one by one, and its content type."""

    pieces: Sequence[bytes]
    content_type: bytes = b"application/json"


def complete(model: SimulatedModel, body: bytes) -> Answer:
    """Answer the body of a chat-completions request; `response_format` changes nothing."""
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError("We could not parse the JSON body of your request.") from error
    if not isinstance(data, dict):
        raise BadRequestError("The body must be a JSON object.")
    name, messages, sample = data.get("model"), data.get("messages"), data.get("seed")
    if not isinstance(name, str):
        raise BadRequestError("You must provide a model parameter.", param="model")
    if not isinstance(messages, list) or not messages:
        raise BadRequestError(
            "'messages' must be a list with at least one message.", param="messages"
        )
    if sample is not None and (not isinstance(sample, int) or isinstance(sample, bool)):
        raise BadRequestError("'seed' must be an integer.", param="seed")
    if data.get("n") not in (None, 1):
        raise BadRequestError("'n' must be 1 for the simulated model.", param="n")
    chat = [_content(m, i) for i, m in enumerate(messages)]
    try:
        made = model.complete(name, chat, sample or 0)
    except UnknownModelError as error:
        raise BadRequestError(str(error), 404, "model_not_found", "model") from error
    head = {
        "id": f"chatcmpl-sim{digest(body.decode('utf-8', 'surrogateescape')):016x}",
        "created": int(time.time()),
        "model": name,
    }
    usage = {
        "prompt_tokens": made.input_tokens,
        "completion_tokens": made.output_tokens,
        "total_tokens": made.input_tokens + made.output_tokens,
    }
    if data.get("stream"):
        options = data.get("stream_options")
        counted = isinstance(options, dict) and bool(options.get("include_usage"))
        return Answer(
            tuple(_events(head, made.text, usage if counted else None)), b"text/event-stream"
        )
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": made.text},
        "logprobs": None,
        "finish_reason": "stop",
    }
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    return Answer((json.dumps(whole).encode("ascii"),))


def _events(
    head: Mapping[str, object], text: str, usage: Mapping[str, int] | None
) -> Iterator[bytes]:
    """Yield a reply as server-sent events; the tokens used come last, where asked for."""

    def event(choices: list[dict[str, object]], **more: object) -> bytes:
        chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
        return b"data: " + json.dumps(chunk).encode("ascii") + b"\n\n"

    def choice(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}

    yield event([choice({"role": "assistant", "content": ""})])
    for start in range(0, len(text), PIECE):
        yield event([choice({"content": text[start : start + PIECE]})])
    yield event([choice({}, "stop")])
    if usage is not None:
        yield event([], usage=usage)
    yield b"data: [DONE]\n\n"


def error_body(
    message: str, kind: str, code: str | None = None, param: str | None = None
) -> Answer:
    """Return an error in OpenAI's form."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Answer((json.dumps({"error": error}).encode("ascii"),))


class Application:
    """The ASGI application: one route for completions, one that lists the models."""

    def __init__(self, model: SimulatedModel) -> None:
        self.model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > MAX_BODY:
                break
        status, answer = self._respond(scope["method"], scope["path"], body)
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", str(sum(map(len, answer.pieces))).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, piece in enumerate(answer.pieces, start=1):
            more = number < len(answer.pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    def _respond(self, method: str, path: str, body: bytes) -> tuple[int, Answer]:
        path = path.rstrip("/").removeprefix("/v1")
        if path == "/models" and method == "GET":
            data = [
                {
                    "id": f"sim/{VERSION}:{role}",
                    "object": "model",
                    "created": 0,
                    "owned_by": "simulated",
                }
                for role in ROLES
            ]
            return 200, Answer((json.dumps({"object": "list", "data": data}).encode("ascii"),))
        if path != "/chat/completions":
            return 404, error_body(
                f"Unknown request URL: {method} {path}", "invalid_request_error", "unknown_url"
            )
        if method != "POST":
            return 405, error_body(
                f"Not allowed to {method} on {path}",
                "invalid_request_error",
                "method_not_supported",
            )
        if len(body) > MAX_BODY:
            return 413, error_body("The body is too large.", "invalid_request_error")
        try:
            return 200, complete(self.model, body)
        except BadRequestError as error:
            return error.status, error_body(
                str(error), "invalid_request_error", error.code, error.param
            )
        except Exception as error:
            # A defect of a part must reach the caller as a server error, not as a hung connection.
            return 500, error_body(f"{type(error).__name__}: {error}", "server_error")


def _end_with_parent(server: uvicorn.Server) -> None:
    """Stop the server when standard input closes: the parent is gone."""
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except (OSError, ValueError):
        pass
    server.should_exit = True


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until the parent ends."""
    parser = argparse.ArgumentParser(
        prog="evals.simulation.server", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seed", type=int, required=True, help="the model's seed")
    parser.add_argument("--slip", type=float, default=0.02, help="slip rate, 0 to 1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    options = parser.parse_args(arguments)
    model = SimulatedModel(options.seed, options.slip)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        Application(model),
        log_config=None,
        access_log=False,
        lifespan="off",
        http="auto",
        timeout_keep_alive=600,
        server_header=False,
        date_header=False,
        ws="none",
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        if server.started:
            print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        await task

    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    asyncio.run(run())


if __name__ == "__main__":
    main()
