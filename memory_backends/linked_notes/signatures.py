"""The typed signatures of the model calls. Imported when the first call is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dspy
from pydantic import BaseModel, ConfigDict, model_validator

from memory_backends.fact_store.signatures import numbers_in, text_of
from memory_backends.linked_notes.note import texts_in

# DSPy shows the schema to the model, to whom docstrings are not addressed.
_UNDESCRIBED = ConfigDict(json_schema_extra=lambda schema: schema.pop("description", None))


class NewNote(BaseModel):
    """One note of a reply; `sources` are numbers of messages in the request.

    An item in another form reads as one without content, so that it costs itself alone.
    """

    model_config = _UNDESCRIBED

    content: str
    speaker: str
    time: str
    sources: list[int]
    keywords: list[str]
    tags: list[str]
    context: str

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        item = value if isinstance(value, Mapping) else {}
        sources = item.get("sources")
        return {
            **{name: text_of(item.get(name)) for name in ("content", "speaker", "time", "context")},
            **{name: list(texts_in(item.get(name))) for name in ("keywords", "tags")},
            "sources": numbers_in(sources if isinstance(sources, list) else [sources]),
        }


class Description(BaseModel):
    """How one note is described from now on. An unreadable item has the number -1; what
    is left out stays as it is: a context of '', tags of []."""

    model_config = _UNDESCRIBED

    number: int
    context: str
    tags: list[str]

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        item = value if isinstance(value, Mapping) else {}
        return {
            "number": next(iter(numbers_in([item.get("number")])), -1),
            "context": text_of(item.get("context")),
            "tags": list(texts_in(item.get("tags"))),
        }


# The descriptions say what the backend reads from a field; they are no part of a slot.


class Construction(dspy.Signature):  # type: ignore[misc]
    """Messages of a session, numbered within the request, to notes."""

    session_date: str = dspy.InputField(desc="ISO date")
    messages: str = dspy.InputField(desc="one a line, numbered")
    notes: list[NewNote] = dspy.OutputField(
        desc="time is an ISO date, or empty; sources are the numbers of the messages"
    )


class Linking(dspy.Signature):  # type: ignore[misc]
    """A new note and the notes near it, numbered within the request, to its links."""

    note: str = dspy.InputField()
    note_speaker: str = dspy.InputField()
    note_date: str = dspy.InputField(desc="ISO date")
    near: str = dspy.InputField(desc="notes, one a line, numbered, each with its date")
    links: list[int] = dspy.OutputField(desc="numbers of the notes to link; may be empty")


class Evolution(dspy.Signature):  # type: ignore[misc]
    """A new note and the notes linked to it, numbered within the request, to contexts and tags."""

    note: str = dspy.InputField(desc="number 0")
    note_speaker: str = dspy.InputField()
    note_date: str = dspy.InputField(desc="ISO date")
    linked: str = dspy.InputField(desc="notes, one a line, numbered, each with its date")
    descriptions: list[Description] = dspy.OutputField(
        desc="only the notes that are described anew; an empty context or no tags: as before"
    )
