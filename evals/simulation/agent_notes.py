"""Notes by the simulated agent: what it extracts of a session, with keywords and tags."""

from __future__ import annotations

from evals.simulation.agent_extraction import extract
from evals.simulation.instructions import Reading
from evals.simulation.language import ANSWER_TYPES, CODE, STOP, SYNONYMS, content, words
from evals.simulation.request import Request


def notes(request: Request, reading: Reading, slip: float, seed: int) -> list[dict[str, object]]:
    """Return the notes of a session: facts as the instruction asks for them, described.

    Its contents are self-contained, so that no context is left to tell.
    """
    return [
        {
            "content": fact["text"],
            **{name: fact[name] for name in ("speaker", "time", "sources")},
            "keywords": _keywords(str(fact["text"])),
            "tags": tags_of(str(fact["text"])),
            "context": "",
        }
        for fact in extract(request, reading, slip, seed)
    ]


def _keywords(text: str) -> list[str]:
    """Return the words of a text that tell something."""
    found = [*CODE.findall(text), *words(CODE.sub(" ", text))]
    telling = (w for w in found if w.lower() not in STOP and w.lower() not in ANSWER_TYPES)
    return list(dict.fromkeys(w for w in telling if not w.isdigit()))


def tags_of(text: str) -> list[str]:
    """Return the concepts, by the agent's synonym table, that a text is about."""
    return list(dict.fromkeys(c for c in content(text) if c in SYNONYMS))
