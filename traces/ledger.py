"""The durable record of every language-model call.

A call is looked up, else reserved, made and recorded, in that order; each step is
committed before the next. So a killed run repeats at most the calls that were in
flight, and spending is exact: failed and lost calls are counted too.

A call's status is `reserved`, `recorded`, `shared` (another run made it and paid for it),
`unusable` (a response that the provider cut off or refused: paid for, and not asked for
again) or `failed`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from traces.database import Database
from traces.errors import ContentError
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


class SharedCalls(Protocol):
    """Completions that several runs share, by ledger key. Raises StoreError."""

    def find(self, key: str) -> Completion | None: ...
    def add(self, key: str, request: CallRequest, completion: Completion) -> None: ...


class Ledger:
    """Look up, reserve, record. Thread-safe; identical concurrent requests are made once.

    The caller owns budget and retry; a failure of `make` is recorded and re-raised. What
    `shared` holds is not made either, and what is made is added to it.

    `saved` counts the calls that this process did not have to make. What an earlier process
    of the run recorded is not saved when it is read for the first time: as a rule it is read
    because its work was broken off and is done again.
    """

    def __init__(self, database: Database, shared: SharedCalls | None = None) -> None:
        self._database = database
        self._shared = shared
        self._flights: dict[str, Future[Completion]] = {}
        self._lock = threading.Lock()
        self._seen: set[str] = set()
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
        found = self._recorded(key)
        if found is not None:
            return found
        if self._shared is not None:
            found = self._shared.find(key)
            if found is not None:
                self._copy(key, request, role, found)
                return found
        admit()
        self._reserve(key, request, role)
        try:
            completion = make()
        except BaseException as error:
            self._failed(key, error)
            raise
        self._record(key, completion, "recorded")
        with self._lock:
            self._seen.add(key)
        if self._shared is not None:
            self._shared.add(key, request, completion)
        return completion

    def _recorded(self, key: str) -> Completion | None:
        row = self._database.row(
            "SELECT response, input_tokens, output_tokens, status, error FROM calls "
            "WHERE key = ? AND status IN ('recorded', 'shared', 'unusable')",
            (key,),
        )
        if row is None:
            return None
        with self._lock:
            self.saved += key in self._seen
            self._seen.add(key)
        if row[3] == "unusable":
            raise ContentError(row[4])
        return Completion(self._database.value(row[0]), row[1], row[2])

    def _copy(self, key: str, request: CallRequest, role: str, completion: Completion) -> None:
        """Enter a call that another run made: it costs this run no attempt and no token."""
        self._reserve(key, request, role, attempts=0)
        self._record(key, completion, "shared")
        with self._lock:
            self.saved += 1
            self._seen.add(key)

    def _record(self, key: str, completion: Completion, status: str) -> None:
        self._database.write(
            "UPDATE calls SET status = ?, response = ?, input_tokens = input_tokens + ?,"
            " output_tokens = output_tokens + ?, error = NULL WHERE key = ?",
            (status, canonical_json(completion.text), completion.input_tokens,
             completion.output_tokens, key),
        )  # fmt: skip

    def _failed(self, key: str, error: BaseException) -> None:
        status, line, tokens = "failed", f"{type(error).__name__}: {error}", (0, 0)
        if isinstance(error, ContentError):
            status, line = "unusable", str(error)
            tokens = (error.input_tokens, error.output_tokens)
        self._database.write(
            "UPDATE calls SET status = ?, error = ?, input_tokens = input_tokens + ?,"
            " output_tokens = output_tokens + ? WHERE key = ?",
            (status, line[:500], *tokens, key),
        )

    def _reserve(self, key: str, request: CallRequest, role: str, attempts: int = 1) -> None:
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
                "INSERT INTO calls (key, role, status, request, attempts) "
                "VALUES (?, ?, 'reserved', ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "status = 'reserved', attempts = attempts + excluded.attempts",
                (key, role, described, attempts),
            )

    def retried(self, key: str) -> None:
        """Count one more attempt of a call that is in flight."""
        self._database.write("UPDATE calls SET attempts = attempts + 1 WHERE key = ?", (key,))

    def spending(self) -> dict[str, Spending]:
        """Return what this run has spent so far, by role."""
        rows = self._database.rows(
            "SELECT role, SUM(attempts), SUM(input_tokens), SUM(output_tokens) FROM "
            "(SELECT role, attempts, CASE status WHEN 'shared' THEN 0 ELSE input_tokens END "
            "AS input_tokens, CASE status WHEN 'shared' THEN 0 ELSE output_tokens END AS "
            "output_tokens FROM calls) GROUP BY role ORDER BY role"
        )
        return {role: Spending(calls, i, o) for role, calls, i, o in rows}

    def spending_of(self, keys: Sequence[str]) -> Spending:
        """Return what the calls with these keys took; unknown keys count nothing."""
        calls = input_tokens = output_tokens = 0
        for start in range(0, len(keys), 500):
            part = tuple(keys[start : start + 500])
            row = self._database.row(
                "SELECT TOTAL(attempts), TOTAL(input_tokens), TOTAL(output_tokens) FROM calls "
                f"WHERE key IN ({','.join('?' * len(part))})",
                part,
            )
            if row is not None:
                calls += int(row[0])
                input_tokens += int(row[1])
                output_tokens += int(row[2])
        return Spending(calls, input_tokens, output_tokens)

    def in_flight(self) -> int:
        """Return how many calls were reserved and never ended (lost in a crash)."""
        row = self._database.row("SELECT COUNT(*) FROM calls WHERE status = 'reserved'")
        return int(row[0]) if row else 0
