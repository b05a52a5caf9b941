"""The agent part never sees gold: no request in its role holds what only the data set knows."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.models.gateway import Gateway
from tests.loop_fixture import opened, small

SECRET = "zqxgold"


def test_no_request_of_the_agent_holds_gold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gold answers, categories and gold facts are replaced by words that occur nowhere else;
    only the judge is ever sent one of them."""
    seen: dict[str, list[str]] = {"agent": [], "judge": []}
    complete = Gateway.complete

    def watched(self: Gateway, role: str, messages: Any, sample: int, schema: Any = None) -> Any:
        seen[role].append("\n".join(text for _, text in messages))
        return complete(self, role, messages, sample, schema)

    monkeypatch.setattr(Gateway, "complete", watched)
    with ExitStack() as stack:
        services = opened(small(tmp_path), stack)
        conversation = services.dataset.conversations[0]
        marked = replace(
            conversation,
            questions=tuple(
                replace(q, answer=f"{SECRET} {i}", category=f"{SECRET} c", unanswerable=False)
                for i, q in enumerate(conversation.questions)
            ),
            gold_facts=tuple(replace(f, value=f"{SECRET} f") for f in conversation.gold_facts),
        )
        services.evaluate(services.seed_prompts, [marked], 1, "a")
    assert len(seen["agent"]) > 2 * len(marked.questions)
    assert not any(SECRET in text for text in seen["agent"])
    # The check bites: the judge, who must know it, was sent it.
    assert any(SECRET in text for text in seen["judge"])
