"""The judge of the simulated model: verdicts on answers, readings of a passage, and which
operation of a memory it blames."""

from __future__ import annotations

import re
from functools import lru_cache

from evals.simulation.draws import uniform
from evals.simulation.judge_attribution import attribute
from evals.simulation.judge_reading import read_passage
from evals.simulation.request import Request

ABSTENTION = "(the question cannot be answered from the conversation)"
SLIP_SHARE = 0.25

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_NUMBERS = {
    word: str(i)
    for i, word in enumerate(
        str.split("zero one two three four five six seven eight nine ten eleven twelve")
    )
}
_ORDINALS = {
    "first": "1",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "fifth": "5",
    "sixth": "6",
    "seventh": "7",
    "eighth": "8",
    "ninth": "9",
    "tenth": "10",
}
_SAME = {
    "flat": "home",
    "apartment": "home",
    "bike": "bicycle",
    "cycling": "bicycle",
    "film": "movie",
    "kids": "child",
    "children": "child",
    "purchase": "buy",
    "bought": "buy",
    "autos": "car",
    "automobile": "car",
    "mum": "mother",
    "mom": "mother",
    "dad": "father",
    "big": "large",
    "begin": "start",
    "began": "start",
    "soccer": "football",
    "favorite": "favourite",
    "colour": "color",
    "euros": "euro",
    "programme": "program",
    "centre": "center",
    "grey": "gray",
}
_STOP = frozenset(
    str.split(
        """
        a an the of to in on at for with by from as is are was were be it its their his her and
        my our that this has have had s will going also now team
        """
    )
)
_ABSTAINS = re.compile(
    r"\bnot (?:mentioned|stated|known|specified|given|available|provided|said|recorded)\b"
    r"|\bno (?:information|mention|answer|record|memory)\b"
    r"|\bunknown\b|\bunanswerable\b|\bcannot (?:be answered|answer|say|tell|know)\b|\b(?:do not"
    r"|don't|does not) (?:know|say|mention|hold|tell)\b|^\W*(?:none|n/?a|nothing)?\W*$",
    re.I,
)
_HEDGE = re.compile(r"\b(?:or|either|possibly|perhaps|maybe|might be|not sure|unclear)\b", re.I)
_DATE = re.compile(
    r"(?:(?P<y0>\d{4})-(?P<m0>\d{2})-(?P<d0>\d{2}))"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m1>{'|'.join(_MONTHS)}"
    rf"|{'|'.join(m[:3] for m in _MONTHS)})\b,?(?: (?P<y1>\d{{4}}))?"
    rf"|(?P<m2>{'|'.join(_MONTHS)}|{'|'.join(m[:3] for m in _MONTHS)}) (?P<d2>\d{{1,2}})(?:st|nd"
    rf"|rd|th)?\b,?(?: (?P<y2>\d{{4}}))?",
    re.I,
)


_MARKED = re.compile(r"[A-Z\d]")


def _cut(word: str) -> str:
    """Return the word's judge-side stem."""
    word = _SAME.get(word, word)
    word = _NUMBERS.get(word, _ORDINALS.get(word, word))
    word = re.sub(r"^(\d+)(?:st|nd|rd|th)$", r"\1", word)
    if len(word) > 4:
        word = re.sub(r"(?:ies|y)$", "i", word)
        word = re.sub(r"(?:ing|ed|es|s|e)$", "", word)
    return word


@lru_cache(maxsize=8192)
def _dates(text: str) -> tuple[tuple[int, int, int], ...]:
    """Return the dates of a text as (year or 0, month, day)."""
    found = []
    for m in _DATE.finditer(text):
        if m["y0"]:
            found.append((int(m["y0"]), int(m["m0"]), int(m["d0"])))
        else:
            month = next(
                i
                for i, n in enumerate(_MONTHS, 1)
                if n.startswith((m["m1"] or m["m2"]).lower()[:3])
            )
            found.append((int(m["y1"] or m["y2"] or 0), month, int(m["d1"] or m["d2"])))
    return tuple(found)


@lru_cache(maxsize=8192)
def _tokens(text: str) -> tuple[str, ...]:
    """Return the normalised content tokens outside dates."""
    text = re.sub(r"['’]s\b", " ", _DATE.sub(" ", text).lower())
    text = re.sub(r"(?<=\d)[,. ](?=\d{3}\b)", "", text)
    return tuple(
        _cut(w)
        for w in re.findall(r"[a-zà-ÿ]+-\d+|[a-zà-ÿ]+|\d+(?:\.\d+)?", text)
        if w not in _STOP
    )


def _same_date(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[1:] == other[1:] and (one[0] == other[0] or 0 in (one[0], other[0]))


def verdict(question: str, gold: str, prediction: str) -> tuple[bool, str]:
    """Say whether the prediction answers the question as the gold answer does, and why."""
    abstains = bool(_ABSTAINS.search(prediction))
    if ABSTENTION.strip("()") in gold.lower() or not gold.strip():
        return abstains, "abstains, as it should" if abstains else "answers what is unknown"
    if abstains:
        return False, "abstains though there is an answer"
    if _HEDGE.search(prediction) and not _HEDGE.search(gold):
        return False, "hedges"
    wanted, given = _dates(gold), _dates(prediction)
    if wanted:
        missing = [d for d in wanted if not any(_same_date(d, g) for g in given)]
        if missing:
            return False, "another date" if given else "no date"
        if len(given) > len(wanted):
            return False, "several dates"
    need, have = set(_tokens(gold)), _tokens(prediction)
    if wanted and not need:
        return True, "the same date"
    asked = set(_tokens(question))
    core = need - asked or need
    if not core:
        return gold.strip().lower() == prediction.strip().lower(), "compared literally"
    hits = core & set(have)
    if len(hits) < len(core) and (len(core) < 4 or len(hits) < 0.75 * len(core)):
        return False, "says something else"
    surplus = [t for t in have if t not in need and t not in asked]
    if len(surplus) > 3 + len(need):
        return False, "says more than was asked, so that the answer is open"
    listed = re.split(r",| and ", prediction)
    marked = bool(_MARKED.search(gold))
    others = [
        part
        for part in listed
        if _tokens(part)
        and not set(_tokens(part)) & (need | asked)
        and (not marked or _MARKED.search(part))
    ]
    if others and len(listed) > len(re.split(r",| and ", gold)):
        return False, "gives several alternatives"
    return True, "the same answer"


def answer(request: Request, *, seed: int, slip: float) -> dict[str, object]:
    """Answer a request of the judge's role; the task is inferred from the output fields."""
    inputs = request.inputs
    if "error_type" in request.outputs:
        return attribute(request, seed=seed, wrong=slip * SLIP_SHARE)
    if "reading" in request.outputs:
        text = read_passage(inputs.get("question", ""), inputs.get("passage", ""))
        if uniform(seed, "reading", request) < slip * SLIP_SHARE:
            text = "Not mentioned"
        return {"reading": text}
    correct, reason = verdict(
        inputs.get("question", ""), inputs.get("gold_answer", ""), inputs.get("prediction", "")
    )
    if uniform(seed, "judge", request) < slip * SLIP_SHARE:
        correct, reason = not correct, "at a glance"
    return {"correct": correct, "reason": reason}
