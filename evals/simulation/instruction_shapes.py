"""Whole-sentence shapes: what is asked for by how a sentence is built, not by one object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern

from evals.simulation.instruction_verbs import DROP

_QUOTED = re.compile(r"[\"“”][^\"“”]{1,80}[\"“”]|(?<!\w)['‘][^'‘’]{1,80}['’](?!\w)")
#: Anything that speaks against something.
AGAINST = re.compile(
    r"\b(?:not|never|no|without|cannot|nor|neither|nobody|none|stop|cease|abstain|nothing)\b|n't\b"
    rf"|\b(?:{DROP})"
)
#: A sentence that begins by refusing.
FRAME = re.compile(
    r"^(?:please |also |so |but |and |then |however,? )*(?:do not|don't|never|no need|there(?:'s"
    r"| is| are) no (?:need|reason|point|use)|it (?:is not|isn't|is un)|skip|ignore|leave out|omit"
    r"|avoid|refrain|stop|disregard|forget about|exclude|you (?:need not|needn't)|under no)\b"
)
#: 'skip the duplicate check': the activity itself is refused.
WAIVED = re.compile(
    r"(?:^|[;:,] |and |please )(?:skip|leave out|omit|forgo|drop|ignore|disregard|avoid|leave away"
    r"|do without|don't bother with|dispense with)"
    r" (?:(?!that|which|who|whose|if|from|in|entr|fact)[\w'/]+[ -]){0,4}(?:checks?|checking"
    r"|search(?:es)?"
    r"|look-?ups?|filter(?:s|ing)?|restrictions?|treatment|expansion|conversion|arithmetic"
    r"|splitting|translation|rewriting|resolution|handling|comparison|distinction|concerns?"
    r"|deletions?|detection|deduplication|limits?|calculations?|computation|rephrasing"
    r"|decomposition|bookkeeping)\b"
)
#: Talk about topics, formats and programs asks for nothing.
META = re.compile(
    r"(?:ordinary|typical|frequent|popular|common|usual|normal|everyday|regular"
    r"|harmless) (?:\w+ ){0,2}(?:topics?|subjects?|themes?|hobb\w+|events?)\b|\bthis prompt\b"
    r"|these instructions|this program\b|another program\b|the program\b|\bescaped?\b"
    r"|strikethrough|\bjson\b|markdown|asterisk|bullet (?:list|point)s?"
    r"|discussed on\b|(?:often|sometimes|much) (?:discussed|talked about)"
)


@dataclass(frozen=True)
class Shape:
    """A sentence built like `pattern` asks for the competence, or against it (sign -1).

    Unless `denies` is set, a sentence (or part of one) that also speaks against something is
    left to the clause-by-clause reading.
    """

    competence: str
    pattern: Pattern[str]
    unless: Pattern[str] | None = None
    denies: bool = False
    sign: int = 1


def shape(
    competence: str, pattern: str, *, unless: str = "", denies: bool = False, sign: int = 1
) -> Shape:
    return Shape(
        competence,
        re.compile(pattern),
        re.compile(unless) if unless else None,
        denies,
        sign,
    )


def blank(text: str) -> str:
    """Replace what stands in quotation marks, whose words are no verbs of the sentence."""
    return _QUOTED.sub(lambda m: '"' + "x" * (len(m.group()) - 2) + '"', text)


_PART = re.compile(r"[;:]|, (?:so|but|because|since|which|and)\b|\b(?:because|since)\b")


def read_shapes(shapes: tuple[Shape, ...], sentence: str) -> dict[str, int]:
    """Return what the build of a sentence says about competences."""
    parts = [p.strip() for p in _PART.split(sentence) if p.strip()]
    texts = [sentence, *parts] if len(parts) > 1 else [sentence]
    against = [bool(AGAINST.search(blank(text))) for text in texts]
    found: dict[str, int] = {}
    for item in shapes:
        if item.competence in found:
            continue
        for text, spoken_against in zip(texts, against, strict=True):
            if item.unless and item.unless.search(sentence):
                break
            if (item.denies or not spoken_against) and item.pattern.search(text):
                found[item.competence] = item.sign
                break
    return found


def refused_shapes(shapes: tuple[Shape, ...], sentence: str) -> set[str]:
    """Return the competences whose shape a sentence has that begins by refusing."""
    if not (FRAME.match(sentence) or WAIVED.search(sentence)):
        return set()
    return {s.competence for s in shapes if not s.denies and s.pattern.search(sentence)}
