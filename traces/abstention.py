"""Does an answer say that it has none?

A refusal in the answerer's own voice or about the record ("I don't know", "the
conversation does not mention it") abstains; the same words about a person in it ("she
doesn't know how to swim") do not, and neither does a refusal that an answer or a guess
follows ("not stated, but probably Paris"): that is for the judge to weigh.
"""

from __future__ import annotations

import re

READ_CHARS = 600

_ADVERBS = r"(?: (?:\w+ly|ever|yet|quite|really|even|any|been|in fact))*"
_RECORD = (
    r"(?:conversations?|dialogues?|contexts?|memory|memories|records?|messages?|texts?|"
    r"information|chats?|sessions?|facts?|entries|transcripts?|evidence|data|history|notes?|"
    r"excerpts?)"
)
_MATTER = (
    r"(?:information|mention|record|evidence|indication|data|details?|answer|knowledge|idea|clue)"
)
_TOLD = (
    r"(?:mentioned|specified|stated|provided|indicated|recorded|disclosed|revealed|described|"
    r"discussed|documented|said|determinable|answerable|known(?! (?:for|as|to)))"
)
_TELLS = (
    r"(?:mention|say|specify|state|provide|contain|include|indicate|give|reveal|tell|discuss|"
    r"describe|cover|disclose|answer|record|note|show|hold)"
)
_LEARN = r"(?:answer|determine|infer|tell|say|know|find|establish|identify)"
_REFUSALS = [
    re.compile(pattern)
    for pattern in (
        rf"\b(?:i|we)(?: \w+ly)? (?:do|did|can|could|have|am|are|was|were) not{_ADVERBS} "
        rf"(?:{_LEARN}|have|see|recall|remember|sure|certain|aware|able|found|seen)\b",
        r"\bi am (?:unsure|uncertain|unaware|unable)\b",
        rf"(?:^|\b(?:there (?:is|was)|it has|(?:i|we) (?:have|see|find|found)) )"
        rf"no (?:\w+ ){{0,2}}?{_MATTER}\b",
        rf"\bno {_MATTER} (?:is |was )?(?:available|provided|given|found|about|regarding)\b",
        r"\b(?:not enough|insufficient|lack of|lacks?(?: any| the)?) "
        r"(?:information|context|details?|evidence)\b",
        rf"(?:^|\b(?:is|are|was|were|been|has|explicitly|specifically) )"
        rf"(?:not|never){_ADVERBS} {_TOLD}\b",
        rf"\bnot{_ADVERBS} (?:given|found|available|clear|present) (?:in|from) "
        rf"(?:\w+ ){{0,2}}{_RECORD}\b",
        rf"\b{_RECORD} (?:do|does|did) not{_ADVERBS} {_TELLS}\b",
        rf"\b{_RECORD} never {_TELLS}(?:s|es|d|ed)?\b",
        rf"\b{_RECORD} (?:makes?|made|contains?|has|have|gives?|holds?|includes?|provides?) no\b",
        r"\b(?:can|could) not be (?:determined|answered|known|inferred|established|identified)\b",
        rf"(?:^|\b(?:i|one|you|it is) )(?:am )?"
        rf"(?:can not|unable to|impossible to|not possible to) {_LEARN}\b",
        r"\b(?:question|answer|it|this) (?:is|seems|remains) "
        r"(?:unanswerable|unknown|unclear|unspecified|unstated)\b",
    )
]
_WHOLE = re.compile(
    r"(?:it is |the answer is )?(?:unknown|unclear|unspecified|unstated|undetermined|unanswerable|"
    r"n ?/? ?a|not applicable|none|nothing|no answer|no idea|not sure|unsure|uncertain|idk|dunno|"
    r"null|not available|not given|not clear|not found)"
)
_ANSWER_FOLLOWS = re.compile(
    r"\b(?:but|however|though|although|nevertheless|probably|likely|perhaps|maybe|might|"
    r"presumably|my (?:best )?guess|(?:would|will) (?:guess|assume|suppose)|suggests?|implies)\b"
)
_REPORTED = re.compile(r"\b(?:said|says|told|thought|thinks|felt|admitted|admits)\b")
_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_EXPANSIONS = [
    (re.compile(pattern), full)
    for pattern, full in (
        (r"\b(?:can't|cannot|cant)\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\bdont\b", "do not"),
        (r"n't\b", " not"),
        (r"\bi'm\b", "i am"),
        (r"\b(it|there|that)'s\b", r"\1 is"),
        (r"'d\b", " would"),
        (r"'ve\b", " have"),
    )
]


def abstains(prediction: str) -> bool:
    """Say whether `prediction` clearly refuses to answer for want of knowledge.

    An empty prediction is no abstention: nothing was said. Only the first
    `READ_CHARS` characters are read; a refusal that comes later follows an answer.
    """
    text = " ".join(prediction[: 4 * READ_CHARS].translate(_CURLY).lower().split())
    text = text[:READ_CHARS].strip(" .!\"'()[]-*:")
    for pattern, full in _EXPANSIONS:
        text = pattern.sub(full, text)
    if _WHOLE.fullmatch(text):
        return True
    refusals = [match for pattern in _REFUSALS if (match := pattern.search(text))]
    if not refusals:
        return False
    first = min(refusals, key=lambda match: match.start())
    reported = _REPORTED.search(text, 0, first.start())
    return reported is None and _ANSWER_FOLLOWS.search(text, first.end()) is None
