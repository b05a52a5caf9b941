"""The closed loop on a small world, in process: direction, stops, refusals."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.loop.runner import run, settings_of
from evals.splits import TestSeal
from tests.loop_fixture import opened, small
from traces.errors import DataError, IdentityError, LockedError, RunDirectoryError, SettingsError


def test_the_loop_gains_on_a_small_world(tmp_path: Path) -> None:
    """4/8/8 conversations, two rounds: something is promoted and the test score rises."""
    outcome = run(small(tmp_path, conversations=20, rounds=2, seed=1))
    done = outcome.done
    assert outcome.exit_code == 0
    assert done["status"] == "done"
    assert done["gate_mode"] == "population"
    assert done["simulated"] is True
    assert done["promoted"]
    assert done["gain"]["score"] > 0
    assert done["final"]["test"]["score"] > done["baseline"]["test"]["score"]
    assert done["final"]["test"]["conversations"] == 8


def test_noop_gains_exactly_nothing(tmp_path: Path) -> None:
    """Without edits, finalist and seed prompts are the same and so are their scores."""
    done = run(small(tmp_path, optimizer="noop")).done
    assert done["gain"]["score"] == 0
    assert done["promoted"] == done["rejected"] == []
    assert done["prompts"]["seed"] == done["prompts"]["final"]


@pytest.mark.parametrize("backend", ["rag", "long_context"])
def test_a_backend_without_slots_is_attributed_and_reported(tmp_path: Path, backend: str) -> None:
    """Nothing to tune: the run evaluates, attributes and stops with that reason."""
    done = run(small(tmp_path, backend=backend)).done
    assert done["stop_reason"] == "nothing_to_tune"
    assert sum(done["attributions"]["by_error_type"].values()) > 0
    assert done["gain"]["score"] == 0


def test_a_call_budget_stops_resumably(tmp_path: Path) -> None:
    """The budget is never exceeded, nothing sealed is opened, and a resume goes on."""
    first = run(small(tmp_path, max_calls=150, conversations=5))
    assert first.exit_code == 101
    assert first.done["stop_reason"] == "budget"
    assert first.done["calls"]["made"] == 150
    assert first.done["final"] is None
    assert first.done["test_openings"] == 0
    whole = run(small(tmp_path / "other"))
    resumed = run(settings_of(tmp_path / "run", max_calls=1_000_000))
    assert resumed.exit_code == 0
    for name in ("baseline", "final", "gain", "promoted", "rejected", "prompts"):
        assert resumed.done[name] == whole.done[name]
    # What the stopped run paid for was not paid for again.
    assert resumed.done["calls"]["made"] == whole.done["calls"]["made"]


def test_a_deadline_and_a_token_budget_stop_too(tmp_path: Path) -> None:
    """Both end the run resumably, each with its reason."""
    late = run(small(tmp_path / "a", deadline=0.2))
    assert (late.exit_code, late.done["stop_reason"]) == (101, "deadline")
    dear = run(small(tmp_path / "b", max_tokens=20_000))
    assert (dear.exit_code, dear.done["stop_reason"]) == (101, "budget")


def test_the_test_split_is_opened_once_a_run(tmp_path: Path) -> None:
    """Openings are counted by data set: a repeat of the same run adds none."""
    settings = small(tmp_path, optimizer="noop")
    done = run(settings).done
    assert done["test_openings"] == 1
    run(settings)
    again = run(small(tmp_path, optimizer="noop", out=tmp_path / "second", slip=0.3)).done
    assert again["test_openings"] == 2
    assert (tmp_path / "state" / "test_openings.json").exists()
    assert TestSeal(tmp_path / "state").openings("another data set") == 0


def test_another_identity_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    """The message shows what differs and what to do."""
    run(small(tmp_path, optimizer="noop"))
    with pytest.raises(IdentityError, match=r"seed was 0, now 4.*choose another --out"):
        run(small(tmp_path, optimizer="noop", seed=4))


def test_a_held_directory_is_refused(tmp_path: Path) -> None:
    """Two processes never write to one run."""
    from agent.loop.directory import RunDirectory

    held = RunDirectory(tmp_path / "run")
    try:
        with pytest.raises(LockedError, match="another process"):
            run(small(tmp_path))
    finally:
        held.close()


def test_an_unwritable_directory_is_refused(tmp_path: Path) -> None:
    """A path that cannot be a directory is named."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunDirectoryError, match="cannot be written"):
        run(small(tmp_path, out=tmp_path / "file" / "run"))


def test_too_few_conversations(tmp_path: Path) -> None:
    """Two conversations cannot be split; population with three says how many it needs."""
    with pytest.raises(DataError, match="at least 3"):
        run(small(tmp_path, conversations=2))
    with pytest.raises(SettingsError, match="needs at least 8"):
        run(small(tmp_path, conversations=5, gate_mode="population"))


def test_wrong_names_are_refused_with_the_right_ones(tmp_path: Path) -> None:
    """Unknown model, backend, slot, optimizer, attribution: one line that lists the known."""
    for name, says in (
        ("model", "sim/rules-1"),
        ("backend", "fact_store"),
        ("slots", "extraction"),
        ("optimizer", "attribution_guided"),
        ("attribution", "provenance"),
    ):
        with pytest.raises(SettingsError, match=says):
            run(small(tmp_path / name, **{name: "nonesuch"}))


def test_more_rounds_than_the_error_rate_allows_are_refused(tmp_path: Path) -> None:
    """A stopped run may change its rounds only within what is unspent."""
    run(small(tmp_path, conversations=20, rounds=2, max_calls=600))
    with pytest.raises(SettingsError, match="more rounds are refused"):
        run(settings_of(tmp_path / "run", rounds=9, max_calls=700))
    # What was refused is not remembered: the next resume starts from the old limits.
    assert settings_of(tmp_path / "run").rounds == 2


def test_the_round_under_way_counts_as_one_that_may_spend(tmp_path: Path) -> None:
    """Of five rounds two were gated and a third has begun: a sixth would make four more
    tests where three are left; had the third missed no gate, it would be refused too."""
    from agent.loop.opening import _check_rounds

    with ExitStack() as stack:
        services = opened(small(tmp_path, rounds=5), stack)
        for number in (1, 2, 3):
            services.store.save_round(number, "evaluate", {"round": number})
        for number in (1, 2):
            services.store.save_round(number, "gate", {"round": number})
        services.rounds = 6
        with pytest.raises(SettingsError, match="4 more rounds are refused"):
            _check_rounds(services)
        services.store.save_round(3, "gate", {"round": 3})
        with pytest.raises(SettingsError, match="3 more rounds are refused"):
            _check_rounds(services)
        services.rounds = 5
        _check_rounds(services)


def test_fewer_rounds_on_resume_do_not_change_what_a_run_claims(tmp_path: Path) -> None:
    """The gate's mode is fixed when a run begins, though fewer rounds need fewer
    conversations for a population."""
    settings = small(tmp_path, conversations=20, rounds=20)
    with ExitStack() as stack:
        assert opened(settings, stack).gate_mode == "these_conversations"
    with ExitStack() as stack:
        again = opened(settings.model_copy(update={"rounds": 5}), stack)
        assert (again.gate_mode, again.declared_rounds) == ("these_conversations", 20)


def test_in_process_and_over_the_server_are_the_same(tmp_path: Path) -> None:
    """The loopback server changes no score, no decision and no call."""
    inside = run(small(tmp_path, conversations=5, seed=2)).done
    outside = run(
        small(tmp_path, conversations=5, seed=2, model="sim-server/rules-1", out=tmp_path / "http")
    ).done
    # The second run opens the same data set's test split again.
    differing = {"seconds", "run", "out", "test_openings"}
    assert {k: v for k, v in inside.items() if k not in differing} == {
        k: v for k, v in outside.items() if k not in differing
    }


def test_concurrency_changes_nothing_but_time(tmp_path: Path) -> None:
    """Threads change neither scores nor decisions nor the number of calls."""
    one = run(small(tmp_path, seed=5)).done
    many = run(small(tmp_path, seed=5, concurrency=6, out=tmp_path / "many")).done
    for name in ("baseline", "final", "gain", "promoted", "rejected", "prompts", "attributions"):
        assert one[name] == many[name]
    assert one["calls"]["made"] == many["calls"]["made"]


def test_a_runs_directory_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds whole conversations, prompts and answers: nobody else may look inside."""
    from agent.loop.directory import RunDirectory

    RunDirectory(tmp_path / "new").close()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
