"""attribution_guided: edits from signals, raced on training episodes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from optimizers.attribution_guided import AttributionGuided, share
from optimizers.program import PromptProgram
from optimizers.protocol import Assignment, Proposal
from optimizers.registry import make_optimizer
from tests.optimizer_world import (
    BRACKETS,
    CODES,
    EPISODES,
    EXTRACTION,
    RETRIEVAL,
    SEASON,
    SEED,
    SLOTS,
    Reflection,
    World,
    has,
    signal,
    signals_of,
)
from traces.domain import PromptSet
from traces.errors import BudgetExceeded, ContentError, SettingsError
from traces.results import ErrorSignal

GOOD = {
    EXTRACTION: [
        ("Keep codes.", "AB-123"),
        ("Be careful.", "AB-123"),
        ("Keep what stands in brackets.", "brackets"),
        "no edit at all",
    ],
    RETRIEVAL: [("Restrict harvest to autumn.", "brackets"), ("Think step by step.", "brackets")],
}


def assignment(world: World, ask: Any, working: PromptSet = SEED, **changes: Any) -> Assignment:
    values: dict[str, Any] = {
        "round": 1,
        "working": working,
        "incumbent": SEED,
        "slots": SLOTS,
        "signals": signals_of(world, working),
        "episodes": EPISODES,
        "ask": ask,
        "evaluate": world,
        "memory": {},
        "seed": 3,
    }
    return Assignment(**{**values, **changes})


def both_slots() -> tuple[ErrorSignal, ...]:
    """The pair questions blame both slots, as an attribution that finds pairs does."""
    found = signals_of(World(), SEED)
    return found + tuple(
        replace(s, slot=RETRIEVAL, error_type="RetrievalError")
        for s in found
        if "brackets" in s.evidence[0].text
    )


def with_hopeless(work: Assignment) -> Assignment:
    """Add failures to the codes' cluster that no edit moves: its other edits are tried, too."""
    more = [
        signal(EXTRACTION, c.id, f"q{i}", text="AB-123 code", asked="AB-123 code")
        for c in EPISODES
        for i in (9, 10)
    ]
    return replace(work, signals=(*work.signals, *more))


def plain(proposal: Proposal) -> str:
    candidate = dict(proposal.candidate.instructions) if proposal.candidate else None
    return json.dumps(
        [candidate, proposal.edits, proposal.race, proposal.memory, proposal.reason],
        sort_keys=True,
        allow_nan=False,
    )


def test_edits_of_several_slots_are_merged_and_useless_ones_left_out() -> None:
    """One round finds three clauses in two slots and leaves out advice that does nothing."""
    proposal = AttributionGuided().propose(
        assignment(World(), Reflection(GOOD), signals=both_slots())
    )
    assert proposal.candidate is not None
    assert all(has(proposal.candidate, need) for need in (CODES, BRACKETS, SEASON))
    texts = " ".join(proposal.candidate.instructions.values())
    assert "careful" not in texts
    assert "step by step" not in texts
    assert proposal.candidate.parent == SEED.hash
    assert len(proposal.edits) == 3
    assert "fixed" in proposal.reason


def test_what_needs_two_prompts_at_once_is_found_by_progress_only() -> None:
    """Score alone rewards neither clause of a pair; progress keeps both."""
    ask = Reflection({k: [e for e in v if "codes" not in e[0]] for k, v in GOOD.items()})
    found = AttributionGuided().propose(assignment(World(), ask, signals=both_slots()))
    assert found.candidate is not None
    assert has(found.candidate, BRACKETS)
    assert has(found.candidate, SEASON)
    blind = World(without_progress=True)
    assert AttributionGuided().propose(
        assignment(blind, ask, signals=both_slots())
    ).candidate is None  # fmt: skip


def test_the_challenger_collects_the_second_half_of_a_pair_in_the_next_round() -> None:
    """Round 1 keeps the extraction clause for its progress; round 2 finds the retrieval clause."""
    world = World()
    ask = Reflection(GOOD)
    first = AttributionGuided().propose(assignment(world, ask))
    assert first.candidate is not None
    assert not has(first.candidate, SEASON)
    second = AttributionGuided().propose(
        assignment(world, ask, first.candidate, round=2, memory=first.memory)
    )
    assert second.candidate is not None
    assert all(has(second.candidate, need) for need in (CODES, BRACKETS, SEASON))


def test_the_same_assignment_gives_the_same_proposal() -> None:
    """A crashed round, repeated, decides the same, whatever the signals' order."""
    world = World(slip=0.1)
    work = assignment(world, Reflection(GOOD), signals=both_slots())
    first = AttributionGuided().propose(work)
    again = AttributionGuided().propose(replace(work, signals=tuple(reversed(work.signals))))
    assert plain(first) == plain(again)


def test_noise_is_not_taken_for_a_gain() -> None:
    """With one answer in ten wrong at random, useless edits are seldom kept (at most 1 in 20)."""
    useless = [(f"Advice number {i} of a vague kind.", "AB-123") for i in range(5)]
    kept = tried = 0
    for seed in range(12):
        ask = Reflection({EXTRACTION: [(f"{t} {seed}.", about) for t, about in useless]})
        work = assignment(World(slip=0.1), ask, seed=seed)
        race = AttributionGuided().propose(work).race
        kept += sum(r["kept"] for r in race if r["label"] == "one edit")
        tried += sum(r["label"] == "one edit" for r in race)
    assert tried == 60
    assert kept <= 3


def test_a_useful_edit_survives_noise() -> None:
    """The same noise does not hide a clause that mends a sixth of the questions."""
    found = 0
    for seed in range(8):
        ask = Reflection({EXTRACTION: [(f"Keep all codes, {seed}.", "AB-123")]})
        proposal = AttributionGuided().propose(assignment(World(slip=0.1), ask, seed=seed))
        found += proposal.candidate is not None
    assert found >= 7


def test_rejected_edits_are_remembered_told_and_not_tried_again() -> None:
    """Memory carries clauses with reasons to the next round's request; a repeat costs no call."""
    world = World()
    edits = {EXTRACTION: [("Be careful.", "AB-123")]}
    first = AttributionGuided().propose(assignment(world, Reflection(edits)))
    assert first.candidate is None
    (entry,) = first.memory["rejected"]
    assert entry["clause"] == "Be careful."
    assert "moves none" in entry["reason"]
    ask = Reflection(edits)
    work = assignment(world, ask, memory=first.memory, round=2)
    before = len(world.asked)
    second = AttributionGuided().propose(work)
    assert json.loads(ask.seen[0]["rejected"]) == ["Be careful."]
    assert len(world.asked) == before
    assert "earlier round" in second.race[0]["why"]


def test_a_later_round_draws_another_sample() -> None:
    """An unchanged request must not get the ledger's old reply for ever."""
    ask = Reflection({})
    for number in (1, 2):
        AttributionGuided().propose(assignment(World(), ask, round=number))
    assert len(set(ask.samples)) == 2


def test_without_signals_nothing_is_asked_or_evaluated() -> None:
    """No error signal, no edit: an instruction changes for a reason only."""
    world, ask = World(), Reflection(GOOD)
    work = assignment(world, ask, signals=())
    before = len(world.asked)
    proposal = AttributionGuided().propose(work)
    assert proposal.candidate is None
    assert not ask.seen
    assert len(world.asked) == before


def test_a_round_says_why_it_learned_nothing() -> None:
    """No signal; none of a prompt that is tuned; like failures that name their causes no more
    often than others do; no conversation. Nothing is evaluated then."""
    elsewhere = (signal("response", "conv0", "q1", text="AB-123 code"),)
    names = ("omission", "distortion", "hallucination", "wrong_time")
    mixed = tuple(
        signal(EXTRACTION, f"{c.id}{shape}", f"q{i}", sub_type=name, text=shape, asked=shape)
        for c in EPISODES
        for shape in ("AB-123 code", "a remark (in brackets)")
        for i, name in enumerate(names)
    )
    noise = "but no group of like failures has a cause of its own"
    for signals, why in (
        ((), "no error signal"),
        (elsewhere, "1 error signal, of prompts that are not tuned (response)"),
        (mixed, f"48 error signals, {noise}"),
        ((*mixed, *elsewhere), f"48 error signals, {noise}, 1 more of prompts that are not tuned "
                               "(response)"),
    ):  # fmt: skip
        world = World()
        work = assignment(world, Reflection(GOOD), signals=signals)
        asked = len(world.asked)
        proposal = AttributionGuided().propose(work)
        assert proposal.candidate is None
        assert proposal.reason == f"nothing to learn from: {why}"
        assert len(world.asked) == asked
    nobody = assignment(World(), Reflection(GOOD), episodes=())
    assert "no training conversation" in AttributionGuided().propose(nobody).reason


def test_slots_without_a_fair_share_are_left_out_and_order_is_by_weight() -> None:
    """Suspected attributions count half; a slot with hardly any failure waits."""
    few = [signal(EXTRACTION, "c", f"q{i}", certified=False) for i in range(2)]
    many = [signal(RETRIEVAL, "c", f"r{i}") for i in range(6)]
    assert [s.name for s in share([*few, *many], SLOTS)] == [RETRIEVAL]
    assert [s.name for s in share([*few * 3, *many], SLOTS)] == [RETRIEVAL, EXTRACTION]
    assert share([signal("response", "c", "q")], SLOTS) == {}


def test_an_edit_that_breaks_questions_is_dropped_after_one_episode() -> None:
    """Harm shows on the first episode; the others are not paid for."""
    world = World(harm="greetings")
    ask = Reflection({EXTRACTION: [("Extract greetings.", "AB-123")]})
    proposal = AttributionGuided().propose(assignment(world, ask))
    assert proposal.candidate is None
    (record,) = proposal.race
    assert len(record["episodes"]) == 1
    assert "loses questions" in record["why"]


def test_missing_verdicts_decide_nothing_and_are_not_held_against_an_edit() -> None:
    """A provider that failed is no wrong answer: the edit is neither kept nor remembered."""
    world = World(fail="codes")
    ask = Reflection({EXTRACTION: [("Keep codes.", "AB-123")]})
    proposal = AttributionGuided().propose(assignment(world, ask))
    assert proposal.candidate is None
    assert proposal.memory["rejected"] == []
    assert "inconclusive" in proposal.race[0]["why"]


def test_an_unreadable_reply_costs_its_slot_only() -> None:
    """ContentError becomes a record; the other slot's edits are tried."""
    good = Reflection(GOOD)

    def ask(task: str, instruction: str, inputs: Any, outputs: Any, sample_index: int = 0) -> Any:
        if inputs["slot"] == RETRIEVAL:
            raise ContentError("no JSON")
        return good(task, instruction, inputs, outputs, sample_index)

    proposal = AttributionGuided().propose(assignment(World(), ask, signals=both_slots()))
    assert proposal.candidate is not None
    assert any("no JSON" in record["why"] for record in proposal.race)


def test_a_spent_budget_passes_through() -> None:
    """The optimizer owns no budget: it does not swallow its end."""

    def ask(*args: Any, **kwargs: Any) -> Any:
        raise BudgetExceeded("spent")

    with pytest.raises(BudgetExceeded):
        AttributionGuided().propose(assignment(World(), ask))


def test_the_race_stays_within_its_effort() -> None:
    """Fewer re-runs allowed, fewer evaluated; what is left out says so and is not 'rejected'."""
    many = [(f"Vague advice, way {i}.", "AB-123") for i in range(11)]
    many.insert(0, ("Keep codes.", "AB-123"))
    used = {}
    for effort in (2.0, 5.0):
        world = World()
        work = with_hopeless(assignment(world, Reflection({EXTRACTION: many})))
        before = len(world.asked)
        proposal = AttributionGuided(count=12, effort=effort).propose(work)
        used[effort] = len(world.asked) - before - len(EPISODES)
        assert proposal.candidate is not None
        assert (effort == 5.0) != any("used up" in record["why"] for record in proposal.race)
        assert not any("used up" in entry["reason"] for entry in proposal.memory["rejected"])
    assert used[2.0] < used[5.0] <= 5 * len(EPISODES)


def test_edits_that_say_the_same_are_merged_into_one() -> None:
    """Of two wordings that move the same questions one is kept: sentences cost reliability."""
    twice = {EXTRACTION: [("Keep codes.", "AB-123"), ("Write all codes down.", "AB-123")]}
    work = with_hopeless(assignment(World(), Reflection(twice)))
    proposal = AttributionGuided().propose(work)
    assert proposal.candidate is not None
    assert proposal.candidate.instructions[EXTRACTION].count("codes") == 1
    assert any("same questions" in record["why"] for record in proposal.race)


def test_a_cluster_that_a_kept_edit_answers_takes_no_further_calls() -> None:
    """Once an edit moves most of a cluster, other edits of that cluster wait."""
    twice = {EXTRACTION: [("Keep codes.", "AB-123"), ("Write all codes down.", "AB-123")]}
    proposal = AttributionGuided().propose(assignment(World(), Reflection(twice)))
    assert proposal.candidate is not None
    assert proposal.candidate.instructions[EXTRACTION].count("codes") == 1
    (skipped,) = [r for r in proposal.race if "already moves most" in r["why"]]
    assert skipped["episodes"] == []
    assert proposal.memory["rejected"] == []


@pytest.mark.parametrize("proven", [False, True])
def test_pruning_removes_added_sentences_that_do_nothing(proven: bool) -> None:
    """An unproven working set gets leaner by itself; a proven one only along with a gain."""
    text = f"{SLOTS[0].seed}\nKeep codes.\nBe very careful.\nMind the gap."
    working = SEED.with_changes({EXTRACTION: text})
    memory: dict[str, Any] = {}
    seen = []
    for number in range(1, 4):
        proposal = AttributionGuided().propose(
            assignment(World(), Reflection({}), working, round=number, memory=memory,
                       incumbent=working if proven else SEED)
        )  # fmt: skip
        memory = proposal.memory
        seen.append([r["edits"][0]["replaces"] for r in proposal.race if r["label"] == "pruning"])
        if proposal.candidate is not None:
            assert not proven
            assert has(proposal.candidate, CODES)
            assert len(proposal.candidate.instructions[EXTRACTION]) < len(text)
    # A removal a round, each sentence in its turn; people's own sentences are left alone.
    assert sorted(s for tried in seen for s in tried) == sorted(text.splitlines()[2:])


def test_pruning_rides_along_with_a_gain() -> None:
    """A kept edit takes the place of a sentence that does nothing."""
    text = f"{SLOTS[0].seed}\nBe very careful.\nMind the gap."
    working = SEED.with_changes({EXTRACTION: text})
    ask = Reflection({EXTRACTION: [("Keep codes.", "AB-123")]})
    proposal = AttributionGuided().propose(assignment(World(), ask, working, incumbent=working))
    assert proposal.candidate is not None
    lines = proposal.candidate.instructions[EXTRACTION].splitlines()
    assert len(lines) == 4
    assert lines[-1] == "Keep codes."
    assert {e["action"] for e in proposal.edits} == {"add", "remove"}


def test_compile_is_a_teleprompters() -> None:
    """A DSPy program goes in, a DSPy program with better instructions comes out."""
    world = World()
    program = AttributionGuided().compile(
        PromptProgram.from_prompts(SEED),
        trainset=EPISODES,
        slots=SLOTS,
        signals=signals_of(world, SEED),
        ask=Reflection(GOOD),
        evaluate=world,
    )
    assert has(program.to_prompts(), CODES)
    assert len(program.predictors()) == 2
    assert program.proposal.candidate.hash == program.to_prompts().hash
    with pytest.raises(ValueError, match="valset"):
        AttributionGuided().compile(program, trainset=EPISODES, valset=EPISODES)


def test_a_program_and_a_prompt_set_are_the_same_thing(tmp_path: Any) -> None:
    """There and back nothing changes, through DSPy's own file too."""
    odd = PromptSet({"a.b": "One.\n\n  - Two\n", "c": "ünï \u2028 x"})
    program = PromptProgram.from_prompts(odd)
    assert program.to_prompts().hash == odd.hash
    program.save(str(tmp_path / "program.json"))
    other = PromptProgram.from_prompts(PromptSet({"a.b": "", "c": ""}))
    other.load(str(tmp_path / "program.json"))
    assert other.to_prompts().instructions == {"a.b": "One.\n\n- Two", "c": "ünï \u2028 x"}


def test_registry_knows_its_names_and_noop_proposes_nothing() -> None:
    """An unknown optimizer is a settings error that lists the known ones."""
    assert make_optimizer().name == "attribution_guided"
    world, ask = World(), Reflection(GOOD)
    work = assignment(world, ask, memory={"x": 1})
    proposal = make_optimizer("noop").propose(work)
    assert (proposal.candidate, proposal.memory, ask.seen) == (None, {"x": 1}, [])
    with pytest.raises(SettingsError, match="attribution_guided, noop"):
        make_optimizer("gradient_descent")
