"""The typed signatures of the model calls. Imported when the first call is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dspy
from pydantic import model_validator

from memory_backends.fact_store.signatures import Fact, text_of


class Ahead(Fact):
    """One foresight of a reply, read as tolerantly as a fact. It holds from `time` on."""

    until: str

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        until = value.get("until") if isinstance(value, Mapping) else None
        return {**Fact.model_validate(value).model_dump(), "until": text_of(until)}


# The descriptions say what the backend reads from a field; they are no part of a slot.


class Boundary(dspy.Signature):  # type: ignore[misc]
    """Messages of a session, numbered within the request, to the first ones of its cells."""

    session_date: str = dspy.InputField(desc="ISO date")
    messages: str = dspy.InputField(desc="one a line, numbered")
    starts: list[int] = dspy.OutputField(desc="numbers of the messages that begin something new")


class Narrative(dspy.Signature):  # type: ignore[misc]
    """Messages of a cell, numbered within the request, to an account of what happened."""

    session_date: str = dspy.InputField(desc="ISO date")
    messages: str = dspy.InputField(desc="one a line, numbered")
    title: str = dspy.OutputField(desc="a few words")
    narrative: str = dspy.OutputField()


class Foresights(dspy.Signature):  # type: ignore[misc]
    """Messages of a cell, numbered within the request, to what lies ahead."""

    session_date: str = dspy.InputField(desc="ISO date")
    messages: str = dspy.InputField(desc="one a line, numbered")
    foresights: list[Ahead] = dspy.OutputField(
        desc="time and until are the first and the last ISO date on which it holds, or empty; "
        "sources are the numbers of the messages"
    )


class Scene(dspy.Signature):  # type: ignore[misc]
    """An episode and the scenes near it, numbered within the request, to its place."""

    episode: str = dspy.InputField()
    episode_date: str = dspy.InputField(desc="ISO date")
    scenes: str = dspy.InputField(desc="one a line, numbered, each with its latest date")
    scene: int | None = dspy.OutputField(desc="number of the scene; null for a new one")
    title: str = dspy.OutputField(desc="what the scene is about then, in a few words")


class Sufficiency(dspy.Signature):  # type: ignore[misc]
    """A question and what was found for it to whether that is enough."""

    question: str = dspy.InputField()
    asked_on: str = dspy.InputField(desc="ISO date")
    memories: str = dspy.InputField(desc="one a line, numbered, each with its date")
    sufficient: bool = dspy.OutputField()
    missing: str = dspy.OutputField(desc="what is not known yet, or empty")
    queries: list[str] = dspy.OutputField(desc="search texts for what is missing; may be empty")
    require: list[str] = dspy.OutputField(
        desc="words; every entry found with the queries has at least one of them; may be empty"
    )


class Rerank(dspy.Signature):  # type: ignore[misc]
    """A question and memories, numbered within the request, to their order."""

    question: str = dspy.InputField()
    asked_on: str = dspy.InputField(desc="ISO date")
    memories: str = dspy.InputField(desc="one a line, numbered, each with its date")
    ranking: list[int] = dspy.OutputField(desc="numbers of the memories, the best first")
