"""What a user's correction says the answer should have been, without the words around it.

'No, it's Lisbon, not Porto' -> 'Lisbon'; 'that was wrong, she moved in May' -> 'in May'.
"""

from __future__ import annotations

import re

from traces.abstention import abstains
from traces.text import stem, tokens

# How a correction begins, around what it says.
_OPENINGS = re.compile(
    r"^(?:no|nope|nah|wrong|sorry|actually|well|hm+|but|false|incorrect|not (?:quite|right|true)"
    r"|(?:that|this|it)(?:['’]s| is| was)(?: just| simply)? (?:wrong|false|incorrect)"
    r"|(?:that|this|it)(?:['’]s| is| was) not (?:quite )?(?:right|true|correct)"
    r"|(?:that|this|it) (?:isn|wasn)['’]t (?:right|true|correct)"
    r"|you(?:['’]re| are| were) (?:wrong|mistaken)|you (?:forgot|missed)(?: that)?"
    r"|(?:as )?i(?:['’]ve| have)? (?:already )?(?:told you|said)(?: that)?(?: already| before)?"
    r"|(?:it|that|you) should(?:['’]ve| have| be)?(?: been| said)?"
    r"|(?:the )?(?:right |correct |real |true )?answer (?:is|was|would be|should (?:be|have been))"
    r"|(?:it|that|this|they|there)(?:['’](?:s|re)| is| was| are| were))"
    r"(?=[\s,.;:!–—-])[\s,.;:!–—-]+",
    re.IGNORECASE,
)  # fmt: skip
_CLOSINGS = re.compile(
    r"(?:[\s,]+(?:now|already|by the way|of course|please|actually|instead|though|these days"
    r"|any ?more|as i (?:said|told you)|like i said))+$",
    re.IGNORECASE,
)
# The wrong value: what follows these words, or comes before the right one.
_INSTEAD = re.compile(
    r"[\s,]+(?:instead of|rather than|as opposed to|(?:and |but )?(?:certainly |definitely )?not"
    r"(?! only| just))\s+.*$",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"^(?:and |but )?(?:(?:it|that|he|she|they|i|we|you|there)(?:['’](?:s|re|m))? )?"
    r"(?:is |was |are |were |am |do |does |did |have |has |had |can |could |will |would )?"
    r"(?:not(?! only| just)|never|no longer|instead of|rather than)\b|\b\w+n['’]t\b|\bno longer\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"\s*[,;!]\s*|:\s+|\s+[–—-]\s+|\s+but\s+|(?<=[a-z\d]{3}[\d.])\s+(?=[A-Z])")
_ABOUT_WORDS = """
i me we us you he him she her it they them my our your his their mine who whom that which
is am are was were be been being has have had do does did
"""
_ABOUT = frozenset(_ABOUT_WORDS.split())
_VERDICT = re.compile(
    r"^(?:[^:]{1,60}: )?(?:is|are|am|was|were|do|does|did|has|have|had|can|could|will|would"
    r"|should)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\S+")
_MARKS = " .,;:!?"
_QUOTES = " \"“”'‘’"


_WITHHELD = re.compile(
    r"\b(?:i|we)(?: have|['’]ve)? never(?: ever)? (?:told|said|mentioned)\b"
    r"|\b(?:i|we) (?:did not|didn['’]t|have not|haven['’]t) (?:ever )?"
    r"(?:tell|told|say|said|mention)"
    r"|\bno(?:body|[ -]one)(?: has)?(?: ever)? (?:told|said|mentioned)\b"
    r"|\byou (?:can|could)(?: ?not|n['’]t) (?:possibly )?know\b",
    re.IGNORECASE,
)


def withholds(correction: str) -> bool:
    """Say whether a correction is that the answer was never told."""
    text = _without_openings(" ".join(correction.split()))
    clauses = [clause for clause in _CLAUSES.split(text) if clause.strip()]
    said = [c for c in clauses if not _NEGATIVE.search(c) and not _WITHHELD.search(c)]
    return abstains(text) or (not said and _WITHHELD.search(text) is not None)


def gold_of(correction: str, question: str) -> str:
    """Return the gold answer that a correction gives to a question; '' for one that gives none.

    Of a yes/no question the correction stays as it is.
    """
    text = " ".join(correction.split()).strip(_QUOTES)
    if _VERDICT.match(question.strip()):
        return text
    bare = _without_openings(text)
    if bare.lower().strip(_MARKS) not in ("no", "nope", "nah") and not _said(bare):
        return ""  # only that the answer was wrong, not what it should have been
    right = _without_wrong(bare)
    return (_without_question(right, question) or right or bare).strip(_QUOTES)


def _said(text: str) -> str:
    return _OPENINGS.sub("", f"{text} ", count=1).strip(_MARKS)


def _without_openings(text: str) -> str:
    while (shorter := _OPENINGS.sub("", text, count=1)) != text and shorter.strip(" .,;:!?"):
        text = shorter
    return text


def _without_wrong(text: str) -> str:
    """Leave out the clauses that say what the answer is not."""
    clauses = [clause.strip(" .") for clause in _CLAUSES.split(text) if clause.strip(" .")]
    said = [clause for clause in clauses if not _NEGATIVE.search(clause)]
    if said and len(said) < len(clauses):
        text = ", ".join(_without_openings(clause) for clause in said)
    shorter = _INSTEAD.sub("", text)
    return _CLOSINGS.sub("", shorter if shorter.strip(" .,") else text).strip(" .,;:!")


def _without_question(text: str, question: str) -> str:
    """Leave out at the beginning of a sentence what the question says already."""
    words = [match.group() for match in _WORD.finditer(text)]
    if not words or not (_plain(words[0]) & _ABOUT or words[0].lower().strip(",.") in _ABOUT):
        return text
    asked = {stem(word) for word in tokens(question)}
    while words:
        plain = _plain(words[0])
        if plain and not all(word in _ABOUT or stem(word) in asked for word in plain):
            break
        words.pop(0)
    return " ".join(words)


def _plain(word: str) -> set[str]:
    return {part for token in tokens(word) for part in re.split(r"['’]", token) if part}
