"""Messages that an answer is not told from, and without which it cannot be understood: links,
replies to a proposal, what came in the place of a former value, what took a statement back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from traces.attribution.carries import Carries
from traces.attribution.dates import words_without_times
from traces.attribution.evidence_search import Messages, asks, only_asks, stems_of
from traces.attribution.targets import Target
from traces.attribution.words import (
    entities,
    key_stems,
    of_oneself,
    sentences,
    share,
    takes_back_words,
)
from traces.schema import Variable

# Weighted share (0..1) of what a message leaves open that another one must say to be its link.
LINKED = 0.3
# What a later message must have in common with a former value's, and a statement with what
# takes it back.
SAME_MATTER = 0.5
MOST_WITHDRAWN = 4
_BEFORE = re.compile(
    r"\b(?:before(?: (?:that|then|this|now))?\W*$|previous(?:ly)?|former(?:ly)?|used to|originally|"
    r"at first|initially|in the past|back then|until then)",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"\b[A-Z][\w'’-]+")
# Negations that deny more often than they take back.
_WEAK = re.compile(r"\b(?:don['’]t|doesn['’]t|do not|does not|not any)\b", re.IGNORECASE)
_NEW = re.compile(
    r"\b(?:now|new|nowadays|instead|these days|since then|from now on|no longer|any ?more|"
    r"switch\w*|swap\w*|trad(?:ed|ing)|chang\w+|upgrad\w+|mov(?:ed|ing)|replac\w+|bec[ao]me|"
    r"becoming|turned (?:into|to))\b",
    re.IGNORECASE,
)


def further(messages: Messages, carries: Carries, found: Sequence[Target]) -> list[Target]:
    """Return the targets of what the messages found do not answer the question without."""
    known = {target.message_id for target in found}
    made: dict[str, Target] = {}
    for target in found:
        if target.kind == "bridge":
            continue
        for message in _beside(messages, target):
            id = message.value["id"]
            if id not in known:
                made.setdefault(id, carries.wording_target(message))
    return list(made.values())


def _beside(messages: Messages, target: Target) -> Iterator[Variable]:
    reply = messages.after(target.message) if only_asks(target) else None
    if reply is not None and reply.value["speaker"] != target.message.value["speaker"]:
        yield reply
    link = _link(messages, target)
    if link is not None:
        yield link
    if _BEFORE.search(messages.question.text):
        later = _successor(messages, target)
        if later is not None:
            yield later


def _link(messages: Messages, target: Target) -> Variable | None:
    """Return the message that ties what the question names to what the answer is told of.

    'Where does Ann's tutor live?' is told of Bo; the link says that Bo is Ann's tutor.
    """
    message, question = target.message, messages.question
    text, speaker = message.value["text"], message.value["speaker"]
    said = stems_of(message)
    # Who speaks of others only is not whom it is about.
    about = messages.index.named(text) | ({speaker} if of_oneself(text) else set())
    strangers = messages.named - about
    timeless = set(key_stems(words_without_times(question.text)))
    asked = {stem for name in entities(question.text) for stem in key_stems(name)} & timeless
    absent = bool(strangers) or bool(asked - messages.people - said)
    known = {*key_stems(question.answer or ""), *key_stems(question.text), *key_stems(speaker)}
    names = {word: set(key_stems(word)) - known for word in _CAPITAL.findall(text)}
    tied = {stem for word, stems in names.items() if _is_name(messages, word) for stem in stems}
    if not absent or not tied:
        return None
    open_ = (messages.asked - said) | {s for name in strangers for s in key_stems(name)}
    weights = {stem: messages.index.weight(stem) for stem in open_}
    best: tuple[float, Variable] | None = None
    for other in messages.sharing(tied):
        held = stems_of(other)
        if other is message or not tied & held:
            continue
        told = sum(w for stem, w in weights.items() if stem in held) / sum(weights.values())
        if told >= LINKED and (best is None or told > best[0]):
            best = told, other
    return None if best is None else best[1]


def _is_name(messages: Messages, word: str) -> bool:
    """Say whether a capitalised word is no ordinary one: it is rare, and never in lower case."""
    stems = key_stems(word)
    if not stems or not all(map(messages.telling, stems)):
        return False
    ordinary = re.compile(rf"\b{re.escape(word.lower())}\b")
    return not any(ordinary.search(m.value["text"]) for m in messages.sharing(stems))


def _successor(messages: Messages, target: Target) -> Variable | None:
    """Return the later message that put another value in the place of a former one."""
    message = target.message
    gold = set(key_stems(messages.question.answer or ""))
    matter = {s for s in stems_of(message) - gold - messages.people if messages.telling(s)}
    best: tuple[float, Variable] | None = None
    for later in messages.said[messages.order[target.message_id] + 1 :]:
        if not _same_person(messages, message, later) or asks(later):
            continue
        text = later.value["text"]
        same = max(messages.concern(later), share(matter, stems_of(later)))
        same += 0.3 * bool(_NEW.search(text))
        if same >= SAME_MATTER and (best is None or same > best[0]):
            best = same, later
    return None if best is None else best[1]


def _same_person(messages: Messages, one: Variable, other: Variable) -> bool:
    """Say whether two messages are by or about the same person whom the question names."""
    about = messages.about(one) & messages.about(other)
    return bool(about & messages.named) or not messages.named


def withdrawn(messages: Messages) -> list[str]:
    """Return the ids of what once answered a question that nothing answers now, and of what
    took it back, in the order in which they were said; empty where there is no such thing."""
    best: tuple[float, Variable, list[Variable]] | None = None
    weights = {s: messages.index.weight(s) for s in messages.asked if messages.sharing([s])}
    for message in messages.sharing(weights):
        matter = _taken_back(message) & weights.keys()
        fit = sum(weights[stem] for stem in matter)
        if fit < SAME_MATTER * sum(weights.values()) or (best is not None and fit <= best[0]):
            continue
        stated = _stated(messages, message, {stem: weights[stem] for stem in matter})
        if stated:
            best = fit, message, stated
    if best is None:
        return []
    return [m.value["id"] for m in (*best[2], best[1])]


def _taken_back(message: Variable) -> frozenset[str]:
    """Return the stems of those sentences of a message that plainly take something back."""
    plain = (_WEAK.sub(" ", sentence) for sentence in sentences(message.value["text"]))
    return frozenset(
        s for sentence in plain if takes_back_words(sentence) for s in key_stems(sentence)
    )


def _stated(messages: Messages, taking: Variable, weights: Mapping[str, float]) -> list[Variable]:
    """Return the earlier statements that a message takes back: of the same person, on what it
    has in common with the question (stems with their weights)."""
    found = []
    for message in messages.said[: messages.order[taking.value["id"]]]:
        told = sum(weight for stem, weight in weights.items() if stem in stems_of(message))
        if (
            told >= SAME_MATTER * sum(weights.values())
            and _same_person(messages, taking, message)
            and not asks(message)
            and not takes_back_words(message.value["text"])
        ):
            found.append(message)
    return found[-MOST_WITHDRAWN:]
