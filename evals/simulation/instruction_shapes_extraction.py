"""Sentence shapes of extraction."""

from __future__ import annotations

from evals.simulation.instruction_shapes import shape
from evals.simulation.instruction_verbs import TIME

_DATE = (
    r"(?:(?:absolute|calendar|exact|actual|explicit|real|concrete|proper|full|specific|true"
    r"|definite|precise|fixed|correct|underlying|corresponding|right) (?:calendar )?(?:dates?"
    r"|days?|ones?)"
    r"|\b(?:a|the|its|their) dates?\b|\bcalendar\b|\bdates? (?:it|they|that|which|meant|behind)"
    r"|which (?:calendar )?(?:day|date)|\bexplicit\b|yyyy|date arithmetic|day, month|session(?:'s)?"
    r" date|date of (?:the|each|that)|date on which|\d (?:january|february|march|april|may|june"
    r"|july|august|september|october|november|december))"
)
_SPEAKER = (
    r"(?:fact|line|sentence|statement|subject|pronoun|[\"“'‘]i\b|speaker|person|whoever|sender"
    r"|author|message|colleague|somebody|someone|who (?:is|said|wrote))"
)
EXTRACTION_SHAPES = (
    shape(
        "resolve_dates",
        rf"(?:\bno|\bnot|never|without|instead of|rather than) (?:words like |things like "
        rf"|\w+ ){{0,2}}[\"“'‘]{TIME}"
        r"|which (?:calendar )?(?:day|date) .{0,30}(?:happen|took place|meant|fell|falls|was|is)\b",
        unless=r"(?:not|never|n't|no need|without) (?:to )?(?:be )?(?:convert|resolv|replac|turn"
        r"|translat|comput|calculat"
        r"|chang|touch|rewrit|work)|^(?:skip|ignore|leave)",
        denies=True,
    ),
    shape(
        "resolve_dates",
        rf"{TIME}.{{0,120}}{_DATE}|{_DATE}.{{0,120}}{TIME}|date arithmetic",
        unless=r"\b(?:stay|remain|leav|left|keep|kept|as is\b|as (?:they|it|written|said) (?:is"
        r"|are|was"
        r"|were|stand)|fine\b|unchanged|verbatim|untouched|cop(?:y|ied)|preserv|retain|refrain)"
        r"|is (?:given|shown) (?:above|below)",
    ),
    shape(
        "resolve_dates",
        rf"(?:must|may|should|can|shall|do|is|are|has|have) (?:not|never)\b.{{0,40}}{TIME}.{{0,60}}"
        rf"(?:but|;|:|,).{{0,40}}{_DATE}",
        unless=r"(?:not|never) (?:be )?(?:convert|resolv|replac|turn|translat|comput|calculat"
        r"|chang)",
        denies=True,
    ),
    shape(
        "parentheticals",
        r"\bonly\b.{0,40}\boutside (?:of )?(?:the |any )?(?:bracket|parenthes)",
        denies=True,
        sign=-1,
    ),
    shape(
        "name_speaker",
        r"\b(?:stay|remain|keep|kept|leav|left|stick)\w* (?:\w+ ){0,3}first[- ]person",
        denies=True,
        sign=-1,
    ),
    shape(
        "name_speaker",
        r"[\"“'‘](?:i|my|we|our|me)\b[^\"”]{0,60}[\"”'’].{0,30}(?:\bis|becom\w+|\bto|\binto|\bas"
        r"|->|→|reads?"
        r"|writes?|turns?|gives?|means)\b ?.{0,25}[\"“'‘](?!(?:i|my|we|our|me)\b)[a-z]+",
        unless=r"unchanged|\bthumb|\+1|shall we|\bkeep\b|preserv",
    ),
    shape(
        "name_speaker",
        r"\bnames?\b(?:, (?:and )?(?:not|never|no)| instead of| rather than| in place of| over)"
        r" (?:\w+ ){0,2}(?:pronouns?|[\"“'‘](?:i|my|she|he)\b)",
        denies=True,
    ),
    shape(
        "name_speaker",
        r"[\"“'‘](?!(?:i|my|we|our|me)\b)[a-z]+ [^\"”]*[\"”'’],? (?:and not|but not|not"
        r"|instead of|rather than|in place of"
        r"|over|never) .{0,12}[\"“'‘](?:i|my)\b",
        unless=r"\b(?:do not|don't|never) (?:write|say|put|use|record)\b.{0,6}[\"“'‘](?!(?:i"
        r"|my)\b)",
        denies=True,
    ),
    shape(
        "name_speaker",
        r"(?:[\"“'‘](?:i|my|me|he|she)[\"”'’,]|pronouns?|first person).{0,40}(?:no place|do not"
        r" belong|don't belong|not (?:allowed|acceptable|wanted|enough|welcome)|forbidden"
        r"|meaningless|unacceptable|banned|useless|means nothing|out of place)",
        denies=True,
    ),
    shape(
        "name_speaker",
        rf"\bnam(?:e|es|ed|ing)\b.{{0,90}}\b{_SPEAKER}|{_SPEAKER}.{{0,90}}\bnam(?:e|es|ed|ing)\b",
        unless=r"\bfile|product|spell|nickname|copy|copied|alphabet|sort|brand|place names|company"
        r"|variable|under the name|both names|first names? only|(?:share|same) a? ?(?:first )?name"
        r"|project names?|user ?name|code|in brackets|(?:has|have) (?:a|their own|an) names?\b"
        r"|messages? (?:\w+ )?(?:starts?|begins?|opens?) with"
        r"|names? (?:are|is|was|were) (?:written|shown|given|spelt|printed)",
    ),
    shape(
        "deadline",
        r"(?:print\w*|release|launch|publication|publish\w*|final|press|issue|going live)\b.{0,50}"
        r"(?:\bnot|never|n't)\b.{0,60}(?:deadline|due date)|deadline.{0,40}(?:\bnot|never|n't"
        r"|rather than|instead of) .{0,40}(?:print|release|launch|publi|final|press)",
        unless=r"(?:draft\w*(?:'s)?(?: \w+){0,6} (?:not|never)\b)|^(?:do not|don't|never|ignore"
        r"|skip"
        r"|leave out)\b.{0,20}draft|\bno need",
        denies=True,
    ),
    shape(
        "deadline",
        r"(?:do not|don't|never) (?:confuse|mix up|equate|mistake|identify) (?:the |a )?drafts?\b",
        denies=True,
        sign=-1,
    ),
    shape(
        "deadline",
        r"deadline (?:is|does|are|means?)(?:n't| not| never)(?: \w+){0,6} draft"
        r"|drafts?\b(?: \w+){0,6} (?:not|never|n't)\b.{0,30}deadline",
        unless=r"print|release|launch|publi|press",
        denies=True,
        sign=-1,
    ),
)
