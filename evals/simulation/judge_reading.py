"""The judge role's reader: what a passage says in answer to a question."""

from __future__ import annotations

import re
from functools import lru_cache

_STOP = frozenset(
    str.split(
        """
        a an the of to in on at for with by from as is are was were be been it its their his her
        and my our that this has have had do does did what which who whom whose when where why
        how i me we us you about into so but or if then than day date place name city town kind
        weekday number going s
        """
    )
)
_GROUPS = """
live reside base move home flat
car drive vehicle
desk workplace workstation
laptop computer notebook
gym workout
job role title work employ profession
language learn lesson
study degree university
allergy allergic
favourite favorite like love prefer best fan adore
plan intend want go
look charge responsible care duty
lead leader
sit locate stand
hold host
bring get receive
deadline due draft
decide agree propose shall
code number reference
band instrument play musician
grow raise born
collect collection
buy purchase
repair fix mend
visit tour see
pay salary earn
""".strip().splitlines()
_FORMS = {
    "ran": "run",
    "went": "go",
    "bought": "buy",
    "gave": "give",
    "held": "hold",
    "took": "take",
    "won": "win",
    "sold": "sell",
    "led": "lead",
    "grew": "grow",
    "saw": "see",
    "drove": "drive",
    "paid": "pay",
    "got": "get",
    "made": "make",
    "met": "meet",
    "wrote": "write",
    "taught": "teach",
    "left": "leave",
    "found": "find",
}


def _root(word: str) -> str:
    word = _FORMS.get(word, word)
    if len(word) > 4:
        word = re.sub(r"(?:ies|ied|y)$", "i", word)
        word = re.sub(r"(?:ing|ed|es|s|e)$", "", word)
    return re.sub(r"([b-df-hj-np-tv-z])\1$", r"\1", word) if len(word) > 3 else word


_MEANING = {_root(w): line.split()[0] for line in _GROUPS for w in line.split()}
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}(?:st|nd|rd"
    rf"|th)?(?: of)? (?:{_MONTHS})\b(?:,? \d{{4}})?"
    rf"|(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|(?:in )?(?:{_MONTHS}) \d{{4}})"
)
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tomorrow|(?:last|next|this) \w+|(?:a|an|one|two|three|four|five|six"
    r"|\d+) (?:days?|weeks?|months?|years?) ago)\b",
    re.I,
)
_SPEAKER = re.compile(
    r"^(?:\[\d+\] ?)?(?:\(?(?P<date>\d{4}-\d{2}-\d{2})[^)\s]*\)?:? ?)?(?:(?P<who>[A-Z][\w "
    r".-]{0,40}): )?(?P<text>.*)$"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
# What a line says of itself in brackets at its end: what it tells is over, or was never so.
_OVER = re.compile(r"\((?:superseded|outdated|hearsay|no longer \w+)\b[^()]*\)\W*$", re.I)
_ASKS_PAST = re.compile(r"\b(?:before|former\w*|used to|previous\w*|earlier|originally)\b", re.I)


@lru_cache(maxsize=8192)
def _meanings(text: str) -> frozenset[str]:
    found = set()
    for word in re.findall(r"[a-zà-ÿ]+|\d+", re.sub(r"['’]s\b", " ", text.lower())):
        if word not in _STOP:
            root = _root(word)
            found.add(_MEANING.get(root, root))
    return frozenset(found)


def _names(text: str) -> set[str]:
    found = re.findall(r"(?<![.!?] )(?<!^)\b([A-Z][a-zà-ÿ]+)\b", text)
    return {n for n in found if not re.fullmatch(_MONTHS, n)}


def _lines(passage: str) -> list[tuple[str, str]]:
    """Return (line's date, sentence with its speaker's name) for each sentence."""
    found: list[tuple[str, str]] = []
    for line in passage.splitlines():
        match = _SPEAKER.match(line.strip())
        if match is None or not match["text"].strip():
            continue
        who = match["who"] or ""
        for sentence in _SENTENCE.split(match["text"]):
            if who:
                sentence = re.sub(r"\b[Mm]y\b", f"{who}'s", re.sub(r"\bI\b", who, sentence))
            found.append(
                (
                    match["date"] or "",
                    sentence if not who or who in sentence else f"{who}: {sentence}",
                )
            )
    return found


def read_passage(question: str, passage: str) -> str:
    """Read the answer off the passage, or say 'Not mentioned'."""
    wanted = _meanings(question)
    names = {n.lower() for n in _names(question)}
    roots = {_root(n) for n in names}
    about = wanted - roots
    link = re.search(r"([A-Z]\w+)['’]s (\w+)", question)
    if not _ASKS_PAST.search(question):
        passage = "\n".join(line for line in passage.splitlines() if not _OVER.search(line))
    sentences = _lines(passage)
    best: tuple[float, str, str] | None = None
    for date, sentence in sentences:
        meanings = _meanings(sentence)
        shared = about & meanings
        if about and len(shared) < max(1, 0.34 * len(about)):
            continue
        named = sum(1 for n in names if re.search(rf"\b{re.escape(n)}\b", sentence.lower()))
        score = len(shared) / max(1, len(about)) + 0.6 * named / max(1, len(names))
        if best is None or score >= best[0]:
            best = (score, date, sentence)
    if best is None:
        return "Not mentioned"
    bare = {n for n in names if n not in passage.lower()}
    if names and bare == names and not link:
        return "Not mentioned"
    _, date, sentence = best
    if re.match(r"\s*(?:when|(?:on )?(?:what|which) (?:day|date)|.*\bdeadline)\b", question, re.I):
        day = _DATE.search(sentence)
        if day:
            return day.group()
        rough = _RELATIVE.search(sentence)
        if rough:
            return f"{rough.group()} ({date})" if date else rough.group()
    words = list(re.findall(r"[\w'’,+-]+", sentence))
    keep = [
        w
        for w in words
        if _MEANING.get(_root(w.lower().strip(",'")), _root(w.lower().strip(",'"))) not in wanted
        and re.sub(r"['’]s$", "", w).lower() not in names
    ]
    while keep and keep[0].lower().strip(",:") in _STOP | {"now", "called"}:
        keep = keep[1:]
    return " ".join(keep[:12]).strip(" ,.") or "Not mentioned"
