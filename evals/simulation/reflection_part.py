"""The reflection part of the simulated model: edits to an instruction, from error signals.

It composes edits the way a mediocre language model does, from what its messages hold:
some signals are misread, some clauses are worded so that hardly anybody understands
them, and more than a third of all edits are useless or do harm. What the world needs it
cannot know: it sees neither world nor ceiling, nor what the agent part understands.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from evals.simulation.reflection_advice import ALWAYS, BRIEF, INVENTED, LISTS, RULES, VAGUE
from evals.simulation.reflection_cues import Finding, findings
from evals.simulation.reflection_signals import (
    Cluster,
    operation_kind,
    read_clusters,
    read_rejected,
    sentences,
)
from evals.simulation.reflection_wordings import fill
from evals.simulation.request import Request

USELESS = 0.38
MISREAD = 0.12
OBLIQUE = 1 / 6
REPLACES = 0.06
_MOST_EDITS = 32
_DEFAULT_EDITS = 4

Edit = dict[str, str]


def _key(clause: str) -> str:
    """Return what two clauses that differ only in case and punctuation share."""
    return " ".join(re.findall(r"[\w+]+", clause.casefold()))


def _count(text: str) -> int:
    found = re.fullmatch(r"\s*(\d{1,6})\s*", text, re.ASCII)
    return min(int(found[1]), _MOST_EDITS) if found else _DEFAULT_EDITS


class _Writer:
    """Writes the edits of one answer; `rng` is the only source of chance."""

    def __init__(self, request: Request, rng: random.Random) -> None:
        inputs = request.inputs
        self._rng = rng
        self._clusters = read_clusters(inputs.get("clusters", ""))
        first = self._clusters[0] if self._clusters else None
        slot = inputs.get("slot", "") or (first.slot if first else "")
        self._kind = operation_kind(slot, first.error_type if first else "")
        # The prompt's own instruction is another one: that of the reflection task.
        incumbent = inputs.get("instruction", "")
        self._sentences = sentences(incumbent)
        self._incumbent = _key(incumbent)
        self._rejected = [_key(clause) for clause in read_rejected(inputs.get("rejected", ""))]
        self._used = set(self._rejected)
        self._rules: Counter[str] = Counter()
        self._found = {
            index: findings(cluster, self._kind) for index, cluster in enumerate(self._clusters)
        }

    def edit(self) -> Edit | None:
        """Return the next edit, or None where nothing is left to say."""
        if not self._clusters:
            return self._empty_handed()
        indexes = range(len(self._clusters))
        # What it understands attracts its attention.
        weights = [self._clusters[i].count * (1.0 if self._found[i] else 0.3) for i in indexes]
        index = self._rng.choices(indexes, weights)[0]
        cluster = self._clusters[index]
        if self._found[index] and self._rng.random() >= USELESS:
            edit = self._lesson(cluster, self._found[index])
            if edit is not None:
                return edit
        return self._useless(cluster)

    def _new(self, clauses: Iterable[str]) -> str | None:
        """Return one of the clauses that was not said or rejected before."""
        left = [c for c in clauses if _key(c) not in self._used and _key(c) not in self._incumbent]
        if not left:
            return None
        clause = self._rng.choice(left)
        self._used.add(_key(clause))
        return clause

    def _lesson(self, cluster: Cluster, found: Sequence[Finding]) -> Edit | None:
        """Return an edit that answers what was noticed in a cluster."""
        finding = self._rng.choices(found, [self._appeal(f) for f in found])[0]
        words = dict(finding.words)
        wording = RULES[finding.rule]
        chance = self._rng.random()
        templates = wording.clear
        if chance < MISREAD:
            templates = wording.misread
        elif chance < MISREAD + (1 - MISREAD) * OBLIQUE:
            templates = wording.oblique
        clause = self._new(fill(templates, words)) or self._new(fill(wording.clear, words))
        if clause is None:
            return None
        self._rules[finding.rule] += 1
        old = self._outdated(words)
        if old is None and self._rng.random() < REPLACES:
            old = self._closest(clause)
        return _edit("replace" if old else "add", clause, old or "", cluster)

    def _appeal(self, finding: Finding) -> float:
        """Weigh a finding: what was said, or tried in vain, appeals less."""
        clauses = [_key(c) for c in fill(RULES[finding.rule].clear, dict(finding.words))]
        appeal = finding.weight * 0.5 ** self._rules[finding.rule]
        if any(clause in self._incumbent for clause in clauses):
            appeal *= 0.3
        if any(clause in self._rejected for clause in clauses):
            appeal *= 0.7
        return appeal

    def _outdated(self, words: dict[str, str]) -> str | None:
        """Return the incumbent's sentence about the same season or nickname, mostly."""
        topic = words.get("season") or words.get("nick")
        if topic is None or self._rng.random() < 0.3:
            return None
        same = (s for s in self._sentences if f" {_key(topic)} " in f" {_key(s)} ")
        return next(same, None)

    def _closest(self, clause: str) -> str | None:
        """Return the incumbent's sentence that shares most words with the clause."""
        words = set(_key(clause).split())
        shared = {s: len(words & set(_key(s).split())) for s in self._sentences}
        return max(shared, key=lambda s: shared[s], default=None)

    def _useless(self, cluster: Cluster) -> Edit | None:
        """Return an edit that teaches nothing or does harm."""
        kinds = ["vague", "brief", "always", "list", "invented"]
        weights = [5.0, 2.0, 2.0, 2.0, 3.0]
        spare = [s for s in self._sentences if _key(s) not in self._used]
        if len(spare) > 1:
            kinds += ["remove", "replace"]
            weights += [1.5, 2.0]
        kind = self._rng.choices(kinds, weights)[0]
        if kind == "remove":
            sentence = self._rng.choice(spare)
            self._used.add(_key(sentence))
            return _edit("remove", "", sentence, cluster)
        if kind == "replace":
            sentence = self._rng.choice(spare)
            clause = self._new([*VAGUE, *self._of_kind(BRIEF)])
            if clause is not None:
                self._used.add(_key(sentence))
                return _edit("replace", clause, sentence, cluster)
        clause = self._new(self._pool(kind)) or self._new(VAGUE)
        return None if clause is None else _edit("add", clause, "", cluster)

    def _empty_handed(self) -> Edit | None:
        """Return advice that anybody could give: without signals there is nothing to go by."""
        kind = self._rng.choices(["vague", "brief", "always", "list"], [6, 2, 1, 1])[0]
        clause = self._new(self._pool(kind)) or self._new(VAGUE)
        return None if clause is None else _edit("add", clause, "", None)

    def _pool(self, kind: str) -> tuple[str, ...]:
        pools = {
            "brief": self._of_kind(BRIEF),
            "always": self._of_kind(ALWAYS),
            "list": LISTS,
            "invented": INVENTED,
        }
        return pools.get(kind, VAGUE)

    def _of_kind(self, pools: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        return pools.get(self._kind, pools[""])


def _edit(action: str, clause: str, replaces: str, cluster: Cluster | None) -> Edit:
    return {
        "action": action,
        "clause": clause,
        "replaces": replaces,
        "cluster": cluster.id if cluster else "",
    }


def answer(request: Request, rng: random.Random) -> dict[str, object]:
    """Return `{"edits": [...]}` with as many edits as were asked for.

    Each edit has the strings `action` ("add", "replace" or "remove"), `clause` (empty for
    a removal), `replaces` (a sentence of the incumbent, or empty) and `cluster` (an id, or
    empty). There are fewer edits only when everything it can say was rejected before.
    Input that cannot be read counts as absent; nothing raises.
    """
    writer = _Writer(request, rng)
    edits = (writer.edit() for _ in range(_count(request.inputs.get("count", ""))))
    return {"edits": [edit for edit in edits if edit is not None]}
