"""Renders a comparison as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.report import wording
from evals.report.compare import READING
from evals.report.compare_table import Section, row_heads, sections
from evals.report.tables import plain, table

# With more runs than this, they are rows: three columns of intervals fill 80 characters.
MOST_COLUMNS = 3


def render_comparison(comparison: Mapping[str, Any]) -> str:
    """Return the comparison as one Markdown document that ends with a newline."""
    runs = comparison["runs"]
    lines = ["# Runs compared", ""]
    if comparison["banner"]:
        lines += [f"> **{comparison['banner']}**", ""]
    lines += [f"- {run['label']}: {plain(run['run'])} ({plain(describe(run))})" for run in runs]
    lines += ["", *(line for note in comparison["notes"] for line in (plain(note), ""))]
    heads = [run["label"] for run in runs] if len(runs) <= MOST_COLUMNS else row_heads(runs)
    for section in sections(runs):
        if section.title:
            lines += [f"## {section.title[0].upper()}{section.title[1:]}", ""]
        lines += section_table(section, heads)
    for pair in comparison["pairs"]:
        lines += _pair(pair)
    return "\n".join(lines).rstrip("\n") + "\n"


def describe(run: Mapping[str, Any]) -> str:
    """Return in one line what a run is of and how it stands."""
    parts = [f"{run['data']['name']}, {run['backend']}, {run['models']['agent']}", run["status"]]
    if run["stop_reason"]:
        parts.append(wording.stop_reason(run["stop_reason"]))
    return "; ".join(parts)


def section_table(section: Section, heads: Sequence[str]) -> list[str]:
    """Return a section with runs as columns, or as rows where they are many."""
    if len(heads) <= MOST_COLUMNS:
        rows = [(plain(name.strip()), *map(plain, cells)) for name, cells in section.rows]
        return table(("", *heads), rows, numbers=len(heads))
    names = [plain(name.strip()) for name, _ in section.rows]
    turned = [
        (plain(head), *(plain(cells[place]) for _, cells in section.rows))
        for place, head in enumerate(heads)
    ]
    return table(("run", *names), turned, numbers=len(names))


def _pair(pair: Mapping[str, Any]) -> list[str]:
    lines = [f"## Questions, {pair['old']} against {pair['new']}", ""]
    known = {name: found for name, found in pair["splits"].items() if found is not None}
    if not known:
        return [*lines, "There is no question that both have answered.", ""]
    rows = [
        (
            name, str(found["questions"]), str(len(found["fixed"])), str(len(found["broken"])),
            wording.p_value(found["p"]), wording.difference(found["difference"]),
            wording.interval(found["interval"], signed=True),
        )
        for name, found in known.items()
    ]  # fmt: skip
    heads = ("split", "answered by both", "fixed", "broken", "McNemar p", "difference", "95%")
    lines += [*table(heads, rows, numbers=6), READING, ""]
    for name, found in known.items():
        for kind in ("fixed", "broken"):
            if found[kind]:
                lines += [f"### {kind.capitalize()}, {name}", ""]
                lines += table(
                    ("question", "", f"answer of {pair['old']}", f"answer of {pair['new']}"),
                    [_change(change) for change in found[kind]],
                )
    return lines


def _change(change: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name = f"{change['conversation']}/{change['question']}"
    answers = (plain(change[side] if change[side] is not None else "-") for side in ("old", "new"))
    old, new = answers
    return plain(name), plain(change.get("text") or "-"), old, new
