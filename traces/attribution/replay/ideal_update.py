"""Repairs of an update: what should have become of the fact and of the entries it was shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traces.attribution.claim import SUPPORTS
from traces.attribution.on_matter import on_matter
from traces.attribution.replay import ideal_retold
from traces.attribution.replay.concern import (
    contamination,
    may_keep,
    rebuilt,
    replaced,
    same_matter,
    sources_of,
    stored_before,
    supporting,
    takes_back,
    wanted,
    worded,
)
from traces.attribution.replay.ideal_retold import tells_anew
from traces.attribution.replay.licence import beyond
from traces.attribution.replay.repair import Kind, Repair, Scene
from traces.attribution.words import as_history, key_stems, quote
from traces.hashing import text_hash
from traces.schema import MemoryEntry, OperationRecord, Variable, change
from traces.text import tokens

HISTORY = "formerly"
_PAST = frozenset(["before", "prior", "once", "past"])


def repairs(operation: OperationRecord, scene: Scene) -> Iterator[Repair]:
    """Yield repairs of one update: for each fact (or message) that it was given and that is
    the evidence's, or that ended an entry of the evidence, or misled the answer."""
    index = scene.index
    items = index.inputs(operation, "fact") or index.inputs(operation, "message")
    evidence = {t.message_id for t in wanted(scene)}
    if tells_anew(scene, operation):
        yield from ideal_retold.repairs(operation, scene)
        return
    for item in items:
        if len(items) == 1 or evidence.intersection(sources_of(item)):
            yield from _Update(operation, scene, item, len(items) == 1).repairs()


class _Update:
    """The repairs of an update as far as one of its facts or messages goes."""

    def __init__(
        self, operation: OperationRecord, scene: Scene, item: Variable, alone: bool
    ) -> None:
        index = scene.index
        self.operation, self.scene, self.item, self.alone = operation, scene, item, alone
        self.stored = stored_before(scene, operation, item)
        self.shown = {
            str(v.value["entry_id"]): v for v in index.inputs(operation, "entry")
            if v.value["entry_id"] not in self.stored
        }  # fmt: skip
        self.evidence = {t.message_id for t in wanted(scene)}
        # Messages that hold a part of the answer.
        self.parts = {t.message_id for t in scene.targets if t.kind != "bridge"}
        self.new = bool(self.evidence.intersection(sources_of(item)))
        made = index.outputs(operation, "entry")
        changes = index.outputs(operation, "change")
        # Entries that the operation changed or deleted, shown or not.
        ended = [
            c.value["target"] for c in changes if c.value["action"] in ("change", "delete")
        ] + [e.value["entry_id"] for e in made if e.value["version"] > 1]
        self.ended = list(dict.fromkeys(id for id in ended if id is not None))
        self.deleted = [
            c.value["target"] for c in changes
            if c.value["action"] == "delete" and c.value["target"] in self.shown
        ]  # fmt: skip
        versions = supporting(scene)
        self.misled_id = versions[-1].variable.value["entry_id"] if versions else None
        self.misleads = any(v.made_by == operation.id for v in versions)

    def repairs(self) -> Iterator[Repair]:
        """Yield the repairs in the order of what happened and what the evidence needs."""
        lost = [id for id in self.ended if self._rests_on(id, self.evidence)]
        stale = self.shown.get(self.misled_id or "")
        yield from self._deleting(stale)
        # A former value that the evidence's own fact replaced was not lost.
        former = bool(self.parts.intersection(sources_of(self.item)))
        if former and not any(self._rests_on(id, self.parts) for id in lost):
            lost = []
        if lost:
            yield from self._restoring(lost)
        elif self.new:
            yield from self._taking_in(stale)
        elif self.misleads:
            yield from self._misleading()
        elif self._in_the_way():
            yield self._added()
        if lost or self.new or self.misleads:
            yield from self._keeping()

    def _in_the_way(self) -> bool:
        """Say whether the operation made an entry say what it was not given, and an update of
        the evidence took that for what it was about, or the answer was shown it as one on what
        the question asks."""
        index = self.scene.index
        asked = set(key_stems(self.scene.question.text)) - index.name_stems
        shown = {(v.value.get("entry_id"), v.value.get("version"))
                 for v in index.asked(self.scene.question.id).context}  # fmt: skip
        for entry in index.outputs(self.operation, "entry"):
            before = self.shown.get(entry.value["entry_id"])
            more = beyond([self.item, *([before] if before else [])], entry, HISTORY)
            version = index.version_of[entry.id]
            if more & asked and (entry.value["entry_id"], entry.value["version"]) in shown:
                return True
            if more and version.ended_by is not None:
                user = index.operation(version.ended_by)
                facts = [*index.inputs(user, "fact"), *index.inputs(user, "message")]
                if any(self.evidence.intersection(sources_of(f)) for f in facts):
                    return True
        return False

    def _rests_on(self, entry_id: str, messages: set[str]) -> bool:
        """Say whether an entry rested on messages before the operation ended it."""
        versions = self.scene.index.chain_of.get(entry_id, ())
        before = [v.variable for v in versions if v.ended_by == self.operation.id]
        before += [v for id, v in self.shown.items() if id == entry_id]
        return any(messages.intersection(sources_of(v)) for v in before)

    # what happened -------------------------------------------------------------------

    def _restoring(self, lost: Sequence[str]) -> Iterator[Repair]:
        """An entry of the evidence was changed or deleted."""
        question = self.scene.question.text
        past = as_history(question) or not _PAST.isdisjoint(tokens(question))
        kept = [self._over(self.shown[id], True) for id in lost if self._over_is_apt(id)]
        if past:
            yield from kept
        elif self.misleads and not self.new:
            yield from self._keeping()
        yield self._added()
        yield from self._keeping()
        yield from kept
        if self.new:
            yield from (self._over(self.shown[id], False) for id in lost if self._over_is_apt(id))

    def _taking_in(self, stale: Variable | None) -> Iterator[Repair]:
        """The fact is the evidence's: it becomes an entry, or the new value of one."""
        decided = [id for id in self.ended if id in self.shown]
        if stale is not None and self.parts.intersection(sources_of(stale)):
            stale = None  # what holds a part of the answer is not stale
        old = [stale.value["entry_id"]] if stale is not None else []
        first = [id for id in dict.fromkeys((*old, *decided)) if self._over_is_apt(id)]
        same = [
            id for id in first if replaced(self.scene, self.operation, self.item, self.shown[id])
        ]
        for id in same:
            yield self._over(self.shown[id], True)
            yield self._over(self.shown[id], False)
        yield self._added()
        for id in first:
            if id not in same:
                yield self._over(self.shown[id], True)
                yield self._over(self.shown[id], False)

    def _misleading(self) -> Iterator[Repair]:
        """The operation made the entry that misled the answer, of another fact."""
        claim = contamination(self.scene).claim
        told = claim.support(worded(self.item), self.item.value["date"]) >= SUPPORTS
        if told:  # the fact misleads by itself: it should have added nothing
            yield from self._keeping()
        yield self._added()
        for id in self.ended:
            if self._over_is_apt(id):
                yield self._over(self.shown[id], True)

    def _over_is_apt(self, entry_id: str) -> bool:
        entry = self.shown.get(entry_id)
        return entry is not None and same_matter(self.scene, self.operation, self.item, entry)

    # outputs -------------------------------------------------------------------------

    def _added(self) -> Repair:
        """The fact (or message) as an entry of its own, everything else as it was shown."""
        if self.stored:  # an earlier operation added it
            done = [change("keep", None)]
            return self._repair("keep", done, [], "kept: everything as it was shown")
        value = self.item.value
        text, sources = value["text"], sources_of(self.item)
        if self.item.kind == "message":
            text = f"{value['speaker']}: {text}"
        taken = {e.value["entry_id"] for e in self._others("entry")}
        ids = (text_hash(f"{self.operation.id}/{n}", 8) for n in range(len(taken) + 1))
        entry = MemoryEntry(
            next(id for id in ids if id not in taken),
            text, value["speaker"], value["date"][:10], sources,
        )  # fmt: skip
        kind: Kind = "add_beside" if self.ended else "as_given"
        made = [e for e in self.scene.index.outputs(self.operation, "entry")
                if sources_of(e) == sources and e.value["version"] == 1]  # fmt: skip
        entries = [_described(entry, made[0] if made else None)]
        return self._repair(kind, [change("add", None)], entries, f"entry: {text}")

    def _over(self, old: Variable, history: bool) -> Repair:
        """The fact as the new value of a shown entry, the former one told as history or not."""
        value, before = self.item.value, old.value
        text = value["text"]
        if history:
            text = f"{text.rstrip('. ')} ({HISTORY}: {before['text'].rstrip('. ')})"
        sources = tuple(dict.fromkeys([*before["sources"], *sources_of(self.item)]))
        entry = MemoryEntry(
            before["entry_id"], text, value["speaker"] or before["speaker"], value["date"][:10],
            sources, before["version"] + 1,
        )  # fmt: skip
        kind: Kind = "with_history" if history else "replace"
        what = f"entry: {text}" if history else f"entry: {text} (was: {before['text']})"
        done = [change("change", before["entry_id"])]
        return self._repair(kind, done, [_described(entry, old)], what)

    def _keeping(self) -> Iterator[Repair]:
        """Memory stays as it was shown: legal only where it holds the evidence, or says the
        same already."""
        for entry in self.shown.values():
            if may_keep(self.scene, self.operation, self.item, entry):
                what = f"kept: {quote(entry.value['text'])}"
                done = [change("keep", entry.value["entry_id"])]
                yield self._repair("keep", done, [], what)
                return

    def _deleting(self, stale: Variable | None) -> Iterator[Repair]:
        """What the fact takes back is gone, with what else the operation deleted for it: the
        entry that misled the answer, else those of the messages that the evidence takes back."""
        named = set(on_matter(self.scene.index, self.scene.question)) if self.new else set()
        taken = [
            v for id, v in self.shown.items()
            if (v is stale or id in self.deleted or named.intersection(sources_of(v)))
            and takes_back(self.scene, self.item, v)
        ]  # fmt: skip
        if stale in taken or (taken and self.scene.question.unanswerable):
            done = [change("delete", v.value["entry_id"]) for v in taken]
            told = " | ".join(quote(v.value["text"], 120) for v in taken)
            yield self._repair("delete", done, [], f"deleted: {told}")

    def _others(self, kind: str) -> list[Variable]:
        """Return what the operation put out for its other facts or messages."""
        if self.alone:
            return []
        mine = set(sources_of(self.item))
        entries = [
            e for e in self.scene.index.outputs(self.operation, "entry")
            if not mine.intersection(sources_of(e))
        ]  # fmt: skip
        if kind == "entry":
            return entries
        ids = {e.value["entry_id"] for e in entries}
        return [
            c for c in self.scene.index.outputs(self.operation, "change")
            if c.value["target"] in ids
        ]  # fmt: skip

    def _repair(
        self, kind: Kind, changes: list[Variable], entries: list[Variable], what: str
    ) -> Repair:
        outputs = rebuilt(
            self.scene, self.operation,
            {
                "change": [*self._others("change"), *changes],
                "entry": [*self._others("entry"), *entries],
            },
        )  # fmt: skip
        return Repair(self.operation, outputs, kind, what)


def _described(entry: MemoryEntry, before: Variable | None) -> Variable:
    """Return an entry with what a backend keeps of it besides, from a version of it."""
    made = entry.as_variable()
    return made if before is None else Variable("entry", {**before.value, **made.value})
