"""Updates by the simulated agent: a new fact against the numbered entries near it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evals.simulation.draws import digest, uniform
from evals.simulation.instructions import Reading
from evals.simulation.language import PERSON_LINKS, SINGLE, concept, content, names, stem, words
from evals.simulation.language_dates import ABSOLUTE
from evals.simulation.request import Request

HEARSAY = "not the person's own word"
_ENTRY = re.compile(r"^\[(\d+)\] (?:\((\d{4}-\d{2}-\d{2})[^)]*\) )?(.*)$")
_GONE = re.compile(
    r"\bno longer\b|\bcancel\w*|\bcalled off\b|\bgave up\b|\bgiven up\b|\bany ?more\b"
    r"|\bfell through\b|\bfallen through\b"
    r"|\bstopped\b|\bended\b|\bis off\b|\bhanded back\b|\bquit\b|\bdropped\b|\breturned\b"
    r"|\bcome to nothing\b|\bran out\b",
    re.I,
)
_STRIKE = re.compile(
    r"\b(?:strike|scratch) (?:that|it|what \w+ said)(?: (?:about|on|concerning"
    r"|regarding))?(?: the)? ?(.*)$",
    re.I,
)
_CHANGE = re.compile(
    r"\bnow\b|\bactually\b|\bmoved\b|\bchanged\b|\bswitched\b|\bswapped\b|\binstead\b|\bnew\b"
    r"|\bno longer\b|\brather than\b|\bnot\b",
    re.I,
)
_HISTORY = re.compile(r"\s*\((?:formerly|until)[^()]*(?:\([^()]*\)[^()]*)*\)\.?$")
_EVENT = re.compile(r"\b(?:was held|took place|were|was at|was in|happened|ended|had)\b", re.I)
_HEAD = re.compile(
    r"^(?:on [^,]+, )?(?:the|our|this) (.+?)(?= (?:is|are|was|were|has|had|sits|stands|starts"
    r"|takes|took|ends|will|runs|meets|gathers|falls|moved|got|decided)\b|$)",
    re.I,
)
_OWNED = re.compile(
    r"([A-ZÀ-Ö][\wÀ-ÿ]+)['’]s ((?:[a-z-]+ ){0,3}?[a-z-]+)(?= (?:is|are|was|were|has|moved|changed"
    r"|sits|stands|now|will|lives|works|plays)\b)"
)
_GENERIC = frozenset(
    str.split("favourite plan go team change switch swap move new dat day other set take former")
)


@dataclass(frozen=True)
class Parsed:
    """A statement by its parts: whose it is, what about, and all its content words."""

    subject: str
    relations: frozenset[str]
    tokens: frozenset[str]
    head: frozenset[str]
    dates: frozenset[str]
    proper: frozenset[str]
    predicate: str


@lru_cache(maxsize=16384)
def parse(text: str) -> Parsed:
    """Take a fact or an entry apart (its history is left aside)."""
    text = _HISTORY.sub("", text)
    tokens = frozenset(content(text))
    people = names(text)
    owned = _OWNED.search(text)
    subject = owned.group(1) if owned else (people[0] if people else "")
    links = [t for t in tokens if t in PERSON_LINKS]
    of = re.search(r"(?:of|by) ([A-ZÀ-Ö][\wÀ-ÿ]+)", text)
    if of and (links or not text.startswith(subject)) and of.group(1) in people:
        subject = of.group(1)
    relations = {t for t in tokens if t in SINGLE or t == "duty"}
    if owned:
        relations |= {concept(w.lower()) for w in words(owned.group(2))} - _GENERIC
    # 'moved her desk' is about the desk; 'learns' a language is not the place of work.
    if len(relations) > 1:
        relations -= {"live"} if {"live"} != relations else set()
    match = None if subject and text.startswith(subject) else _HEAD.match(ABSOLUTE.sub("", text))
    head = (
        frozenset(t for t in content(match.group(1)) if not t.isdigit()) if match else frozenset()
    )
    if head and not owned:
        subject = ""
    return Parsed(
        subject,
        frozenset(relations),
        tokens,
        head,
        frozenset(m.group() for m in ABSOLUTE.finditer(text)),
        frozenset(w for w in re.findall(r"\b[A-Z]\w+", match.group(1))) if match else frozenset(),
        _predicate(ABSOLUTE.sub("", text)[match.end() :]) if match else "",
    )


_PREDICATE = re.compile(
    r"\s*(?:now |also )?(?:(?:has|have|had) (?:an? |the )?(?P<noun>\w+)|(?:is|are|was"
    r"|were) (?P<done>\w+ed|led|held|run) (?:by|of)\b"
    r"|(?P<be>is|are|was|were)\b|(?P<verb>\w+))"
)


def _predicate(rest: str) -> str:
    """Return what is said of a thing ('' for being: somewhere, some day, something)."""
    match = _PREDICATE.match(rest)
    if match is None or match["be"]:
        return ""
    word = concept((match["noun"] or match["done"] or match["verb"]).lower())
    return (
        ""
        if word in ("take", "sit", "stand", "start", "begin", "fall", "run", "moved", "live", "mov")
        else word
    )


def _same_thing(fact: Parsed, entry: Parsed) -> bool:
    """Tell whether both state a value of the same attribute of the same person or thing."""
    if fact.subject != entry.subject:
        return False
    if fact.head and entry.head:
        shared = fact.head & entry.head
        if fact.proper != entry.proper or fact.predicate != entry.predicate:
            return False
        return len(shared) >= 0.6 * max(len(fact.head), len(entry.head))
    if fact.head or entry.head:
        return False
    return bool(fact.relations & entry.relations)


def _alike(fact: Parsed, entry: Parsed) -> float:
    union = fact.tokens | entry.tokens
    return len(fact.tokens & entry.tokens) / len(union) if union else 0.0


def _covers(fact: Parsed, entry: Parsed) -> bool:
    """Tell whether the entry already says what the fact says."""
    if fact.dates and entry.dates and fact.dates != entry.dates:
        return False
    soft = {
        "live",
        "move",
        "still",
        "name",
        "call",
        "begin",
        "own",
        "new",
        "back",
        "home",
    } | _GENERIC
    missing = fact.tokens - entry.tokens - soft - fact.relations
    return len(missing) <= 0.2 * len(fact.tokens) and bool(fact.tokens & entry.tokens)


def _former(text: str) -> str:
    """Return an entry's value part, to be mentioned as history."""
    text = _HISTORY.sub("", text).rstrip(" .")
    subject = parse(text).subject
    if subject and not text.startswith(subject):
        return text
    match = re.search(
        r"\b(?:is called|is|are|was|has|drives|lives|uses|looks after|moved to)\b (.+)$", text
    )
    return match.group(0) if match else text


def update(request: Request, reading: Reading, slip: float, seed: int) -> dict[str, object]:
    """Return what happens to the memory with the new fact."""
    on = reading.competences
    key = digest(seed, request)
    text = request.inputs.get("fact", "").strip()
    speaker = request.inputs.get("fact_speaker", "").strip()
    entries: list[tuple[int, str, str]] = []
    for line in request.inputs.get("entries", "").splitlines():
        match = _ENTRY.match(line.strip())
        if match:
            entries.append((int(match[1]), match[2] or "", match[3]))
    decision = _decide(text, speaker, entries, on)
    if uniform(key, "slip") < slip:
        # A spoilt step: the fact is lost, or another entry is overwritten by it.
        if entries and uniform(key, "kind") < 0.5:
            number = entries[digest(key) % len(entries)][0]
            return _answer("change", number, text, "replaces an entry")
        return _answer("keep", None, "", "nothing new")
    return decision


def _answer(action: str, target: int | None, text: str, reason: str) -> dict[str, object]:
    return {"action": action, "target": target, "text": text, "reason": reason}


def _decide(
    text: str, speaker: str, entries: list[tuple[int, str, str]], on: frozenset[str]
) -> dict[str, object]:
    fact = parse(text)
    parsed = [(number, date, entry, parse(entry)) for number, date, entry in entries]
    strike = _STRIKE.search(text)
    if strike:
        named = {stem(t) for t in content(strike.group(1))}
        hits = [
            (len(named & {stem(t) for t in p.tokens}), d, n)
            for n, d, e, p in parsed
            if not _STRIKE.search(e)
        ]
        best = max(hits, default=(0, "", 0))
        if "strike" in on and best[0] >= max(1, len(named) * 0.5):
            return _answer("delete", best[2], "", "withdrawn by 'strike that'")
        return _answer("add", None, text, "nothing about it yet")
    same = [row for row in parsed if _same_thing(fact, row[3])]
    if _GONE.search(text):
        pool = [
            (len(fact.tokens & p.tokens) - 2 * (p.subject != fact.subject), d, n)
            for n, d, e, p in parsed
            if p.subject == fact.subject or not p.subject or not fact.subject
        ]
        best = max(pool, default=(0, "", 0))
        if "delete_retracted" in on and best[0] >= 2:
            return _answer("delete", best[2], "", "no longer holds")
        return _answer("add", None, text, "nothing about it yet")
    for number, _, _, entry in sorted(parsed, key=lambda row: -_alike(fact, row[3])):
        if entry.subject != fact.subject:
            continue
        if (_alike(fact, entry) > 0.8 and fact.dates == entry.dates) or (
            _same_thing(fact, entry) and _covers(fact, entry)
        ):
            if "merge_duplicates" in on:
                return _answer("keep", number, "", "already known")
            return _answer("add", None, text, "a statement of its own")
    single = [row for row in same if _changeable(fact, row[3])]
    if single:
        number, _date, old, entry = max(
            single, key=lambda row: (_alike(fact, row[3]), row[1], -row[0])
        )
        duty = "duty" in fact.relations
        if duty and "cumulative" in on:
            return _answer("add", None, text, "a further duty")
        hearsay = fact.subject and speaker and fact.subject.split()[0] != speaker.split()[0]
        if hearsay and "own_word" in on:
            return _answer("keep", number, "", HEARSAY)
        new = text
        if "keep_history" in on:
            new = f"{text.rstrip('. ')} (formerly, until then: {_former(old)})."
        return _answer("change", number, new, "a new value")
    return _answer("add", None, text, "nothing about it yet")


#: A statement of one value is short; longer sentences tell stories.
_LONGEST = 9


def _changeable(fact: Parsed, entry: Parsed) -> bool:
    """Tell a new value of one thing from another event of the same name."""
    if max(len(fact.tokens), len(entry.tokens)) > _LONGEST:
        return False
    if fact.head:
        if fact.dates and entry.dates and fact.dates != entry.dates:
            months = {re.sub(r"^\d+ | \d{4}$", "", d) for d in fact.dates}
            others = {re.sub(r"^\d+ | \d{4}$", "", d) for d in entry.dates}
            rest = (fact.tokens ^ entry.tokens) - fact.head
            if any(
                not t.isdigit() and t not in _GENERIC
                for t in rest - {stem(m.lower()) for m in months | others}
            ):
                return False
        return bool(fact.tokens - entry.tokens)
    return bool(fact.relations & entry.relations)
