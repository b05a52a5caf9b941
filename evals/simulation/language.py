"""Words as the simulated agent knows them: stems, stop words, its own synonym table."""

from __future__ import annotations

import re
from functools import lru_cache

WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’][a-z]+)?|\d+(?:[.,]\d+)*")
CODE = re.compile(r"\b[A-Z]{1,4}-\d{2,5}\b")

STOP = frozenset(
    str.split(
        """
        a an the of to in on at for with by from as is are was were be been being am do does did
        done has have had having it its this that these those there here and or but so if then
        than too very i me my mine we us our you your he him his she her they them their what
        which who whom whose when where why how will would can could should shall may might must
        not no yes just also about into onto up out over any some all each every other only own
        s t re ve ll d m now currently present presently still really quite right during until
        after before since while one because get got go let say said tell told mention mentioned
        according currently these days nowadays once first use used
        """
    )
)

#: Words of a question that name the kind of the answer, not the thing that is asked about.
ANSWER_TYPES = frozenset(
    str.split(
        """
        name day date town city place kind sort type time number country person people thing
        month year colleague somebody someone called weekday under moment exactly
        """
    )
)

_IRREGULAR = {
    "went": "go",
    "gone": "go",
    "ran": "run",
    "running": "run",
    "bought": "buy",
    "taught": "teach",
    "gave": "give",
    "given": "give",
    "took": "take",
    "taken": "take",
    "made": "make",
    "met": "meet",
    "saw": "see",
    "seen": "see",
    "wrote": "write",
    "written": "write",
    "built": "build",
    "won": "win",
    "left": "leave",
    "began": "begin",
    "held": "hold",
    "holding": "hold",
    "sat": "sit",
    "sitting": "sit",
    "drove": "drive",
    "driven": "drive",
    "rode": "ride",
    "sold": "sell",
    "sent": "send",
    "spoke": "speak",
    "swam": "swim",
    "lost": "lose",
    "found": "find",
    "paid": "pay",
    "kept": "keep",
    "led": "lead",
    "grew": "grow",
    "grown": "grow",
    "came": "come",
    "chose": "choose",
    "chosen": "choose",
    "children": "child",
    "knitted": "knit",
    "planned": "plan",
    "planning": "plan",
    "getting": "get",
    "fixed": "fix",
    "swapped": "swap",
    "swapping": "swap",
    "cancelled": "cancel",
    "dropped": "drop",
    "studied": "study",
    "studies": "study",
    "allergies": "allergy",
    "moving": "move",
    "living": "live",
    "driving": "drive",
    "using": "use",
    "taking": "take",
    "making": "make",
    "leaving": "leave",
    "hiking": "hike",
    "favourites": "favourite",
    "bikes": "bike",
    "switched": "switch",
    "classes": "class",
    "buses": "bus",
    "dies": "die",
    "bonuses": "bonus",
    "salaries": "salary",
    "struck": "strike",
    "stricken": "strike",
    "reading": "read",
    "ours": "our",
    "news": "news",
    "thought": "think",
    "became": "become",
}


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return a crude stem of a lower-case word."""
    known = _IRREGULAR.get(word)
    if known:
        return known
    if len(word) <= 3 or word[0].isdigit():
        return word
    for suffix, rest, least in (
        ("'s", "", 2),
        ("’s", "", 2),
        ("ies", "y", 4),
        ("ied", "y", 4),
        ("sses", "ss", 3),
        ("shes", "sh", 4),
        ("ches", "ch", 4),
        ("xes", "x", 3),
        ("ing", "", 4),
        ("edly", "", 4),
        ("ed", "", 3),
        ("ly", "", 4),
        ("s", "", 3),
    ):
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            if suffix == "s" and word[-2] in "su":
                break
            word = word[: len(word) - len(suffix)] + rest
            if suffix in ("ing", "ed", "edly") and len(word) > 3 and word[-1] == word[-2] != "l":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


#: The agent's synonym table. The first word names the concept.
_GROUPS = """
live reside based home relocate move flat residence dwell settle house apartment
car drive vehicle automobile
desk workplace workstation
laptop notebook computer machine
instrument play musician
dog hound
cat kitten
title role job profession position work employed employment
gym workout fitness
parking park
ticket
subscription subscriber subscribe
membership member
language learn lesson
origin grow born upbringing raised
study degree university studied college
allergy allergic intolerant avoid
favourite favorite like love prefer best enjoy fan beat adore preferred fond pick choice
plan going intend intention aim want hope planning
duty look charge responsible responsibility care handle duties
mentor coach
manager boss supervisor
sister sibling
brother
flatmate roommate
neighbour neighbor
landlord
partner spouse wife husband
cousin
salary pay earn earning wage income paid compensation
bonus
rate fee
deadline due
decide decision agree agreed settled decided chose choose opted
visit see tour
repair fix mend
buy purchase acquire
begin start
finish complete
talk lecture presentation
meet meeting
place venue location
lunch meal
dinner supper
trip journey outing
room space
locker cupboard
collect collection gather
bicycle bike cycle
phone telephone
mug cup
code number reference
password passcode
server host
supplier vendor
lead leader head
sign
adopt
monitor screen display
speciality expertise expert
club society
breakfast morning
commute travel
""".strip().splitlines()

_CONCEPT: dict[str, str] = {}
SYNONYMS: dict[str, tuple[str, ...]] = {}
for _line in _GROUPS:
    _words = _line.split()
    for _word in _words:
        _CONCEPT.setdefault(stem(_word), _words[0])
    SYNONYMS.setdefault(_words[0], tuple(_words))

#: Attributes of which a person (or thing) has one value at a time.
SINGLE = frozenset(
    str.split(
        """
        live car desk laptop instrument dog title gym parking language origin study mentor
        manager flatmate landlord partner salary bonus rate deadline locker bicycle phone mug
        password server supplier lead monitor ticket subscription membership
        """
    )
)
PERSON_LINKS = frozenset(
    str.split(
        """
        mentor manager sister brother flatmate neighbour landlord partner cousin friend mother
        father daughter son aunt uncle trainer teacher colleague tutor buddy assistant dentist
        """
    )
)


@lru_cache(maxsize=65536)
def concept(word: str) -> str:
    """Return the concept that a lower-case word stands for: its group's name, or its stem."""
    root = stem(word)
    return _CONCEPT.get(root, root)


def words(text: str) -> list[str]:
    """Return the words and numbers of a text, possessive endings cut off."""
    return [re.sub(r"['’]s?$", "", w) if w[-2:-1] in "'’" else w for w in WORD.findall(text)]


@lru_cache(maxsize=8192)
def content(text: str) -> tuple[str, ...]:
    """Return the concepts of the text's content words, in order, codes kept whole."""
    found: list[str] = [code.lower() for code in CODE.findall(text)]
    for word in words(CODE.sub(" ", text)):
        lower = word.lower()
        if lower not in STOP and (len(lower) > 1 or lower.isdigit()):
            found.append(concept(lower))
    return tuple(found)


_NOT_NAMES = frozenset(
    str.split(
        """
        I I'm I've I'd I'll The A An On In At For From By As It Its This That These Those He She
        They We Our My His Her Their You Your What Which Who Whom Whose When Where Why How Is
        Are Was Were Do Does Did Has Have Had Will Would Can Could Should Shall January February
        March April May June July August September October November December Monday Tuesday
        Wednesday Thursday Friday Saturday Sunday And Or But So If Then Not No Yes Yesterday
        Today Tomorrow Since Until After Before During Now To Of With Please Also There Here
        Just About Nothing According Currently Correction Actually Update Once Only Both Some
        Any All Every Each One Two Three Four Five Fwd Strike Nickname Hey Hi Oh Wow Thanks
        Hello Yeah Well Last Next Under Over Up Out Name Tell
        """
    )
)
_NAME = re.compile(r"(?<![\w'’-])([A-ZÀ-Ö][\wÀ-ÿ]+(?:-[A-Z]\w+)?)(['’]s?\b)?")


@lru_cache(maxsize=8192)
def names(text: str) -> tuple[str, ...]:
    """Return the capitalised names of a text that no article precedes: people, towns."""
    return tuple(name for name, article in _names(text) if not article)


@lru_cache(maxsize=8192)
def things(text: str) -> tuple[str, ...]:
    """Return the capitalised names that follow an article: 'the Harbor migration'."""
    return tuple(name for name, article in _names(text) if article)


def _common(word: str) -> bool:
    """Tell whether a word that opens a sentence is one that the agent knows as no name."""
    return word.endswith(("ing", "ly", "ed")) or stem(word) in _CONCEPT or word in STOP


def _names(text: str) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    cleaned = CODE.sub(" ", text)
    for match in _NAME.finditer(cleaned):
        name = match.group(1)
        if (
            name in _NOT_NAMES
            or any(c.isdigit() for c in name)
            or any(name == other for other, _ in found)
        ):
            continue
        opening = not cleaned[: match.start()].strip()
        if opening and not match.group(2) and _common(name.lower()):
            continue
        before = cleaned[: match.start()].rstrip().rsplit(None, 1)
        found.append(
            (
                name,
                bool(before)
                and before[-1].lower().strip("\"'‘“") in ("the", "a", "an", "our", "this"),
            )
        )
    return found
