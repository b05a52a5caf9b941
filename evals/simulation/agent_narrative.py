"""Accounts by the simulated agent: what happened in some messages, and what lies ahead."""

from __future__ import annotations

import re
from collections import Counter

from evals.simulation.agent_extraction import extract
from evals.simulation.instructions import Reading
from evals.simulation.language import SYNONYMS, content, names
from evals.simulation.language_dates import first_day, parse_iso
from evals.simulation.request import Request

_AHEAD = re.compile(
    r"\b(?:going to|plans? to|has the plan to|intends? to|wants? to|will|hop(?:es|ing) to"
    r"|aims? to|about to|next (?:week|month|year|spring|summer|autumn|winter)|deadline|is due"
    r"|takes place|is scheduled|is set for)\b",
    re.I,
)


def narrative(request: Request, reading: Reading, slip: float, seed: int) -> dict[str, object]:
    """Return an account, sentence after sentence, and a title of people and subjects."""
    told = extract(request, reading, slip, seed)
    texts = [str(fact["text"]) for fact in told]
    speakers = dict.fromkeys(str(fact["speaker"]) for fact in told)
    return {"title": title_of(texts, list(speakers)), "narrative": " ".join(texts)}


def title_of(texts: list[str], speakers: list[str]) -> str:
    """Return who and what comes up most, in a few words; without known speakers all names."""
    people = Counter(speakers or [name for text in texts for name in names(text)])
    subjects = Counter(c for text in texts for c in content(text) if c in SYNONYMS)
    chosen = [*(n for n, _ in people.most_common(3)), *(s for s, _ in subjects.most_common(5))]
    return ", ".join(dict.fromkeys(chosen))


def foresights(
    request: Request, reading: Reading, slip: float, seed: int
) -> list[dict[str, object]]:
    """Return what the messages tell about the time ahead, with the days on which it holds."""
    today = parse_iso(request.inputs.get("session_date", ""))
    found: list[dict[str, object]] = []
    for fact in extract(request, reading, slip, seed):
        text = str(fact["text"])
        day = first_day(text, today)
        if not _AHEAD.search(text) or (day and today and day < today):
            continue
        until = day.isoformat() if day else ""
        found.append({**fact, "time": request.inputs.get("session_date", ""), "until": until})
    return found
