"""One fault as a function of what an operation was given and what it really put out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evals.faults.cases import PlantedFault
from evals.faults.matrix import Cell
from traces.operation import Intervention
from traces.schema import Inputs, Outputs, Variable

# What operations put out of themselves, by operation id: filled while faulted operations run.
Captured = dict[str, Outputs]
Corrupt = Callable[[Inputs, Outputs], Outputs]


@dataclass(frozen=True, eq=False)
class Fault:
    """A corruption of one operation.

    `corrupt(inputs, real output)` is pure and never raises; where what it corrupts is not
    there (an upstream operation lost it already), it returns the real output.
    """

    operation: str
    cell: Cell
    corrupt: Corrupt

    def planted(self, *, harmless: bool = False) -> PlantedFault:
        """Return the record of this fault."""
        cell = self.cell
        return PlantedFault(self.operation, cell.kind, cell.error_type, cell.sub_type, harmless)

    def intervention(self, captured: Captured | None = None) -> Intervention:
        """Return the intervention that plants it; real outputs are entered in `captured`."""

        def output(inputs: Inputs, real: Callable[[], Outputs]) -> Outputs:
            outputs = real()
            if captured is not None:
                captured[self.operation] = outputs
            return self.corrupt(inputs, outputs)

        return Intervention(self.operation, output, unseen=True)


def of_kind(outputs: Mapping[str, Sequence[Variable]], kind: str) -> list[Variable]:
    """Return the variables of one kind, whatever role they are in."""
    return [v for variables in outputs.values() for v in variables if v.kind == kind]


def sources_of(variable: Variable) -> tuple[str, ...]:
    """Return the message ids that a variable rests on; a message rests on itself."""
    if variable.kind == "message":
        return (str(variable.value["id"]),)
    return tuple(variable.value.get("sources") or ())
