"""What proves an attribution, in lines for people: shared by `trace`, `attribute`, `flag`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.screen import foreign
from evals.report import wording

if TYPE_CHECKING:
    from rich.text import Text

    from traces.results import Attribution

Row = tuple[str, "Text"]
_TEXTS = 300
_FAILED = 3
_ALTERNATIVES = 3
# Date and speaker before a changed text, one of them or both empty.
_EMPTY = re.compile(r"(^| \| )\((\S*), \) |(^| \| )\(, ")


def rows(found: Attribution) -> list[Row]:
    """Return label and line of everything that a certificate holds; nothing without one.

    A certificate may come from another version: what is missing or of another form is left
    out.
    """
    held = found.certificate
    if not isinstance(held, Mapping):
        return []
    made = [*_proof(found, held), *_repairs(held), *_became(held), *_checks(held)]
    return [*made, *_alternatives(held), *_sure(found, held)]


def _proof(found: Attribution, held: Mapping[str, Any]) -> Iterator[Row]:
    kind = held.get("kind")
    repaired = _count(held.get("repairs"))
    if found.verdict == "abstained":
        return  # the reason is the whole of it
    if found.verdict != "certified":
        yield "proof", foreign(f"none: {found.reason}", "yellow")
    elif kind == "replay":
        what = "operation" if repaired == 1 else f"{repaired} operations"
        yield "proof", foreign(f"with the {what} repaired, replay gives the right answer", "green")
    elif kind == "entailment":
        rescue = _counts(held.get("rescue"))
        yield "proof", foreign(f"a reader gets the answer from its context alone{rescue}", "green")
    else:
        yield "proof", foreign(found.reason, "green")


def _repairs(held: Mapping[str, Any]) -> Iterator[Row]:
    for one in _mappings(held.get("repairs")):
        where = f"{_text(one.get('name'))} in {_text(one.get('scope'))}: "
        line = foreign(where + _text(one.get("what")), limit=_TEXTS)
        line.stylize("bold", 0, len(where))
        yield "repaired", line
        for label in ("before", "after"):
            if one.get(label):
                yield f"  {label}", foreign(_EMPTY.sub(_known, _text(one[label])), limit=_TEXTS)


def _known(found: re.Match[str]) -> str:
    """Return what is known of date and speaker."""
    before, date, without_date = found.groups()
    if without_date is not None:
        return f"{without_date}("
    return f"{before}({date}) " if date else before


def _became(held: Mapping[str, Any]) -> Iterator[Row]:
    before, after = _text(held.get("answer_before")), _text(held.get("answer_after"))
    if held.get("kind") == "replay" and after:
        line = foreign(after, "bold", limit=_TEXTS).append("  ")
        rest = f"(was: {before}){_counts(held.get('rescue'))}"
        yield "became", line.append_text(foreign(rest, "not bold", limit=_TEXTS))


def _checks(held: Mapping[str, Any]) -> Iterator[Row]:
    control = held.get("control")
    if isinstance(control, Mapping) and control.get("draws"):
        if control.get("same_answer") is False or held.get("deterministic") is False:
            said = foreign("the unrepaired replay gives another answer: not deterministic", "red")
        else:
            said = foreign(f"not repaired, the same answer again{_counts(control)}")
        yield "control", said
    placebo = held.get("placebo")
    if isinstance(placebo, Mapping):
        right = placebo.get("right") is True
        what = f"{_text(placebo.get('what'))}, at '{_text(placebo.get('name'))}': "
        what += "right too, so the repair proves nothing" if right else "still wrong"
        yield "placebo", foreign(what, "red" if right else "", limit=_TEXTS)
    elif held.get("kind") == "replay":
        yield "placebo", foreign("none: no unrelated operation to change", "dim")
    failed = [_text(line) for line in _items(held.get("failed_replays"))]
    for number, line in enumerate(failed[:_FAILED]):
        yield "failed" if number == 0 else "", foreign(f"a replay: {line}", "yellow", limit=_TEXTS)
    if held.get("swept") is True:
        yield "found by", foreign("trying every operation on the path: none was suspected before")


def _alternatives(held: Mapping[str, Any]) -> Iterator[Row]:
    others = list(_mappings(held.get("alternatives")))
    for one in others[:_ALTERNATIVES]:
        names = ", ".join(_text(name) for name in _items(one.get("names")))
        yield "or", foreign(f"{names}: {_text(one.get('what'))}", limit=_TEXTS)
    if len(others) > _ALTERNATIVES:
        yield "", foreign(f"and {len(others) - _ALTERNATIVES} more", "dim")


def _sure(found: Attribution, held: Mapping[str, Any]) -> Iterator[Row]:
    if isinstance(found.confidence, int | float):
        yield "sure", foreign(wording.percent(found.confidence))
    replays = held.get("replays")
    parts = [wording.plural(replays, "replay")] if isinstance(replays, int) else []
    parts += [wording.plural(found.calls, "call"), f"{wording.tokens(found.tokens)} tokens"]
    yield "cost", foreign(", ".join(parts), "dim")


# reading what may have any form -----------------------------------------------------


def _counts(record: object) -> str:
    """Return ', right in 2 of 3 draws' for counts of draws; nothing for a single one."""
    draws = record.get("draws") if isinstance(record, Mapping) else None
    right = record.get("right") if isinstance(record, Mapping) else None
    if not isinstance(draws, int) or not isinstance(right, int) or draws < 2:
        return ""
    return f", right in {right} of {draws} draws"


def _count(value: object) -> int:
    return len(_items(value))


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in _items(value) if isinstance(item, Mapping))


def _text(value: object) -> str:
    return "" if value is None else str(value)
