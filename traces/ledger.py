"""The durable record of every language-model call.

A call is looked up, else reserved, made and recorded, in that order; each step is
committed before the next. So a killed run repeats at most the calls that were in
flight, and spending is exact: failed and lost calls are counted too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from traces.database import Database
from traces.hashing import canonical_json, content_hash, text_hash


@dataclass(frozen=True)
class CallRequest:
    """What a call is keyed by: everything that its result may depend on.

    `model` identifies provider, api_base and model (and, for the simulated model,
    seed, slip and version); `messages` are role/content pairs; `schema` is the
    response schema or None; a new `sample_index` is a new draw.
    """

    model: Mapping[str, Any]
    messages: Sequence[tuple[str, str]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    schema: Any = None
    sample_index: int = 0

    def key(self) -> str:
        """Return the ledger key."""
        return content_hash(
            [dict(self.model), dict(self.parameters), list(self.messages), self.schema,
             self.sample_index]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's well-formed response and its token counts."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls made (attempts that reached a provider, failed and lost ones too) and tokens."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


class Ledger:
    """Look up, reserve, record. Thread-safe; identical concurrent requests are made once.

    The caller owns budget and retry; a failure of `make` is recorded and re-raised.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._flights: dict[str, Future[Completion]] = {}
        self._lock = threading.Lock()
        self.saved = 0

    def call(
        self,
        request: CallRequest,
        role: str,
        make: Callable[[], Completion],
        admit: Callable[[], None] = lambda: None,
    ) -> tuple[str, Completion]:
        """Return the ledger key and the completion, calling `make` at most once.

        A recorded call, or one that another thread is just making, counts as saved.
        `admit` is asked before a call is reserved; what it refuses was never made.
        """
        key = request.key()
        with self._lock:
            flight = self._flights.get(key)
            leader = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not leader:
            completion = flight.result()
            with self._lock:
                self.saved += 1
            return key, completion
        try:
            completion = self._lead(key, request, role, make, admit)
        except BaseException as error:
            self._land(key)
            flight.set_exception(error)
            raise
        self._land(key)
        flight.set_result(completion)
        return key, completion

    def _land(self, key: str) -> None:
        with self._lock:
            self._flights.pop(key, None)

    def _lead(
        self,
        key: str,
        request: CallRequest,
        role: str,
        make: Callable[[], Completion],
        admit: Callable[[], None],
    ) -> Completion:
        row = self._database.row(
            "SELECT response, input_tokens, output_tokens FROM calls "
            "WHERE key = ? AND status = 'recorded'",
            (key,),
        )
        if row is not None:
            with self._lock:
                self.saved += 1
            return Completion(self._database.value(row[0]), row[1], row[2])
        admit()
        self._reserve(key, request, role)
        try:
            completion = make()
        except BaseException as error:
            self._database.write(
                "UPDATE calls SET status = 'failed', error = ? WHERE key = ?",
                (f"{type(error).__name__}: {error}"[:500], key),
            )
            raise
        self._database.write(
            "UPDATE calls SET status = 'recorded', response = ?, input_tokens = input_tokens + ?,"
            " output_tokens = output_tokens + ?, error = NULL WHERE key = ?",
            (canonical_json(completion.text), completion.input_tokens, completion.output_tokens,
             key),
        )  # fmt: skip
        return completion

    def _reserve(self, key: str, request: CallRequest, role: str) -> None:
        # Message texts are stored once by hash: the system message of a slot repeats
        # in every one of its calls.
        texts = [(role_, text_hash(content), content) for role_, content in request.messages]
        described = canonical_json(
            {
                "model": dict(request.model),
                "parameters": dict(request.parameters),
                "messages": [[role_, digest] for role_, digest, _ in texts],
                "schema": request.schema,
                "sample_index": request.sample_index,
            }
        )
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO value_texts VALUES (?, 'text', ?)",
                [(digest, canonical_json(content)) for _, digest, content in texts],
            )
            connection.execute(
                "INSERT INTO calls (key, role, status, request) VALUES (?, ?, 'reserved', ?) "
                "ON CONFLICT (key) DO UPDATE SET status = 'reserved', attempts = attempts + 1",
                (key, role, described),
            )

    def retried(self, key: str) -> None:
        """Count one more attempt of a call that is in flight."""
        self._database.write("UPDATE calls SET attempts = attempts + 1 WHERE key = ?", (key,))

    def spending(self) -> dict[str, Spending]:
        """Return what was spent so far, by role."""
        rows = self._database.rows(
            "SELECT role, SUM(attempts), SUM(input_tokens), SUM(output_tokens) "
            "FROM calls GROUP BY role ORDER BY role"
        )
        return {role: Spending(calls, i, o) for role, calls, i, o in rows}

    def in_flight(self) -> int:
        """Return how many calls were reserved and never ended (lost in a crash)."""
        row = self._database.row("SELECT COUNT(*) FROM calls WHERE status = 'reserved'")
        return int(row[0]) if row else 0
