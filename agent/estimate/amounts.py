"""Calls and tokens that can be added and scaled, by role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from traces.ledger import Spending


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls and tokens; not whole numbers, because they are scaled."""

    calls: float = 0.0
    input: float = 0.0
    output: float = 0.0

    @classmethod
    def of(cls, spent: Spending) -> Amount:
        """Return what the ledger says was spent."""
        return cls(spent.calls, spent.input_tokens, spent.output_tokens)

    @property
    def tokens(self) -> float:
        """Input and output tokens together."""
        return self.input + self.output

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.calls + other.calls, self.input + other.input, self.output + other.output
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.calls - other.calls, self.input - other.input, self.output - other.output
        )

    def __mul__(self, factor: float) -> Amount:
        return Amount(self.calls * factor, self.input * factor, self.output * factor)

    def to_json(self) -> dict[str, int]:
        """Return whole numbers: calls, input and output tokens."""
        return {
            "calls": round(self.calls),
            "input": round(self.input),
            "output": round(self.output),
        }


Usage = Mapping[str, Amount]  # by role


def total(usage: Usage) -> Amount:
    """Return the sum over roles."""
    return sum(usage.values(), Amount())


def added(*usages: Usage) -> dict[str, Amount]:
    """Return the sum of several usages, role by role."""
    found: dict[str, Amount] = {}
    for usage in usages:
        for role, amount in usage.items():
            found[role] = found.get(role, Amount()) + amount
    return found


def scaled(usage: Usage, factor: float) -> dict[str, Amount]:
    """Return a usage times a factor."""
    return {role: amount * factor for role, amount in usage.items()}


def spent_since(before: Mapping[str, Spending], after: Mapping[str, Spending]) -> dict[str, Amount]:
    """Return what the ledger gained between two looks, by role."""
    nothing = Spending()
    return {
        role: Amount.of(spent) - Amount.of(before.get(role, nothing))
        for role, spent in after.items()
        if spent != before.get(role, nothing)
    }


def usage_json(usage: Usage, roles: Iterable[str]) -> dict[str, Any]:
    """Return whole numbers by role, for every role asked for."""
    return {role: usage.get(role, Amount()).to_json() for role in roles}
