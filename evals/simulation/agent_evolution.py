"""Descriptions by the simulated agent: what a new note tells of those linked to it.

It understands what became of a matter as an update does, and can only tell it in contexts.
"""

from __future__ import annotations

from dataclasses import replace

from evals.simulation.agent_linking import read_notes
from evals.simulation.agent_update import HEARSAY, update
from evals.simulation.instructions import Reading
from evals.simulation.request import Request


def descriptions(
    request: Request, reading: Reading, slip: float, seed: int
) -> list[dict[str, object]]:
    """Return the contexts that change: of the notes that were replaced or taken back, of the
    new note where its word does not count. What is retired already is left alone."""
    given = request.inputs
    since = f"since {given.get('note_date', '').strip()}"
    shown = [one for one in read_notes(given.get("linked", "")) if not retired(one.context)]
    found: list[dict[str, object]] = []
    while shown:
        entries = [
            f"[{one.number}] " + (f"({one.date}) " if one.date else "") + one.content
            for one in shown
        ]
        asked = {
            "fact": given.get("note", ""),
            "fact_speaker": given.get("note_speaker", ""),
            "entries": "\n".join(entries),
        }
        decision = update(replace(request, inputs=asked), reading, slip, seed)
        if decision["reason"] == HEARSAY:
            return [*found, _context(0, "hearsay: does not count")]
        told = _TOLD.get(str(decision["action"]))
        if told is None:
            break
        found.append(_context(decision["target"], f"{told} {since}"))
        shown = [one for one in shown if one.number != decision["target"]]
    return found


_TOLD = {"change": "superseded", "delete": "no longer holds"}


def _context(number: object, context: str) -> dict[str, object]:
    return {"number": number, "context": context, "tags": []}


def retired(context: str) -> bool:
    """Tell whether a context says that its note is no longer true."""
    return context.startswith(("superseded", "no longer", "hearsay"))
