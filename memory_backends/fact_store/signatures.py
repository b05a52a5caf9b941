"""The typed signatures of the model calls. Imported when the first call is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import dspy
from pydantic import BaseModel, model_validator


class FactItem(BaseModel):
    """One fact of a reply. An item in another form reads as one without text.

    So one bad item costs itself, not the whole reply; a null becomes "".
    """

    text: str
    speaker: str
    time: str
    sources: list[int]

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        item = value if isinstance(value, Mapping) else {}
        sources = item.get("sources")
        return {
            **{name: _text(item.get(name)) for name in ("text", "speaker", "time")},
            "sources": _numbers(sources if isinstance(sources, list) else [sources]),
        }


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _numbers(values: list[Any]) -> list[int]:
    """Read 3, "3" and "[3]" as 3, and leave out what is no number."""
    texts = (str(v).strip("[] ") for v in values if not isinstance(v, bool))
    # isdigit alone would let superscripts through; the limit keeps int() quick.
    return [int(t) for t in texts if t.isascii() and t.isdigit() and len(t) < 10]


class Extraction(dspy.Signature):  # type: ignore[misc]
    """Messages of a session, numbered within the request, to facts."""

    session_date: str = dspy.InputField()
    messages: str = dspy.InputField()
    facts: list[FactItem] = dspy.OutputField()


class Update(dspy.Signature):  # type: ignore[misc]
    """A fact and the entries near it, numbered within the request, to a decision."""

    fact: str = dspy.InputField()
    fact_speaker: str = dspy.InputField()
    fact_date: str = dspy.InputField()
    entries: str = dspy.InputField()
    action: Literal["add", "change", "delete", "keep"] = dspy.OutputField()
    target: int | None = dspy.OutputField()
    text: str = dspy.OutputField()
    reason: str = dspy.OutputField()


class Retrieval(dspy.Signature):  # type: ignore[misc]
    """A question to search strings and filters."""

    question: str = dspy.InputField()
    asked_on: str = dspy.InputField()
    queries: list[str] = dspy.OutputField()
    after: str = dspy.OutputField()
    before: str = dspy.OutputField()
    require: list[str] = dspy.OutputField()
