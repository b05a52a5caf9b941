"""What the simulated agent's competences look like in English prose.

One or more specifications a competence: which objects a clause must name, and which verbs
ask for it (`do`) or against it (`undo`). `default` is the sign of a clause that names the
object with no known verb. Patterns are matched against lower-case clauses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern

KEEP = (
    r"keep\w*|kept|retain\w*|stor(?:e[sd]?|ing)\b|record(?:s|ed|ing)?\b|not(?:e[sd]?|ing)\b"
    r"|sav(?:e[sd]?|ing)\b"
    r"|remember\w*|extract\w*|includ\w*|captur\w*|preserv\w*|writ\w*|list(?:s|ed|ing)?\b|log(?:s"
    r"|ged|ging)?\b"
    r"|treat\w*|counts?\b|counted|consider\w*|regard(?:s|ed|ing)?\b(?! to)|memori[sz]\w*"
    r"|collect\w*|hold on"
    r"|matters?\b|(?:is|are) worth|worth|important|relevant|belongs?\b|deserv\w*|accept\w*"
    r"|regist\w*"
    r"|track\b|picks? up|put|jot\w*|mention\w*|report\w*|document\w*|transcri\w*|cop(?:y|ied|ies)"
    r"|add(?:s|ed)?\b"
    r"|carr(?:y|ied) over|facts?\b|qualif\w*|valid|tak(?:e|en|ing)\b|read\b|pay attention"
    r"|attend to|make (?:a )?(?:note|entr|fact)"
    r"|watch for|look (?:out )?for|useful|harvest\w*|gather\w*|hang on|count on|be sure|make sure"
    r"|information|lift\w*|enter\w*|file\b|cover\w*|pick\w* (?:\w+ ){0,3}up|turn\w*|save\b"
    r"|alert\b|attentive"
    r"|keep an eye|in scope|as good as|no less|handled? like|just like|equally|same (?:way|status"
    r"|rules)"
    r"|look (?:in|at|through)|go(?:es)? (?:in|through)|essential|valuable|memorable"
)
DROP = (
    r"(?:treat|regard|consider|count|see|dismiss)\w*(?: [\w'-]+){1,6} as (?:mere |just )?(?:noise"
    r"|clutter|unimportant"
    r"|irrelevant|uncertain|small talk|chatter|undecided|open)|"
    r"drop\w*|ignor\w*|skip\w*|omit\w*|discard\w*|exclud\w*|disregard\w*|(?:leav\w+"
    r"|left)(?: \w+){0,4} (?:out|aside|off|behind|alone)"
    r"|throw\w*|forget\w*|filter\w*|remov\w*|strip\w*|reject\w*|avoid\w*|refrain\w*|los(?:e|es"
    r"|ing)\b|lost"
    r"|miss(?:es|ed|ing)?\b|overlook\w*|dismiss\w*|neglect\w*|pass(?:es|ed)? over|noise|irrelevant"
    r"|unimportant"
    r"|uninteresting|worthless|unnecessary|needless|of no (?:interest|use|value|importance)|cut\b"
    r"|suppress\w*|delet\w*"
    r"|stay away|steer clear|clutter|useless|meaningless|does n't matter|throwaway|weed\w*"
    r"|(?:not|n't|never) bother\w*|shed\b|toss\w*|eras\w*|no place|read past|out of scope"
    r"|off[- ]limits"
    r"|go(?:es)? past|look(?:s)? past|screen\w* out|too \w+ (?:to|for)\b(?: \w+){0,3}"
    r"|of no (?:\w+ )?(?:interest|use|value)|nothing of|rul\w* out|sift\w* out|be gone"
)
TIME = (
    r"(?:\brelative\b(?! of)|\b(?:last|next|this|past|coming) (?:\w+day|week|weekend|month|year"
    r"|night|morning|evening|afternoon|spring|summer|autumn|fall|winter)\b|yesterday|tomorrow"
    r"|\btoday\b|tonight|\bago\b"
    r"|\bin (?:two|three|four|a few|\d) (?:days|weeks|months)|(?:time|temporal|date|day) (?:words?"
    r"|references?|expressions?|phrases?|indications?|hints?)|vague (?:\w+ )?(?:time|date)\w*"
    r"|day (?:before|after)\b)"
)
GIVE = (
    r"return\w*|giv(?:e|es|ing)\b|hand\w*|yield\w*|deliver\w*|come back|bring\w*|send\w*|produc\w*"
    r"|retriev\w*"
    r"|pass\w*|output\w*|show\w*|suppl\w*|offer\w*|fetch\w*|surfac\w*|serv\w*|provid\w*|leav\w*"
    r"|keep\w*"
    r"|answer\w*|report\w*|(?:should|must|may|can|to) be|is|are|get|gets|stay\w*|come up"
    r"|end(?:s)? (?:up )?with|prefer\w*|want\w*|better|rather"
)


@dataclass(frozen=True)
class Spec:
    """How one competence is asked for: see the module's docstring."""

    competence: str
    objects: Pattern[str]
    do: Pattern[str]
    undo: Pattern[str]
    default: int = 0
    needs: Pattern[str] | None = None
    exclude: Pattern[str] | None = None
    main_only: bool = False
    flips_with_condition: bool = False


_NEVER = r"(?!x)x"


def _rx(text: str) -> Pattern[str]:
    return re.compile(text)


def _words(text: str) -> Pattern[str]:
    return re.compile(rf"\b(?:{text})")


def spec(
    competence: str,
    objects: str,
    do: str,
    undo: str,
    default: int = 0,
    *,
    needs: str = "",
    exclude: str = "",
    main_only: bool = False,
    flips: bool = False,
) -> Spec:
    return Spec(
        competence,
        _rx(objects),
        _words(do),
        _words(undo),
        default,
        _rx(needs) if needs else None,
        _rx(exclude) if exclude else None,
        main_only,
        flips,
    )
