"""What mem0 is given in the place of model, embedder and message log.

Each hands on what mem0 asks of it, and neither keeps anything beyond the add it serves.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from traces.hashing import canonical_json

Chat = Sequence[Mapping[str, Any]]
# As many as mem0 shows to the model.
RECENT = 10


class Model:
    """mem0's `llm`: hands a chat request to whoever answers for the add at work.

    mem0 wraps what is raised here in an error of its own; `error` keeps what it was.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Chat], str] | None = None
        self.error: Exception | None = None

    def generate_response(self, messages: Chat, *_: Any, **__: Any) -> str:
        """Return the reply's text."""
        assert self.answer is not None
        try:
            return self.answer(messages)
        except Exception as error:
            self.error = error
            raise


class Embedding:
    """mem0's `embedding_model`: the store compares texts itself, so a vector says nothing."""

    def embed(self, text: str, *_: Any, **__: Any) -> list[float]:
        """Return an empty vector."""
        return []

    def embed_batch(self, texts: Sequence[str], *_: Any, **__: Any) -> list[list[float]]:
        """Return an empty vector a text."""
        return [[] for _ in texts]


class Log:
    """mem0's `db`: the last messages, in their order, and no history of changes.

    mem0 orders its log by the wall clock's time of saving, which the messages of one add share.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[str, str]] = deque(maxlen=RECENT)

    def as_text(self) -> str:
        """Return the last messages as a text: what a memory keeps beside its entries."""
        return canonical_json(list(self._recent)) if self._recent else ""

    def read(self, text: str) -> None:
        """Hold the messages of such a text, in the place of all others."""
        messages = json.loads(text) if text else []
        self._recent = deque(((role, content) for role, content in messages), maxlen=RECENT)

    def save_messages(self, messages: Chat, *_: Any) -> None:
        """Remember messages."""
        self._recent.extend((m["role"], m["content"]) for m in messages)

    def get_last_messages(self, *_: Any, **__: Any) -> list[dict[str, str]]:
        """Return the last messages, oldest first."""
        return [{"role": role, "content": content} for role, content in self._recent]

    def add_history(self, *_: Any, **__: Any) -> None:
        """Nothing: versions and their reasons are in the record of operations."""

    batch_add_history = add_history
