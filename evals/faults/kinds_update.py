"""Faults of update and deletion: what is stored, changed, deleted or left standing wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from evals.faults.fault import Corrupt, Fault, of_kind, sources_of
from evals.faults.kinds_extraction import rewordings
from evals.faults.matrix import cell
from evals.faults.site import Site, rests_on
from evals.faults.wording import pick, renamed, without_end
from traces.schema import Inputs, MemoryEntry, OperationRecord, Outputs, Variable, change

_NEW = ("change", "a new value")  # an action, and a reason for it
_REWORDED = ("distortion", "wrong_time", "wrong_speaker")


def update_faults(site: Site, error_type: str, sub_type: str) -> Iterator[Fault]:
    """Propose faults of this cell, the likeliest to do harm first."""
    kind = cell(error_type, sub_type, "update")
    if (error_type, sub_type) == ("DeletionError", "overwritten"):
        for update, message_id in _others_shown(site):
            reason = _reason(site, update, "delete", "no longer holds")
            yield Fault(update.id, kind, _deleted(message_id, reason))
    elif sub_type == "stale":
        wanted = "change" if error_type == "UpdateError" else "delete"
        for message_id in site.evidence:
            for update in _with_action(site, message_id, wanted):
                yield Fault(update.id, kind, _left_standing(_nothing_new(site, update)))
    elif sub_type == "overwritten":
        if site.number("overwritten") % 2:
            for message_id in site.evidence:
                for update in _with_action(site, message_id, "change"):
                    yield Fault(update.id, kind, _without_history)
        for update, message_id in _others_shown(site):
            reason = _reason(site, update, *_NEW)
            yield Fault(update.id, kind, _overwritten(message_id, reason))
    elif sub_type == "hallucination":
        yield from _inventions(site)
    else:
        for message_id in site.evidence:
            for update in site.updates(message_id):
                yield from _on_own(site, message_id, update, sub_type)


def _on_own(site: Site, message_id: str, update: OperationRecord, sub_type: str) -> Iterator[Fault]:
    kind = cell("UpdateError", sub_type, "update")
    if sub_type in _REWORDED:
        for reworded in rewordings(site, message_id, sub_type):
            yield Fault(update.id, kind, _entries(reworded))
    elif sub_type == "omission":
        if _actions(site, update) == ["add"] and not site.tells_anew(update):
            yield Fault(update.id, kind, _left_standing(_nothing_new(site, update)))
    elif sub_type == "wrong_merge" and site.graph.inputs(update.id, "entry"):
        for near in site.graph.inputs(update.id, "entry"):
            joint = pick(("; ", ", and ", ". "), site.number("joint", update.id))
            merged = _merged(
                near.value["sources"], site.people, joint, _reason(site, update, *_NEW)
            )
            yield Fault(update.id, kind, merged)


def _actions(site: Site, update: OperationRecord) -> list[str]:
    return [str(c.value["action"]) for c in site.graph.outputs(update.id, "change")]


def _with_action(site: Site, message_id: str, action: str) -> list[OperationRecord]:
    return [u for u in site.updates(message_id) if action in _actions(site, u)]


def _reason(site: Site, update: OperationRecord, action: str, otherwise: str) -> str:
    """Return a reason that updates of this pass give for an action, or another."""
    given = {
        str(c.value["reason"])
        for u in site.before_question if u.kind == "update"
        for c in site.graph.outputs(u.id, "change") if c.value["action"] == action
    }  # fmt: skip
    known = sorted(given - {""}) or [otherwise]
    return known[site.number("reason", update.id) % len(known)]


def _nothing_new(site: Site, update: OperationRecord) -> str:
    return _reason(site, update, "keep", "already known")


def _others_shown(site: Site) -> Iterator[tuple[OperationRecord, str]]:
    """Yield updates of other facts that were shown an entry of the evidence, with its message."""
    for message_id in site.evidence:
        shown = [
            u for u in site.other_updates(site.evidence)
            if any(rests_on(e, message_id) for e in site.graph.inputs(u.id, "entry"))
        ]  # fmt: skip
        # Any of them could have done it; which one is drawn.
        for update in sorted(shown, key=lambda u: site.number("victim", u.id))[:4]:
            yield update, message_id


# what is put out instead ------------------------------------------------------------------


def _entries(reword: Callable[[Variable], Variable]) -> Corrupt:
    def corrupt(_: Inputs, outputs: Outputs) -> Outputs:
        return {
            role: [reword(v) if v.kind == "entry" else v for v in variables]
            for role, variables in outputs.items()
        }

    return corrupt


def _left_standing(reason: str) -> Corrupt:
    """Memory stays as it was."""
    return lambda _inputs, _outputs: {"changes": [change("keep", None, reason)], "entries": []}


def _without_history(inputs: Inputs, outputs: Outputs) -> Outputs:
    """The new value replaces the old one, and nothing tells what it was."""
    facts = of_kind(inputs, "fact")
    if not facts:
        return outputs
    return _entries(
        lambda e: Variable("entry", {**e.value, "text": facts[0].value["text"]})
    )(inputs, outputs)  # fmt: skip


def _victim(inputs: Inputs, wanted: Callable[[Variable], bool]) -> MemoryEntry | None:
    found = [v for v in of_kind(inputs, "entry") if wanted(v)]
    return MemoryEntry.from_variable(found[0]) if found else None


def _deleted(message_id: str, reason: str) -> Corrupt:
    def corrupt(inputs: Inputs, outputs: Outputs) -> Outputs:
        victim = _victim(inputs, lambda e: rests_on(e, message_id))
        if victim is None:
            return outputs
        return {"changes": [change("delete", victim.id, reason)], "entries": []}

    return corrupt


def _changed(old: MemoryEntry, fact: Variable, text: str, reason: str) -> Outputs:
    value = fact.value
    made = MemoryEntry(
        old.id, text, str(value["speaker"]) or old.speaker, str(value["date"]),
        tuple(dict.fromkeys([*old.sources, *sources_of(fact)])), old.version + 1,
    )  # fmt: skip
    return {"changes": [change("change", old.id, reason)], "entries": [made.as_variable()]}


def _overwritten(message_id: str, reason: str) -> Corrupt:
    def corrupt(inputs: Inputs, outputs: Outputs) -> Outputs:
        facts = of_kind(inputs, "fact")
        victim = _victim(inputs, lambda e: rests_on(e, message_id))
        if victim is None or not facts:
            return outputs
        return _changed(victim, facts[0], str(facts[0].value["text"]), reason)

    return corrupt


def _merged(target: Sequence[str], people: Sequence[str], joint: str, reason: str) -> Corrupt:
    """The fact becomes part of what an entry of another person says."""

    def corrupt(inputs: Inputs, outputs: Outputs) -> Outputs:
        facts = of_kind(inputs, "fact")
        into = _victim(inputs, lambda e: bool(set(target) & set(sources_of(e))))
        if into is None or not facts:
            return outputs
        told = str(facts[0].value["text"])
        whose = next((p for p in people if p in into.text), None)
        mine = next((p for p in people if p in told), None)
        if whose is None or mine is None or whose == mine:
            return outputs
        text = f"{without_end(into.text)}{joint}{renamed(told, mine, whose)}"
        return _changed(into, facts[0], text, reason)

    return corrupt


# inventions ---------------------------------------------------------------------------------


def _inventions(site: Site) -> Iterator[Fault]:
    """Propose updates of other facts, latest first, that add a statement of their own."""
    kind = cell("UpdateError", "hallucination", "update")
    found = site.invention()
    if found is None:
        return
    first = min((site.order[m] for m in site.evidence), default=-1)
    later = [
        u for u in site.other_updates(site.evidence)
        if site.graph.outputs(u.id, "entry") and all(
            site.order.get(s, -1) > first
            for kind_ in ("fact", "message") for v in site.graph.inputs(u.id, kind_)
            for s in sources_of(v)
        )
    ]  # fmt: skip
    later.sort(key=lambda u: (not _concerns(site, u), site.number("invent", u.id)))
    for update in later[:3]:
        yield Fault(update.id, kind, _with_invention(found[0], alone=False))
        yield Fault(update.id, kind, _with_invention(found[0], alone=True))


def _concerns(site: Site, update: OperationRecord) -> bool:
    texts = [str(e.value["text"]) for e in site.graph.outputs(update.id, "entry")]
    return any(person in text for text in texts for person in site.asked_about)


def _with_invention(text: str, *, alone: bool) -> Corrupt:
    def reword(entry: Variable) -> Variable:
        # Memories of messages keep who speaks before what is said.
        own = str(entry.value["text"])
        voice = f"{entry.value['speaker']}: "
        kept = own if not alone else voice if own.startswith(voice) else ""
        return Variable("entry", {**entry.value, "text": f"{kept.rstrip()} {text}".strip()})

    return _entries(reword)
