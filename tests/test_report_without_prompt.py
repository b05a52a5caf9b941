"""What a report says of failures at operations that no rewriting reaches."""

from __future__ import annotations

from dataclasses import replace

from agent.attributing import counts
from evals.report.causes import merged, without_prompt
from traces.results import Attribution

ONE = Attribution(
    conversation="c", question="q", method="replay", verdict="certified",
    error_type="RetrievalError", sub_type="missed", operations=("o",), names=("search",),
)  # fmt: skip


def test_failures_at_operations_without_a_prompt_are_counted_by_operation() -> None:
    """Those with a slot and those without a named cause are not among them."""
    others = [
        replace(ONE, slot="extraction", names=("extract",)),
        replace(ONE, verdict="abstained", operations=(), names=()),
        replace(ONE, names=("store",), error_type="UpdateError"),
    ]
    found = counts([ONE, ONE, *others])
    assert found["without_prompt"] == {"search": 2, "store": 1}
    record = {"prompts": "p", "failures": 5, **found}
    told = without_prompt(merged([record, record]))
    assert told == "no prompt to tune: search 2, store 1; 60% of the failures"


def test_where_every_operation_has_a_prompt_nothing_is_said() -> None:
    """Nor of records that did not count it."""
    assert without_prompt(merged([{"failures": 1, **counts([replace(ONE, slot="a")])}])) == ""
    assert without_prompt({"failures": 1}) == ""
