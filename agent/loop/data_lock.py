"""dataset.lock.json: what data a run rests on, and which of them its prompts have met before.

A history is known by a hash of its sessions: the same conversation with other questions,
in another file, is still what the prompts were learned from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.loop.directory import write_whole
from evals.splits import Splits
from traces.domain import Conversation, Dataset, conversation_json
from traces.hashing import content_hash

LOCK_FILE = "dataset.lock.json"


def history_hash(conversation: Conversation) -> str:
    """Return the hash of a conversation's sessions, whatever is asked about them."""
    return content_hash(conversation_json(conversation)["sessions"])


def describe(dataset: Dataset, splits: Splits, before: tuple[str, ...]) -> dict[str, Any]:
    """Return what the lock file holds.

    `learned_from`: histories of the splits that prompts are learned and chosen on, and of
    those before. `warning`: what has to be said where scores rest on the latter, or None.
    """
    hashes = {c.id: history_hash(c) for c in dataset.conversations}
    known = set(before)
    used = {hashes[id] for id in (*splits.train, *splits.selection)}
    met = {name: sum(hashes[id] in known for id in ids) for name, ids in splits.to_json().items()}
    return {
        "name": dataset.name,
        "hash": dataset.hash,
        "splits": splits.to_json(),
        "problems": list(dataset.problems),
        "learned_from": sorted(used | known),
        "warning": _warning(met),
    }


def write_lock(directory: Path, lock: Mapping[str, Any]) -> None:
    """Write the lock file whole."""
    write_whole(directory / LOCK_FILE, json.dumps(lock, indent=2) + "\n")


def _warning(met: Mapping[str, int]) -> str | None:
    if not met["selection"] and not met["test"]:
        return None
    return (
        f"the starting prompts were learned on {met['selection']} of the selection and "
        f"{met['test']} of the test conversations: their scores flatter the prompts; take other "
        "conversations for a fair test"
    )
