"""What the reflection part is told: error clusters, read from untrusted JSON text.

Nothing here raises: what does not have the expected form is left out, since a language
model, too, makes do with what it can read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 1200
_MOST_CLUSTERS = 40
_MOST_EXAMPLES = 8
_ABSTENTIONS = {"", "not mentioned", "none", "n/a", "unknown"}

_KINDS = (
    ("extraction", ("extract",)),
    ("update", ("update", "merge", "delet")),
    ("retrieval", ("retriev", "search", "query", "rerank")),
    ("response", ("respon", "answer")),
)


@dataclass(frozen=True)
class Evidence:
    """One quoted message."""

    date: str
    speaker: str
    text: str


@dataclass(frozen=True)
class Example:
    """One failure of a cluster."""

    question: str
    expected: str
    predicted: str
    evidence: tuple[Evidence, ...]
    given: str
    produced: str

    @property
    def texts(self) -> str:
        """All quoted messages, one a line."""
        return "\n".join(item.text for item in self.evidence)

    @property
    def abstain(self) -> bool:
        """Whether the right behaviour was to give no answer."""
        expected = self.expected.strip(" .").casefold()
        return expected in _ABSTENTIONS or "cannot be answered" in expected


@dataclass(frozen=True)
class Cluster:
    """Failures of one kind."""

    id: str
    slot: str
    error_type: str
    sub_type: str
    count: int
    examples: tuple[Example, ...]


def operation_kind(slot: str, error_type: str) -> str:
    """Return the kind of operation that a slot's name (else an error type) speaks of, or ''."""
    for name in (slot, error_type):
        # The last part first: "fact_store.extraction" is an extraction.
        for part in reversed(re.split(r"[./:]", name.casefold())):
            for kind, stems in _KINDS:
                if any(stem in part for stem in stems):
                    return kind
    return ""


def loads(text: str) -> object:
    """Return the JSON value, or None where the text is not JSON."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _text(value: object) -> str:
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, (dict, list)):
        try:
            return json.dumps(value, ensure_ascii=False)[:_LONGEST]
        except (ValueError, RecursionError):
            return ""
    return ""


def _items(value: object, most: int) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        return []
    return [item for item in value[:most] if isinstance(item, dict)]


def _example(raw: Mapping[str, object]) -> Example:
    evidence = tuple(
        Evidence(_text(e.get("date")), _text(e.get("speaker")).strip(), _text(e.get("text")))
        for e in _items(raw.get("evidence"), _MOST_EXAMPLES)
    )
    return Example(
        question=_text(raw.get("question")),
        expected=_text(raw.get("expected")),
        predicted=_text(raw.get("predicted")),
        evidence=evidence,
        given=_text(raw.get("given")),
        produced=_text(raw.get("produced")),
    )


def read_clusters(text: str) -> tuple[Cluster, ...]:
    """Return the clusters that the JSON text holds, as far as it can be read."""
    clusters = []
    for raw in _items(loads(text), _MOST_CLUSTERS):
        count = raw.get("count")
        if not isinstance(count, int):
            count = 1
        name = raw.get("id")
        clusters.append(
            Cluster(
                id=name if isinstance(name, str) else "",
                slot=_text(raw.get("slot")),
                error_type=_text(raw.get("error_type")).strip(),
                sub_type=_text(raw.get("sub_type")).strip(),
                count=max(1, min(count, 50)),
                examples=tuple(_example(e) for e in _items(raw.get("examples"), _MOST_EXAMPLES)),
            )
        )
    return tuple(clusters)


def read_rejected(text: str) -> tuple[str, ...]:
    """Return the clauses that were tried without success.

    Text that is no JSON is taken for one clause a line.
    """
    value = loads(text)
    if not isinstance(value, list):
        return tuple(line for line in text.splitlines() if line.strip())
    found: list[str] = []
    for item in value:
        if isinstance(item, dict):
            found += [part for part in item.values() if isinstance(part, str)]
        elif isinstance(item, str):
            found.append(item)
    return tuple(found)


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of an instruction, quoted exactly."""
    found = []
    for line in text.splitlines():
        for part in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'])", line.strip()):
            if part.strip(" -*#"):
                found.append(part.strip())
    return tuple(found)
