"""Taking a sentence apart: main clauses, conditions and contrasts."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    text: str
    condition: bool = False
    contrast: bool = False


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
    rf"|, (?=only |just |merely )|, so (?!that)|,? so that "
)
_CONDITION = re.compile(
    r"(?:^|(?<=[\s,(]))((?:only |even |and |or |also |except )?(?:when(?:ever)?|if|unless"
    r"|where(?:ver)?|in case|as soon as|once|because|"
    r"since|as long as|every time|each time|for (?:a |any |every )?questions? (?:that|which|about"
    r"|on|whose|with)|(?<![\w,\"”'’)\d] )should)\b[^,;]*?)"
    r"(,|;|$|(?= (?:look|search|restrict|limit|return|hand|confine|narrow|retrieve)\b"
    r"(?! (?:up|for (?:him|her|it|them)))))"
)
_CONTRAST = re.compile(
    r"(?:^|(?<=[\s,]))((?:rather than|instead of|in place of|as opposed to|in preference to"
    r"|and not|but not|not|never)\b[^,;:]*)"
)


def split_clauses(sentence: str) -> list[Clause]:
    """Split a sentence into main clauses, conditions and contrasts, in order."""
    found: list[Clause] = []
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
            found.append(Clause(text.strip(), condition=True))
            continue
        for part in _SPLIT.split(text):
            part = part.strip(" ,")
            if not part:
                continue
            contrasts = [m for m in _CONTRAST.finditer(part) if _is_contrast(part, m)]
            if not contrasts:
                found.append(Clause(part))
                continue
            match = contrasts[0]
            found.append(Clause(part[: match.start()].strip(" ,")))
            found.append(Clause(match.group(1), contrast=True))
            found.append(Clause(part[match.end() :].strip(" ,")))
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
