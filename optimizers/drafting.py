"""Edits worth trying: asked of the reflection model, parsed, linted, put in order.

One reply that cannot be read, or one bad edit, becomes a record; it costs nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from optimizers.clusters import Cluster
from optimizers.edits import Dropped, Edit, EditError, apply_edit, edits_json, parse_edits
from optimizers.lint import Corpus, lint
from optimizers.protocol import Assignment
from optimizers.rejected import Rejections
from traces.domain import PromptSlot
from traces.errors import ContentError

TASK = "reflection"
# Sample indexes between rounds: a reply that cannot be read is drawn again at the next ones.
_SAMPLES_A_ROUND = 8

Record = dict[str, Any]


@cache
def reflection_instruction() -> str:
    """Return the text of reflection.md."""
    text = resources.files("optimizers").joinpath("reflection.md").read_text("utf-8")
    return text.strip()


@dataclass(frozen=True)
class Draft:
    """An edit that may be tried, and the cluster that it answers."""

    edit: Edit
    cluster: Cluster


def make_drafts(
    assignment: Assignment,
    by_slot: Mapping[PromptSlot, Sequence[Cluster]],
    count: int,
    memory: Rejections,
    records: list[Record],
) -> list[Draft]:
    """Ask for `count` edits a slot and return those that pass `lint`.

    One edit of each cluster first, heavy clusters before light ones, then the second ones.
    What is refused is remembered and recorded, with the reason. Raises what `ask` raises,
    except ContentError, which leaves its slot without edits this round.
    """
    corpus = Corpus(assignment.episodes)
    queue: list[tuple[int, float, int, Draft]] = []
    for slot, own in by_slot.items():
        clusters = {c.id: c for c in own}
        turns: dict[str, int] = {}
        for edit in _ask(assignment, slot, list(clusters.values()), count, memory, records):
            problems = _problems(assignment, slot, edit, clusters, memory, corpus)
            if problems:
                _refuse(assignment, edit, problems, memory, records)
                continue
            cluster = clusters[edit.cluster]
            turn = turns[edit.cluster] = turns.get(edit.cluster, -1) + 1
            queue.append((turn, -cluster.weight, len(queue), Draft(edit, cluster)))
    return [draft for *_, draft in sorted(queue, key=lambda item: item[:3])]


def _ask(
    assignment: Assignment,
    slot: PromptSlot,
    clusters: Sequence[Cluster],
    count: int,
    memory: Rejections,
    records: list[Record],
) -> list[Edit]:
    inputs = {
        "slot": slot.name,
        "instruction": assignment.working.instructions[slot.name],
        "clusters": json.dumps([c.to_json() for c in clusters]),
        "rejected": json.dumps(memory.clauses(slot.name)),
        "count": str(count),
    }
    # Any objects are taken here: one bad edit must not cost the others.
    outputs: dict[str, Any] = {"edits": list[dict[str, Any]]}
    sample = assignment.round * _SAMPLES_A_ROUND
    try:
        reply = assignment.ask(TASK, reflection_instruction(), inputs, outputs, sample)
    except ContentError as error:
        records.append(_unraced([], f"no edits of {slot.name}: {error}"))
        return []
    edits, dropped = parse_edits(reply.get("edits"), slot.name)
    records += [_dropped(item, slot) for item in dropped]
    return edits


def _problems(
    assignment: Assignment,
    slot: PromptSlot,
    edit: Edit,
    clusters: Mapping[str, Cluster],
    memory: Rejections,
    corpus: Corpus,
) -> list[str]:
    if edit in memory:
        return ["was tried in an earlier round without success"]
    text = assignment.working.instructions[slot.name]
    try:
        changed = apply_edit(text, edit)
    except EditError as error:
        return [str(error)]
    return lint(changed, slot, incumbent=text, corpus=corpus, edits=[edit], clusters=clusters)


def _refuse(
    assignment: Assignment,
    edit: Edit,
    problems: Sequence[str],
    memory: Rejections,
    records: list[Record],
) -> None:
    # What looks like a secret is neither remembered nor recorded.
    secret = any("secret" in problem for problem in problems)
    if edit not in memory and not secret:
        memory.add(edit, problems[0], assignment.round)
    shown = Edit(edit.slot, edit.action, "(withheld)", "", edit.cluster) if secret else edit
    records.append(_unraced([shown], f"lint: {'; '.join(problems)}"))


def _unraced(edits: Sequence[Edit], why: str) -> Record:
    unknown = dict.fromkeys(
        ("hash", "score", "progress", "score_before", "progress_before", "fixed", "broken")
    )
    return {
        **unknown,
        "label": "refused",
        "edits": edits_json(edits),
        "episodes": [],
        "kept": False,
        "why": why,
    }


def _dropped(item: Dropped, slot: PromptSlot) -> Record:
    why = f"no edit of {slot.name}: {item.reason}" + (f" in {item.raw}" if item.raw else "")
    return _unraced([], why)
