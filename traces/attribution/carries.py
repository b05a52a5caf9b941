"""Does an item carry the evidence? By wording where that is clear, by a reader where not.

An item carries what its target asks for when a reader given only that item and the
question gets the answer right, in subject, value and time; a bridge carries when its
entities and speaker are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal

from traces.abstention import abstains
from traces.attribution.dates import day_of, spans, words_without_times
from traces.attribution.index import GraphIndex
from traces.attribution.targets import Item, Target, holds, target_of
from traces.attribution.words import (
    as_history,
    asks_history,
    before_history,
    entities,
    first_person,
    key_stems,
    names_in,
    negated,
    retired,
    share,
)  # fmt: skip
from traces.domain import Question
from traces.errors import ContentError
from traces.protocols import Ask
from traces.schema import Variable

TASK = "reading"
CALLS_PER_FAILURE = 12

Lost = Literal["", "subject", "time", "value"]
# Says of a test (passage, target and question as one text) whether it is answered wrongly on
# purpose: how much a method depends on this test is measured so.
Flip = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Reading:
    """Whether an item carries, and if not, what it lost.

    `clear`: wording alone (or a reader) settled it; otherwise `carried` is the best guess.
    `relative`: it gives the date only as a relative word or as its own date.
    """

    carried: bool
    clear: bool = True
    lost: Lost = ""
    relative: bool = False


@cache
def reader_instruction() -> str:
    """Return the text of reader.md."""
    return resources.files(__package__).joinpath("reader.md").read_text("utf-8").strip()


def subject_state(item: Item, target: Target) -> Literal["named", "lost", "wrong", "unclear"]:
    """Say whether an item names whom it is about."""
    if not target.subjects:
        return "named"
    named = names_in(item.text, dict(target.people))
    if named & target.subjects or (item.raw and item.speaker in target.subjects):
        return "named"
    if first_person(item.text) and not item.raw:
        return "lost"
    if named or (item.speaker and item.speaker not in target.subjects and item.raw):
        return "wrong"
    return "unclear"


def coverage(item: Item, target: Target) -> float:
    """Return the weighted share (0..1) of the message's telling stems that an item has.

    Where the time is what is asked for, only what is said to have happened then counts: another
    event of the same day is another matter.
    """
    held = set(key_stems(item.text)) | (set(key_stems(item.speaker)) if item.raw else set())
    key = target.key
    if target.kind == "time":
        matter = set(key_stems(words_without_times(target.message.value["text"])))
        key = tuple(pair for pair in key if pair[0] in matter) or key
    total = sum(weight for _, weight in key)
    return sum(w for stem, w in key if stem in held) / total if total else 0.0


def read_wording(item: Item, target: Target) -> Reading:
    """Decide by wording; the result says whether that is clear."""
    if not _present(item, target) and item.text:
        return Reading(False, True, "value")
    held = frozenset(key_stems(item.text))
    cover = coverage(item, target)
    about = share(target.event, held) if target.event else min(1.0, 2 * cover)
    if cover < 0.1 and about == 0 and not (set().union(*target.parts) & held):
        return Reading(False, _rigid(item, target), "value")
    state = subject_state(item, target)
    if target.kind == "time":
        reading = _time(item, target, about, cover)
    elif target.kind == "value":
        reading = _value(item, target, held, cover)
    else:
        reading = _bridge(item, target, cover)
    if reading.carried and state in ("lost", "wrong"):
        return Reading(False, reading.clear, "subject", reading.relative)
    if reading.carried and state == "unclear":
        return Reading(item.speaker in target.subjects, False, "subject", reading.relative)
    if not reading.carried and state in ("lost", "wrong") and not reading.lost:
        return Reading(False, reading.clear, "subject")
    return reading


def _rigid(item: Item, target: Target) -> bool:
    """Say whether no paraphrase could help: what is missing is a name, code or number."""
    fixed = {s for e in entities(target.gold) | target.entities for s in key_stems(e)}
    wanted = set(key_stems(target.gold)) & fixed
    return target.kind in ("time", "bridge") or not wanted <= set(key_stems(item.text))


def _present(item: Item, target: Target) -> str:
    """Return what of an item's text is told as present, where the message tells it so."""
    said = target.message.value["text"]
    if not as_history(item.text) or as_history(said) or asks_history(target.question):
        return item.text
    return "" if retired(item.text) else before_history(item.text)


def _time(item: Item, target: Target, about: float, cover: float) -> Reading:
    day = day_of(item.date)
    item = replace(item, text=_present(item, target))
    stated = spans(item.text, day)
    fits = [s for s in stated if any(w.holds(s) for w in target.spans)]
    own = [s for s in item.times() if any(w.holds(s) for w in target.spans)]
    concerned = about >= 0.34 or cover >= 0.3
    if not own:
        lost: Lost = "time" if concerned or cover >= 0.15 else "value"
        return Reading(False, True, lost)
    relative = not any(not s.relative for s in fits)
    if concerned:
        # Another absolute date in the text makes the item's own date mean something else.
        misdated = not fits and any(not s.relative for s in stated)
        return Reading(not misdated, True, "time" if misdated else "", relative)
    return Reading(bool(fits) and cover >= 0.1, False, "value", relative)


def _value(item: Item, target: Target, held: frozenset[str], cover: float) -> Reading:
    missing = [part for part in target.parts if not holds(part, held)]
    if not missing:
        flipped = negated(item.text) and not negated(target.message.value["text"])
        # What the message says as present, the item may tell as former.
        present = frozenset(key_stems(_present(item, target)))
        if present and not all(holds(part, present) for part in target.parts):
            return Reading(False, True, "value")
        return Reading(not flipped, not flipped, "value" if flipped else "")
    if _rigid(item, target):
        return Reading(False, True, "value")
    return Reading(cover >= 0.65, False, "value")


def _bridge(item: Item, target: Target, cover: float) -> Reading:
    if target.kind == "read":
        return Reading(cover >= 0.55, cover >= 0.75, "value")
    words = set(key_stems(item.text))
    kept = {e for e in target.entities if set(key_stems(e)) <= words}
    if target.entities and not kept and cover < 0.5:
        return Reading(False, cover < 0.25, "value")
    return Reading(cover >= 0.3, cover >= 0.45 or cover < 0.1, "value")


def carries_lexically(item: Item, target: Target) -> bool:
    """Say by wording alone whether an item carries, guessing where that is unclear."""
    return read_wording(item, target).carried


def agrees(reading: str, item: Item, target: Target) -> bool:
    """Say whether what a reader got from an item is what the target asks for."""
    if not reading.strip() or abstains(reading):
        return False
    if target.kind == "time":
        found = spans(reading, day_of(item.date))
        return any(wanted.holds(span) for wanted in target.spans for span in found)
    said = frozenset(key_stems(reading))
    parts = target.parts or (frozenset(key_stems(target.gold)),)
    if all(holds(part, said) for part in parts):
        return True
    asked = set(key_stems(target.question))
    wanted = frozenset().union(*parts)
    telling = said - asked or said
    return bool(telling) and telling <= wanted and len(telling) >= 0.5 * len(wanted)


class Carries:
    """Decides for one failure: wording first, then the reader, at most `calls_left` times.

    Readings are cached by (passage, question) in `cache`, which may be shared between the
    failures of a run. A cached one counts towards `calls_left` like any other, so that a
    resumed run, whose cache is empty, decides the same. `calls` counts what was asked,
    `guessed` what nothing settled.
    `flip` chooses tests whose result is turned round; what they cost stays.
    Raises BudgetExceeded, DeadlineExceeded and ProviderError from `ask`; a reading that
    cannot be parsed counts as none.
    """

    def __init__(
        self,
        index: GraphIndex,
        question: Question,
        ask: Ask | None = None,
        cache: dict[tuple[str, str], str] | None = None,
        calls_left: int = CALLS_PER_FAILURE,
        flip: Flip | None = None,
    ) -> None:
        self._index = index
        self._question = question
        self._ask = ask
        self._cache = {} if cache is None else cache
        self._calls_left = calls_left
        self._flip = flip
        self._known: dict[tuple[str, str], Reading] = {}
        self._read_before: set[tuple[str, str]] = set()
        self.calls = 0
        self.guessed = 0

    def target(self, message: Variable) -> Target:
        """Return what a message must deliver; a reader is asked where wording finds only a
        link although the message is the question's only evidence."""
        target = self.wording_target(message)
        return self.read_target(target) if len(self._question.evidence) <= 1 else target

    def wording_target(self, message: Variable) -> Target:
        """Return what a message must deliver, as far as its wording tells."""
        return target_of(self._index, self._question, message)

    def read_target(self, target: Target) -> Target:
        """Return a target of kind `read` where a reader gets the gold answer from a message
        whose wording does not hold it; otherwise the target itself."""
        if target.kind == "bridge" and target.gold:
            item = Item.of(target.message)
            reading = self._read(item)
            if reading is not None and agrees(reading, item, target):
                return target.read_as("read")
        return target

    def __call__(self, item: Item, target: Target) -> bool:
        """Say whether the item carries."""
        return self.reading(item, target).carried

    def reading(self, item: Item, target: Target) -> Reading:
        """Say whether the item carries, how clearly, and what it lost."""
        key = (item.passage, target.message_id)
        found = self._known.get(key)
        if found is None:
            found = self._decide(item, target)
            if self._flip is not None and self._flip("\x1f".join((*key, self._question.text))):
                lost: Lost = "value" if found.carried else ""
                found = Reading(not found.carried, True, lost, found.relative)
            self._known[key] = found
        return found

    def _decide(self, item: Item, target: Target) -> Reading:
        by_wording = read_wording(item, target)
        if by_wording.clear or target.kind == "bridge":
            return by_wording
        reading = self._read(item)
        if reading is None:
            self.guessed += 1
            return by_wording
        if agrees(reading, item, target):
            return Reading(True, True, "", by_wording.relative)
        return Reading(False, True, by_wording.lost or "value")

    def _read(self, item: Item) -> str | None:
        """Return the reader's answer; None without a reader or when its calls are used up."""
        key = (item.passage, self._question.text)
        if key not in self._read_before:
            if self._calls_left <= 0:
                return None
            self._calls_left -= 1
            self._read_before.add(key)
        if key in self._cache:
            return self._cache[key]
        if self._ask is None:
            return None
        self.calls += 1
        inputs = {"question": self._question.text, "passage": item.passage}
        try:
            reply = self._ask(TASK, reader_instruction(), inputs, {"reading": str})
        except ContentError:
            return None
        reading = str(reply.get("reading") or "")
        self._cache[key] = reading
        return reading
