"""Extraction by the simulated agent: messages of a session to facts, sentence by sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from evals.simulation.agent_wording import clean, paraphrase, third_person
from evals.simulation.draws import digest, uniform
from evals.simulation.instructions import Reading
from evals.simulation.language import CODE, concept, content, names
from evals.simulation.language_dates import ABSOLUTE, RELATIVE, absolute, parse_iso, relative, spell
from evals.simulation.request import Request

_LINE = re.compile(r"^\[(\d+)\] ([^:\n]{1,60}): ?(.*)$")
_FORWARD = re.compile(
    r"(?:^|(?<=[.!?:]\s)|(?<=\s))(?:fwd?:|forwarded (?:from|message|note|by)\b[^:]*:"
    r"|begin forwarded|>\s)",
    re.I,
)
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]{6,400})[)\]]")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”)]?\s+(?=[\"“(]?[A-ZÀ-Ö0-9+])|(?<=[!?])\s+")
_PROPOSAL = re.compile(
    r"\b(?:shall we|should we|how about(?: we)?|what about|why don't we|could we|can we|what if we"
    r"|do we want to"
    r"|are we going to|any objections? if we|okay if we|let's|i (?:suggest"
    r"|propose)(?: that)? we) (.+?)\??$",
    re.I,
)
_VOTE = re.compile(r"^\W*(?:a )?(?:\+1|👍|:\+1:|thumbs[- ]up|plus one)(?!\d)", re.I)
_TENTATIVE = re.compile(r"\bpencill?ed\b|\bpencill?ing\b|\btentativ|\bprovisional", re.I)
_PREFERENCE = re.compile(
    r"\b(?:loves?|likes?|enjoys?|hates?|dislikes?|adores?|prefers?|favou?rites?|fond of"
    r"|can't stand|fan of"
    r"|nothing beats|always go(?:es)? for|swears? by|go-to|crazy about|mad about|can't resist"
    r"|never say no to)\b",
    re.I,
)
_NO_PREFERENCE = re.compile(
    r"\b(?:would|'d|I'd|looks?|feels?|sounds?|seems?|things?|something|much"
    r"|just) (?:really )?(?:like|love)\b",
    re.I,
)
_PLAN = re.compile(
    r"\b(?:going to (?!the\b|a\b|my\b)|gonna|plan(?:s|ning)? (?:to|on)|intends? to|intending to"
    r"|want to|will (?!be\b)|I'll"
    r"|hop(?:e|ing) to|aim(?:ing)? to|my plan is|set on|about to|mean to|thinking of"
    r"|would like to|made up my mind to|decided to)\b",
    re.I,
)
_STRIKE = re.compile(
    r"^(?:please |ok, |oh, |right, )?(?:strike|scratch) (?:that|it|what i said)\b", re.I
)
_SMALL = frozenset(
    str.split(
        """
        hi hello hey morning afternoon evening thanks thank great nice cool wow good lovely sure
        ok okay yes yeah yep sorry cheers bye later everyone everybody team folks congrat
        congratulation awesome sounds sound back coffee weekend week rain weather lol haha ha
        exactly true amaz well glad hope soon luck friday monday today welcome fun oh really
        absolutely totally agree wonderful fantastic happy pleasure anytime looking forward see
        proud super inspiring appreciate busy
        """
    )
)
_PRINT = re.compile(
    r"\b(?:print\w*|launch\w*|release\w*|publi\w+|press|goes out|go out|shipping|ships)\b", re.I
)
_DRAFT = re.compile(r"\b(?:draft|manuscript|first version)\b", re.I)
_TOPIC = (
    re.compile(
        r"\b(?:draft|manuscript|first version|deadline) (?:of|for) the ([\w-]+(?: (?!has|is|was"
        r"|must|on|by|should|needs|due)[\w-]+)?)",
        re.I,
    ),
    re.compile(
        r"\b(?:for|with|on|about) the ([\w-]+(?: (?!the|draft|has|is|we)[a-z-]+)?)(?:[:,]"
        r"| (?:the )?draft)",
        re.I,
    ),
    re.compile(r"\bthe ([\w-]+(?: [\w-]+)?) draft\b", re.I),
    re.compile(r"^(?:the )?([\w-]+(?: [\w-]+)?)[:,]", re.I),
)


@dataclass(frozen=True)
class _Message:
    number: int
    speaker: str
    text: str


@dataclass(frozen=True)
class _Sentence:
    message: _Message
    text: str
    bracket: bool = False
    forwarded: bool = False


def _messages(text: str) -> list[_Message]:
    found: list[_Message] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            found.append(_Message(int(match[1]), match[2].strip(), match[3].strip()))
        elif found and line.strip():
            last = found[-1]
            found[-1] = _Message(last.number, last.speaker, f"{last.text} {line.strip()}")
    return found


def _sentences(message: _Message) -> list[_Sentence]:
    """Cut a message into sentences: its own, those in brackets, those of a forwarded note."""
    text, forwarded = message.text, ""
    mark = _FORWARD.search(text)
    if mark:
        text, forwarded = text[: mark.start()], text[mark.end() :]
    found: list[_Sentence] = []
    for part, second_hand in ((text, False), (forwarded, True)):
        inner = [m.group(1) for m in _BRACKET.finditer(part)]
        for piece in _SENTENCE.split(_BRACKET.sub("", part)):
            if piece.strip():
                found.append(_Sentence(message, piece.strip(), False, second_hand))
        found += [
            _Sentence(message, piece.strip(), True, second_hand)
            for note in inner
            for piece in _SENTENCE.split(note)
            if piece.strip()
        ]
    return found


def _dates(text: str, today: date | None, resolve: bool) -> tuple[str, str]:
    """Return the text with its dates resolved (where asked for) and the first day, ISO."""
    time = ""
    if resolve and today:

        def swap(match: re.Match[str]) -> str:
            nonlocal time
            wording, day = relative(match, today)
            time = time or (day.isoformat() if day else "")
            return wording

        def full(match: re.Match[str]) -> str:
            nonlocal time
            day = absolute(match, today)
            if day is None:
                return match.group()
            time = day.isoformat()
            return spell(day)

        text = RELATIVE.sub(swap, text)
        text = ABSOLUTE.sub(full, text)
    elif today:
        days = [absolute(m, today) for m in ABSOLUTE.finditer(text)]
        time = next((d.isoformat() for d in days if d), "")
    return text, time


def _deadline(text: str, today: date | None, asked: bool) -> str | None:
    """Return 'The deadline for the X is D' of a sentence about a draft and its printing."""
    draft, printing = _DRAFT.search(text), _PRINT.search(text)
    dates = list(ABSOLUTE.finditer(text))
    if not draft or not printing or len(dates) < 2:
        return None
    anchor = draft if asked else printing
    after = [m for m in dates if m.start() > anchor.start()]
    chosen = after[0] if after else dates[-1]
    day = absolute(chosen, today)
    topic = next((m.group(1) for m in (p.search(text) for p in _TOPIC) if m), "draft")
    return f"The deadline for the {topic} is {spell(day) if day else chosen.group()}."


def _wanted(sentence: _Sentence, on: frozenset[str]) -> bool:
    """Tell whether the instruction covers this sentence."""
    text = sentence.text
    if sentence.forwarded and "forwarded" not in on:
        return False
    if sentence.bracket and "parentheticals" not in on:
        return False
    if _TENTATIVE.search(text) and "pencilled" not in on:
        return False
    if CODE.search(text) and "codes" not in on:
        return False
    if text.rstrip("\"”') ").endswith("?"):
        return False
    if _PLAN.search(text):
        if "keep_plans" not in on:
            return False
    elif (
        _PREFERENCE.search(text)
        and not _NO_PREFERENCE.search(text)
        and "keep_preferences" not in on
    ):
        return False
    tokens = content(text)
    called = {concept(name.lower()) for name in names(text)}
    weight = [t for t in tokens if t not in _SMALL]
    if all(t in called for t in weight):
        return False
    if not weight:
        return False
    personal = re.search(r"\b(?:I|I'm|I've|my|we|our|me|us)\b", text) or names(text)
    return (
        len(weight) >= (2 if personal or re.search(r"\d", text) else 3)
        or "'s" in text
        or (len(text) < 40 and bool(personal))
    )


def extract(request: Request, reading: Reading, slip: float, seed: int) -> list[dict[str, object]]:
    """Return the facts of a session, as the instruction asks for them."""
    on = reading.competences
    today = parse_iso(request.inputs.get("session_date", ""))
    key = digest(seed, request)
    facts: list[dict[str, object]] = []
    messages = _messages(request.inputs.get("messages", ""))
    proposal: tuple[_Message, str] | None = None
    for message in messages:
        if _VOTE.match(message.text):
            if proposal and "votes" in on and proposal[0].speaker != message.speaker:
                text = f"The team decided to {proposal[1]}."
                made = _fact(
                    text, proposal[0], (proposal[0].number, message.number), today, on, key, slip
                )
                facts += [made] if made else []
            proposal = None
            continue
        for sentence in _sentences(message):
            asked = _PROPOSAL.search(clean(sentence.text))
            if asked:
                proposal = (message, asked.group(1).rstrip(" ?.!"))
                continue
            if not _wanted(sentence, on):
                continue
            made = _fact(sentence.text, message, (message.number,), today, on, key, slip)
            facts += [made] if made else []
    return facts


def _fact(
    text: str,
    message: _Message,
    sources: tuple[int, ...],
    today: date | None,
    on: frozenset[str],
    key: int,
    slip: float,
) -> dict[str, object] | None:
    own = digest(key, text)
    if uniform(own, "slip") < slip:
        # A spoilt step: the sentence is overlooked, or its date goes astray.
        return None
    deadline = _deadline(text, today, "deadline" in on)
    text, time = _dates(deadline or clean(text), today, "resolve_dates" in on)
    if _STRIKE.match(text):
        text = re.sub(r"^.*?\b(strike|scratch)\b", r"\1", text, flags=re.I)
        text = f"{message.speaker} said: {text}" if "name_speaker" in on else text
    else:
        text = third_person(text, message.speaker) if "name_speaker" in on else text
        text = paraphrase(text, own)
    if not text.endswith((".", "!", "?")):
        text += "."
    return {
        "text": text[:1].upper() + text[1:],
        "speaker": message.speaker,
        "time": time,
        "sources": list(sources),
    }
