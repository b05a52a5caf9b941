"""Renders a built report as Markdown, for reading and for keeping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.report import causes, wording
from evals.report.tables import fenced, plain, table

SPLITS = ("train", "selection", "test")
_MOST_PROBLEMS = 50


def render_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as one Markdown document that ends with a newline."""
    lines = [
        *_head(report), *_result(report), *_broken(report), *_gates(report), *_prompts(report),
        *causes.render(report), *_scores(report), *_rounds(report), *_rejected(report),
        *_data(report), *_cost(report), *_identity(report),
    ]  # fmt: skip
    return "\n".join(lines).rstrip("\n") + "\n"


def _head(report: Mapping[str, Any]) -> list[str]:
    lines = [f"# {plain(report['run'])}", ""]
    if report["banner"]:
        lines += [f"> **{report['banner']}**", ""]
    why = wording.stop_reason(report["stop_reason"])
    rounds = wording.plural(report["rounds"], "round")
    lines += [f"Status: **{report['status']}** ({plain(why)}), {rounds}.", ""]
    if report["claim"]:
        lines += [f"Claim: {report['claim']}.", ""]
    if report["data"]["warning"]:
        lines += [f"> Warning: {plain(report['data']['warning'])}.", ""]
    return lines


def _result(report: Mapping[str, Any]) -> list[str]:
    gain = report["gain"] or {}
    rows = []
    for name in ("baseline", "final"):
        found = (report["scores"][name] or {}).get("test")
        if found is not None:
            rows.append((name, wording.score(found["score"]), wording.interval(found["interval"]),
                         str(found["n"])))  # fmt: skip
    if not rows:
        return ["## Result", "", *_no_score(report)]
    if gain.get("score") is not None:
        bounds = wording.interval(gain["interval"], signed=True)
        rows.append(("gain", wording.difference(gain["score"]), bounds, ""))
    if report["ceiling"] is not None:
        rows.append(("ceiling", wording.score(report["ceiling"]), "-", ""))
    lines = ["## Result on the sealed test split", ""]
    lines += table(("", "score", "95% interval", "questions"), rows, numbers=3)
    if gain.get("headroom_closed") is not None:
        lines += [f"Share of the headroom closed: {wording.percent(gain['headroom_closed'])}.", ""]
    said = wording.headroom(report)
    if said:
        lines += [f"{plain(said[0].upper() + said[1:])}.", ""]
    if report["scores"]["final"] is None:
        lines += _no_score(report)
    openings = report["test_openings"]
    # Of a generated world there are as many as seeds: to test on one again spoils nothing.
    if openings > 1 and not report["data"]["simulated"]:
        said = "by this and other runs: each time, a score on it says less"
        lines += [f"The test split of these data has been opened {openings} times, {said}.", ""]
    return lines


def _no_score(report: Mapping[str, Any]) -> list[str]:
    lines = [f"The sealed test split was {wording.no_final_score(report)}.", ""]
    if report["status"] == "broken off" and report["go_on"]:
        lines += [f"To go on: {plain(report['go_on'])}.", ""]
    return lines


def _broken(report: Mapping[str, Any]) -> list[str]:
    broken = report["broken"]
    if not broken:
        return []
    rows = [
        (plain(one["conversation"]), f"{one['missing']} of {one['questions']}", plain(one["error"]))
        for one in broken[:_MOST_PROBLEMS]
    ]
    lines = ["## What broke", "", "Questions without a verdict; no score counts them.", ""]
    lines += table(("conversation", "questions", "the first error"), rows)
    more = len(broken) - len(rows)
    return [*lines, *([f"And {wording.plural(more, 'conversation')} more.", ""] if more else [])]


def _gates(report: Mapping[str, Any]) -> list[str]:
    lines = ["## The gate", ""]
    if not report["gates"]:
        return [*lines, "No candidate reached the gate.", ""]
    rows = [
        (
            str(g["round"]), g["decision"], wording.difference(g["gain"]),
            wording.p_value(g["p_value"]), f"{g['alpha']:.3g}", f"+{g['better']} / -{g['worse']}",
            str(g["n"]), str(g["conversations"]), plain(g["reason"]),
        )
        for g in report["gates"]
    ]  # fmt: skip
    heads = ("round", "decision", "gain", "p", "alpha", "better / worse", "questions",
             "conversations", "reason")  # fmt: skip
    lines += table(heads, rows)
    mode = report["gates"][0]["mode"]
    test = "sign-flip over conversations" if mode == "population" else "McNemar over questions"
    lines += [f"Mode: {mode} ({test}). Claim of a promotion: {report['gates'][0]['claim']}.", ""]
    return lines


def _prompts(report: Mapping[str, Any]) -> list[str]:
    prompts = report["prompts"]
    lines = ["## Prompts", "", f"Seed `{prompts['seed']}`, final `{prompts['final']}`.", ""]
    if not prompts["diffs"]:
        these = "given" if prompts["given"] else "seed"
        return [*lines, f"Nothing was promoted: the final prompts are the {these} prompts.", ""]
    for diff in prompts["diffs"]:
        lines += [f"### {plain(diff['slot'])}", "", *fenced(diff["lines"], "diff")]
    return lines


def _scores(report: Mapping[str, Any]) -> list[str]:
    lines = ["## Scores", ""]
    rows, categories, stages, values = [], [], [], []
    for name in ("baseline", "final"):
        for split in SPLITS:
            found = (report["scores"][name] or {}).get(split)
            if found is None:
                continue
            rows.append((name, split, wording.score(found["score"]),
                         wording.interval(found["interval"]), str(found["n"]),
                         str(found["conversations"]), wording.score(found["f1"])))  # fmt: skip
            if found.get("value") is not None and report["scorer"]["name"] != "f1":
                values.append((name, split, wording.score(found["value"])))
            categories += [
                (name, split, plain(c) or "(none)", wording.score(v["score"]), str(v["n"]))
                for c, v in found["by_category"].items()
            ]
            stages += [
                (name, split, plain(stage), wording.score(value))
                for stage, value in found["stages"].items()
            ]
    if not rows:
        return [*lines, "Nothing was scored completely yet.", ""]
    lines += [
        f"Verdicts: {plain(report['scorer']['verdicts'])}.",
        "",
        "The score is the share of answers judged right, as mean over conversations; F1 is "
        "LoCoMo's, over words.",
        "",
    ]
    heads = ("prompts", "split", "score", "95% interval", "questions", "conversations", "F1")
    lines += table(heads, rows, numbers=5)
    if values:
        own = f"mean value of {plain(report['scorer']['name'])}"
        lines += table(("prompts", "split", own), values, numbers=1)
    if report["gate_mode"] == "these_conversations":
        lines += [f"There is no interval: {wording.NO_CLAIM}.", ""]
    if stages:
        by_stage = table(("prompts", "split", "stage", "score"), stages, numbers=1)
        lines += ["### By stage", "", *by_stage]
    by_category = table(
        ("prompts", "split", "category", "score", "questions"), categories, numbers=2
    )
    return [*lines, "### By category", "", *by_category]


def _rounds(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            str(r["round"]), wording.score(r["training_score"]), _or_dash(r["failures"]),
            _or_dash(r["signals"]), str(r["raced"]), str(len(r["edits"])), r["gate"] or "-",
            plain(r["proposal"] or "-"),
        )
        for r in report["by_round"]
    ]  # fmt: skip
    if not rows:
        return []
    heads = ("round", "training score", "failures", "signals", "tried", "edits taken", "gate",
             "proposal")  # fmt: skip
    return ["## Rounds", "", *table(heads, rows)]


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _rejected(report: Mapping[str, Any]) -> list[str]:
    lines = ["## Rejected edits", ""]
    if not report["rejected_edits"]:
        return [*lines, "None.", ""]
    rows = []
    for record in report["rejected_edits"]:
        slots = dict.fromkeys(str(e.get("slot", "")) for e in record["edits"])
        text = "; ".join(wording.edit(e) for e in record["edits"]) or "(no readable edit)"
        rows.append(
            (str(record["round"]), plain(", ".join(slots)), plain(text), plain(record["reason"]))
        )
    return [*lines, *table(("round", "slot", "edit", "reason"), rows)]


def _data(report: Mapping[str, Any]) -> list[str]:
    data = report["data"]
    sizes = ", ".join(f"{n} {name}" for name, n in data["conversations"].items())
    lines = ["## Data", "", f"{plain(data['name'])}, hash `{data['hash']}`: {sizes}.", ""]
    if not data["problem_count"]:
        return [*lines, "No problems were found in the data.", ""]
    problems = data["problems"][:_MOST_PROBLEMS]
    lines += [f"{wording.plural(data['problem_count'], 'problem')} found in the data:", ""]
    lines += [f"- {plain(line)}" for line in problems]
    more = data["problem_count"] - len(problems)
    return [*lines, *([f"- and {more:,} more (report.json has all)"] if more else []), ""]


def _cost(report: Mapping[str, Any]) -> list[str]:
    calls = report["calls"] or {"made": 0, "saved": 0}
    cost = wording.usd(report.get("usd"))
    rows = [
        (role, f"{s['calls']:,}", f"{s['input']:,}", f"{s['output']:,}")
        for role, s in report["spent"].items()
    ]
    later = sum(s["calls"] for s in report["spent"].values()) - calls["made"]
    after = f"Of these calls, {later:,} were made after the run (memtune attribute)."
    return [
        "## Cost", "",
        f"{wording.plural(calls['made'], 'model call')} made (failed and lost ones too), "
        f"{calls['saved']:,} saved by reuse; {wording.duration(report['seconds'])} of work.", "",
        *([f"Cost: {cost}.", ""] if cost else []),
        *table(("role", "calls", "input tokens", "output tokens"), rows, numbers=3),
        *([after, ""] if later > 0 and rows else []),
    ]  # fmt: skip


def _identity(report: Mapping[str, Any]) -> list[str]:
    rows = [(f"model of {role}", plain(model)) for role, model in report["models"].items()]
    given = wording.given_prompts(report)
    rows += [("prompts given", plain(given))] if given else []
    rows += [
        (plain(name), plain(value))
        for name, value in sorted(report["identity"].items())
        if name != "models"
    ]
    return ["## Identity", "", "What fixes the run:", "", *table(("", ""), rows)]
