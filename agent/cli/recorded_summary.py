"""What a recorded run came to: its own summary, or what is known while there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun

# What readers take for granted in a summary; one that lacks any of it is not used.
SUMMARY_KEYS = frozenset(
    {"status", "stop_reason", "gate_mode", "calls", "tokens", "prompts", "test_openings"}
)


def summary_of(recorded: RecordedRun) -> dict[str, Any]:
    """Return the last `done` event, or what is known of it while there is none.

    A summary older than the last start is not used: its scores are of then.
    """
    status, reason = recorded.status
    if status in ("done", "stopped"):
        try:
            found = json.loads((recorded.directory / "summary.json").read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            found = None
        if (
            isinstance(found, dict)
            and found.get("status") == status
            and found.keys() >= SUMMARY_KEYS
        ):
            return found
    from agent.models.pricing import Prices

    spent = recorded.spent
    return {
        "status": status,
        "stop_reason": reason,
        "gate_mode": (recorded.store.state("started") or {}).get("gate_mode"),
        "calls": {
            "made": sum(s.calls for s in spent.values()),
            "saved": recorded.store.state("ledger_saved", 0) + recorded.store.reused_calls(),
            "by_role": {role: s.calls for role, s in spent.items()},
        },
        "tokens": {
            "input": sum(s.input_tokens for s in spent.values()),
            "output": sum(s.output_tokens for s in spent.values()),
        },
        "usd": Prices.from_json(recorded.store.state("prices", {})).summary(spent),
        "prompts": {"seed": recorded.identity["seed_prompts"], "final": recorded.final.hash},
        "seconds": recorded.store.state("seconds"),
        "test_openings": (recorded.finish or {}).get("test_openings", 0),
    }
