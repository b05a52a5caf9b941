"""The simulated agent: what it understands of an instruction, and what it then does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from evals.simulation.agent_part import answer
from evals.simulation.instructions import read_instruction
from evals.simulation.request import Request

PROMPTS = Path(__file__).parent.parent / "memory_backends" / "prompts"
CHAT = """[1] Rosa: Morning! I visited the glass museum last Friday.
[2] Tomas: My desk is on the third floor (the fire drill is at Pier Nine).
[3] Rosa: My locker code is KT-482.
[4] Tomas: Fwd: the press call is at the Boathouse.
[5] Rosa: The budget review is pencilled in for 20 May.
[6] Tomas: The draft of the brochure is due on 3 June, printing is on 17 June.
[7] Rosa: Shall we paint the hallway turquoise?
[8] Tomas: +1
[9] Tomas: My favourite tea is oolong.
[10] Rosa: I am going to learn to sail over the summer break."""


def _run(
    instruction: str, outputs: tuple[str, ...], sample: int = 0, **inputs: str
) -> dict[str, object]:
    return answer(Request(instruction, inputs, outputs, sample), seed=1, slip=0.0)


def _facts(instruction: str) -> str:
    made = _run(instruction, ("facts",), session_date="2024-05-12", messages=CHAT)
    facts = made["facts"]
    assert isinstance(facts, list)
    return "\n".join(fact["text"] for fact in facts)


def _update(instruction: str, fact: str, speaker: str, *entries: str) -> dict[str, object]:
    listed = "\n".join(f"[{i}] (2024-05-01) {e}" for i, e in enumerate(entries, 1))
    outputs = ("action", "target", "text", "reason")
    return _run(
        instruction,
        outputs,
        fact=fact,
        fact_speaker=speaker,
        fact_date="2024-06-01",
        entries=listed,
    )


def _search(instruction: str, question: str) -> dict[str, object]:
    outputs = ("queries", "after", "before", "require")
    return _run(instruction, outputs, question=question, asked_on="2024-12-20")


def _answer(question: str, *memories: str) -> object:
    listed = "\n".join(f"[{i}] {m}" for i, m in enumerate(memories, 1))
    made = _run("", ("answer",), question=question, asked_on="2024-12-20", memories=listed)
    return made["answer"]


def test_the_shipped_prompts_ask_for_all_general_competences_and_no_house_rule() -> None:
    """They are read by the same patterns as any other prompt."""
    expected = {
        "extraction": {"keep_preferences", "keep_plans", "resolve_dates", "name_speaker"},
        "update": {"keep_history", "delete_retracted", "merge_duplicates"},
        "retrieval": {"expand_query", "multi_hop", "date_filter", "nothing_fits"},
    }
    for slot, competences in expected.items():
        text = (PROMPTS / f"fact_store.{slot}.md").read_text()
        assert read_instruction(slot, text).competences == competences


@pytest.mark.parametrize(
    ("slot", "text", "competences"),
    [
        ("extraction", "Keep reference codes such as locker numbers.", {"codes"}),
        ("extraction", "Do not keep reference codes.", set()),
        ("extraction", "Do not drop reference codes.", {"codes"}),
        ("extraction", "Keep remarks in brackets. Ignore asides.", set()),
        ("extraction", "Ignore asides. Keep remarks in brackets.", {"parentheticals"}),
        (
            "extraction",
            "Keep plans and forwarded notes, but drop codes.",
            {"keep_plans", "forwarded"},
        ),
        ("extraction", "Say 'not mentioned' when they do not give a code.", set()),
        ("extraction", "Put the date in brackets.", set()),
        ("extraction", "Follow the code of conduct.", set()),
        ("extraction", "Plan your answer first.", set()),
        ("update", "When somebody says 'strike that', delete the entry.", {"strike"}),
        ("update", "Never delete entries that no longer hold.", set()),
        ("update", "A new duty does not replace an older one.", {"cumulative"}),
        ("update", "A new duty replaces the older one.", set()),
        ("update", "Never change an entry that is about another person.", set()),
        ("retrieval", "Never restrict the search to a month.", set()),
        ("retrieval", "Return the nearest entries even when nothing fits.", set()),
        ("retrieval", "Answer questions about pay like any others.", set()),
        ("retrieval", "Questions about salaries get no entries.", {"withhold"}),
        ("retrieval", "Purple monkeys dishwash the quarterly.", set()),
        (
            "retrieval",
            "If the Lantern is mentioned, leave the Tundra relocation out of the search.",
            set(),
        ),
        ("retrieval", "'the Fox' means Redwood. Do not search for Redwood as the Fox.", set()),
        ("retrieval", "'the bloom' is April and May. Ignore seasons.", set()),
        ("retrieval", "Search with synonyms. Skip query expansion.", set()),
        ("update", "Hearsay changes nothing. It does not matter who says it.", set()),
        ("update", "Nothing may be stored twice.", {"merge_duplicates"}),
        ("update", "Storing a known fact again is a mistake.", {"merge_duplicates"}),
        ("extraction", "Gardening tools and brackets are ordinary topics.", set()),
    ],
)
def test_negation_binds_to_its_clause_and_later_sentences_win(
    slot: str, text: str, competences: set[str]
) -> None:
    """What is not understood is ignored."""
    assert read_instruction(slot, text).competences == competences


@pytest.mark.parametrize(
    "text",
    [
        "'the Whale' means the Harbor migration: search for both names.",
        "The Harbor migration is also known as the Whale.",
        "When a question says “the Whale”, look for “Harbor migration” too.",
        "By the Whale people mean the Harbor migration.",
    ],
)
def test_nicknames_are_read_out_of_the_sentence(text: str) -> None:
    """The names are in the instruction, in any form and order."""
    (group,) = read_instruction("retrieval", text).aliases
    assert set(group) == {"Whale", "Harbor migration"}


@pytest.mark.parametrize(
    "text",
    [
        "Harvest stands for September and October.",
        "When a question mentions the harvest, restrict the search to September through October.",
        'In this team "harvest" is Sept–Oct.',
        "September and October are what people here call harvest.",
    ],
)
def test_seasons_are_read_out_of_the_sentence(text: str) -> None:
    """The months are in the instruction, as names or as a range."""
    assert read_instruction("retrieval", text).seasons == (("harvest", 9, 10),)


def test_without_instructions_only_plain_statements_are_extracted() -> None:
    """Names, dates and every special kind of information have to be asked for."""
    text = _facts("Write down facts.")
    assert "last Friday" in text
    assert "I" in text.split()
    for absent in ("KT-482", "Pier Nine", "Boathouse", "20 May", "turquoise", "oolong", "sail"):
        assert absent not in text
    assert "17 June" in text


@pytest.mark.parametrize(
    ("clause", "present"),
    [
        ("Keep codes.", "KT-482"),
        ("Keep remarks in brackets.", "Pier Nine"),
        ("Keep forwarded notes.", "Boathouse"),
        ("What is pencilled in counts as agreed.", "20 May"),
        ("The day the draft is due is the deadline.", "3 June"),
        ("A +1 makes a proposal a decision.", "turquoise"),
        ("Keep preferences.", "oolong"),
        ("Keep plans.", "sail"),
        ("Turn relative dates into calendar dates.", "10 May 2024"),
        ("Use the speaker's name instead of 'I'.", "Rosa"),
    ],
)
def test_each_clause_brings_its_own_information(clause: str, present: str) -> None:
    """One clause, one competence."""
    assert present in _facts(clause)
    assert present not in _facts("Write down facts.")


def test_facts_are_paraphrased_but_names_and_numbers_are_not() -> None:
    """A search for the literal message fails on a good share of faithful facts."""
    literal = total = 0
    for index in range(200):
        messages = f"[1] Rosa: I live in Porto.\n[2] Tomas: I drive a Volvo to work {index} times."
        request = Request("Use names instead of 'I'.", {"messages": messages}, ("facts",), 0)
        facts = answer(request, seed=1, slip=0.0)["facts"]
        assert isinstance(facts, list)
        assert "Porto" in facts[0]["text"]
        assert str(index) in facts[1]["text"]
        literal += facts[0]["text"] == "Rosa lives in Porto."
        total += 1
    assert 0.2 < literal / total < 0.8


def test_updates_follow_the_instruction() -> None:
    """Change, history, deletion, duplicates and the three house rules of this slot."""
    old = "Rosa's desk is on the third floor."
    new = "Rosa's desk is by the west window now."
    plain = _update("Decide.", new, "Rosa", "Tomas has a dog named Moss.", old)
    assert (plain["action"], plain["target"]) == ("change", 2)
    assert "third floor" not in str(plain["text"])
    history = _update("Keep the former value as history.", new, "Rosa", old)
    assert "third floor" in str(history["text"])
    claim = _update("Only a person's own word changes a fact about them.", new, "Tomas", old)
    assert claim["action"] == "keep"
    gone = "Rosa gave up the season ticket for the zoo."
    ticket = "Rosa has a season ticket for the zoo."
    assert _update("Decide.", gone, "Rosa", ticket)["action"] == "add"
    assert _update("Delete what no longer holds.", gone, "Rosa", old, ticket)["target"] == 2
    again = "Rosa's workplace is on the third floor."
    assert _update("Ignore facts that are already known.", again, "Rosa", old)["action"] == "keep"
    assert _update("Decide.", again, "Rosa", old)["action"] == "add"
    duty, more = "Rosa looks after the newsletter.", "Rosa is in charge of the coffee fund now."
    assert _update("Decide.", more, "Rosa", duty)["action"] == "change"
    assert _update("Duties add up.", more, "Rosa", duty)["action"] == "add"
    visit, strike = (
        "The supplier visit is on 3 May 2024.",
        "Rosa said: strike that about the supplier visit.",
    )
    assert _update("Decide.", strike, "Rosa", visit)["action"] == "add"
    assert (
        _update("On 'strike that' delete the entry.", strike, "Rosa", visit)["action"] == "delete"
    )


def test_retrieval_follows_the_instruction() -> None:
    """Queries, dates and required words come from the question and the instruction alone."""
    question = "Where was the wine tasting in May?"
    assert _search("Search.", question)["after"] == ""
    dated = _search("When the question names a month, restrict the search to it.", question)
    assert (dated["after"], dated["before"]) == ("2024-05-01", "2024-05-31")
    season = _search("Harvest means September to October.", "Where was the pub quiz in harvest?")
    assert (season["after"], season["before"]) == ("2024-09-01", "2024-10-31")
    hop = _search("Search for the link in between first.", "Where does Rosa's mentor live?")
    assert "Rosa mentor" in str(hop["queries"])
    alias = _search(
        "The Whale means the Harbor migration. Return nothing when no entry fits.",
        "Who leads the Whale?",
    )
    assert "Harbor" in str(alias["queries"])
    assert "Harbor" in str(alias["require"])
    pay = "What is Rosa's salary?"
    assert _search("Search.", pay)["queries"]
    assert _search("Questions about pay get no entries.", pay)["queries"] == []
    assert _search("Return nothing when no entry fits.", "Where is Rosa?")["require"] == ["Rosa"]


def test_answers_are_short_spans_of_the_best_memory() -> None:
    """The newest wins unless the past is asked for; links are followed; else it abstains."""
    desk = (
        "(2024-06-01) Rosa's desk is on the fifth floor (formerly, until then: is in the annexe)."
    )
    assert _answer("Where is Rosa's desk?", "(2024-05-01) Rosa's desk is in the annexe.", desk) == (
        "the fifth floor"
    )
    assert _answer("Where was Rosa's desk before?", desk) == "the annexe"
    assert _answer(
        "When did Rosa visit the zoo?", "(2024-05-01) On 3 May 2024 Rosa toured the zoo."
    ) == ("3 May 2024")
    mentor = "(2024-05-01) Hugo is the mentor of Rosa."
    assert (
        _answer("Where does Rosa's mentor live?", mentor, "(2024-05-02) Hugo lives in Porto.")
        == "Porto"
    )
    duties = ("(2024-05-01) Rosa looks after the zoo.", "(2024-06-01) Rosa is in charge of tea.")
    assert _answer("What does Rosa look after?", *duties) == "the zoo, tea"
    assert _answer("What is Rosa's shoe size?", *duties) == "Not mentioned"


def test_long_prompts_are_followed_less_reliably() -> None:
    """Each word over 120 costs a little, for each competence and request on its own."""

    def kept(words: int) -> int:
        text = "Keep codes. " + "Be tidy. " * (words // 2)
        message = "[1] Rosa: My locker code is KT-482."
        return sum(
            bool(_run(text, ("facts",), sample, messages=message)["facts"]) for sample in range(300)
        )

    assert kept(100) == 300
    assert 170 < kept(300) < 270


def test_slips_depend_on_the_whole_request() -> None:
    """The rate is what was asked for; the same request slips in the same way."""
    inputs = {"messages": "[1] Rosa: I live in Porto."}
    made = [
        answer(Request("", inputs, ("facts",), sample), seed=2, slip=0.1) for sample in range(1000)
    ]
    assert made[:50] == [
        answer(Request("", inputs, ("facts",), sample), seed=2, slip=0.1) for sample in range(50)
    ]
    assert 60 < sum(not facts["facts"] for facts in made) < 140


def test_no_input_breaks_the_agent() -> None:
    """Empty, odd and hostile texts give a well-formed answer in every task."""
    rng = random.Random(1)
    alphabet = "aR 'I\u2019.:;[](){}?!+1-9\n\x00\ud800\u00e9" + "\U0001f44d"
    tasks = (("facts",), ("action", "target", "text", "reason"),
             ("queries", "after", "before", "require"), ("answer",))  # fmt: skip
    fields = ("session_date", "messages", "fact", "fact_speaker", "entries", "question",
              "asked_on", "memories")  # fmt: skip
    texts = ["", "[1] Rosa:", "30 February 2024", "2024-13-45", "When did X?", "(2024-99-99) X"]
    for index in range(400):
        noise = "".join(rng.choice(alphabet) for _ in range(rng.randrange(60)))
        inputs = {name: rng.choice([noise, *texts, f"[1] (2024-05-01) {noise}"]) for name in fields}
        outputs = tasks[index % 4]
        made = answer(Request(noise, inputs, outputs, 0), seed=1, slip=0.3)
        assert set(outputs) <= set(made)
