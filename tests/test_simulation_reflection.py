"""The reflection part of the simulated model: what it makes of error signals."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.simulation.reflection_advice import RULES
from evals.simulation.reflection_cues import findings
from evals.simulation.reflection_part import answer
from evals.simulation.reflection_signals import read_clusters, sentences
from evals.simulation.reflection_wordings import TEAM_RULES, fill
from evals.simulation.request import Request

INCUMBENT = (
    "Do the work that this slot is for. Look at each line in turn.\n"
    "Mind people's wishes. Stay with what was said."
)
Json = dict[str, object]


def example(
    question: str,
    expected: str,
    *evidence: tuple[str, str, str],
    given: str = "",
    produced: str = "",
) -> Json:
    """Make one failure; evidence is (date, speaker, text)."""
    return {
        "question": question,
        "expected": expected,
        "predicted": "something else",
        "evidence": [{"date": d, "speaker": s, "text": t} for d, s, t in evidence],
        "given": given,
        "produced": produced,
    }


def cluster(
    slot: str, error_type: str, sub_type: str, *examples: Json, name: str = "c1"
) -> dict[str, object]:
    return {
        "id": name,
        "slot": slot,
        "error_type": error_type,
        "sub_type": sub_type,
        "count": 5,
        "examples": list(examples),
    }


def request(slot: str, clusters: object, rejected: Sequence[str] = (), count: str = "4") -> Request:
    text = clusters if isinstance(clusters, str) else json.dumps(clusters)
    return Request(
        instruction="Propose edits.",
        inputs={
            "slot": slot,
            "instruction": INCUMBENT,
            "clusters": text,
            "rejected": json.dumps(list(rejected)),
            "count": count,
        },
        outputs=("edits",),
        sample=0,
    )


def edits(asked: Request, seed: int = 0) -> list[dict[str, str]]:
    found = answer(asked, random.Random(seed))["edits"]
    assert isinstance(found, list)
    return found


def extraction(sub_type: str, *examples: Json) -> Json:
    return cluster("extraction", "ExtractionError", sub_type, *examples)


SIGNALS: Mapping[str, Json] = {
    "codes": extraction(
        "omission",
        example("What is Rosa's locker code?", "KT-482", ("2024-05-12", "Rosa", "Locker: KT-482")),
    ),
    "parentheticals": extraction(
        "omission",
        example(
            "Where is Ben's bicycle?",
            "in the cellar",
            ("2024-05-12", "Ben", "I came on foot (the bicycle is in the cellar) and was late."),
        ),
    ),
    "forwarded": extraction(
        "omission",
        example(
            "Which room was given to Ana?",
            "the attic room",
            ("2024-05-12", "Ben", "Fwd: Ana was given the attic room."),
        ),
    ),
    "pencilled": extraction(
        "omission",
        example(
            "When does Ben see the dentist?",
            "14 June",
            ("2024-05-12", "Ben", "Dentist is pencilled in for 14 June."),
        ),
    ),
    "deadline": extraction(
        "wrong_time",
        example(
            "What is the deadline of the brochure?",
            "2024-05-17",
            ("2024-05-12", "Ana", "Brochure: draft due on 17 May, printing on 24 May."),
        ),
    ),
    "votes": extraction(
        "omission",
        example(
            "Where does the team meet?",
            "in the greenhouse",
            ("2024-05-12", "Ana", "Shall we meet in the greenhouse?"),
            ("2024-05-12", "Ben", "+1"),
        ),
    ),
    "own_word": cluster(
        "fact_store.update",
        "UpdateError",
        "overwritten",
        example(
            "On which floor does Rosa sit?",
            "third floor",
            ("2024-05-12", "Rosa", "I sit on the third floor."),
            given="fact: Rosa sits on the first floor. fact_speaker: Ben entries: [1] ...",
        ),
    ),
    "cumulative": cluster(
        "fact_store.update",
        "UpdateError",
        "overwritten",
        example(
            "What does Rosa look after?",
            "the archive and the newsletter",
            ("2024-05-12", "Rosa", "I look after the archive now."),
            given="fact: Rosa looks after the newsletter. fact_speaker: Rosa",
        ),
    ),
    "strike": cluster(
        "fact_store.update",
        "DeletionError",
        "stale",
        example(
            "When is the picnic?",
            "",
            ("2024-05-12", "Rosa", "The picnic is on Sunday."),
            ("2024-05-19", "Rosa", "Strike that about the picnic."),
        ),
    ),
    "alias": cluster(
        "fact_store.retrieval",
        "RetrievalError",
        "missed",
        example(
            "Who leads the Whale?",
            "Ana",
            ("2024-05-12", "Ana", "From today I lead the Harbor migration."),
        ),
    ),
    "season": cluster(
        "fact_store.retrieval",
        "RetrievalError",
        "distractor",
        example(
            "What did Ana order during harvest?", "crates", ("2024-09-12", "Ana", "Ordered crates.")
        ),
        example("Who fell ill in harvest?", "Ben", ("2024-10-02", "Ben", "I have the flu.")),
    ),
    "withhold": cluster(
        "fact_store.retrieval",
        "RetrievalError",
        "distractor",
        example("What is Ben's salary?", "", ("2024-05-12", "Ben", "They give me 3100 a month.")),
    ),
}

# Keywords of a rule, and those that turn it round or make another rule of it.
KEYWORDS: Mapping[str, tuple[str, str]] = {
    "codes": (r"\bcodes?\b|identif|reference number", r"leave out|round long"),
    "parentheticals": (r"bracket|parenthe", r"ignore|strip|^put"),
    "forwarded": (r"forward|fwd", r"leave|who forwarded"),
    "pencilled": (r"pencil", r"^skip|until somebody"),
    "deadline": (r"draft.*deadline|deadline.*draft", r"ignore"),
    "votes": (r"\+1|thumbs", r"ignore|count"),
    "own_word": (
        r"says so|last word|not the person|hearsay|own statement|first-hand",
        r"newest statement",
    ),
    "cumulative": (r"dut(y|ies)|look after|responsibilit", r"replaces the former|exactly one"),
    "strike": (r"\bstrike", r"fact of its own|dispute|doubtful"),
    "alias": (r"the whale.*the harbor|the harbor.*the whale", r"different|leave|costume|others"),
    "season": (r"harvest.*(september|october)", r"except|standing|weather"),
    "withhold": (r"\bpay\b|salar|earns|wages", r"broadly|yearly|job title"),
}


def asks_for(rule: str, clause: str) -> bool:
    """Tell by keywords whether a clause asks for the rule."""
    topic, turned = KEYWORDS[rule]
    text = clause.casefold()
    return bool(re.search(topic, text)) and not re.search(turned, text)


@pytest.mark.parametrize("rule", sorted(SIGNALS))
def test_a_cue_leads_to_its_rule(rule: str) -> None:
    """At least 35% of the edits that answer a rule's cue ask clearly for that rule."""
    signal = SIGNALS[rule]
    made = [e for seed in range(60) for e in edits(request(str(signal["slot"]), [signal]), seed)]
    hits = [e for e in made if asks_for(rule, e["clause"])]
    assert len(hits) >= 0.35 * len(made)
    assert not any(asks_for(rule, clause) for clause in fill(RULES[rule].misread, _WORDS))


_WORDS = {
    "nick": "the Whale",
    "name": "the Harbor migration",
    "season": "harvest",
    "first": "September",
    "last": "October",
}


def _plain(clause: str) -> str:
    return clause.casefold()


def _answers(rules: Sequence[str]) -> set[str]:
    """Return every right clause for the rules, whether clear or oblique."""
    return {
        _plain(clause)
        for rule in rules
        for clause in fill((*RULES[rule].clear, *RULES[rule].oblique), _WORDS)
    }


def test_every_team_rule_has_a_signal_here() -> None:
    """No rule's cue goes untested, and each rule has five clear clauses at least."""
    assert set(SIGNALS) == set(TEAM_RULES) == set(KEYWORDS)
    assert all(len(set(wording.clear)) >= 5 for wording in RULES.values())


def test_more_than_a_third_of_the_edits_is_useless_or_harmful() -> None:
    """Between a third and 60% of all edits neither clearly nor obliquely ask for a rule."""
    right = _answers(list(RULES))
    made = [
        e
        for signal in SIGNALS.values()
        for seed in range(60)
        for e in edits(request(str(signal["slot"]), [signal]), seed)
    ]
    useless = [e for e in made if e["action"] == "remove" or _plain(e["clause"]) not in right]
    assert 1 / 3 <= len(useless) / len(made) <= 0.6


def test_one_in_six_lessons_is_worded_obliquely() -> None:
    """Among the right clauses, about one in six is one that hardly anybody understands."""
    oblique = {_plain(c) for r in RULES.values() for c in fill(r.oblique, _WORDS)}
    right = _answers(list(RULES))
    made = [
        _plain(e["clause"])
        for signal in SIGNALS.values()
        for seed in range(60)
        for e in edits(request(str(signal["slot"]), [signal]), seed)
    ]
    lessons = [clause for clause in made if clause in right]
    assert 0.11 <= sum(c in oblique for c in lessons) / len(lessons) <= 0.22


def test_actions_vary_and_quote_the_incumbent() -> None:
    """Most edits add; those that replace or remove quote a sentence of the incumbent."""
    signal = SIGNALS["codes"]
    made = [e for seed in range(60) for e in edits(request("extraction", [signal]), seed)]
    shares = {a: sum(e["action"] == a for e in made) / len(made) for a in ("add", "replace")}
    assert shares["add"] > 0.7
    assert 0.02 < shares["replace"] < 0.3
    assert any(e["action"] == "remove" for e in made)
    for edit in made:
        if edit["action"] != "add":
            assert edit["replaces"] in INCUMBENT
            assert edit["replaces"] in sentences(INCUMBENT)
        assert edit["cluster"] == "c1"


@pytest.mark.parametrize("slot", ["extraction", "update", "retrieval", "response", "other"])
@pytest.mark.parametrize("clusters", ["[]", "", "null", "no signals"])
def test_without_signals_there_is_only_vague_advice(slot: str, clusters: str) -> None:
    """Empty clusters yield no clause for any rule, and touch no sentence of the incumbent."""
    rules = {_plain(c) for r in RULES.values() for part in r for c in fill([part[0]], _WORDS)}
    rules |= _answers(list(RULES))
    for seed in range(60):
        for edit in edits(request(slot, clusters), seed):
            assert edit["action"] == "add"
            assert _plain(edit["clause"]) not in rules
            assert not any(asks_for(rule, edit["clause"]) for rule in KEYWORDS)


def test_signals_of_another_type_lead_astray() -> None:
    """A cue counts only in a cluster whose slot and error type it fits."""
    slots = {
        "extraction": "ExtractionError",
        "update": "UpdateError",
        "retrieval": "RetrievalError",
    }
    for rule, signal in SIGNALS.items():
        own = str(signal["slot"]).rsplit(".", 1)[-1]
        for slot, error_type in slots.items():
            if slot == own:
                continue
            moved = {**signal, "slot": slot, "error_type": error_type}
            found = findings(read_clusters(json.dumps([moved]))[0], slot)
            assert rule not in {f.rule for f in found}
        untyped = {**signal, "error_type": "ResponseError"}
        assert not findings(read_clusters(json.dumps([untyped]))[0], own)


def test_a_rejected_clause_is_never_said_again() -> None:
    """Thirty rounds in which everything is rejected repeat nothing, and other wordings come."""
    rejected: list[str] = []
    hits = 0
    for seed in range(30):
        for edit in edits(request("extraction", [SIGNALS["votes"]], rejected), seed):
            if edit["action"] == "remove":
                continue
            assert edit["clause"] not in rejected
            hits += asks_for("votes", edit["clause"])
            rejected.append(edit["clause"])
    assert hits >= 4
    assert len(set(rejected)) == len(rejected)


def test_seasons_span_the_months_seen_even_over_new_year() -> None:
    """The months of a season are the shortest stretch that holds the evidence's months."""

    def season(*dates: str) -> dict[str, str]:
        asked = [example("Who called during thaw?", "Ben", (d, "Ben", "Called.")) for d in dates]
        raw = cluster("retrieval", "RetrievalError", "missed", *asked)
        found = findings(read_clusters(json.dumps([raw]))[0], "retrieval")
        return next(dict(f.words) for f in found if f.rule == "season")

    assert season("2024-09-01", "2024-10-09") == {
        "season": "thaw",
        "first": "September",
        "last": "October",
    }
    assert season("2024-12-01", "2025-01-09")["first"] == "December"
    assert season("2024-03-01")["last"] == "March"


def words_for(rule: str, *examples: Json) -> dict[str, str] | None:
    raw = cluster("retrieval", "RetrievalError", "missed", *examples)
    found = findings(read_clusters(json.dumps([raw]))[0], "retrieval")
    return next((dict(f.words) for f in found if f.rule == rule), None)


def test_an_unknown_season_word_is_noticed_when_it_recurs() -> None:
    """A word that two questions use where a time would stand is taken for a season."""
    first = example("What broke in glimmer?", "a pump", ("2024-02-03", "Ben", "A pump broke."))
    second = example("Who sang in glimmer?", "Ana", ("2024-03-03", "Ana", "I sang."))
    assert words_for("season", first) is None
    assert words_for("season", first, second) == {
        "season": "glimmer",
        "first": "February",
        "last": "March",
    }


def test_aliases_are_names_and_not_people() -> None:
    """A nickname is paired with the thing that the evidence keeps naming, not with people."""
    day = "2024-05-12"
    whale = example(
        "What is Ana's part in the Whale?",
        "testing",
        (day, "Ana", "I test the Harbor migration; Carla helps."),
        (day, "Ben", "On Friday we go to Lisbon for the Harbor migration."),
    )
    pair = {"nick": "the Whale", "name": "the Harbor migration"}
    assert words_for("alias", whale) == pair
    told = example("Who leads the Whale?", "Ana", (day, "Ana", "The Harbor migration (the Whale)."))
    assert words_for("alias", told) == pair
    person = example("Where does Ana's sister live?", "Kiel", (day, "Ben", "Eva is in Kiel."))
    assert words_for("alias", person) is None


def test_a_known_season_is_corrected_in_place() -> None:
    """When more months are seen, the old sentence about the season is often replaced."""
    old = "Questions about harvest concern September only."
    base = request("fact_store.retrieval", [SIGNALS["season"]])
    asked = Request("", {**base.inputs, "instruction": f"Search well. {old}"}, base.outputs, 0)
    made = [e for seed in range(60) for e in edits(asked, seed)]
    assert any(e["action"] == "replace" and e["replaces"] == old for e in made)


def test_clauses_do_not_copy_the_conversation() -> None:
    """No clause shares four words in a row, or a date, with a quoted message or question."""

    def grams(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[\w']+", text.casefold())
        return {tuple(words[i : i + 4]) for i in range(len(words) - 3)}

    for signal in SIGNALS.values():
        said = grams(json.dumps(signal["examples"]))
        for seed in range(60):
            for edit in edits(request(str(signal["slot"]), [signal]), seed):
                assert not grams(edit["clause"]) & said
                assert not re.search(r"\d\d", edit["clause"])


def test_the_same_request_and_seed_give_the_same_edits() -> None:
    """The answer is a pure function of request and random generator; others differ."""
    asked = request("extraction", [SIGNALS["codes"], SIGNALS["votes"]])
    assert edits(asked, 1) == edits(asked, 1)
    assert len({json.dumps(edits(asked, seed)) for seed in range(10)}) > 5


def assert_valid(found: object) -> None:
    assert isinstance(found, dict)
    assert set(found) == {"edits"}
    for edit in found["edits"]:
        assert set(edit) == {"action", "clause", "replaces", "cluster"}
        assert all(isinstance(value, str) for value in edit.values())
        assert edit["action"] in {"add", "replace", "remove"}
        assert bool(edit["clause"]) == (edit["action"] != "remove")
        assert bool(edit["replaces"]) == (edit["action"] != "add")
    json.dumps(found)


_FIELDS = [*cluster("", "", ""), *example("", ""), "date", "speaker", "text"]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_FIELDS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(
    clusters=st.text(max_size=40) | st.lists(_VALUES, max_size=4).map(json.dumps),
    slot=st.sampled_from(["extraction", "update", "retrieval", "x", ""]),
    rejected=st.text(max_size=30) | _VALUES.map(json.dumps),
    count=st.sampled_from(["3", "0", "", "many", "-2", "²", "99999999999"]),
    seed=st.integers(0, 1000),
)
def test_garbage_gives_a_valid_answer(
    clusters: str, slot: str, rejected: str, count: str, seed: int
) -> None:
    """Whatever the fields hold, the answer has the promised form."""
    asked = Request(
        "x",
        {
            "slot": slot,
            "instruction": INCUMBENT,
            "clusters": clusters,
            "rejected": rejected,
            "count": count,
        },
        ("edits",),
        0,
    )
    found = answer(asked, random.Random(seed))
    assert_valid(found)
    if count == "3":
        assert len(edits(asked, seed)) == 3


@settings(max_examples=150, deadline=None)
@given(
    question=st.text(max_size=60),
    text=st.text(alphabet="ABWhale the('\"+1)\n\ud800{}name ", max_size=80),
    error=st.sampled_from(["ExtractionError", "UpdateError", "RetrievalError", "ResponseError"]),
    seed=st.integers(0, 1000),
)
def test_strange_message_text_gives_a_valid_answer(
    question: str, text: str, error: str, seed: int
) -> None:
    """Lone surrogates, braces and brackets in quoted messages break nothing."""
    slot = error.removesuffix("Error").lower()
    failed = example(question, text[:9], ("2024-13-99", text[:3], text), given=text, produced=text)
    assert_valid(
        answer(request(slot, [cluster(slot, error, "missed", failed, failed)]), random.Random(seed))
    )


def test_missing_fields_and_deep_nesting_are_survived() -> None:
    """Without inputs, or with absurdly nested JSON, there still is vague advice."""
    assert_valid(answer(Request("", {}, ("edits",), 0), random.Random(0)))
    deep = "[" * 100_000
    assert len(edits(request("extraction", deep))) == 4
