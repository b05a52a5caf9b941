"""The synthetic conversations: what they hold, and that they can be made again."""

from __future__ import annotations

import subprocess
import sys
from typing import cast

import pytest

from evals.simulation.ceiling import ceiling_instructions, rule_clauses, with_rules
from evals.simulation.seeds import model_seed, world_seed
from evals.simulation.world import make_world
from evals.simulation.world_house import RULES
from traces.domain import Dataset

CATEGORIES = {"single", "temporal", "update", "multi_hop", "unanswerable", "house"}


def test_a_world_is_the_same_in_every_process() -> None:
    """Neither hash seeds nor the order of imports change a conversation."""
    code = (
        "from evals.simulation.world import make_world; from traces.domain import Dataset;"
        "print(Dataset('w', make_world(7, 2).conversations).hash)"
    )
    here = Dataset("w", make_world(7, 2).conversations).hash
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert there == here


def test_a_conversation_has_the_declared_shape() -> None:
    """Four sessions over months, 18 questions, evidence that exists, known categories."""
    for seed in range(4):
        world = make_world(seed, 5)
        assert 3 <= len(world.needed) <= 6
        for conversation in world.conversations:
            dates = [session.date for session in conversation.sessions]
            assert len(dates) == 4
            assert dates == sorted(dates)
            assert 80 <= (dates[-1] - dates[0]).days <= 130
            assert all(len(s.messages) >= 8 for s in conversation.sessions)
            assert 2 <= len({m.speaker for s in conversation.sessions for m in s.messages}) <= 3
            assert len(conversation.questions) == 18
            assert {q.category for q in conversation.questions} <= CATEGORIES
            assert sum(q.category == "house" for q in conversation.questions) == 10
            for question in conversation.questions:
                assert question.unanswerable == (question.answer is None)
                assert all(conversation.message(i) for i in question.evidence)
            for fact in conversation.gold_facts:
                assert fact.sources
                assert all(conversation.message(i) for i in fact.sources)
            assert any(not fact.alive for fact in conversation.gold_facts)


def test_gold_values_stand_in_the_messages_or_are_dates() -> None:
    """What an ideal memory holds can be read off its sources."""
    for conversation in make_world(3, 6).conversations:
        for fact in conversation.gold_facts:
            text = " ".join(m.text for i in fact.sources if (m := conversation.message(i)))
            assert fact.value in text or any(c.isdigit() for c in fact.value)


def test_the_null_world_needs_no_rule_and_seeds_need_different_ones() -> None:
    """`rules=0` has no house questions; the rules that are needed vary with the seed."""
    null = make_world(1, 3, rules=0)
    assert null.needed == ()
    assert all(q.category != "house" for c in null.conversations for q in c.questions)
    assert len({make_world(seed, 1).needed for seed in range(12)}) >= 8
    assert {rule for seed in range(40) for rule in make_world(seed, 1).needed} == set(RULES)
    with pytest.raises(ValueError, match="between 0 and 12"):
        make_world(1, 1, rules=13)


def test_a_seeds_nicknames_are_used_in_questions_and_known_from_the_messages() -> None:
    """Questions name the nickname, messages the project; now and then somebody explains it."""
    world = make_world(5, 20, rules=12)
    nicknames = cast("dict[str, str]", world.lexicon["alias"])
    explained = set()
    for conversation in world.conversations:
        texts = [m.text for s in conversation.sessions for m in s.messages]
        for nick, project in nicknames.items():
            if any(nick in q.text for q in conversation.questions):
                assert any(project in text for text in texts)
            explained |= {nick for text in texts if nick in text and project in text}
    assert explained


def test_the_ceiling_adds_exactly_the_needed_rules() -> None:
    """Each needed rule's clause is there, no other's."""
    world = make_world(2, 1)
    prompts = {"extraction": "E.", "update": "U.", "retrieval": "R.", "response": "A."}
    made = ceiling_instructions(prompts, world)
    text = "\n".join(made.values())
    for rule in RULES:
        _, clauses = rule_clauses(world, rule)
        assert all((clause in text) == (rule in world.needed) for clause in clauses)
    assert made["response"] == "A."
    assert ceiling_instructions(prompts, make_world(2, 1, rules=0)) == prompts
    with pytest.raises(KeyError, match="no prompt slot"):
        with_rules({"response": "A."}, world, ("codes",))


def test_world_and_model_seed_are_different_numbers() -> None:
    """A model that knows its seed does not know the world's."""
    assert {world_seed(s) for s in range(50)}.isdisjoint(model_seed(s) for s in range(50))
