"""What the reflection part notices in error signals.

A cue is looked for only in clusters whose slot and error type it fits: signals with
shuffled types therefore lead astray. A cue may be wrong; a language model's are, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from evals.simulation.reflection_lexicon import MONTHS, WEEKDAYS, Words, alias, season, tokens
from evals.simulation.reflection_signals import Cluster, Evidence, Example

Cue = Callable[[Example, Cluster], Words | None]


@dataclass(frozen=True)
class Finding:
    """A rule that the signals seem to ask for, with the words that its clause needs."""

    rule: str
    words: tuple[tuple[str, str], ...]
    weight: float


_CODE = re.compile(r"\b[A-Z]{2,4}-?\d{2,5}\b")
_PROPOSAL = re.compile(r"\b(?:shall|should|could) we\b|\bhow about\b|\bwhat if we\b", re.I)
_APPROVAL = re.compile(r"\+1|\U0001f44d|thumbs[- ]?up", re.I)
_DUTY = re.compile(
    r"\blook(?:s|ing|ed)? after\b|\b(?:in charge of|responsible for|duties|duty|take[sn]? care of)",
    re.I,
)
_PAY = re.compile(
    r"\b(?:salar(?:y|ies)|bonus(?:es)?|wages?|pay|pays|paid|earn(?:s|ed|ing|ings)?|compensation"
    r"|(?:day|daily|hourly) rate|raise|stipend)\b",
    re.I,
)
_RELATIVE = re.compile(
    r"\b(?:yesterday|tomorrow|tonight|today|(?:last|next|this|coming) (?:week|month|year|night|"
    + "|".join(WEEKDAYS)
    + r")|(?:days?|weeks?) ago|the day (?:before|after))\b",
    re.I,
)
_FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|I'll|my|mine|me)\b")


def _overlap(wanted: set[str], text: str) -> float:
    return len(wanted & tokens(text)) / len(wanted) if wanted else 0.0


def _evidence_has(pattern: str) -> Cue:
    compiled = re.compile(pattern, re.I)
    return lambda e, _: {} if compiled.search(e.texts) else None


def _question_has(pattern: str) -> Cue:
    compiled = re.compile(pattern, re.I)
    return lambda e, _: {} if compiled.search(e.question) else None


def _sub_type(*names: str) -> Cue:
    return lambda _, c: {} if c.sub_type in names else None


def _codes(e: Example, _: Cluster) -> Words | None:
    return {} if _CODE.search(e.expected) else None


def _brackets(e: Example, _: Cluster) -> Words | None:
    wanted = tokens(e.expected)
    inside = " ".join(re.findall(r"\(([^()]*)\)", e.texts))
    outside = re.sub(r"\([^()]*\)", " ", e.texts)
    hit = _overlap(wanted, inside)
    return {} if hit >= 0.5 and hit > _overlap(wanted, outside) else None


def _deadline(e: Example, _: Cluster) -> Words | None:
    """Look for two milestones in one message, where the draft's day was expected."""
    for item in e.evidence:
        text = item.text.casefold()
        if "draft" not in text or not re.search(r"print|release|launch|publi|press", text):
            continue
        iso = re.search(r"\d{4}-\d\d-(\d\d)", e.expected)
        day = iso or re.search(r"\b(\d{1,2})(?:st|nd|rd|th)?\b", e.expected)
        if day is None:
            return {}
        for part in re.split(r"[,;.:]|\band\b|\bbut\b|\bthen\b", text):
            if re.search(rf"\b0?{int(day[1])}(?:st|nd|rd|th)?\b", part) and "draft" not in part:
                return None
        return {}
    return None


def _votes(e: Example, _: Cluster) -> Words | None:
    around = f"{e.texts}\n{e.given}"
    return {} if _PROPOSAL.search(e.texts) and _APPROVAL.search(around) else None


def _overwriter(e: Example) -> str:
    """Return who stated the fact that was applied, as far as the excerpt says so."""
    for pattern in (
        r"fact_speaker\b[^A-Za-z]*([A-Z][\w-]*)",
        r"\bspeaker\b[^A-Za-z]*([A-Z][\w-]*)",
        r"\b(?:said|stated|told) by\s+([A-Z][\w-]*)",
        r"\b([A-Z][\w-]*) (?:says|said|heard|thinks|claims|told|mentioned)\b",
    ):
        found = re.search(pattern, e.given) or re.search(pattern, e.produced)
        if found:
            return found[1]
    return ""


def _own_word(e: Example, c: Cluster) -> Words | None:
    other = _overwriter(e)
    if not other or c.sub_type == "missed" or _DUTY.search(e.question):
        return None

    def concerned(item: Evidence) -> bool:
        named = item.speaker != "" and item.speaker.split()[0] in e.question
        return named or bool(_FIRST_PERSON.search(item.text))

    wanted = tokens(e.expected)
    own = [i for i in e.evidence if concerned(i) and (not wanted or _overlap(wanted, i.text) > 0)]
    return {} if any(i.speaker and i.speaker.split()[0] != other for i in own) else None


def _cumulative(e: Example, c: Cluster) -> Words | None:
    if c.sub_type in ("stale", "missed"):
        return None
    return {} if _DUTY.search(f"{e.question}\n{e.texts}") else None


def _strike(e: Example, _: Cluster) -> Words | None:
    return {} if re.search(r"\bstrike that\b", f"{e.texts}\n{e.given}", re.I) else None


def _withhold(e: Example, _: Cluster) -> Words | None:
    return {} if e.abstain and _PAY.search(e.question) else None


def _nothing_fits(e: Example, _: Cluster) -> Words | None:
    return {} if e.abstain and not _PAY.search(e.question) else None


def _synonyms(e: Example, _: Cluster) -> Words | None:
    if e.abstain or not e.evidence:
        return None
    return {} if _overlap(tokens(e.question), e.texts) < 0.25 else None


def _relative(e: Example, c: Cluster) -> Words | None:
    if c.sub_type == "wrong_time" or _RELATIVE.search(e.produced):
        return {}
    return {} if re.search(r"\d", e.expected) and _RELATIVE.search(e.texts) else None


def _speakers(e: Example, c: Cluster) -> Words | None:
    return {} if c.sub_type == "wrong_speaker" or _FIRST_PERSON.search(e.produced) else None


_CHAIN = r"'s \w+'s|\b(?:whose|where|that|who) .*'s \w+ |'s \w+ \w+s"
_PAST = r"\b(?:before|used to|former(?:ly)?|previous(?:ly)?|original(?:ly)?|first|earlier)\b"
_RETRACTION = r"cancel|called off|no longer|any ?more|fell through|scrapped|not happening"
_UPDATES: tuple[tuple[str, Cue, float], ...] = (
    ("own_word", _own_word, 8),
    ("cumulative", _cumulative, 8),
    ("strike", _strike, 9),
    ("keep_history", _question_has(_PAST), 1.5),
    ("keep_history", _sub_type("overwritten"), 0.5),
    ("delete_retracted", _evidence_has(_RETRACTION), 1.5),
    ("merge_duplicates", _sub_type("wrong_merge"), 0.7),
    ("replace_stale", _sub_type("stale"), 0.7),
)
_CUES: dict[tuple[str, str], tuple[tuple[str, Cue, float], ...]] = {
    ("extraction", "ExtractionError"): (
        ("codes", _codes, 8),
        ("parentheticals", _brackets, 8),
        ("forwarded", _evidence_has(r"\bfwd:|\bforwarded from\b"), 8),
        ("pencilled", _evidence_has(r"\bpencil(?:s|l?ed)? .{0,20}\bin\b|\bpencil(?:l?ed)? in"), 8),
        ("deadline", _deadline, 8),
        ("votes", _votes, 8),
        ("keep_preferences", _evidence_has(r"\b(?:likes?|loves?|favou?rite|prefers?|hates?)\b"), 1),
        ("keep_plans", _evidence_has(r"\b(?:going to|plan(?:ning)? to|intend|I'll|will)\b"), 1),
        ("resolve_dates", _relative, 1),
        ("name_speaker", _speakers, 1),
    ),
    ("update", "UpdateError"): _UPDATES,
    ("update", "DeletionError"): _UPDATES,
    ("retrieval", "RetrievalError"): (
        ("withhold", _withhold, 8),
        ("season", season, 8),
        ("alias", alias, 8),
        ("date_filter", _question_has(r"\b(?:" + "|".join(MONTHS) + r")\b"), 1),
        (
            "multi_hop",
            _question_has(_CHAIN),
            1,
        ),
        ("expand_query", _synonyms, 1),
        ("nothing_fits", _nothing_fits, 1),
    ),
    ("response", "ResponseError"): (
        ("look_closer", _sub_type("wrong_abstention", "ignored_evidence"), 2),
        ("stay_with_memories", _sub_type("hallucination", "distractor", "distortion"), 2),
        ("stay_with_memories", lambda e, _: {} if e.abstain else None, 1),
    ),
}


def findings(cluster: Cluster, kind: str) -> tuple[Finding, ...]:
    """Return what a cluster's examples seem to ask for, in an operation of this kind."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for rule, cue, weight in _CUES.get((kind, cluster.error_type), ()):
        for example in cluster.examples:
            words = cue(example, cluster)
            if words is not None:
                key = (rule, tuple(sorted(words.items())))
                found[key] = found.get(key, 0.0) + weight
    return tuple(Finding(rule, words, weight) for (rule, words), weight in found.items())
