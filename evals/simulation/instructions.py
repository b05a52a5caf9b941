"""Reading an instruction: which competences a prompt asks for, clause by clause.

The agent reads prose, not keywords: a negation counts within its own clause, a condition
takes the sign of the clause that it belongs to, a list goes on with the verb before it,
later sentences win, and what is not understood is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evals.simulation.instruction_names import read_alias, read_season
from evals.simulation.instruction_patterns import SPECS, Spec


@dataclass(frozen=True)
class Reading:
    """What an instruction asks for.

    `aliases` are groups of names for one thing; `seasons` are (word, first month, last
    month); `words` is the instruction's length.
    """

    competences: frozenset[str]
    aliases: tuple[tuple[str, ...], ...]
    seasons: tuple[tuple[str, int, int], ...]
    words: int


@dataclass(frozen=True)
class _Clause:
    text: str
    condition: bool = False
    contrast: bool = False


_SENTENCE = re.compile(r"(?<=[.!?])[\"”'’)]?\s+|\n+|\s+[-*•]\s+")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_STARTERS = (
    r"(?:also |then |please |instead |always )?(?:do not|don't|never|always|keep|drop|ignore|skip"
    r"|leave|write|record|store|save|add|"
    r"delete|remove|turn|convert|treat|count|include|exclude|omit|discard|restrict|limit|search"
    r"|return|require|"
    r"mention|note|use|copy|merge|change|replace|retain|extract|let|make|give|take|put|name|avoid"
    r"|prefer|apply|"
    r"(?:it|they|these|those|this|that|he|she|you|we) (?:is|are|must|should|may|do|does|can|will"
    r"|counts?|stays?)|"
    r"no |nor )"
)
_SPLIT = re.compile(
    rf"(?:,|;|:| –| -|—)? (?:but|yet|though|although|however)\b,?|;|: | — | – "
    rf"|,? (?:and|or|nor)(?: so| then| also| therefore)? (?={_STARTERS})|, (?={_STARTERS})"
    rf"|, so (?!that)|,? so that "
)
_CONDITION = re.compile(
    r"(?:^|(?<=[\s,(]))((?:only |even |and |or |also |except )?(?:when(?:ever)?|if|unless"
    r"|where(?:ver)?|in case|as soon as|once|because|"
    r"since|as long as|every time|each time|for (?:a |any |every )?questions? (?:that|which|about"
    r"|on|whose|with)|(?<![\w,] )should)\b[^,;]*?)"
    r"(,|;|$|(?= (?:look|search|restrict|limit|return|hand|confine|narrow|retrieve)\b"
    r"(?! (?:up|for (?:him|her|it|them)))))"
)
_CONTRAST = re.compile(
    r"(?:^|(?<=[\s,]))((?:rather than|instead of|in place of|as opposed to|in preference to"
    r"|and not|but not|not|never)\b[^,;:]*)"
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|without|cannot|nor|neither|nobody|none|hardly|by no means|on no account"
    r"|under no "
    r"circumstances|stop|cease|refrain from|avoid|abstain from|nothing)\b|n't\b|n’t\b"
)
_QUOTED = re.compile(r"[\"“”][^\"“”]{1,80}[\"“”]|(?<!\w)['‘][^'‘’]{1,80}['’](?!\w)")
_FILLER_NOT = re.compile(
    r"\bnot only\b|\bno matter\b|\bnot just\b|\bno less\b|\bno doubt\b|\bwhether or not\b"
)
_CONDITION_NEGATIVE = re.compile(
    r"\bunless\b|\bno (?:entry|entries|other)\b|\bnot\b|n't\b|\bnone\b|\bnothing\b|\bnew\b"
)


def _clauses(sentence: str) -> list[_Clause]:
    """Split a sentence into main clauses, conditions and contrasts, in order."""
    found: list[_Clause] = []
    position = 0
    pieces: list[tuple[str, bool]] = []
    for match in _CONDITION.finditer(sentence):
        if match.start(1) > position:
            pieces.append((sentence[position : match.start(1)], False))
        pieces.append((match.group(1), True))
        position = match.end()
    pieces.append((sentence[position:], False))
    for text, condition in pieces:
        if condition:
            found.append(_Clause(text.strip(), condition=True))
            continue
        for part in _SPLIT.split(text):
            part = part.strip(" ,")
            if not part:
                continue
            contrasts = [m for m in _CONTRAST.finditer(part) if _is_contrast(part, m)]
            if not contrasts:
                found.append(_Clause(part))
                continue
            match = contrasts[0]
            found.append(_Clause(part[: match.start()].strip(" ,")))
            found.append(_Clause(match.group(1), contrast=True))
            found.append(_Clause(part[match.end() :].strip(" ,")))
    return [clause for clause in found if clause.text]


_AUXILIARY = re.compile(
    r"\b(?:do|does|did|is|are|was|were|must|should|may|can|could|will|would|need|has|have|had|be"
    r"|if|or|whether)\s*$"
)


def _is_contrast(part: str, match: re.Match[str]) -> bool:
    """Tell 'the draft, not the printing' from 'does not replace' and 'not to be dropped'."""
    text = match.group(1)
    if not re.match(r"(?:not|never)\b", text):
        return True
    if text.startswith("never") or match.start() == 0:
        return False
    return (
        not _AUXILIARY.search(part[: match.start()])
        and bool(part[: match.start()].rstrip().endswith(","))
        and not re.match(r"not (?:be|to be)\b", text)
    )


#: How many words a negation reaches over.
_REACH = 6


def _within(match: re.Match[str], span: tuple[int, int]) -> bool:
    return span[0] <= match.start() and match.end() <= span[1]


def _sign(spec: Spec, clause: _Clause) -> int:
    """Return +1 or -1 for what the clause's verbs say about the object, 0 for nothing."""
    text = _FILLER_NOT.sub(" ", _QUOTED.sub(_blank, clause.text))
    negative = positive = False
    own = [m.span() for m in spec.objects.finditer(text)]
    negations = [
        m.start() for m in _NEGATION.finditer(text) if not any(s <= m.start() < e for s, e in own)
    ]
    taken: list[tuple[int, int]] = []
    verbs = [(m, -1) for m in spec.undo.finditer(text) if not any(_within(m, s) for s in own)]
    verbs += [(m, 1) for m in spec.do.finditer(text)]
    # The longest reading of a verb counts: 'return nothing' is not 'return'.
    for match, value in sorted(verbs, key=lambda v: (v[0].start() - v[0].end(), v[1])):
        if any(s < match.end() and match.start() < e for s, e in taken):
            continue
        taken.append(match.span())
        flips = sum(
            n < match.start() and len(text[n : match.start()].split()) <= _REACH for n in negations
        )
        signed = value * (-1) ** min(flips, 2)
        negative, positive = negative or signed < 0, positive or signed > 0
    if negative:
        return -1
    return int(positive)


def _blank(match: re.Match[str]) -> str:
    return '"' + "x" * (len(match.group()) - 2) + '"'


def _judge(spec: Spec, sentence: str, clauses: list[_Clause]) -> int:
    """Return +1 (asked for), -1 (asked against) or 0 (not about it)."""
    if spec.exclude and spec.exclude.search(sentence):
        return 0
    if spec.needs and not spec.needs.search(sentence):
        return 0
    main = [(i, c) for i, c in enumerate(clauses) if not c.condition]
    verdict = 0
    for index, clause in enumerate(clauses):
        if not spec.objects.search(clause.text) or (spec.main_only and clause.condition):
            continue
        if clause.condition:
            after = [c for i, c in main if i > index and not c.contrast]
            before = [c for i, c in main if i < index and not c.contrast]
            nearby = after or before[::-1]
            sign = next((s for s in (_sign(spec, c) for c in nearby) if s), 0)
            if (
                spec.flips_with_condition
                and _CONDITION_NEGATIVE.search(spec.objects.sub(" ", clause.text))
            ) or clause.text.startswith("unless"):
                sign = -sign
        elif clause.contrast:
            inner = _sign(
                spec,
                _Clause(
                    re.sub(
                        r"^(?:and |but )?(?:rather than|instead of|in place of"
                        r"|as opposed to|in preference to|not|never)\b",
                        "",
                        clause.text,
                    )
                ),
            )
            outer = next((s for s in (_sign(spec, c) for i, c in main if not c.contrast) if s), 0)
            sign = -inner if inner else -outer
        else:
            sign = _sign(spec, clause)
            if not sign:
                # A list goes on with the verb before it; else the verb follows ("codes: keep").
                before = [c for i, c in main if i < index and not c.contrast][::-1]
                after = [c for i, c in main if i > index and not c.contrast]
                order = before + after
                sign = next((s for s in (_sign(spec, c) for c in order) if s), 0)
        verdict = sign or verdict or spec.default
    return verdict


@lru_cache(maxsize=2048)
def read_instruction(slot: str, text: str) -> Reading:
    """Return what the instruction text of a slot (extraction, update, retrieval) asks for."""
    on: set[str] = set()
    aliases: list[tuple[str, ...]] = []
    seasons: list[tuple[str, int, int]] = []
    for raw in _SENTENCE.split(text):
        raw = _BULLET.sub("", raw).strip()
        if not raw:
            continue
        if slot == "retrieval":
            season = read_season(raw)
            if season:
                names, negated = season
                seasons = [s for s in seasons if s[0] not in {n[0] for n in names}]
                seasons += [] if negated else names
                continue
            alias = read_alias(raw)
            if alias:
                group, negated = alias
                aliases = [a for a in aliases if not set(a) & set(group)]
                aliases += [] if negated else [group]
                continue
        sentence = raw.lower().replace("’", "'").rstrip(".!")
        clauses = _clauses(sentence)
        decided: dict[str, int] = {}
        for spec in SPECS.get(slot, ()):
            if decided.get(spec.competence):
                continue
            verdict = _judge(spec, sentence, clauses)
            if verdict:
                decided[spec.competence] = verdict
        for competence, verdict in decided.items():
            (on.add if verdict > 0 else on.discard)(competence)
    if aliases:
        on.add("alias")
    if seasons:
        on.add("season")
    return Reading(frozenset(on), tuple(aliases), tuple(seasons), len(text.split()))
