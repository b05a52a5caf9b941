"""Fields that the JSON formats share: questions, and names that no format knows."""

from __future__ import annotations

from collections.abc import Set
from difflib import get_close_matches
from typing import Any

from evals.loaders.draft import DraftQuestion
from evals.loaders.fields import Names
from evals.loaders.findings import At
from evals.loaders.node import Node
from evals.loaders.problems import kind_of, shown

QUESTION_FIELDS = (
    "question", "question_id", "answer", "category", "evidence", "asked_after", "asked_on",
    "unanswerable",
)  # fmt: skip


def field(node: Node, names: Names, name: str) -> Node:
    """Return a field of an object under the file's name for it."""
    return node.child(*names.path(name, node.value))


def read_question(node: Node, names: Names) -> DraftQuestion | None:
    """Return the question in an object, or None with findings."""
    if node.mapping() is None:
        return None
    text = field(node, names, "question").text()
    answer = field(node, names, "answer")
    question = DraftQuestion(
        text=text or "",
        at=node.at,
        id=field(node, names, "question_id").id(),
        answer=_answer(answer),
        answer_missing=_answer_missing(node, answer),
        category=field(node, names, "category").optional_text() or "",
        evidence=_evidence(field(node, names, "evidence")),
        asked_after=field(node, names, "asked_after").id(),
        asked_on=field(node, names, "asked_on").optional_date(),
        unanswerable=field(node, names, "unanswerable").truth(),
    )
    return None if text is None else question


def _answer(node: Node) -> str | None:
    if isinstance(node.value, bool):
        return "yes" if node.value else "no"
    if isinstance(node.value, dict | list):
        node.error(
            "wrong_type", f"is {kind_of(node.value)}",
            "write the gold answer as one text, alternatives with 'or' between them",
        )  # fmt: skip
        return None
    return node.optional_text()


def _answer_missing(node: Node, answer: Node) -> bool:
    """Say whether the answer was forgotten: null is written by who has none yet."""
    holder: Any = node.value
    for key in answer.at.path[len(node.at.path) :]:
        if not isinstance(holder, dict) or key not in holder:
            return True
        holder = holder[key]
    return isinstance(holder, str) and not holder.strip()


def _evidence(node: Node) -> list[tuple[str, At]]:
    if node.value is None:
        return []
    items = list(node.children()) if isinstance(node.value, list) else [node]
    found = []
    for item in items:
        name = item.id()
        if name is not None:
            found.append((name, item.at))
        elif item.value is None or isinstance(item.value, str):
            item.error("bad_id", f"is {shown(item.value)}", "write a message's id")
    return found


def note_unknown(node: Node, known: Set[str], *, all_of_them: bool = True) -> None:
    """Warn of fields that are not read: all, or only those that look like typing errors."""
    if node.value.keys() <= known:
        return
    names = sorted(known)
    for key in node.value:
        if key in known:
            continue
        near = get_close_matches(key, names, 1, cutoff=0.75)
        if not near and not all_of_them:
            continue
        fix = f"did you mean '{near[0]}'?" if near else "rename it, or leave it as it is"
        node.findings.warn_once(
            "unknown_field", key, node.at.child(key), f"field {shown(key)} is not read", fix
        )
