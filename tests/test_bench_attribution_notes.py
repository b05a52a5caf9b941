"""What `memtune bench attribution` notes below its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from agent import benchmark_attribution
from agent.cli.main import main
from evals.benchmarks.attribution_metrics import Outcome
from tests.fault_case_fixture import MISSED, STALE, Abstains, Names, case, scored
from traces.domain import PIPELINE

Noted = Callable[[Sequence[Outcome]], str]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Noted:
    """Return what the command prints below its tables where these outcomes were measured."""

    def run(found: Sequence[Outcome]) -> str:
        monkeypatch.setattr(benchmark_attribution, "run_bench", lambda *_: iter(found))
        methods = ",".join(dict.fromkeys(one.method for one in found))
        assert main(["bench", "attribution", "--methods", methods, "--processes", "1"]) == 0
        return " ".join(capsys.readouterr().out.partition("Intervals take")[2].split())

    return run


def test_why_methods_abstained_is_counted_for_each(
    noted: Noted,
) -> None:
    """By the reason's code; a memory that shows too little is explained where it is one of
    them, and a method that always names gets no line."""
    reasons = ["not_intervenable: unseen", "not_intervenable: cannot be put", "no_candidate"]
    found = [scored(Abstains(reason), case(STALE), method="provenance") for reason in reasons]
    found += [scored(Abstains(), case(STALE), method="random")]
    found += [scored(Names(("update",)), case(STALE), method="last_operation")]
    told = noted(found)
    assert (
        "provenance abstained: no_candidate 1, not_intervenable 2 (what is stored cannot be seen, "
        "or not be replaced). random abstained: no_candidate 1. "
    ) in told
    assert "last_operation abstained" not in told


def test_stages_in_which_nothing_was_planted_are_named(
    noted: Noted,
) -> None:
    """Those that no case has a fault in; no line where all have one."""
    told = noted([scored(Names(), case(STALE, MISSED, group="pair"), method="random")])
    assert "Nothing was planted in extraction or response: this memory" in told
    every = [scored(Names(), case((kind, "stale")), method="random") for kind in PIPELINE]
    assert "Nothing was planted" not in noted(every)
