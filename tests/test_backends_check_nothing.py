"""What a memory finds that was given nothing: of another conversation, or nobody's."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from agent.backend_check import check_backend
from memory_backends.rag import Rag
from tests.broken_backends import Opaque, Sound
from traces.domain import Session
from traces.operation import OperationContext
from traces.schema import message_variable


class SaysNothingFound(Opaque):
    """Says so in words where it finds nothing."""

    def search(self, question: str) -> list[str]:
        return super().search(question) or ["No memories were found in what you told me."]


class RepeatsQuestion(Opaque):
    """Returns what it was asked with what it finds."""

    def search(self, question: str) -> list[str]:
        return [*super().search(question), f"You asked: {question}"]


class BeginsWithOne(Sound):
    """Holds an entry of its own from the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.kept.append({"id": "system", "text": "You are helpful."})


class LeftBehind(Sound):
    """Holds what another process left in a place that all share."""

    def __init__(self) -> None:
        super().__init__()
        texts = ("Ana: My dentist is called Ruiz.", "Ana: The plumber comes on Friday.")
        self.kept += [{"id": text[5:9], "text": text, "sources": [text[5:9]]} for text in texts]


class FirstOfAll(Opaque):
    """Finds the best entry of all that was ever told, which may be the very words asked for."""

    told: ClassVar[list[str]] = []

    def add(self, messages: list[dict[str, Any]]) -> None:
        self.told.extend(m["text"] for m in messages)

    def search(self, question: str) -> list[str]:
        words = set(question.lower().split())
        return sorted(self.told, key=lambda t: -len(words & set(t.lower().split())))[:1]


class Multiline(Sound):
    """Raises a message of several lines."""

    def search(self, question: str) -> Any:
        raise ValueError("first line\n  second line")


class NoVariables(Rag):
    """Puts out a text in the place of a variable."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        ctx.perform(
            "update", name="keep", identity=[session.id],
            inputs={"message": [message_variable(m, session.date) for m in session.messages]},
            call=lambda op: {"entries": [session.messages[0].text]},  # type: ignore[list-item]
        )  # fmt: skip


@pytest.mark.parametrize(
    ("backend", "problem", "told"),
    [
        (SaysNothingFound, "garbage", "holds something already: 'No memories were found"),
        (RepeatsQuestion, "garbage", "holds something already: 'You asked: I live in"),
        (BeginsWithOne, "garbage", "holds something already: 'You are helpful.'"),
        (LeftBehind, "leaks", "holds something already: 'Ana: My dentist is called Ruiz.'"),
        (FirstOfAll, "leaks", "holds something already: 'I live in Lisbon"),
        (Multiline, "raises", "ValueError: first line second line"),
        (NoVariables, "garbage", "holds 'I live in Lisbon and I work as a baker.', no Var"),
    ],
)
def test_what_a_memory_makes_up_is_no_leak(backend: type, problem: str, told: str) -> None:
    """Garbage is called so, and a leak a leak, in one line that shows what was found."""
    found = check_backend(f"{__name__}:{backend.__name__}", seconds=60.0, processes=False)
    ((check, finding),) = [(r.check, f) for r in found for f in r.findings if f.severity == "error"]
    assert (check, finding.problem) == ("works", problem)
    assert told in finding.what
    assert "\n" not in finding.what
