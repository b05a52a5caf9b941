"""What proves an attribution, as JSON-native values for record, screen and signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from traces.attribution.index import GraphIndex
from traces.attribution.replay.repair import Repair
from traces.attribution.words import quote
from traces.schema import Variable

_TEXTS = 160
_ACTIONS = {"keep": "(keep)", "delete": "(delete)", "change": "(in the place of an entry)"}


@dataclass
class Certificate:
    """How a failure was explained.

    kind: `replay` (a repair rescued the answer), `entailment` (a reader got the answer from
    the response's own context), `triage` (judge, annotation), `none`. `rescue` and `control`
    count samples and right answers among them.
    """

    kind: Literal["replay", "entailment", "triage", "none"] = "none"
    repairs: list[dict[str, str]] = field(default_factory=list)
    answer_before: str = ""
    answer_after: str = ""
    rescue: dict[str, Any] = field(default_factory=lambda: {"draws": 0, "right": 0})
    control: dict[str, Any] = field(
        default_factory=lambda: {"draws": 0, "right": 0, "same_answer": True}
    )
    placebo: dict[str, Any] | None = None
    alternatives: list[dict[str, Any]] = field(default_factory=list)
    swept: bool = False
    deterministic: bool = True
    features: Mapping[str, float] = field(default_factory=dict)

    def to_json(self, replays: int, failed: Sequence[str]) -> dict[str, Any]:
        """Return JSON-native values."""
        return {
            "kind": self.kind,
            "repairs": self.repairs,
            "answer_before": quote(self.answer_before),
            "answer_after": quote(self.answer_after),
            "rescue": self.rescue,
            "control": self.control,
            "placebo": self.placebo,
            "replays": replays,
            "failed_replays": [line[:200] for line in failed[:5]],
            "alternatives": self.alternatives,
            "swept": self.swept,
            "deterministic": self.deterministic,
            "features": dict(self.features),
        }


def described(repair: Repair, index: GraphIndex) -> dict[str, str]:
    """Return a repair as values: where, what, and the changed texts before and after."""
    operation = repair.operation
    before = [
        v for kind in ("fact", "entry", "change", "retrieved")
        for v in index.outputs(operation, kind)
    ]  # fmt: skip
    after = [v for variables in repair.outputs.values() for v in variables if v.kind != "query"]
    old, new = {v.hash for v in before}, {v.hash for v in after}
    return {
        "operation": operation.id,
        "name": operation.name,
        "scope": operation.scope,
        "kind": repair.kind,
        "what": repair.what,
        "before": _texts([v for v in before if v.hash not in new]),
        "after": _texts([v for v in after if v.hash not in old]),
    }


def _texts(variables: Sequence[Variable]) -> str:
    said = []
    for v in variables:
        if v.kind == "change":
            if v.value["action"] != "add":
                said.append(_ACTIONS[v.value["action"]])
        else:
            # What only a date or a name sets apart must not look the same.
            date, speaker = str(v.value["date"])[:10], str(v.value["speaker"])
            said.append(f"({date}, {speaker}) {quote(str(v.value['text']), _TEXTS)}")
    return " | ".join(said) or "(nothing)"
