"""The typed signatures of the model calls. Imported when the first call is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import dspy
from pydantic import BaseModel, ConfigDict, model_validator


class Fact(BaseModel):
    """One fact of a reply; `sources` are numbers of messages in the request.

    An item in another form reads as one without text, and a null as "", so that one
    bad item costs itself and not the whole reply.
    """

    # DSPy shows the schema to the model, to whom the docstring is not addressed.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("description", None))

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
            **{name: text_of(item.get(name)) for name in ("text", "speaker", "time")},
            "sources": numbers_in(sources if isinstance(sources, list) else [sources]),
        }


def text_of(value: Any) -> str:
    """Return a text without the space around it; '' for anything else."""
    return value.strip() if isinstance(value, str) else ""


def numbers_in(values: list[Any]) -> list[int]:
    """Read 3, "3" and "[3]" as 3, and leave out what is no number."""
    texts = (str(v).strip("[] ") for v in values if not isinstance(v, bool))
    # isdigit alone would let superscripts through; the limit keeps int() quick.
    return [int(t) for t in texts if t.isascii() and t.isdigit() and len(t) < 10]


# The descriptions say what the backend reads from a field; they are no part of a slot.


class Extraction(dspy.Signature):  # type: ignore[misc]
    """Messages of a session, numbered within the request, to facts."""

    session_date: str = dspy.InputField(desc="ISO date")
    messages: str = dspy.InputField(desc="one a line, numbered")
    facts: list[Fact] = dspy.OutputField(
        desc="time is an ISO date, or empty; sources are the numbers of the messages"
    )


class Update(dspy.Signature):  # type: ignore[misc]
    """A fact and the entries near it, numbered within the request, to a decision."""

    fact: str = dspy.InputField()
    fact_speaker: str = dspy.InputField()
    fact_date: str = dspy.InputField(desc="ISO date")
    entries: str = dspy.InputField(desc="one a line, numbered, each with its date")
    action: Literal["add", "change", "delete", "keep"] = dspy.OutputField()
    target: int | None = dspy.OutputField(desc="number of the entry; null to add")
    text: str = dspy.OutputField(desc="the entry's new text, to add or change; else empty")
    reason: str = dspy.OutputField()


class Retrieval(dspy.Signature):  # type: ignore[misc]
    """A question to search strings and filters."""

    question: str = dspy.InputField()
    asked_on: str = dspy.InputField(desc="ISO date")
    queries: list[str] = dspy.OutputField(desc="search texts; without any, nothing is returned")
    after: str = dspy.OutputField(desc="first ISO date of the period, or empty")
    before: str = dspy.OutputField(desc="last ISO date of the period, or empty")
    require: list[str] = dspy.OutputField(
        desc="words; every returned entry has at least one of them; may be empty"
    )
