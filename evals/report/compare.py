"""Runs beside each other: figures of each, and between two of them the questions that changed.

A run's data are JSON-native, as its records hold them:

    run, directory, status, stop_reason, rounds
    simulated    {"data": bool, "model": bool}
    data         {"name", "hash"}
    measured_by  what verdicts and answers depend on besides data and prompts: scorer, judge
    backend, optimizer, attribution, gate_mode, models
    prompts      {"which", "hash"}: those that are compared
    scores       {"baseline": {split: figures or None}, "final": {...}, "compared": {...}}
    gain         of the sealed test split, or None
    causes       {"training": {error type: n}, "test": {...} or None}
    gates        {"tested", "promoted"}
    calls, tokens, usd, seconds

and its answers, by split, conversation and question: {"prediction", "correct", "category"}.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from evals.report import wording
from evals.statistics import mcnemar_p, paired_interval

FORMAT = 1
READING = (
    "p is McNemar's, exact and two-sided, over questions; those of one conversation share its "
    "memory. Prompts are learned from train and promoted by selection: only test is fresh to them."
)
SPLITS = ("train", "selection", "test")

Answers = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]


def build_comparison(
    runs: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the comparison as JSON-native values; `pairs` come from `compare_answers`."""
    simulated = {part: any(r["simulated"][part] for r in runs) for part in ("data", "model")}
    return {
        "format": FORMAT,
        "simulated": any(simulated.values()),
        "banner": wording.banner(**simulated) if any(simulated.values()) else None,
        "runs": [{"label": label(n), **run} for n, run in enumerate(runs)],
        "notes": notes(runs),
        "pairs": list(pairs),
    }


def label(number: int) -> str:
    """Return the letter of a run: A, B, ... Z, then R27 and so on."""
    return chr(ord("A") + number) if number < 26 else f"R{number + 1}"


def notes(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what has to be said before the figures are held against each other."""
    lines = []
    if len({run["data"]["hash"] for run in runs}) > 1:
        lines.append(
            "The runs rest on different data: their scores are comparable only in part, and of "
            "the questions only those of conversations that both hold word for word."
        )
    if len({_key(run["measured_by"]) for run in runs}) > 1:
        lines.append("The runs are judged in different ways: their verdicts differ for that, too.")
    for run in runs:
        if run["status"] == "running":
            lines.append(f"{wording.printable(run['run'])} is running: its figures are of now.")
    return lines


def _key(value: Mapping[str, Any]) -> str:
    return repr(sorted(value.items()))


def compare_answers(
    number: tuple[int, int],
    old: Answers,
    new: Answers,
    *,
    same: Collection[str] | None,
    interval: bool,
) -> dict[str, Any]:
    """Return which questions two runs answered differently, by split.

    `number` are their places in the list of runs. `same` are the conversations that both hold
    word for word; None means all (the same data). Only questions that both have a verdict on
    count, and only where both have them in the same split. `p` is McNemar's exact p, two-sided;
    `difference` the mean over conversations of new minus old, its interval where `interval`.
    """
    return {
        "old": label(number[0]),
        "new": label(number[1]),
        "splits": {
            split: _split(old.get(split, {}), new.get(split, {}), same, interval)
            for split in SPLITS
        },
    }


def _split(
    old: Mapping[str, Mapping[str, Mapping[str, Any]]],
    new: Mapping[str, Mapping[str, Mapping[str, Any]]],
    same: Collection[str] | None,
    interval: bool,
) -> dict[str, Any] | None:
    shared = [c for c in old if c in new and (same is None or c in same)]
    changes: dict[str, list[dict[str, Any]]] = {"fixed": [], "broken": []}
    before: dict[str, list[bool]] = {}
    after: dict[str, list[bool]] = {}
    for conversation in shared:
        for question, was in old[conversation].items():
            now = new[conversation].get(question)
            if now is None or was["correct"] is None or now["correct"] is None:
                continue
            before.setdefault(conversation, []).append(was["correct"])
            after.setdefault(conversation, []).append(now["correct"])
            if was["correct"] != now["correct"]:
                changes["fixed" if now["correct"] else "broken"].append(
                    {
                        "conversation": conversation,
                        "question": question,
                        "category": was["category"],
                        "old": was["prediction"],
                        "new": now["prediction"],
                    }
                )
    if not before:
        return None
    fixed, broken = len(changes["fixed"]), len(changes["broken"])
    found = paired_interval(_means(before), _means(after))
    bounds = None
    if interval and found.low is not None and found.high is not None:
        bounds = [round(max(-1.0, found.low), 6), round(min(1.0, found.high), 6)]
    return {
        "conversations": len(before),
        "questions": sum(map(len, before.values())),
        "right_in_both": sum(
            a and b for c in before for a, b in zip(before[c], after[c], strict=True)
        ),
        "wrong_in_both": sum(
            not a and not b for c in before for a, b in zip(before[c], after[c], strict=True)
        ),
        "p": min(1.0, 2 * mcnemar_p(max(fixed, broken), min(fixed, broken))),
        "difference": None if found.mean is None else round(found.mean, 6),
        "interval": bounds,
        **changes,
    }


def _means(verdicts: Mapping[str, Sequence[bool]]) -> dict[str, float]:
    return {name: sum(values) / len(values) for name, values in verdicts.items()}
