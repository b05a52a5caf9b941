"""The optimizer that changes nothing: the baseline of every comparison."""

from __future__ import annotations

from optimizers.protocol import Assignment, Proposal


class Noop:
    """Proposes nothing, asks nothing, evaluates nothing."""

    name = "noop"

    def propose(self, assignment: Assignment) -> Proposal:
        """Return a proposal without a candidate; memory is handed on as it is."""
        return Proposal(None, (), (), dict(assignment.memory), "noop proposes nothing")
