"""Reading an instruction: which competences a prompt asks for, clause by clause.

The agent reads prose, not keywords: a negation counts within its own clause, a condition
takes the sign of the clause that it belongs to, a list goes on with the verb before it,
later sentences win, and what is not understood is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evals.simulation.instruction_clauses import Clause, split_clauses
from evals.simulation.instruction_names import read_alias, read_season, refuses
from evals.simulation.instruction_patterns import SHAPES, SPECS, Spec
from evals.simulation.instruction_refusals import (
    asks_for_nothing,
    denied_activity,
    refused_activity,
)
from evals.simulation.instruction_shapes import (
    AGAINST,
    FRAME,
    META,
    WAIVED,
    blank,
    read_shapes,
    refused_shapes,
)


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


#: A closing quotation mark ends a sentence only if the next word is a capital one.
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+|(?<=[.!?])[\"”'’)]\s+(?=[A-ZÀ-Ö\"“‘'(+])|\n+|\s+[-*•]\s+"
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_NEGATION = re.compile(
    r"\b(?:not|never|no|without|cannot|nor|neither|nobody|none|hardly|by no means|on no account"
    r"|under no "
    r"circumstances|stop|cease|refrain from|avoid|abstain from|nothing)\b|n't\b|n’t\b"
)
_FILLER_NOT = re.compile(
    r"\bnot only\b|\bno matter\b|\bnot just\b|\bno less\b|\bno doubt\b|\bwhether or not\b"
    r"|\bor not\b|\bno exception\b|\bnot (?:least|to mention)\b|\bnothing more than\b"
    r"|\bno matter how\b|\bno later than\b|\bno different from\b|\bnothing but\b"
    r"|\b(?:they|people|he|she|who|someone|somebody|everyone|colleagues?|persons?"
    r"|members?) (?:\w+ )?(?:avoid|skip|miss"
    r"|lose|forget|drop|reject|ignore|leave|delete|remove|cancel)s?\b"
    # How a thing looks is not what shall be done with it.
    r"|\b(?:may|might|can|could)? ?(?:looks?|sounds?|seems?|appears?) (?:like |as "
    r"|to be )?[^,;.]{1,40}"
    # Nor is a reason, or a concession.
    r"|(?:, |^)(?:as|for) (?:they|these|those|it|we|people|somebody|someone|users?|the|our|this"
    r"|that|he"
    r"|she|colleagues?|none|everybody|everyone|many|most|there|otherwise)\b.*$"
    r"|\b(?:even though|despite|however \w+)\b[^,;]*"
)
#: What is called a mistake is not wanted.
_CONDEMNED = re.compile(
    r"\b(?:is|are|be|counts? as|remains?|as) (?:a |an )?(?:\w+ )?(?:mistakes?|errors?|wrong"
    r"|incorrect"
    r"|forbidden|prohibited|unacceptable|unwanted|undesirable|pointless|banned|inadmissible"
    r"|out of place"
    r"|not (?:\w+ )?(?:allowed|permitted|acceptable|wanted|desired|welcome|appropriate|an option"
    r"|tolerated))\b|\b(?:is|are)n't (?:allowed|permitted|acceptable|wanted|desired|welcome"
    r"|an option)\b"
)
_CONDITION_NEGATIVE = re.compile(
    r"\bunless\b|\bno (?:entry|entries|other)\b|\bnot\b|n't\b|\bnone\b|\bnothing\b|\bnew\b"
)


#: A verb that is denied, be it a known one or not (in a relative clause it is another thing).
_DENIAL = re.compile(
    r"(?<!who )(?<!that )(?<!which )(?<!they )\b(?:(?:is|are|be|should|must|may|can|will|do|does"
    r"|need) (?:not|never)"
    r"|cannot|never)\b|\b(?:is|are|should|must|ca|wo|do|does|need)n't\b"
)
#: How many words a negation reaches over.
_REACH = 6


def _within(match: re.Match[str], span: tuple[int, int]) -> bool:
    return span[0] <= match.start() and match.end() <= span[1]


def _sign(spec: Spec, clause: Clause) -> int:
    """Return +1 or -1 for what the clause's verbs say about the object, 0 for nothing."""
    text = _FILLER_NOT.sub(" ", blank(clause.text))
    negative = positive = False
    own = [m.span() for m in spec.objects.finditer(text)]
    negations = [
        m.start() for m in _NEGATION.finditer(text) if not any(s <= m.start() < e for s, e in own)
    ]
    condemned = [m.span() for m in _CONDEMNED.finditer(text)]
    negations = [n for n in negations if not any(s <= n < e for s, e in condemned)]
    taken: list[tuple[int, int]] = [*condemned]
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
        flips = min(flips, 2) + any(s > match.start() for s, _ in condemned)
        signed = value * (-1) ** flips
        negative, positive = negative or signed < 0, positive or signed > 0
    if positive and not negative and spec.default:
        negative = any(
            not any(s - m.end() >= 0 and len(text[m.end() : s].split()) <= _REACH for s, _ in taken)
            for m in _DENIAL.finditer(text)
            if not any(s <= m.start() < e for s, e in (*own, *condemned))
        )
    if negative:
        return -1
    return int(positive)


def _judge(spec: Spec, sentence: str, clauses: list[Clause]) -> int:
    """Return +1 (asked for), -1 (asked against) or 0 (not about it)."""
    if spec.exclude and spec.exclude.search(sentence):
        return 0
    if spec.needs and not spec.needs.search(sentence):
        return 0
    main = [(i, c) for i, c in enumerate(clauses) if not c.condition]
    verdict = 0
    named = False
    for index, clause in enumerate(clauses):
        if not spec.objects.search(clause.text) or (spec.main_only and clause.condition):
            continue
        named = True
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
                Clause(
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
        verdict = sign or verdict
    if named and not verdict:
        if FRAME.match(sentence):
            return -1
        if not AGAINST.search(_FILLER_NOT.sub(" ", blank(sentence))):
            return spec.default
        if spec.default and any(
            _DENIAL.search(blank(c.text))
            for c in clauses
            if not c.condition and spec.objects.search(c.text)
        ):
            return -1
    return verdict


_CALLED = re.compile(
    r"nick-?names?\b|alias|\b(?:full|official|real|other) names?\b|seasons?\b|months?\b", re.I
)


def _about(sentence: str, names: tuple[str, ...]) -> bool:
    """Tell whether a refusal means these names, or names in general (plural, none quoted)."""
    text = sentence.lower()
    return any(name.lower() in text for name in names) or not re.search(
        r"[\"“‘'][^\"”’']+[\"”’']", text
    )


def _decide(slot: str, sentence: str) -> dict[str, int]:
    """Return what one sentence, in lower case, asks for (+1) and against (-1)."""
    if META.search(sentence) or asks_for_nothing(slot, sentence):
        return {}
    decided = _read(slot, sentence)
    denied = denied_activity(sentence)
    for activity in [*refused_activity(sentence), *([denied] if denied else [])]:
        for competence, verdict in _read(slot, activity).items():
            if verdict > 0:
                decided[competence] = -1
    return decided


def _read(slot: str, sentence: str) -> dict[str, int]:
    """Return what a sentence says clause by clause and by its build."""
    clauses = split_clauses(sentence)
    waived = bool(WAIVED.search(sentence))
    decided = {} if waived else read_shapes(SHAPES.get(slot, ()), sentence)
    for spec in SPECS.get(slot, ()):
        if decided.get(spec.competence):
            continue
        verdict = _judge(spec, sentence, clauses)
        if waived and (verdict or spec.objects.search(sentence)):
            verdict = -1
        if verdict:
            decided[spec.competence] = verdict
    for competence in refused_shapes(SHAPES.get(slot, ()), sentence):
        decided.setdefault(competence, -1)
    return decided


@lru_cache(maxsize=2048)
def read_instruction(slot: str, text: str) -> Reading:
    """Return what the instruction text of a slot (extraction, update, retrieval) asks for."""
    on: set[str] = set()
    aliases: list[tuple[str, ...]] = []
    seasons: list[tuple[str, int, int]] = []
    for raw in _SENTENCE.split(text):
        raw = _BULLET.sub("", raw).strip()
        if not raw or raw.endswith("?"):
            continue
        if slot == "retrieval" and not asks_for_nothing(slot, raw.lower()):
            season = read_season(raw)
            if season:
                names, negated = season
                seasons = [s for s in seasons if s[0] not in {n[0] for n in names}]
                seasons += [] if negated else names
                continue
            alias = read_alias(raw)
            if not alias and _CALLED.search(raw) and refuses(raw):
                aliases = [a for a in aliases if not _about(raw, a)]
                seasons = [s for s in seasons if not _about(raw, s[:1])]
            if alias:
                group, negated = alias
                aliases = [a for a in aliases if not set(a) & set(group)]
                aliases += [] if negated else [group]
                continue
        sentence = raw.lower().replace("’", "'").rstrip(".!")
        for competence, verdict in _decide(slot, sentence).items():
            (on.add if verdict > 0 else on.discard)(competence)
    if aliases:
        on.add("alias")
    if seasons:
        on.add("season")
    return Reading(frozenset(on), tuple(aliases), tuple(seasons), len(text.split()))
