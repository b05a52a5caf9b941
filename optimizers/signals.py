"""Attributed failures become error signals: structured data with quoted, short excerpts.

Conversation text is untrusted. It travels only in fields that are quoted and cut to
`LONGEST_EXCERPT` characters; nothing of it is ever composed into an instruction here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from traces.domain import Conversation, Question
from traces.results import AnswerRecord, Attribution, ErrorSignal, Excerpt
from traces.text import content_words

LONGEST_EXCERPT = 300
MOST_EVIDENCE = 4
# Most that a signal counts, by verdict. Where the confidence of attributions was fitted, it is
# the share of such attributions that are right, and so what one is worth as a vote; what no
# replay confirmed counts half at most.
WEIGHTS = {"certified": 1.0, "suspected": 0.5}
# Not the memory's faults: no prompt repairs them.
FOREIGN = ("AnnotationError", "JudgeError", "ProviderError")
_CUT = "…"
_PARTS, _PART, _ANSWER = ("before", "after"), 90, 40

Case = tuple[Conversation, Question, AnswerRecord, Attribution]


@dataclass(frozen=True)
class SignalReport:
    """The signals, and how many cases gave none, by reason.

    Reasons: `correct` (no failure), `abstained`, the names in `FOREIGN`, and `no_slot`
    (the decisive operation has no prompt).
    """

    signals: tuple[ErrorSignal, ...]
    uncounted: dict[str, int]


def excerpt(text: str, focus: str = "", limit: int = LONGEST_EXCERPT) -> str:
    """Return `text`, or the part of at most `limit` characters that best covers `focus`.

    A cut is marked by an ellipsis, which counts towards the limit.
    """
    if len(text) <= limit:
        return text
    room = limit - 2 * len(_CUT)
    start = min(_best_start(text, focus, room), len(text) - room)
    end = start + room
    return f"{_CUT if start else ''}{text[start:end]}{_CUT if end < len(text) else ''}"


def _best_start(text: str, focus: str, room: int) -> int:
    low = text.lower()
    if len(low) != len(text):  # some characters change their length: positions would be off
        return 0
    whole = low.find(focus.lower().strip()) if focus.strip() else -1
    if whole >= 0:
        return max(0, whole - max(0, room - len(focus)) // 2)
    hits: list[tuple[int, str]] = []
    for word in sorted(set(content_words(focus)))[:40]:
        position = low.find(word)
        while position >= 0 and len(hits) < 400:
            hits.append((position, word))
            position = low.find(word, position + 1)
    best, most = 0, 0
    for position, _ in sorted(hits):
        covered = len({w for p, w in hits if position <= p < position + room})
        if covered > most:
            best, most = position, covered
    # Some words before the first hit show what it is about.
    return max(0, best - room // 6)


def _evidence(conversation: Conversation, ids: Iterable[str], focus: str) -> tuple[Excerpt, ...]:
    found: list[Excerpt] = []
    for id in ids:
        message, session = conversation.message(id), conversation.session_of(id)
        if message is not None and session is not None and len(found) < MOST_EVIDENCE:
            date = session.date.date().isoformat()
            found.append(Excerpt(date, message.speaker[:60], excerpt(message.text, focus)))
    return tuple(found)


def weight_of(attribution: Attribution) -> float:
    """Return what a named cause counts: its confidence, at most what its verdict allows."""
    most = WEIGHTS[attribution.verdict]
    if attribution.confidence is None:
        return most
    return min(most, max(0.0, attribution.confidence))


def repair_of(attribution: Attribution) -> str:
    """Return in words what made the answer right: what the decisive operation put out and what
    was put in its place. Nothing where no repair proved the attribution.

    The texts are excerpts: all of it together has at most `LONGEST_EXCERPT` characters.
    """
    held = attribution.certificate
    if attribution.verdict != "certified" or not isinstance(held, Mapping):
        return ""
    repairs = held.get("repairs")
    if held.get("kind") != "replay" or not isinstance(repairs, list | tuple):
        return ""
    own = [r for r in repairs if isinstance(r, Mapping)
           and r.get("operation") in attribution.operations[:1]]  # fmt: skip
    if not own:
        return ""
    before, after = (excerpt(str(own[0].get(part) or ""), limit=_PART) for part in _PARTS)
    became = excerpt(str(held.get("answer_after") or ""), limit=_ANSWER)
    others = " (with another step repaired as well)" if len(repairs) > 1 else ""
    return excerpt(
        f"put out instead of {before or 'nothing'}: {after or 'nothing'}{others}; then the answer "
        f"was right: {became}"
    )


def _why_not(answer: AnswerRecord, attribution: Attribution) -> str | None:
    if answer.correct is None:
        return "ProviderError"
    if answer.correct:
        return "correct"
    if attribution.error_type in FOREIGN:
        return attribution.error_type
    if attribution.verdict not in WEIGHTS or attribution.error_type is None:
        return "abstained"
    return None if attribution.slot else "no_slot"


def error_signals(cases: Sequence[Case]) -> SignalReport:
    """Return a signal for each case that a prompt is to blame for, and count the others.

    Signals weigh what `weight_of` says. Evidence is what the attribution names, else what the
    data set names.
    """
    signals: list[ErrorSignal] = []
    uncounted: Counter[str] = Counter()
    for conversation, question, answer, attribution in cases:
        reason = _why_not(answer, attribution)
        if reason is not None:
            uncounted[reason] += 1
            continue
        assert attribution.slot is not None
        assert attribution.error_type is not None
        expected = "" if question.unanswerable else question.answer or ""
        focus = attribution.lost or expected
        evidence = _evidence(conversation, attribution.evidence or question.evidence, focus)
        about = evidence[0].text.strip(_CUT) if evidence else focus
        signals.append(
            ErrorSignal(
                slot=attribution.slot,
                conversation=conversation.id,
                question_id=question.id,
                error_type=attribution.error_type,
                sub_type=attribution.sub_type or "",
                question=excerpt(question.text),
                expected=excerpt(expected),
                predicted=excerpt(answer.prediction or ""),
                evidence=evidence,
                lost=excerpt(attribution.lost),
                given=excerpt(attribution.given, about),
                produced=excerpt(attribution.produced, about),
                certified=attribution.verdict == "certified",
                weight=weight_of(attribution),
                repair=repair_of(attribution),
            )
        )
    return SignalReport(tuple(signals), dict(sorted(uncounted.items())))


def nothing_to_learn(signals: Sequence[ErrorSignal], tunable: Collection[str]) -> str:
    """Say why a round has nothing to learn from: no signal, none of a prompt that is tuned, or
    none that clustering took for more than noise."""
    others = Counter(signal.slot for signal in signals if signal.slot not in tunable)
    rest, left = others.total(), len(signals) - others.total()
    of_rest = f"of prompts that are not tuned ({', '.join(sorted(others))})"
    if not signals:
        said = "no error signal"
    elif not left:
        said = f"{_counted(rest)}, {of_rest}"
    else:
        more = f", {rest} more {of_rest}" if rest else ""
        said = f"{_counted(left)}, but no group of like failures has a cause of its own{more}"
    return f"nothing to learn from: {said}"


def _counted(number: int) -> str:
    return f"{number} error signal" + ("" if number == 1 else "s")
