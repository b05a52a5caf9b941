"""What of a run is shown as an example: a failing question, a few causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun
    from traces.results import Attribution

# Causes of one error type that a report shows.
EXAMPLES = 2


def example_failure(recorded: RecordedRun) -> str | None:
    """Return a failing question as `conversation/question`: of those with a named operation the
    one whose cause is surest, where there are any; of the final prompts where they were
    evaluated."""
    found: str | None = None
    for prompts in (recorded.final, recorded.seed):
        named: list[tuple[bool, float, str]] = []
        for id, conversation, _ in reversed(recorded.store.passes(prompts.hash)):
            known = recorded.attributions(id)
            for answer in recorded.store.answers(id):
                if answer.correct is False:
                    name = f"{conversation}/{answer.question}"
                    one = known.get(answer.question)
                    if one is not None and one.operations:
                        named.append((one.verdict == "certified", one.confidence or 0.0, name))
                    found = found or name
        if named:
            return max(named)[2]
    return found


def example_causes(recorded: RecordedRun) -> list[Attribution]:
    """Return causes to show: of each error type the first few with the final prompts,
    certified ones before suspected ones, those of the test split before others."""
    test = set(recorded.lock_file()["splits"]["test"])
    found: dict[str, list[Attribution]] = {}
    for id, _, _ in recorded.store.passes(recorded.final.hash):
        for one in recorded.attributions(id).values():
            if one.error_type is not None and one.operations:
                found.setdefault(one.error_type, []).append(one)

    def order(one: Attribution) -> tuple[bool, bool, str, str]:
        named = one.conversation, one.question
        return (one.verdict != "certified", one.conversation not in test, *named)

    return [one for name in sorted(found) for one in sorted(found[name], key=order)[:EXAMPLES]]
