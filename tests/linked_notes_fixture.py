"""A scripted model that writes, links and describes notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.simulation.request import Request
from memory_backends.linked_notes.note import Note
from memory_backends.registry import create_backend
from tests.backend_fixture import Scripted, context, one_fact_a_message
from traces.operation import OperationContext

BACKEND = "linked_notes"
# The keywords and tags of a note, by a word of its content.
DESCRIBED: Mapping[str, tuple[list[str], list[str]]] = {
    "Lisbon": (["home", "Lisbon"], ["place"]),
    "Porto": (["home", "Porto"], ["place"]),
    "Rex": (["Rex", "hound"], ["animal"]),
}


class Notes(Scripted):
    """Makes each message a note, links all notes near it, and describes as it is told to.

    `descriptions` are replies of an evolution by a word of its new note; `links` replaces
    what a linking replies.
    """

    def __init__(
        self,
        descriptions: Mapping[str, Sequence[Any]] | None = None,
        links: Sequence[Any] | None = None,
        **search: Any,
    ) -> None:
        super().__init__(self._reply)
        self._descriptions = descriptions or {}
        self._links = links
        self._search = search

    def _reply(self, request: Request) -> Mapping[str, Any]:
        if "notes" in request.outputs:
            made = one_fact_a_message(
                Request(request.instruction, request.inputs, ("facts",), request.sample)
            )
            return {"notes": [_note(fact) for fact in made["facts"]]}
        if "links" in request.outputs:
            near = request.inputs["near"].splitlines()
            return {"links": [n for n, _ in enumerate(near, 1)] if self._links is None
                    else list(self._links)}  # fmt: skip
        if "descriptions" in request.outputs:
            words = request.inputs["note"].split()
            told = (self._descriptions[w] for w in words if w in self._descriptions)
            return {"descriptions": list(next(told, []))}
        return {**one_fact_a_message(request), **self._search}


def _note(fact: Mapping[str, Any]) -> dict[str, Any]:
    words = str(fact["text"]).split()
    keywords, tags = next((DESCRIBED[w] for w in words if w in DESCRIBED), ([], []))
    rest = {name: fact[name] for name in ("speaker", "time", "sources")}
    return {"content": fact["text"], "keywords": keywords, "tags": tags, "context": "", **rest}


def memory(**options: Any) -> Any:
    """Return an empty memory of linked notes."""
    return create_backend(BACKEND, options)


def passing(model: Scripted) -> OperationContext:
    """Return a fresh pass with the seed prompts of linked notes."""
    return context(model, BACKEND)


def notes(backend: Any) -> list[Note]:
    """Return the notes that a memory holds, in order of arrival."""
    return [Note.of(entry) for entry in backend.entries()]
