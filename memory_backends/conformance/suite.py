"""All checks in their order. The first ones decide whether the others make sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memory_backends.conformance import apart, basics, edges, state, texts
from memory_backends.conformance.broken import broke
from memory_backends.conformance.finding import Finding, Result
from memory_backends.conformance.subject import Subject


@dataclass(frozen=True, slots=True)
class Check:
    """One check. Without a `vital` one that holds, the later ones are not run."""

    name: str
    run: Callable[[Subject], Iterator[Finding]]
    vital: bool = False

    @property
    def says(self) -> str:
        """What holds where it passes."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


CHECKS: tuple[Check, ...] = (
    Check("protocol", basics.protocol, vital=True),
    Check("works", basics.works, vital=True),
    Check("isolation", apart.isolation, vital=True),
    Check("determinism", edges.determinism, vital=True),
    Check("inputs", basics.inputs),
    Check("ids", basics.ids),
    Check("read_only", state.read_only),
    Check("snapshots", state.snapshots),
    Check("reuse", state.reuse),
    Check("repair", state.repair),
    Check("threads", state.threads),
    Check("unicode", texts.unicode),
    Check("empty", texts.empty),
    Check("huge", texts.huge),
    Check("deadlines", edges.deadlines),
    Check("cleanup", edges.cleanup),
)


def check(subject: Subject) -> Iterator[Result]:
    """Yield the result of each check as it ends. Never raises for what a backend does."""
    stopped = ""
    for one in CHECKS:
        if stopped:
            yield Result(one.name, one.says, "not_run", why=f"mend '{stopped}' first")
            continue
        if one.name == "determinism" and subject.elsewhere is None:
            yield Result(one.name, one.says, "not_run", why="no other process was given")
            continue
        findings: list[Finding] = []
        try:
            findings.extend(one.run(subject))
        except (Exception, SystemExit) as error:
            findings.append(broke(error, f"the check '{one.name}'"))
        finally:
            subject.release()
        failed = any(finding.severity == "error" for finding in findings)
        if failed and (one.vital or any(f.problem == "hangs" for f in findings)):
            stopped = one.name
        yield Result(one.name, one.says, "failed" if failed else "passed", tuple(findings))
