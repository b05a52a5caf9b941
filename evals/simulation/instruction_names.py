"""Instructions that carry content: 'the Whale' is the Harbor migration; harvest is autumn."""

from __future__ import annotations

import re

from evals.simulation.instruction_refusals import refused_activity

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH = re.compile(
    r"\b("
    + "|".join(m.title() for m in _MONTHS)
    + r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?"
)
_EXAMPLE = re.compile(
    r"such as|(?:months?|periods?|dates?|words?|names?|questions?|person|people|time)s? like\b"
    r"|for example"
    r"|for instance|e\.g\.|\bsay,|\bnames? a month\b|any month",
    re.I,
)
_NEGATED = re.compile(
    r"\b(?:never|no longer|not|no (?:\w+ )?(?:need|filter|restriction|limit|reason|translation)"
    r"|needn't|without|skip|ignore|omit|avoid|refrain|disregard|forget"
    r"|leave .{0,60}\bout|leave out|drop the|exclude the)\b|n't\b",
    re.I,
)
#: Refusals of the rest are no refusal: 'not only', 'nothing outside these months'.
_OTHERWISE = re.compile(
    r"\bnot (?:only|just|enough|sufficient|the same as)\b|(?:\b(?:never|not|without)"
    r"|n't) (?:\w+ ){0,4}(?:only|just"
    r"|alone|other|outside|beyond|else|different|forget\w*|miss\w*)\b"
    r"|\b(?:exclude|omit|ignore|skip|leave out|drop|disregard|avoid)\b(?=.{0,40}\b(?:outside"
    r"|other|else|rest"
    r"|different|beyond)\b)|\bleave .{0,30}(?:outside|other).{0,30}\bout\b|whether or not|no matter"
    r"|\bnot (?=(?:from )?(?:other|elsewhere|any))",
    re.I,
)
_QUESTION = re.compile(
    r"^(?:what|where|when|who|whose|which|how|why|did|does|do|is|was|in|on|at|since|until|by)\b|\?$"
    rf"|^(?:{'|'.join(_MONTHS)})",
    re.I,
)
_QUOTED = re.compile(r"[\"“”«]([^\"“”«»]{2,60})[\"“”»]|(?<!\w)[‘'`]([^‘’'`]{2,60})[’'`](?!\w)")
_SEASON_WORDS = frozenset(
    str.split(
        """
        a an the of to in on at for with by from as is are was be it its this that these those
        and or but so if then than when whenever where what which who while mean means meaning
        meant stand stands standing refer refers denote denotes name names named naming call
        calls called restrict limit narrow confine filter search searches searching look looks
        find only entry entries memory memories month months question questions query queries
        team teams team's our we us they people season seasons period time times year date dates
        dated through until till up including inclusive between both end start starts beginning
        begins run runs running last lasts lasting span spans spanning cover covers covering
        fall falls falling word term expression used use uses using say says said saying speak
        speaks speaking mention mentions mentioned mentioning ask asks asked asking about to
        return returns give keep set after before within inside only just always also here
        colleagues office everybody everyone somebody someone treat treated understand
        understood interpret interpreted read count counts counted take taken equals equal known
        stretch weeks whole full late early mid first days day apply put into must should may
        can will has have do does did no not never them their there means: own internal lingo
        wants asks asker exclude excluding outside all answer answers relevant solely else some
        other others any more apart rest did done went got get take taking look lookup constrain
        constrained confine confined explicit name's according accordingly speaker user users
        results cut down way around like both first two three mentions came come comes goes
        jargon phrase during results those fact facts happened happens event events contain
        contains every any each such shall would runs. group stay remember note please make sure
        it's that's bound bounds one two two-month something anything translate translates
        replace turn convert map maps company company's crew staff speech nickname shorthand
        code calendar corresponds correspond comprises comprise belongs belong include includes
        window range via over across amounts amount considered consider
        """
    )
)


def read_season(sentence: str) -> tuple[list[tuple[str, int, int]], bool] | None:
    """Return the season words with their months, and whether the sentence is negated."""
    months = [
        m
        for m in _MONTH.finditer(sentence)
        if m.group(1) not in ("May", "March", "Mar") or not _starts_sentence(sentence, m.start())
    ]
    if not months or _EXAMPLE.search(sentence):
        return None
    numbers = [
        next(i for i, n in enumerate(_MONTHS, 1) if n[:3] == m.group(1)[:3].lower()) for m in months
    ]
    rest = _MONTH.sub(" ", sentence)
    quoted = [(a or b).strip().lower() for a, b in _QUOTED.findall(sentence)]
    if any(_QUESTION.search(phrase) for phrase in quoted):
        return None
    names = [word for phrase in quoted for word in _season_names(phrase)]
    if not names:
        names = [w for w in _season_names(rest) if _is_named(rest, w)]
    if not names or len(names) > 3:
        return None
    first, last = numbers[0], numbers[-1]
    found = [(name, first, last) for name in dict.fromkeys(names)]
    return found, refuses(sentence)


def refuses(sentence: str) -> bool:
    """Tell whether a sentence about names says that they are not to be used."""
    return bool(
        _NEGATED.search(_OTHERWISE.sub(" ", sentence)) or refused_activity(sentence.lower())
    )


def _starts_sentence(text: str, position: int) -> bool:
    return not text[:position].strip(" \"'“‘")


def _is_named(text: str, word: str) -> bool:
    """Tell a name ('the harvest', 'call it harvest', 'Harvest is') from any other word."""
    before = (
        r"the|our|a|terms?|words?|season|call(?:s|ed)?|say(?:s|ing)?|said|about|on|of|during|by"
        r"|in|for|mention(?:s|ing)?"
        r"|nam(?:es?|ing)|using|uses?|as|with"
    )
    return bool(
        re.search(
            rf"^\W*(?:\w+\W+){{0,1}}{word}\b|\b{word}\s*[=:→]"
            rf"|[:=]\s*{word}\b|\b(?:{before})\s+(?:[\w-]+\s+)?{word}\b",
            text,
            re.I,
        )
    )


def _season_names(text: str) -> list[str]:
    cleaned = re.sub(r"['’]s\b", "", text.lower())
    return [
        word
        for word in re.findall(r"[a-zà-ÿ]+(?:-[a-z]+)?", cleaned)
        if word not in _SEASON_WORDS and len(word) > 2
    ]


_CUE = re.compile(
    r"\bmeans?\b|\bmeant\b|\bmeaning\b|stands? for|refers? to|referring|nick-?name|\bcall(?:s|ed"
    r"|ing)?\b|known as|"
    r"\badd\b|\bsame\b|\balias|\bi\.e\.|\bboth\b|\bshort for\b|\bequals?\b|=|->|→|\bother name\b"
    r"|another name|second name|"
    r"\balso\b|\btoo\b|as well|\bis (?:the|our|just)\b|\balike\b|interchangeabl|synonym|code ?name"
    r"|\bnames?\b|"
    r"goes by|translate|replace|instead|\bor\b|\bsay(?:s|ing)?\b|\bdenotes?\b|pet name"
    r"|\bidentical\b|treat|equivalent|\bis\b|\blook(?:ed|ing)? |search|\bquer|includ|expand"
    r"|\ba\.?k\.?a\b"
    r"|retriev|\bfind\b",
    re.I,
)
#: What an explanation of a name looks like, and one that counts only beside a word for searching.
_LINK = re.compile(
    r"(?:what (?:\w+ ){1,3}call|calls?|stands? for|means?|meaning|denotes?|refers? to|equals?|="
    r"|->|→|i\.e\.,?"
    r"|\bname (?:\w+ )?(?:for|of)|\bterm for|short for|code ?name (?:for|of)|namely|word for|aka"
    r"|also known as"
    r"|known as|goes by|nicknamed?|alias(?: for| of)?|same (?:thing )?as|slang for|speak for)"
    r",? (?:the|our|a) (?P<name>[a-z][\w-]*(?: (?!and|or|if|when|in|so|as|but|is|are|by|on"
    r"|at)[a-z][\w-]*){0,3})"
)
_WEAK_LINK = re.compile(
    r"(?:\bis|\bare|\bfor|\bas|\binto|\bto|\bwith|\bby|\bor|\band|\bon|\babout)"
    r",? (?:the|our) (?P<name>[a-z][\w-]*(?: (?!and|or|if|when|in|so|as|but|is|are|by|on"
    r"|at)[a-z][\w-]*){1,3})"
)
_BOTH = re.compile(
    r"\bboth\b|search|\bquer|look|nick|\bterms?\b|\bnames?\b|either|expand|includ", re.I
)
_NICK = re.compile(r"nick|alias|\bnames?\b|\bboth\b|means?\b|stands? for|same\b|refers? to", re.I)
_PLAIN = re.compile(
    r"^(?:question|quer|name|nick|entr|same|other|two|search|term|word|memory|full|official"
    r"|result|former"
    r"|latter|first|second|real|proper|original|person|thing|list|asker|user)"
)
_PHRASE = re.compile(
    r"(?:(?P<article>\b[Tt]he|\b[Oo]ur|\b[Aa])\s+)?"
    r"(?P<name>[A-ZÀ-Ö][\wÀ-ÿ-]+(?:\s+[A-ZÀ-Ö][\wÀ-ÿ-]+)*)(?P<noun>\s+[a-z]+)?"
)
_NOUN = re.compile(
    r"(?:migration|rollout|project|redesign|rewrite|launch|programme|program|move|upgrade|release"
    r"|audit|"
    r"platform|team|tool|server|system|pilot|overhaul|revamp|campaign|initiative|cleanup"
    r"|relocation|"
    r"integration|merger|portal|archive|contract|tender|survey|study|trial|refit|renewal|review"
    r"|app)s?$"
)
_NOT_NAMES = frozenset(
    str.split(
        """
        When If Whenever Where For Search Treat Questions Question By In On At The Our A An
        Always Also And Or But Note Remember People Team Use Add Include Look Every Any Each
        Both Since Because As So Never Do Don't Replace Read Take Queries Query Entries Some
        Somebody Someone Everybody What Who With Whoever Keep Write Require Return Restrict Make
        Put Names Name Nicknames Nickname To Try It This That These They You We Understand
        Interpret Expand Translate Consider Know Please Here Within Among Should Not No Only
        Then Instead ISO JSON BM25
        """
    )
)


def read_alias(sentence: str) -> tuple[tuple[str, ...], bool] | None:
    """Return the names of one thing that the sentence joins, and whether it is negated."""
    if _MONTH.search(sentence) or not _CUE.search(sentence) or _EXAMPLE.search(sentence):
        return None
    phrases: list[str] = []
    plain: list[str] = []
    quoted_spans = []
    for match in _QUOTED.finditer(sentence):
        quoted_spans.append(match.span())
        for text in re.split(r"\s*,\s*", (match.group(1) or match.group(2)).strip(" .,")):
            bare = re.sub(r"^(?:the|our|a|an)\s+", "", text, flags=re.I)
            named = re.search(r"[A-ZÀ-Ö]", bare) or text.lower().startswith(("the ", "our "))
            if _QUESTION.search(text):
                continue
            (phrases if named else plain).append(bare)
    rest = "".join(
        " " if any(s <= i < e for s, e in quoted_spans) else c for i, c in enumerate(sentence)
    )
    for match in _PHRASE.finditer(rest):
        name = match.group("name")
        parts = name.split()
        if re.match(r"['’]s\b", rest[match.end("name") :]) and not match.group("article"):
            continue
        while parts and parts[0] in _NOT_NAMES:
            parts = parts[1:]
        opening = not rest[: match.start()].strip()
        if not parts or (
            opening
            and not match.group("article")
            and len(parts) == 1
            and name == parts[0]
            and not _named_at_start(rest, match)
        ):
            continue
        noun = (match.group("noun") or "").strip()
        phrases.append(" ".join([*parts, noun] if _NOUN.match(noun) else parts))
    unique = list(dict.fromkeys(phrases))
    if len(unique) == 1:
        unique += [p for p in plain if len(p.split()) > 1 or _NICK.search(sentence)][:1]
    if len(unique) == 1:
        links = [*_LINK.finditer(rest), *(_WEAK_LINK.finditer(rest) if _BOTH.search(rest) else ())]
        unique += [m["name"] for m in links if not _PLAIN.match(m["name"])][:1]
    unique = [p for p in unique if not any(p != q and p in q for q in unique)]
    if not 2 <= len(unique) <= 3:
        return None
    return tuple(unique), refuses(sentence)


def _named_at_start(text: str, match: re.Match[str]) -> bool:
    """Tell 'Whale means ...' from 'Search ...' at the beginning of a sentence."""
    return bool(
        re.match(
            r"\s*(?:(?:means|stands|is|refers|denotes|and)\b|=|→|->)", text[match.end("name") :]
        )
    )
