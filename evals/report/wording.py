"""How a report words what the records hold: one place for screen, Markdown and JSON."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

SIMULATED = "SIMULATED: a program plays {who}: machinery, not language quality."
NO_CLAIM = "no claim beyond these conversations"
CLAIMS = {
    "population": "holds for conversations exchangeable with those of the selection split",
    "these_conversations": NO_CLAIM,
}
STOP_REASONS = {
    "rounds": "all rounds were used",
    "patience": "several rounds in a row brought nothing new",
    "target": "the target score was reached",
    "no_failures": "no training question failed",
    "nothing_to_tune": "the backend has no prompt to tune",
    "budget": "the budget is used up",
    "deadline": "the deadline has passed",
    "stop_file": "a stop was asked for",
    "": "it has not ended",
}


VERDICTS = {
    "judge": "a model judge says what is right, after a free match of words",
    "longmemeval": "a model judge says what is right, by LongMemEval's rules for types of question",
    "f1": "an answer is right from a LoCoMo F1 of 0.5",
    "exact": "an answer is right when it has the gold answer's words",
}


def verdicts(scorer: str, judge_prompt: str | None = None) -> str:
    """Return in words what a failure is measured by; `judge_prompt` is a prompt's hash."""
    if judge_prompt is not None:
        return f"a model judge says what is right, by the user's own prompt ({judge_prompt[:8]})"
    own = f"the user's own scorer, {printable(scorer)}, says what is right"
    return VERDICTS.get(scorer, own)


def banner(data: bool, model: bool) -> str:
    """Return the line that labels simulated figures: which part a program plays."""
    who = "users and model" if data and model else "the users" if data else "the model"
    return SIMULATED.format(who=who)


def stop_reason(code: str) -> str:
    """Return a stop reason in words; an unknown code is returned as it is."""
    return STOP_REASONS.get(code, code)


def decision(gate: str) -> str:
    """Return a gate's decision as people read it: what it accepts is promoted."""
    return "promoted" if gate == "accepted" else gate


def score(value: float | None) -> str:
    """Return a score in 0..1 with three decimals, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def difference(value: float | None) -> str:
    """Return a signed difference of scores, or a dash."""
    return "-" if value is None else f"{value:+.3f}"


def interval(bounds: Sequence[float] | None, *, signed: bool = False) -> str:
    """Return a 95% interval, or a dash."""
    if bounds is None:
        return "-"
    word = difference if signed else score
    return f"{word(bounds[0])} to {word(bounds[1])}"


def p_value(value: float | None) -> str:
    """Return a p-value with two significant digits, or a dash."""
    if value is None:
        return "-"
    return "<0.0001" if value < 0.0001 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def headroom(report: Mapping[str, Any]) -> str:
    """Return in words why there is no share of the headroom, or what its ceiling leaves out;
    "" where there is nothing to say, as before the test split is opened."""
    gain, ceiling = report["gain"] or {}, report["ceiling"]
    if gain.get("score") is None:
        return ""
    if gain.get("headroom_closed") is not None:
        said = ""
    elif not report["identity"].get("slots", True):
        return "no ceiling: this backend has no prompt to tune"
    elif ceiling is None:
        said = "no ceiling: what the best prompts would reach is not known"
    else:
        said = f"no headroom: the ceiling is {score(ceiling)}, not above the baseline"
    return "; ".join(filter(None, (said, report["beyond_ceiling"])))


def no_final_score(report: Mapping[str, Any]) -> str:
    """Return in words why the sealed test split gave no final score."""
    tested = report["tested"]
    if not tested["opened"]:
        return "not opened: a run that has not ended has no final score"
    if tested["questions"] and not tested["judged"]:
        number = plural(tested["questions"], "test question")
        return f"opened, but 0 of {number} have a verdict (see What broke): no final score"
    return "opened, but the run ended before all of it was answered: no final score"


def given_prompts(report: Mapping[str, Any]) -> str:
    """Return the path of the prompts that a run was given and their hash; "" for the shipped."""
    prompts = report["prompts"]
    return f"{prompts['given']} ({prompts['seed'][:12]})" if prompts["given"] else ""


def percent(value: float | None) -> str:
    """Return a share as a whole percentage, or a dash."""
    return "-" if value is None else f"{100 * value:.0f}%"


def count(value: int) -> str:
    """Return a count with thousands separators."""
    return f"{value:,}"


def tokens(value: int) -> str:
    """Return a number of tokens: exact below ten thousand, else rounded to k or M."""
    if value < 10_000:
        return f"{value:,}"
    return f"{value / 1000:.0f}k" if value < 1_000_000 else f"{value / 1e6:.1f}M"


def usd(found: Mapping[str, Any] | None) -> str:
    """Return what calls cost in words, by role; "" where no model has a price."""
    by_role = (found or {}).get("by_role") or {}
    known = {role: cost for role, cost in by_role.items() if cost is not None}
    if found is None or (found.get("limit") is None and not any(known.values())):
        return ""
    unknown = [role for role, cost in by_role.items() if cost is None]
    least = "at least " if unknown else ""
    said = f"{least}{dollars(sum(known.values()))}"
    if len(known) > 1:
        said += " (" + ", ".join(f"{role} {dollars(c, '')}" for role, c in known.items()) + ")"
    if unknown:
        said += f"; not known for {', '.join(unknown)}"
    if found.get("limit") is not None:
        said += f"; limit {dollars(found['limit'], '')}"
    return said


def dollars(value: float, unit: str = " USD") -> str:
    """Return dollars with cents, or with two significant digits where that shows more."""
    return f"{value:,.2f}{unit}" if value >= 0.1 or value == 0 else f"{value:.2g}{unit}"


def duration(seconds: float | None) -> str:
    """Return seconds as 12s, 3m05s or 2h07m; a dash for None."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def plural(number: int, thing: str) -> str:
    """Return '1 round', '2 rounds'."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def printable(text: object) -> str:
    """Return one line without control characters: texts from data and models are foreign."""
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in str(text))
    return " ".join("".join(kept).split())


def counts(found: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return names and counts, greatest first, ties by name."""
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def edit(record: Mapping[str, Any]) -> str:
    """Return one edit in words: `add "clause"`, `replace "old" by "new"`."""
    action = str(record.get("action", ""))
    clause, replaces = printable(record.get("clause", "")), printable(record.get("replaces", ""))
    if action == "add":
        return f'add "{clause}"'
    if action == "remove":
        return f'remove "{replaces or clause}"'
    return f'{action} "{replaces}" by "{clause}"' if replaces else f'{action} "{clause}"'
