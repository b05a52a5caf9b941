"""Messages that an answer is not told from, and without which it cannot be understood: links,
replies to a proposal, what came in the place of a former value, what took a statement back."""

from __future__ import annotations

from traces.attribution.carries import Carries
from traces.attribution.evidence_search import Messages
from traces.attribution.targets import Target


def further(messages: Messages, carries: Carries, found: list[Target]) -> list[Target]:
    return []


def withdrawn(messages: Messages) -> list[str]:
    return []
