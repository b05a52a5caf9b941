"""The simulated agent under prompts of others: it reads what is wanted and what is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.simulation.agent_part import answer
from evals.simulation.agent_plain import turns, typed
from evals.simulation.ceiling import CLAUSES
from evals.simulation.model import SimulatedModel
from evals.simulation.request import Request
from evals.simulation.request_plain import parse_plain
from evals.simulation.request_shape import wanted_fields
from memory_backends.prompts import read_slot
from tests.test_simulation_agent import CHAT

SLOT = read_slot("mem0", "custom_instructions", "extraction").seed
LINES = [line.partition("] ")[2] for line in CHAT.splitlines()]
SAID = "\n".join(LINES)
ASKED = "Write down the facts. Keep preferences. Turn relative dates into calendar dates."


def _ask(system: str, user: str) -> Any:
    """Return the simulated agent's reply, read as JSON."""
    chat = [{"role": "system", "content": system}] if system else []
    done = SimulatedModel(1, 0.0).complete(
        "sim/rules-1:agent", [*chat, {"role": "user", "content": user}]
    )
    return json.loads(done.text)


def _mem0(instructions: str, messages: str = SAID, existing: tuple[str, ...] = ()) -> list[Any]:
    from memory_backends.mem0.package import imported

    imported()
    from mem0.configs.prompts import ADDITIVE_EXTRACTION_PROMPT, generate_additive_extraction_prompt

    user = generate_additive_extraction_prompt(
        existing_memories=[{"id": str(i), "text": text} for i, text in enumerate(existing)],
        new_messages="\n".join(f"user: {line}" for line in messages.splitlines()),
        last_k_messages=[{"role": "user", "content": "Rosa: I keep bees."}],
        current_date="2026-01-01", timestamp="2024-05-12", custom_instructions=instructions,
    )  # fmt: skip
    return [
        {"role": "system", "content": ADDITIVE_EXTRACTION_PROMPT},
        {"role": "user", "content": user},
    ]


# what is wanted ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('Reply: {"facts": ["...", ...]}', {"facts": ()}),
        ('Return {"a": [1]} for x.\nOutput:\n{"items": [{"what": <text>, "when": "ISO"}, ...]}',
         {"items": ("what", "when")}),
        ('{"memory": [{"id": "0", "text": "a"}]} or {"memory": [{"text": "b", "who": "c"}]} or '
         '{"memory": []}', {"memory": ("id", "text", "who")}),
        ('Given [{"role": "user", "content": "x {y}"}], return ```json\n{ "answer": "..." }\n```',
         {"answer": ()}),
        ('Answer in JSON with a "notes" key holding a list of objects, each with the keys '
         '"content", "who" and "when".', {"notes": ("content", "who", "when")}),
        ("Respond as JSON; the field `queries` is an array of strings.", {"queries": ()}),
        ("Write {name} and {{place}} in JSON.", {}),
        ("Say what you think.", {}),
    ],
)  # fmt: skip
def test_the_wanted_fields_are_those_shown_or_named(
    text: str, wanted: dict[str, tuple[str, ...]]
) -> None:
    """Of JSON that is shown, the last object counts and examples of it add up; else names do."""
    found = {name: tuple(n for n, _ in shape.fields) for name, shape in wanted_fields(text)}
    assert found == wanted


def test_lists_are_told_from_single_values() -> None:
    """Shown or named."""
    shown = dict(wanted_fields('{"facts": [], "answer": "x", "tags": ["a"]}'))
    assert {name: shape.many for name, shape in shown.items()} == {
        "facts": True, "answer": False, "tags": True,
    }  # fmt: skip
    (named,) = wanted_fields("JSON with the key 'searches', which is a list of strings.")
    assert named[1].many


# extraction --------------------------------------------------------------------------------

HEADED = (
    f"You help a team. {ASKED}\nGive back JSON only, like this:\n"
    '{"observations": ["first statement", "second statement"]}',
    f"Session date: 2024-05-12\n\n### Earlier conversation\nRosa: I keep bees.\n\n"
    f"### Conversation\n{SAID}\n\n### Output",
)
TAGGED = (
    "",
    f"<task>\n{ASKED}\nAnswer with a JSON object:\n"
    '{"items": [{"nr": 1, "statement": "...", "person": "...", "day": "YYYY-MM-DD", '
    '"lines": [1, 2]}]}\n</task>\n<date>\n12 May 2024 (2024-05-12)\n</date>\n'
    f"<transcript>\n{CHAT}\n</transcript>",
)
NAMED = (
    f'{ASKED} Reply in JSON with a "memories" key holding a list of objects, each with the '
    'keys "content", "who" and "when".',
    "TODAY:\n2031-01-01\n\nDATE OF CONVERSATION:\n2024-05-12\n\nMESSAGES:\n"
    + json.dumps([{"name": li.split(": ")[0], "content": li.split(": ", 1)[1]} for li in LINES]),
)


def _texts(reply: dict[str, list[Any]]) -> list[str]:
    (items,) = reply.values()
    return [
        i if isinstance(i, str) else next(i[k] for k in ("statement", "content", "text") if k in i)
        for i in items
    ]


@pytest.mark.parametrize("prompt", [HEADED, TAGGED, NAMED], ids=["headed", "tagged", "named"])
def test_prompts_of_any_wording_are_followed_alike(prompt: tuple[str, str]) -> None:
    """The conversation, not what came before it; its date, not today's; only what was asked."""
    texts = _texts(_ask(*prompt))
    told = "\n".join(texts)
    assert "10 May 2024" in told  # last Friday
    assert "oolong" in told
    assert "bees" not in told
    assert "sail" not in told  # plans were not asked for
    assert "KT-482" not in told


def test_items_get_the_fields_that_are_asked_for() -> None:
    """Number, text, person, day and lines of the transcript, each where its name says so."""
    items = _ask(*TAGGED)["items"]
    museum = next(item for item in items if "museum" in item["statement"])
    assert museum["person"] == "Rosa"
    assert (museum["day"], museum["lines"]) == ("2024-05-10", [1])
    assert [item["nr"] for item in items] == [str(n) for n in range(len(items))]
    named = _ask(*NAMED)["memories"]
    assert all(set(item) == {"content", "who", "when"} for item in named)


def test_mem0s_own_prompt_is_followed_by_its_custom_instructions() -> None:
    """Its sections are found by their headings, the reply has its shape, and the conversation's
    date counts."""
    request = parse_plain(_mem0(SLOT, existing=("Rosa has a cat.",)))
    assert request is not None
    assert request.outputs == ("memory",)
    reply = _ask(*(m["content"] for m in _mem0(SLOT, existing=("Rosa has a cat.",))))
    told = "\n".join(item["text"] for item in reply["memory"])
    assert "10 May 2024" in told
    assert "Tomas" in told
    assert "bees" not in told
    assert "cat" not in told
    assert {item["attributed_to"] for item in reply["memory"]} == {"user"}


@pytest.mark.parametrize("rule", [r for r, (slot, _) in CLAUSES.items() if slot == "extraction"])
def test_house_rules_are_learnable_in_a_section_as_in_a_slot(rule: str) -> None:
    """A rule in mem0's custom instructions changes what is kept as it does in a prompt of its
    own: from the same messages."""
    clause = CLAUSES[rule][1]

    def kept(instructions: str) -> list[tuple[int, ...]]:
        plain = parse_plain(_mem0(instructions))
        assert plain is not None
        request = typed(plain)
        assert request is not None
        return _sources(answer(request, seed=1, slip=0.0))

    def direct(instructions: str) -> list[tuple[int, ...]]:
        given = {"session_date": "2024-05-12", "messages": CHAT}
        return _sources(answer(Request(instructions, given, ("facts",), 0), seed=1, slip=0.0))

    assert kept(SLOT) == direct(SLOT)
    assert kept(f"{SLOT}\n{clause}") == direct(f"{SLOT}\n{clause}")
    if rule != "deadline":  # changes what is said of the same message
        assert kept(f"{SLOT}\n{clause}") != kept(SLOT)


def _sources(made: dict[str, Any]) -> list[tuple[int, ...]]:
    return sorted(tuple(fact["sources"]) for fact in made["facts"])


def test_a_long_text_around_it_costs_a_section_of_its_own_nothing() -> None:
    """What is asked for in the long text itself gets lost in it."""
    filler = "The weather of the day has no part in this work at all. " * 200
    shape = 'Return {"facts": ["..."]}.'
    user = f"## Messages\n{SAID}\n\n## Special Instructions\n{{}}\n\n## Session Date\n2024-05-12"
    rule = "Keep reference codes such as locker numbers as facts."
    own = _ask(f"{filler}{shape}", user.format(f"{ASKED} {rule}"))["facts"]
    lost = _ask(f"{filler}{rule} {shape}", user.format(ASKED))["facts"]
    assert any("KT-482" in text for text in own)
    assert not any("KT-482" in text for text in lost)


# other tasks, other forms ---------------------------------------------------------------------


def test_searches_and_answers_are_told_by_their_fields() -> None:
    """The question is found under its heading, memories likewise."""
    found = _ask(
        'Suggest how to search. Also search with synonyms. Return {"search_queries": ["..."]}.',
        "Question: Which tea does Tomas like?\nDate: 2024-06-01",
    )
    assert any("tea" in text for text in found["search_queries"])
    told = _ask(
        "",
        'Answer from the notes. Reply as {"answer": "..."}.\n\n## Notes\n- Tomas likes oolong.\n'
        "- Rosa lives in Faro.\n\n## Question\nWhere does Rosa live?",
    )
    assert told == {"answer": "Faro"}


def test_a_prompt_that_asks_for_no_shape_is_no_plain_request() -> None:
    """It is answered as before."""
    assert parse_plain([{"role": "user", "content": "Hello there"}]) is None


@pytest.mark.parametrize(
    "text",
    [
        "user: Rosa: I agree: yes\nassistant: Ben Lee: No.",
        "[4] Rosa: I agree: yes\n[5] Ben Lee: No.",
        '[{"role": "user", "content": "Rosa: I agree: yes"}, {"name": "Ben Lee", "text": "No."}]',
        "- Rosa: I agree: yes\n- Ben Lee: No.",
    ],
)
def test_transcripts_of_any_form_name_who_says_what(text: str) -> None:
    """Roles, numbers and bullets before a name are none; a colon in what is said is text."""
    assert [(t.speaker, t.text) for t in turns(text)] == [
        ("Rosa", "I agree: yes"), ("Ben Lee", "No."),
    ]  # fmt: skip
