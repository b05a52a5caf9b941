"""One evidence message on its way to the answer: what the stages of the loss pass share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from traces.attribution.blame import Blame, blame_for, failed_by_provider
from traces.attribution.carries import Reading
from traces.attribution.index import Asked, GraphIndex
from traces.attribution.targets import Item, Target
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Variable

Judge = Callable[[Item, Target], Reading]

_ERRORS = {
    "extraction": "ExtractionError", "update": "UpdateError", "retrieval": "RetrievalError",
    "response": "ResponseError",
}  # fmt: skip


@dataclass(slots=True)
class Chain:
    """How far one evidence message came. `passed` counts results.STAGES; `loss` is set where it was
    lost; `blocked` is a reason code where no operation can be named. `facts` and `entries`
    carry the evidence; `ranks` are 1-based; `relative`: the date came through only as a
    relative word or as the item's own date."""

    target: Target
    passed: int = 0
    loss: Blame | None = None
    blocked: str = ""
    facts: list[Variable] = field(default_factory=list)
    entries: list[EntryVersion] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    relative: bool = False

    @property
    def raw(self) -> bool:
        """Whether entries are made from messages without an extraction."""
        return not self.facts

    def lost_at(
        self,
        operation: OperationRecord,
        error_type: str,
        sub_type: str,
        what: str,
        *,
        given: str = "",
        produced: str = "",
    ) -> None:
        """Note at which operation the evidence was lost."""
        self.loss = blame_for(
            self.target, operation, error_type, sub_type, what, given=given, produced=produced
        )

    def failed_at(self, operation: OperationRecord) -> None:
        """Note that a failed operation ended the chain."""
        if failed_by_provider(operation):
            self.blocked = "provider_error"
            return
        what = f"the operation failed ({operation.error})"
        self.lost_at(operation, _ERRORS[operation.kind], "format", what)


@dataclass(frozen=True, slots=True)
class Path:
    """Where the chains of one question run. `scopes` maps message ids to session ids, for
    messages that no operation used."""

    index: GraphIndex
    asked: Asked
    judge: Judge
    scopes: Mapping[str, str] = field(default_factory=dict)

    def reading(self, variable: Variable, chain: Chain) -> Reading:
        """Say whether an entry or retrieved entry carries the chain's target."""
        return self.judge(Item.of(variable, raw=chain.raw), chain.target)

    def carries(self, variable: Variable, chain: Chain) -> bool:
        """Say whether an entry or retrieved entry carries the chain's target."""
        return self.reading(variable, chain).carried

    def visible(self, operation_id: str) -> bool:
        """Say whether an operation had happened when the question was asked."""
        return self.index.visible(operation_id, self.asked)
