"""What a check found: what is wrong, where, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "remark"]
Status = Literal["passed", "failed", "not_run"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `problem` is a short name for it, stable between versions.

    A remark breaks nothing: it says what cannot be seen or proved.
    """

    problem: str
    what: str
    where: str
    mend: str
    severity: Severity = "error"

    def __str__(self) -> str:
        at = f" ({self.where})" if self.where else ""
        return f"{self.problem}: {self.what}{at}; {self.mend}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check. `why` says why it was not run."""

    check: str
    says: str
    status: Status
    findings: tuple[Finding, ...] = ()
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return asdict(self)


def remark(problem: str, what: str, mend: str, where: str = "") -> Finding:
    """Return a finding that breaks nothing."""
    return Finding(problem, what, where, mend, "remark")
