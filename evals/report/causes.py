"""Why answers were wrong: causes counted over a run, examples with their proof, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evals.report import wording
from evals.report.tables import plain, table

COUNTS = (
    "by_verdict", "by_error_type", "certified_by_error_type", "by_sub_type", "without_prompt",
    "unproved", "abstained",
)  # fmt: skip
_TITLES = {
    "training": "training, over all rounds (what the optimizer learns from)",
    "selection": "selection, final prompts (for this report only)",
    "test": "test, final prompts (for this report only)",
}
_TEXT = 120


def merged(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up the attributions of all rounds; those of a prompt set that stayed the working
    one for several rounds count once."""
    by_prompts = {record.get("prompts", number): record for number, record in enumerate(records)}
    failures = 0
    found: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
    for record in by_prompts.values():
        failures += record["failures"]
        for name, counter in found.items():
            counter.update(record.get(name, {}))
    return {"failures": failures, **{name: dict(sorted(c.items())) for name, c in found.items()}}


def examples(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what a report shows of attributions (as JSON): cause, and the proof in a line."""
    return [
        {
            "conversation": one["conversation"],
            "question": one["question"],
            "error_type": one["error_type"],
            "sub_type": one["sub_type"],
            "operations": list(one["names"]),
            "verdict": one["verdict"],
            "confidence": one["confidence"],
            "proof": proof(one),
        }
        for one in found
    ]


def proof(attribution: Mapping[str, Any]) -> str:
    """Return an attribution's certificate in one line: what was repaired, what the answer then
    was; its reason where nothing was proved by repair.

    A certificate may come from another version: what is missing is left out.
    """
    held = attribution.get("certificate")
    repairs = held.get("repairs") if isinstance(held, Mapping) else None
    told = [
        f"{_text(one.get('name'))}: {_text(one.get('before'))} -> {_text(one.get('after'))}"
        for one in (repairs if isinstance(repairs, list | tuple) else ())
        if isinstance(one, Mapping)
    ]
    if not isinstance(held, Mapping) or held.get("kind") != "replay" or not told:
        return str(attribution.get("reason") or "")
    before, after = _text(held.get("answer_before")), _text(held.get("answer_after"))
    line = f'{"; ".join(told)}; the answer "{before}" became "{after}"'
    if attribution.get("verdict") == "certified":
        return line
    return f"{line}; not proved: {attribution.get('reason')}"


def _text(value: object) -> str:
    text = wording.printable("" if value is None else value)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


# Markdown --------------------------------------------------------------------------


def render(report: Mapping[str, Any]) -> list[str]:
    """Return the report's section on causes, as lines."""
    lines = ["## Why answers were wrong", ""]
    for name, title in _TITLES.items():
        found = report["attributions"][name]
        if found is not None:
            lines += [f"### {title}", "", *_counted(found)]
    for told in (not_seen(report), not_steady(report)):
        if told:
            lines += [f"{plain(told)}.", ""]
    return [*lines, *_examples(report["examples"])]


def verdicts(found: Mapping[str, Any]) -> str:
    """Return how many causes were proved, in words; nothing of a run that did not count them."""
    by = found.get("by_verdict") or {}
    parts = (
        ("certified", "certified"),
        ("suspected", "suspected"),
        ("abstained", "without a named cause"),
    )
    return ", ".join(f"{by[verdict]:,} {said}" for verdict, said in parts if by.get(verdict))


def without_prompt(found: Mapping[str, Any]) -> str:
    """Return in words how many failures lie at operations that have no prompt to rewrite, and
    at which; nothing where there are none."""
    by = found.get("without_prompt") or {}
    if not by:
        return ""
    number = sum(by.values())
    told = ", ".join(f"{name} {n:,}" for name, n in wording.counts(by))
    return f"no prompt to tune: {told}; {number / found['failures']:.0%} of the failures"


def not_seen(report: Mapping[str, Any]) -> str:
    """Return what the user can do where failures are left without a cause because the memory
    does not show what it holds, or cannot be changed; nothing where there are none."""
    parts = report["attributions"].values()
    if not any(((found or {}).get("abstained") or {}).get("not_intervenable") for found in parts):
        return ""
    backend = wording.printable(report["identity"].get("backend"))
    return (
        "not_intervenable: the memory shows too little of what it holds. Offer entries(), and "
        f"put and remove for proofs; 'memtune backends check {backend}' says what is missing"
    )


def not_steady(report: Mapping[str, Any]) -> str:
    """Return in words that the memory put out something else when it was given the same again;
    nothing where no attribution met that."""
    parts = report["attributions"].values()
    met = sum(((f or {}).get("unproved") or {}).get("not_deterministic", 0) for f in parts)
    if not met:
        return ""
    backend = wording.printable(report["identity"].get("backend"))
    return (
        f"not_deterministic: given the same again, the memory did something else, in "
        f"{wording.plural(met, 'failure')}; no replay proves anything there, and scores may change "
        f"by chance: 'memtune backends check {backend}' says where"
    )


def _counted(found: Mapping[str, Any]) -> list[str]:
    said = verdicts(found)
    failures = wording.plural(found["failures"], "failure")
    lines = [f"{failures}{': ' if said else ''}{said}.", ""]
    fixed = without_prompt(found)
    if fixed:
        lines += [f"{plain(fixed)}.", ""]
    types = wording.counts(found["by_error_type"])
    if types:
        lines += _types(found, types)
    if found["abstained"]:
        reasons = [(plain(r), str(n)) for r, n in wording.counts(found["abstained"])]
        lines += table(("abstained because", "failures"), reasons, numbers=1)
    return lines


def _types(found: Mapping[str, Any], types: Sequence[tuple[str, int]]) -> list[str]:
    subs = wording.counts(found["by_sub_type"])
    counted = bool(found.get("by_verdict"))
    rows = []
    for kind, number in types:
        own = [f"{_sub(s)} {n}" for s, n in subs if s.split("/")[0] == kind]
        certified = [str(found.get("certified_by_error_type", {}).get(kind, 0))] if counted else []
        rows.append((plain(kind), str(number), *certified, plain(", ".join(own))))
    heads = ("error type", "failures", *(["certified"] if counted else []), "of which")
    return table(heads, rows)


def _sub(name: str) -> str:
    sub = name.split("/", 1)[-1]
    return "other" if sub == "None" else sub


def _examples(found: Sequence[Mapping[str, Any]]) -> list[str]:
    if not found:
        return []
    rows = []
    for one in found:
        cause = f"{one['error_type']}" + (f"/{one['sub_type']}" if one["sub_type"] else "")
        sure = f" ({wording.percent(one['confidence'])})" if one["confidence"] is not None else ""
        name = plain(f"{one['conversation']}/{one['question']}")
        rows.append((name, plain(cause), f"{one['verdict']}{sure}", plain(one["proof"])))
    lines = ["### Examples, final prompts", ""]
    return [*lines, *table(("question", "cause", "verdict", "proof"), rows)]
