"""Second and third stage: did an entry take in what was said, and did it stand when asked?"""

from __future__ import annotations

from traces.attribution.blame import describe_update, listed
from traces.attribution.invented import invented_for
from traces.attribution.path import Chain, Path
from traces.attribution.words import as_history, key_stems, share
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Variable


def stored(path: Path, chain: Chain) -> None:
    """Set the chain's entries, or its loss. Where nothing is stored (long context) it passes."""
    index, target = path.index, chain.target
    if not index.stores:
        return
    inputs = chain.facts or [target.message]
    updates = [
        user for variable in inputs for user in index.users[variable.id]
        if user.kind == "update" and path.visible(user.id)
    ]  # fmt: skip
    done = [u for u in updates if u.status != "failed"]
    if any(u.id in index.opaque for u in done):
        return
    made = {e.id: index.version_of[e.id] for u in done for e in index.outputs(u, "entry")}
    # Updates that took the message in by another way (windows) name it as a source.
    made |= {v.variable.id: v for v in index.versions[target.message_id] if path.visible(v.made_by)}
    # What no search may return when the question is asked says it to nobody.
    chain.entries = [
        v for v in made.values()
        if index.returnable(v, path.asked) and path.carries(v.variable, chain)
    ]  # fmt: skip
    for update in done:
        if not chain.entries:
            chain.entries = _kept(path, chain, update)
    if chain.entries:
        return
    if done:
        _lose(path, chain, done[0], inputs[0])
    elif updates:
        chain.failed_at(updates[0])
    elif made:
        version = next(iter(made.values()))
        chain.lost_at(
            index.operation(version.made_by), "UpdateError", "distortion",
            "the stored entry does not say it", produced=version.variable.value["text"],
        )  # fmt: skip
    else:
        _drop(path, chain, inputs[0])


def _kept(path: Path, chain: Chain, update: OperationRecord) -> list[EntryVersion]:
    """Return entries that say the same already, where the update kept the memory as it was."""
    changes = path.index.outputs(update, "change")
    if not any(c.value["action"] == "keep" for c in changes):
        return []
    seen = [path.index.version_of.get(v.id) for v in path.index.inputs(update, "entry")]
    for change in changes:
        seen += path.index.chain_of.get(change.value["target"] or "", [])
    known = {v.variable.id: v for v in seen if v is not None and path.visible(v.made_by)}
    return [v for v in known.values() if path.carries(v.variable, chain)]


def _lose(path: Path, chain: Chain, update: OperationRecord, item: Variable) -> None:
    index = path.index
    changes = index.outputs(update, "change")
    action = changes[0].value["action"] if changes else "keep"
    entries = index.outputs(update, "entry")
    saw = [v.value["text"] for v in index.inputs(update, "entry")]
    error_type, sub = "UpdateError", "distortion"
    what = "the stored entry does not say it"
    if action == "delete" and not entries:
        error_type, sub = "DeletionError", "overwritten"
        what = "an entry was deleted and the fact not stored"
    elif not entries:
        sub = "stale" if _related(path, chain, update) else "omission"
        what = "the fact was not stored"
    elif action == "change":
        sub, what = "wrong_merge", "the merged entry does not say it"
    given = f"fact: {item.value['text']}" + (f" entries: {listed(saw)}" if saw else "")
    made = describe_update(index, update, chain.target.message_id)
    chain.lost_at(update, error_type, sub, what, given=given, produced=made)


def _related(path: Path, chain: Chain, update: OperationRecord) -> bool:
    """Say whether the update saw an entry on the same matter, which now holds an old value."""
    said = {stem for stem, _ in chain.target.key}
    people = path.index.name_stems
    return any(
        share(set(key_stems(v.value["text"])) - people, said) >= 0.34
        for v in path.index.inputs(update, "entry")
    )


def _drop(path: Path, chain: Chain, item: Variable) -> None:
    """No update took the fact: blame an update of its session, else what made it."""
    maker = path.index.maker(item.id)
    scope = maker.scope if maker else path.scopes.get(chain.target.message_id)
    updates = [
        o for o in (path.index.of_scope(scope) if scope is not None else ())
        if o.kind == "update" and path.visible(o.id)
    ]  # fmt: skip
    if updates:
        what = "it never reached the store"
        chain.lost_at(updates[0], "UpdateError", "omission", what, given=item.value["text"])
    elif maker is not None:
        chain.blocked = "not_in_graph: no recorded operation took the fact"
    elif path.asked.retrievals:
        what = "it was never indexed"
        chain.lost_at(path.asked.retrievals[0], "RetrievalError", "missed", what)
    else:
        chain.blocked = "not_in_graph"


def alive(path: Path, chain: Chain) -> None:
    """Narrow the chain's entries to the versions that stood when asked, or set its loss."""
    ended: list[tuple[EntryVersion, str]] = []
    standing: dict[str, EntryVersion] = {}
    for version in chain.entries:
        entry_id = version.variable.value["entry_id"]
        versions = path.index.chain_of[entry_id]
        last = path.index.alive(versions, path.asked)
        if last is not None and path.carries(last.variable, chain):
            standing[entry_id] = last
            continue
        # The last version that carried it: whatever ended that one lost it.
        carrying = [
            v for v in versions
            if v.ended_by and path.visible(v.made_by) and path.carries(v.variable, chain)
        ]  # fmt: skip
        if carrying and carrying[-1].ended_by and path.visible(carrying[-1].ended_by):
            ended.append((carrying[-1], carrying[-1].ended_by))
    if standing:
        chain.entries = list(standing.values())
    elif ended:
        _end(path, chain, *ended[-1])


def _end(path: Path, chain: Chain, version: EntryVersion, operation_id: str) -> None:
    index = path.index
    operation = index.operation(operation_id)
    entry_id = version.variable.value["entry_id"]
    made = [e for e in index.outputs(operation, "entry") if e.value["entry_id"] == entry_id]
    said = " ".join(f.value["text"] for f in index.inputs(operation, "fact"))
    old = version.variable.value["text"]
    quotes = {"given": f"fact: {said} entry: {old}", "produced": describe_update(index, operation)}
    source = invented_for(index, operation)
    if source is not None:
        maker, fact = source
        what = "a fact that no message says took the place of the entry that said it"
        chain.lost_at(
            maker, "ExtractionError", "hallucination", what, produced=fact.value["text"]
        )  # fmt: skip
        return
    if not made:
        what = "the entry that said it was deleted"
        chain.lost_at(operation, "DeletionError", "overwritten", what, **quotes)
        return
    # A merge keeps something of the old value; what only repeats the new fact overwrites.
    new = set(key_stems(made[0].value["text"]))
    kept = (new & set(key_stems(old))) - set(key_stems(said)) - index.name_stems
    former = as_history(made[0].value["text"]) and not as_history(old)
    if kept and not former:
        what = "the entry that said it was merged and no longer says it"
        chain.lost_at(operation, "UpdateError", "wrong_merge", what, **quotes)
    else:
        what = "the entry that said it was overwritten" + (" and tells it as past" * former)
        chain.lost_at(operation, "UpdateError", "overwritten", what, **quotes)
