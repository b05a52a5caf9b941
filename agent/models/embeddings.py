"""Embeddings by any LiteLLM model, through the gateway: no text is embedded twice in a run."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.models.endpoints import without_credentials
from agent.models.litellm_module import litellm
from agent.models.providers import Messages
from agent.models.timeouts import Timeouts, bounded
from agent.models.vendor_errors import Vendor, translate
from traces.database import Database
from traces.errors import MemtuneError, StoreError, TransientProviderError
from traces.hashing import content_hash, text_hash
from traces.ledger import Completion

if TYPE_CHECKING:
    from agent.models.gateway import Gateway

ROLE = "embedding"
BATCH = 64
# Most models read 8,000 tokens; what comes after so many characters is in the words' index.
LONGEST = 8_000
# Vectors kept in memory (6 kB each with 1,536 dimensions).
KEPT = 10_000

Vectors = NDArray[np.float32]


class EmbeddingModel:
    """A provider for the gateway whose messages are texts and whose reply is their vectors."""

    simulated = False

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        timeouts: Timeouts | None = None,
        api_key: str | None = None,
        key: str = "",
        secrets: tuple[str, ...] = (),
    ) -> None:
        endpoint = without_credentials(api_base)
        _, vendor, *_ = litellm().get_llm_provider(model, api_base=api_base)
        self._vendor = Vendor(model, endpoint or "", key, None, secrets)
        self._timeouts = timeouts or Timeouts()
        self._identity = {
            "provider": f"litellm/{vendor}",
            "model": model,
            "api_base": endpoint,
            "kind": ROLE,
        }
        self._arguments: dict[str, Any] = {
            "model": model,
            "timeout": min(self._timeouts.first_byte, self._timeouts.total),
            "max_retries": 0,
            "num_retries": 0,
            "encoding_format": "float",
            "drop_params": True,
        }
        if api_base is not None:
            self._arguments["api_base"] = api_base
        if api_key is not None:
            self._arguments["api_key"] = api_key

    def identity(self, role: str) -> Mapping[str, Any]:
        """Model and endpoint."""
        return self._identity

    def accepts_schema(self, role: str) -> bool:
        """Vectors have none."""
        return False

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the texts' vectors, as `unpacked` reads them. Raises what `translate` returns."""
        texts = [text for _, text in messages]
        return bounded(lambda: self._embed(texts), self._timeouts.total, str(self._vendor))

    def close(self) -> None:
        """Nothing to close: connections are those of LiteLLM."""

    def _embed(self, texts: Sequence[str]) -> Completion:
        try:
            # Several vendors refuse an empty text.
            response = litellm().embedding(
                **self._arguments, input=[text if text.strip() else "." for text in texts]
            )
        except MemtuneError:
            raise
        except Exception as error:
            raise translate(error, self._vendor) from error
        used = getattr(getattr(response, "usage", None), "prompt_tokens", 0) or 0
        return Completion(
            packed(self._matrix(response, len(texts))),
            int(used) or ceil(sum(map(len, texts)) / 4),
            0,
        )

    def _matrix(self, response: Any, count: int) -> Vectors:
        """Return the vectors in the order of the texts, shape (count, dimensions)."""
        try:
            by_index = {int(one["index"]): one["embedding"] for one in response.data}
            rows = [by_index[index] for index in range(count)]
            matrix = np.array(rows, dtype=np.float32)
        except (KeyError, TypeError, ValueError, AttributeError):
            matrix = np.zeros((0, 0), dtype=np.float32)
        if matrix.ndim != 2 or matrix.shape[0] != count or not np.isfinite(matrix).all():
            raise TransientProviderError(
                f"{self._vendor}: no vector of one size for each of {count} texts; is it an "
                "embedding model?"
            )
        return matrix


class LiteLLMEmbedder:
    """memory_backends.retrieval.embeddings.Embedder over an EmbeddingModel and the gateway.

    Vectors stay in the ledger; a table says by model and text's hash where. `connect` before
    the first text. Thread-safe; a text that another thread is just embedding is waited for.
    """

    def __init__(self, model: EmbeddingModel) -> None:
        identity = model.identity(ROLE)
        at = f" at {identity['api_base']}" if identity["api_base"] else ""
        self.name = f"{identity['model']}{at}"
        self._model_hash = content_hash(dict(identity))
        self._gateway: Gateway | None = None
        self._database: Database | None = None
        self._kept: dict[str, Vectors] = {}
        self._flights: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def connect(self, gateway: Gateway, database: Database) -> None:
        """Take the gateway that asks the model (role `embedding`) and the run's database."""
        self._gateway, self._database = gateway, database

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one vector a text, shape (len(texts), dimensions).

        Raises what the gateway raises. No texts: shape (0, 0).
        """
        if not texts:
            return np.zeros((0, 0))
        cut = {text_hash(text[:LONGEST]): text[:LONGEST] for text in texts}
        found = self._known(list(cut))
        missing = [digest for digest in cut if digest not in found]
        if missing:
            self._make({digest: cut[digest] for digest in missing})
            found |= self._known(missing)
        rows = [found[text_hash(text[:LONGEST])] for text in texts]
        return np.stack(rows).astype(np.float64)

    def _make(self, texts: Mapping[str, str]) -> None:
        """Have these texts embedded, each by one thread."""
        with self._lock:
            awaited = {f for digest in texts if (f := self._flights.get(digest)) is not None}
            mine = [digest for digest in texts if digest not in self._flights]
            flight: Future[None] = Future()
            self._flights.update(dict.fromkeys(mine, flight))
        try:
            # What landed between the look-up and now is there.
            known = self._known(mine)
            still = [digest for digest in mine if digest not in known]
            for start in range(0, len(still), BATCH):
                self._batch({digest: texts[digest] for digest in still[start : start + BATCH]})
        except BaseException as error:
            self._land(mine)
            flight.set_exception(error)
            raise
        self._land(mine)
        flight.set_result(None)
        for other in awaited:
            other.result()

    def _land(self, digests: Sequence[str]) -> None:
        with self._lock:
            for digest in digests:
                self._flights.pop(digest, None)

    def _batch(self, texts: Mapping[str, str]) -> None:
        gateway, database = self._connected()
        key, completion = gateway.complete(ROLE, [("text", text) for text in texts.values()], 0)
        self._keep(dict(zip(texts, self._unpacked(completion.text), strict=True)))
        rows = [(self._model_hash, digest, key, row) for row, digest in enumerate(texts)]
        with database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)", rows)

    def _known(self, digests: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors that are there, by text hash."""
        with self._lock:
            found = {d: self._kept[d] for d in digests if d in self._kept}
        sought = [digest for digest in digests if digest not in found]
        _, database = self._connected()
        places: dict[str, list[tuple[str, int]]] = {}
        for start in range(0, len(sought), 500):
            part = sought[start : start + 500]
            for digest, key, row in database.rows(
                "SELECT text_hash, call, row FROM embeddings WHERE model = ? AND text_hash IN "
                f"({','.join('?' * len(part))})",
                (self._model_hash, *part),
            ):
                places.setdefault(key, []).append((digest, row))
        for key, wanted in places.items():
            response = database.row("SELECT response FROM calls WHERE key = ?", (key,))
            if response is None or response[0] is None:
                continue  # forgotten: to be embedded again
            matrix = self._unpacked(database.value(response[0]))
            read = {digest: matrix[row] for digest, row in wanted if row < len(matrix)}
            found |= read
            self._keep(read)
        return found

    def forget_kept(self) -> None:
        """Let go of the vectors that are kept in memory."""
        with self._lock:
            self._kept.clear()

    def _keep(self, vectors: Mapping[str, Vectors]) -> None:
        with self._lock:
            if len(self._kept) + len(vectors) > KEPT:
                self._kept.clear()
            self._kept.update(vectors)

    def _unpacked(self, text: object) -> Vectors:
        try:
            return unpacked(str(text))
        except ValueError as error:
            raise StoreError(
                f"{self._connected()[1].path}: damaged (stored vectors cannot be read: {error}); "
                "restore it from a backup or start a new run"
            ) from error

    def _connected(self) -> tuple[Gateway, Database]:
        assert self._gateway is not None, "connect() before the first text"
        assert self._database is not None
        return self._gateway, self._database


def packed(vectors: Vectors) -> str:
    """Return vectors as text: 'rows columns base64', single precision, little-endian."""
    rows, columns = vectors.shape
    data = base64.b64encode(np.ascontiguousarray(vectors, dtype="<f4").tobytes()).decode("ascii")
    return f"{rows} {columns} {data}"


def unpacked(text: str) -> Vectors:
    """Return what `packed` made, shape (rows, columns). Raises ValueError."""
    rows, columns, data = text.split(" ")
    flat = np.frombuffer(base64.b64decode(data, validate=True), dtype="<f4")
    return flat.reshape(int(rows), int(columns)).astype(np.float32)
