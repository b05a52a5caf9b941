"""Builds a run's report from plain data: the one source of screen, Markdown and JSON.

`data` is JSON-native, as the run's records hold it:

    run, status, stop_reason, done       the `done` event (see below)
    simulated    {"data": bool, "model": bool}
    identity     what fixes the run
    models       model string by role
    limits       max_calls, max_tokens, deadline and others, None where there is none
    tested       {"opened": bool, "questions", "judged"}: the final prompts on test; may be missing
    dataset      {"name", "hash", "splits": {name: [ids]}, "problems": [lines], "warning"?}
    rounds       [{"round", "evaluate"?, "attribute"?, "optimize"?, "gate"?}], by round
    finish       record of the finish, or None
    prompts      {"seed": {slot: text}, "final": {slot: text}, "given": where seed is from, or None}
    spent        {role: {"calls", "input", "output"}}
    examples     attributions to show, as JSON; may be missing
    broken       [{"conversation", "missing", "questions", "error"}]; may be missing
    go_on        what to do once that is mended; may be missing

Of the `done` event it reads baseline, final, gain, gate_mode, scorer, calls, tokens, usd, seconds,
prompts and test_openings; any of them may be missing or null in a run that has not ended.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from evals.report import wording
from evals.report.causes import examples, merged

FORMAT = 1
_GATE_FIELDS = (
    "mode", "decision", "reason", "claim", "alpha", "minimum_gain", "p_value", "p_other", "gain",
    "n", "conversations", "better", "worse", "missing", "vetoed",
)  # fmt: skip


def build_report(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report as JSON-native values; the same data give the same report."""
    done, finish = data["done"], data["finish"]
    simulated = data["simulated"]
    dataset = data["dataset"]
    mode = done.get("gate_mode")
    gates = [_gate(r["gate"]) for r in data["rounds"] if r.get("gate")]
    test = (finish or {}).get("test", {})
    return {
        "format": FORMAT,
        "run": data["run"],
        "status": data["status"],
        "stop_reason": data["stop_reason"],
        "simulated": any(simulated.values()),
        "banner": wording.banner(**simulated) if any(simulated.values()) else None,
        "gate_mode": mode,
        "scorer": _scorer(done, data["identity"]),
        "claim": wording.CLAIMS.get(mode or ""),
        "identity": dict(data["identity"]),
        "models": dict(data["models"]),
        "limits": dict(data["limits"]),
        "data": {
            "name": dataset["name"],
            "hash": dataset["hash"],
            "splits": dataset["splits"],
            "conversations": {name: len(ids) for name, ids in dataset["splits"].items()},
            "warning": dataset.get("warning"),
            "simulated": bool(simulated["data"]),
            "problem_count": len(dataset["problems"]),
            "problems": list(dataset["problems"]),
        },
        "rounds": len([r for r in data["rounds"] if r.get("evaluate")]),
        "by_round": [_round(r) for r in data["rounds"]],
        "scores": {"baseline": done.get("baseline"), "final": done.get("final")},
        "tested": dict(data.get("tested", {"opened": False, "questions": 0, "judged": 0})),
        "ceiling": test.get("ceiling", {}).get("score"),
        "beyond_ceiling": (finish or {}).get("beyond_ceiling", ""),
        "gain": done.get("gain"),
        "gates": gates,
        "attributions": {
            "training": merged(r["attribute"] for r in data["rounds"] if r.get("attribute")),
            "selection": (finish or {}).get("selection_attributions"),
            "test": (finish or {}).get("test_attributions"),
        },
        "examples": examples(data.get("examples", ())),
        "broken": [dict(one) for one in data.get("broken", ())],
        "go_on": data.get("go_on", ""),
        "prompts": {
            "seed": done.get("prompts", {}).get("seed"),
            "final": done.get("prompts", {}).get("final"),
            "given": data["prompts"].get("given"),
            "diffs": prompt_diffs(data["prompts"]["seed"], data["prompts"]["final"]),
        },
        "rejected_edits": rejected_edits(data["rounds"]),
        "calls": done.get("calls"),
        "tokens": done.get("tokens"),
        "usd": done.get("usd"),
        "spent": {role: dict(spent) for role, spent in sorted(data["spent"].items())},
        "seconds": done.get("seconds"),
        "test_openings": done.get("test_openings", 0),
    }


def _scorer(done: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, str]:
    """Return the scorer's name, and in words what it calls right."""
    chosen = str(identity.get("scorer") or done.get("scorer") or "judge")
    name = chosen.partition("@")[0]  # after it: the hash of a plug-in's source
    return {"name": name, "verdicts": wording.verdicts(chosen, identity.get("judge_prompt"))}


def _gate(record: Mapping[str, Any]) -> dict[str, Any]:
    decided = record["gate"]
    return {
        "round": record["round"],
        "incumbent": record["incumbent"],
        "candidate": record["candidate"],
        **{name: decided.get(name) for name in _GATE_FIELDS},
        "decision": wording.decision(decided["decision"]),
        "incumbent_score": record["incumbent_selection"]["score"],
        "candidate_score": record["candidate_selection"]["score"],
    }


def _round(record: Mapping[str, Any]) -> dict[str, Any]:
    evaluated = record.get("evaluate") or {}
    attributed = record.get("attribute") or {}
    proposed = record.get("optimize") or {}
    gated = record.get("gate")
    return {
        "round": record["round"],
        "training_score": evaluated.get("score"),
        "missing": evaluated.get("missing"),
        "failures": attributed.get("failures"),
        "signals": proposed.get("signals"),
        "uncounted": proposed.get("uncounted"),
        "raced": len(proposed.get("race", ())),
        "edits": list(proposed.get("edits", ())),
        "proposal": proposed.get("reason"),
        "gate": wording.decision(gated["gate"]["decision"]) if gated else None,
    }


def prompt_diffs(seed: Mapping[str, str], final: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a unified diff (no file headers) for each slot whose instruction changed."""
    diffs = []
    for slot in sorted(final):
        old, new = seed.get(slot, ""), final[slot]
        if old != new:
            lines = list(
                difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
            )[2:]
            diffs.append({"slot": slot, "lines": lines})
    return diffs


def rejected_edits(rounds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what training data (or `lint`) spoke against: round, edits, reason.

    A record without edits is a part of the model's reply that was no edit.
    """
    return [
        {
            "round": record["round"],
            "edits": list(raced.get("edits", ())),
            "reason": raced.get("why", ""),
        }
        for record in rounds
        for raced in (record.get("optimize") or {}).get("race", ())
        if not raced.get("kept")
    ]
