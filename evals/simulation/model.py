"""The simulated model `sim/rules-1`: roles by name, tasks by output fields, no state."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from evals.simulation.agent_part import answer as agent_answer
from evals.simulation.draws import generator
from evals.simulation.judge_part import answer as judge_answer
from evals.simulation.request import Request, parse_request
from evals.simulation.request_plain import parse_plain

VERSION = "rules-1"
ROLES = ("agent", "judge", "reflection")


class UnknownModelError(ValueError):
    """The name is not that of a simulated model in one of its roles."""


@dataclass(frozen=True)
class Completion:
    """The text of an answer and what it would cost in tokens."""

    text: str
    input_tokens: int
    output_tokens: int


def role_of(model: str) -> str:
    """Return the role in a model's name ('sim/rules-1:judge'; no role is the agent)."""
    name, _, role = model.rpartition("/")[2].partition(":")
    role = role or "agent"
    if name != VERSION or role not in ROLES:
        known = ", ".join(f"sim/{VERSION}:{r}" for r in ROLES)
        raise UnknownModelError(f"no such simulated model: {model!r} (known: {known})")
    return role


class SimulatedModel:
    """A language model by rules: a pure function of seed, slip rate and request."""

    def __init__(self, seed: int, slip: float = 0.02) -> None:
        if not 0.0 <= slip <= 1.0 or math.isnan(slip):
            raise ValueError(f"the slip rate must lie between 0 and 1, not {slip}")
        self.seed = seed
        self.slip = slip

    def complete(
        self, model: str, messages: Sequence[Mapping[str, str]], sample: int = 0
    ) -> Completion:
        """Answer the chat messages in the role that the model's name states."""
        role = role_of(model)
        request = parse_request(messages, sample)
        if role == "agent" and not request.outputs:
            request = parse_plain(messages, sample) or request
        text = json.dumps(self._answer(role, request), ensure_ascii=True)
        return Completion(
            text, sum(_tokens(m.get("content") or "") for m in messages), _tokens(text)
        )

    def _answer(self, role: str, request: Request) -> dict[str, object]:
        if role == "judge":
            return judge_answer(request, seed=self.seed, slip=self.slip)
        if role == "agent":
            return agent_answer(request, seed=self.seed, slip=self.slip)
        # Imported late: the parts do not depend on each other.
        part = import_module("evals.simulation.reflection_part")
        made: dict[str, object] = part.answer(request, generator(self.seed, "reflection", request))
        return made


def _tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return (len(text) + 3) // 4
