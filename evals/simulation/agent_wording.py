"""How the simulated agent words a fact: third person, no filler, other words for the same."""

from __future__ import annotations

import re
from functools import lru_cache

from evals.simulation.draws import uniform

_LEAD = re.compile(
    r"^(?:(?:well|oh|ah|hm+|so|and|also|anyway|ok(?:ay)?|right|yes|yeah|no|by the way|btw|fyi"
    r"|just so you know"
    r"|for the record|quick note|small update|update|news from me|little update|good news|sad news"
    r"|bad news"
    r"|heads-up|heads up|note|just a note|as an aside|side note|guess what|fun fact|in other news"
    r"|honestly"
    r"|to be honest|turns out|for what it's worth|one more thing|incidentally|speaking of which"
    r"|thanks|hey|hi|sure|correction|actually|remember)\b[,:;!—–-]*\s+(?=\S))+",
    re.I,
)
_TAIL = re.compile(
    r",? (?:by the way|as it happens|you know|I think|I guess|if you must know|as you know"
    r"|in case anyone asks|I hear|I heard|as far as I know|people say|they say|I believe"
    r"|from what I hear"
    r"|for what it's worth|to be honest|and I mean it|believe it or not|of all things)(?=[.!]?$)",
    re.I,
)


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Drop filler at both ends of a sentence."""
    shorter = _TAIL.sub("", _LEAD.sub("", text.strip())).strip()
    return shorter[:1].upper() + shorter[1:] if shorter else text.strip()


_PAST_OR_MODAL = re.compile(
    r"^(?:\w+ed|am|was|had|did|can|could|will|would|should|may|might|must|went|ran|bought|taught"
    r"|gave|took|made|met"
    r"|saw|wrote|built|won|left|began|held|sat|drove|rode|sold|sent|spoke|swam|lost|found|paid"
    r"|kept|led|grew|came"
    r"|chose|said|told|thought|felt|heard|got|became|put|set|cut|let|read|have|do|go|never|knew"
    r"|ate|drank|slept|fell"
    r"|broke|caught|brought|understood|won't|can't|don't|didn't|couldn't|wouldn't|haven't|hadn't"
    r"|wasn't|cannot)$",
    re.I,
)
_ADVERBS = (
    r"(?:(?:now|really|always|usually|finally|still|also|just|currently|actually|recently|only"
    r"|mostly|simply|officially|even|mainly|absolutely|no longer|never) )*"
)
_I_VERB = re.compile(rf"\bI ({_ADVERBS})([A-Za-z']+)")
_IRREGULAR = {
    "have": "has",
    "do": "does",
    "go": "goes",
    "am": "is",
    "don't": "does not",
    "haven't": "has not",
}
_BASE = re.compile(
    r"^(?:live|come|have|own|use|take|give|make|lose|love|like|hate|prefer|enjoy|drive|play|work"
    r"|run|sit|keep|need|want|plan|intend|hope|aim|report|share|learn|study|collect|grow|sleep"
    r"|speak|adore|look|handle|manage|organise|coordinate|earn|get|know|think|live|rent|teach"
    r"|swear|avoid|train|belong|answer|write|read|say|mean|go|do|volunteer|wear|call|park|pay"
    r"|help|feel|remember|believe|find|see|try|start|visit|attend)$",
    re.I,
)


def _agree(verb: str) -> str:
    lower = verb.lower()
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    if not _BASE.match(lower) and (_PAST_OR_MODAL.match(lower) or lower.endswith("ing")):
        return verb
    if re.search(r"(?:s|sh|ch|x|z|o)$", lower):
        return verb + "es"
    if re.search(r"[^aeiou]y$", lower):
        return verb[:-1] + "ies"
    return verb + "s"


def third_person(text: str, speaker: str) -> str:
    """Write the sentence with the speaker's name in place of 'I' and 'my'."""
    own = f"{speaker}'s"
    text = re.sub(r"\bI'm\b|\bI’m\b|\bI am\b", f"{speaker} is", text)
    text = re.sub(r"\bI've\b|\bI’ve\b|\bI have\b", f"{speaker} has", text)
    text = re.sub(r"\bI'd\b|\bI’d\b", f"{speaker} would", text)
    text = re.sub(r"\bI'll\b|\bI’ll\b", f"{speaker} will", text)

    def verb(match: re.Match[str]) -> str:
        return f"{speaker} {match[1]}{_agree(match[2])}"

    text = _I_VERB.sub(verb, text)
    text = re.sub(r"\bI\b(?!['’-])", speaker, text)
    text = re.sub(r"\bmyself\b", "personally", text)
    text = re.sub(r"\b[Mm]y\b|\b[Mm]ine\b", own, text)
    text = re.sub(r"\bme\b", speaker, text)
    text = re.sub(r"\b[Ww]e(?:'re|’re| are)\b", f"{speaker} and the others are", text)
    text = re.sub(r"\b[Ww]e(?:'ve|’ve)\b", f"{speaker} and the others have", text)
    text = re.sub(r"\b[Ww]e\b(?!['’])", f"{speaker} and the others", text)
    text = re.sub(r"\b[Oo]ur\b", "the team's", text)
    return re.sub(r"\bus\b", "the team", text)


#: (pattern, wordings that may replace it); at most two of them are applied to a sentence.
_REWORDINGS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), options)
    for pattern, options in (
        (r"\blives in\b", ("resides in", "is based in", "has a home in")),
        (r"\bis based in\b", ("lives in", "resides in")),
        (
            r"\bdrives an? ([\w -]+?)(?= to work|\.|,|$)",
            (r"has a \1 as car", r"gets around in a \1 car"),
        ),
        (r"(\w+)'s car is an? ", (r"\1 drives a ", r"The vehicle of \1 is a ")),
        (r"(\w+)'s desk is ", (r"\1 has a desk ", r"\1's workplace is ", r"\1's workstation is ")),
        (r"(\w+)'s laptop is an? ", (r"\1 uses as notebook a ", r"\1's computer is a ")),
        (
            r"\bplays the (\w+)",
            (r"makes music on the \1 as instrument", r"is a musician on the \1"),
        ),
        (r"(\w+)'s dog is called (\w+)", (r"\1 has a dog named \2", r"\2 is the name of \1's dog")),
        (r"\bworks as an? ", ("has the job of ", "is employed as a ")),
        (r"(\w+)'s job title is ", (r"\1's role is ", r"\1 works as ")),
        (r"\blooks after\b", ("is in charge of", "takes care of", "is responsible for")),
        (r"\bis in charge of\b", ("looks after", "is responsible for")),
        (r"\bis responsible for\b", ("takes care of", "looks after")),
        (r"\bis learning\b", ("is taking up the language", "takes lessons in the language")),
        (r"\bis allergic to\b", ("has an allergy to", "cannot eat, for an allergy,")),
        (r"\bgrew up in\b", ("was raised in", "spent the childhood, growing up, in")),
        (r"\bstudied (\w+)", (r"has a degree in \1", r"went to university for \1")),
        (
            r"(\w+)'s favou?rite ([\w ]+?) is ",
            (r"As for the \2, \1 likes best ", r"\1 prefers as \2 "),
        ),
        (r"\b(?:really )?loves ", ("is a fan of ", "adores ")),
        (r"\bis going to\b", ("intends to", "plans to", "has the plan to")),
        (r"\b(?:plans|intends) to\b", ("is going to", "wants to")),
        (
            r"\b(\w+)'s (mentor|flatmate|manager|landlord|cousin|sister|brother"
            r"|neighbour) is (?:called )?([A-Z]\w+)",
            (r"\3 is the \2 of \1", r"\1 has \3 as \2"),
        ),
        (r"\bcollects\b", ("has a collection of", "gathers")),
        (r"\bhas a season ticket for\b", ("holds a season ticket for", "owns a season ticket for")),
        (r"\brepaired the\b", ("fixed the", "mended the")),
        (r"\bbought an? ", ("purchased a ", "acquired a ")),
        (r"\bvisited the\b", ("went to see the", "toured the")),
        (r"^([A-Z]\w+) (\w{3,}ed) the ((?:\w+ ){1,2}\w+)(?= on \d)", (r"The \3 was \2 by \1",)),
        (r"\bstarted\b", ("began",)),
        (r"\bis scheduled for\b", ("takes place on", "is set for")),
        (r"\bwas held (?:at|in)\b", ("took place at", "was at")),
        (r"\bmeets? (?:at|in)\b", ("gathers at",)),
        (r"\bsits in\b", ("is located in", "stands in")),
        (r"\bbig\b", ("large",)),
        (r"\breally\b ?", ("",)),
        (r"\bfinally\b ?", ("",)),
        (r"\bkids\b", ("children",)),
        (r"\bgot\b", ("received",)),
        (r"\bvery\b ?", ("",)),
    )
)
_DATE_LAST = re.compile(
    r"^(?P<rest>[^,]{12,}?),? on (?P<day>\d{1,2} [A-Z]\w+ \d{4})(?P<dot>[.!]?)$"
)
_DATE_FIRST = re.compile(
    r"^On (?P<day>\d{1,2} [A-Z]\w+ \d{4}),? (?P<rest>[^,]{10,}?)(?P<dot>[.!]?)$"
)


def paraphrase(text: str, key: int) -> str:
    """Word the sentence otherwise; names, numbers and codes stay as they are."""
    changed = 0
    for index, (pattern, options) in enumerate(_REWORDINGS):
        if changed >= 2:
            break
        match = pattern.search(text)
        if match and uniform(key, index) < 0.6:
            choice = options[int(uniform(key, index, "which") * len(options))]
            text = text[: match.start()] + match.expand(choice) + text[match.end() :]
            changed += 1
    if uniform(key, "date") < 0.4:
        last, first = _DATE_LAST.match(text), _DATE_FIRST.match(text)
        if last:
            rest = last["rest"]
            rest = rest[0].lower() + rest[1:] if rest.startswith(("The ", "A ", "Our ")) else rest
            text = f"On {last['day']}, {rest}{last['dot']}"
        elif first:
            rest = first["rest"]
            text = f"{rest[0].upper()}{rest[1:]} on {first['day']}{first['dot']}"
    return text
