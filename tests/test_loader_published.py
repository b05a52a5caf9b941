"""LongMemEval and RealMem in their published formats, defects of the published files included."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from evals.loaders import json_items
from evals.loaders.findings import Loaded
from evals.loaders.longmemeval import read_longmemeval
from evals.loaders.realmem import read_realmem
from evals.scorers.longmemeval import rule_name
from traces.errors import DataError

# LongMemEval ---------------------------------------------------------------------


def turn(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def item(name: str, **changed: Any) -> dict[str, Any]:
    """An item as published: sessions out of order, as in longmemeval_oracle."""
    return {
        "question_id": name,
        "question_type": "temporal-reasoning",
        "question": f"How long is the {name} walk?",
        "answer": 20,
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_dates": ["2023/05/25 (Thu) 10:00", "2023/05/20 (Sat) 02:21"],
        "haystack_session_ids": [f"answer_{name}", "filler_1"],
        "haystack_sessions": [
            [
                turn("user", f"The {name} walk took 20 minutes.", has_answer=True),
                turn("assistant", "Nice!"),
            ],
            [turn("user", "Tell me a joke."), turn("assistant", "No.")],
        ],
        "answer_session_ids": [f"answer_{name}"],
        **changed,
    }


def longmemeval(path: Path, *items: Any) -> Loaded:
    path.write_text(json.dumps(list(items)), "utf-8")
    return read_longmemeval(path)


def test_an_item_is_a_conversation_with_one_question(tmp_path: Path) -> None:
    """Sessions by date, the question on its own date after the last, evidence by message."""
    loaded = longmemeval(tmp_path / "s.json", item("a"), item("b"))
    assert loaded.findings == ()
    first = loaded.conversations[0]
    assert first.id == "a"
    assert [s.id for s in first.sessions] == ["filler_1", "answer_a"]
    assert first.sessions[0].date == datetime(2023, 5, 20, 2, 21)
    (question,) = first.questions
    assert (question.id, question.answer) == ("a", "20")
    assert (question.category, question.evidence) == ("temporal-reasoning", ("answer_a:1",))
    assert (question.asked_after, question.asked_on) == (
        "answer_a", datetime(2023, 5, 30, 23, 40),
    )  # fmt: skip
    assert rule_name(question) == "temporal-reasoning"


def test_abstention_items_are_unanswerable_and_keep_their_explanation(tmp_path: Path) -> None:
    """The published judge is shown why there is no answer."""
    explained = item("a_abs", answer="You did not mention a walk.", answer_session_ids=[])
    explained["haystack_sessions"][0][0].pop("has_answer")
    loaded = longmemeval(tmp_path / "s.json", explained)
    assert loaded.findings == ()
    (question,) = loaded.conversations[0].questions
    assert question.unanswerable
    assert question.answer == "You did not mention a walk."
    assert rule_name(question) == "abstention"


def test_without_marked_turns_the_answer_sessions_are_the_evidence(tmp_path: Path) -> None:
    """All of their messages; where there are none either, that is a problem."""
    unmarked, none = item("a"), item("b", answer_session_ids=[])
    for raw in (unmarked, none):
        raw["haystack_sessions"][0][0].pop("has_answer")
    loaded = longmemeval(tmp_path / "s.json", unmarked, none)
    first, second = (c.questions[0] for c in loaded.conversations)
    assert first.evidence == ("answer_a:1", "answer_a:2")
    assert second.evidence == ()
    assert loaded.dataset().problems == ("b: names no evidence",)


def test_defects_of_the_published_files_cost_no_item(tmp_path: Path) -> None:
    """Empty sessions, a session twice and a question before its history are told, and kept."""
    raw = item("a", question_date="2023/05/21 (Sun) 10:00")
    raw["haystack_sessions"] += [[], raw["haystack_sessions"][1]]
    raw["haystack_dates"] += ["2023/05/21 (Sun) 08:00", "2023/05/22 (Mon) 09:00"]
    raw["haystack_session_ids"] += ["filler_2", "filler_1"]
    loaded = longmemeval(tmp_path / "s.json", raw)
    assert {f.kind for f in loaded.findings} == {"empty_session", "asked_too_early"}
    found = loaded.dataset().conversations[0]
    assert [s.id for s in found.sessions] == ["filler_1", "filler_1#2", "answer_a"]
    assert found.questions[0].asked_after == "answer_a"


def test_what_cannot_be_meant_is_refused_with_its_line(tmp_path: Path) -> None:
    """Lists of different lengths, a bad date, a missing type: each with its field."""
    path = tmp_path / "s.json"
    bad = [item("a"), item("b"), item("c")]
    bad[0]["haystack_dates"].pop()
    bad[1]["haystack_dates"][0] = "May"
    del bad[2]["question_type"]
    path.write_text(json.dumps(bad, indent=1), "utf-8")
    found = read_longmemeval(path).errors
    assert [(f.kind, f.place) for f in found] == [
        ("uneven_sessions", "[0] ('a').haystack_sessions"),
        ("bad_date", "[1] ('b').haystack_dates[0]"),
        ("missing_question_type", "[2] ('c').question_type"),
    ]
    lines = path.read_text("utf-8").split("\n")
    assert "haystack_sessions" in lines[(found[0].line or 0) - 1]
    assert '"May"' in lines[(found[1].line or 0) - 1]


def test_a_file_is_read_item_by_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held as text is about an item, not the file; what recurs is held once."""
    monkeypatch.setattr(json_items, "CHUNK", 1 << 12)
    held: list[int] = []
    use = json_items._Text.use

    def watched(self: Any, end: int) -> str:
        held.append(len(self.text))
        return use(self, end)

    monkeypatch.setattr(json_items._Text, "use", watched)
    path = tmp_path / "m.json"
    loaded = longmemeval(path, *(item(f"i{n}") for n in range(200)))
    assert len(loaded.conversations) == 200
    assert max(held) < 1 << 14 < path.stat().st_size
    jokes = {id(c.message("filler_1:1").text) for c in loaded.conversations}  # type: ignore[union-attr]
    assert len(jokes) == 1


# RealMem -------------------------------------------------------------------------


def person(name: str = "Lin") -> dict[str, Any]:
    """A file as published."""
    memory = {"type": "Static", "content": "User enjoys food.", "source_turn": 1,
              "session_uuid": "u1"}  # fmt: skip
    return {
        "_metadata": {"person_name": name, "total_sessions": 2, "total_tokens": 9},
        "dialogues": [
            {
                "session_identifier": "Fitness_1:S1_01",
                "session_uuid": "u1",
                "current_time": "2025-12-15 (Monday)",
                "dialogue_turns": [
                    {"speaker": "User", "is_query": False, "content": f"{name} likes noodles.",
                     "query_id": None},
                    {"speaker": "Assistant", "content": "Noted.", "query_id": None},
                ],
                "extracted_memory": [
                    memory,
                    {**memory, "content": "Unknown source.", "source_turn": -1},
                    {**memory, "content": "First turn.", "source_turn": 0},
                ],
            },
            {
                "session_identifier": "Fitness_1:S1_02",
                "session_uuid": "u2",
                "current_time": "2025-12-16 (Tuesday)",
                "dialogue_turns": [
                    {"speaker": "User", "is_query": True, "content": "What do I like?",
                     "query_id": "Q-0001", "topic": "Fitness", "category_name": "Static",
                     "session_type": "single_session"},
                    {"speaker": "Assistant", "is_query": False, "content": "Noodles.",
                     "memory_used": [{"session_uuid": "u1", "content": "User enjoys food."},
                                     {"session_uuid": "u1", "content": "First turn."}],
                     "memory_session_uuids": ["u1"], "query_id": None},
                ],
                "extracted_memory": [],
            },
        ],
    }  # fmt: skip


@pytest.mark.parametrize("layout", ["file", "directory", "lines", "list"])
def test_a_query_is_a_question_asked_before_its_session(tmp_path: Path, layout: str) -> None:
    """One file a person, a directory of them, one a line, or a list: the same questions."""
    path = tmp_path / "Lin_dialogues_256k.json"
    if layout == "lines":
        path.write_text(json.dumps(person()) + "\n" + json.dumps(person("Ada")) + "\n", "utf-8")
    else:
        whole = [person()] if layout == "list" else person()
        path.write_text(json.dumps(whole, indent=2), "utf-8")
    loaded = read_realmem(tmp_path if layout == "directory" else path)
    assert loaded.findings == ()
    assert len(loaded.conversations) == (2 if layout == "lines" else 1)
    found = loaded.conversations[0]
    assert found.id == "Lin"
    assert [m.id for m in found.sessions[0].messages] == ["u1-1", "u1-2"]
    (question,) = found.questions
    assert (question.id, question.text, question.answer) == (
        "Q-0001",
        "What do I like?",
        "Noodles.",
    )
    assert (question.asked_after, question.asked_on) == (
        "Fitness_1:S1_01", datetime(2025, 12, 16),
    )  # fmt: skip
    assert (question.category, question.evidence) == ("Static", ("u1-1",))


def test_memories_of_unknown_source_and_queries_without_a_past_are_told(tmp_path: Path) -> None:
    """The question stands without that evidence; one of the first session is left out."""
    raw = person()
    used = raw["dialogues"][1]["dialogue_turns"][1]["memory_used"]
    used[0]["content"] = "Unknown source."
    raw["dialogues"][0]["dialogue_turns"][0] |= {"is_query": True, "query_id": "Q-0000"}
    (tmp_path / "a.json").write_text(json.dumps(raw, indent=2), "utf-8")
    loaded = read_realmem(tmp_path)
    assert loaded.dataset().problems == (
        "Lin, question Q-0000: is asked in the first session, before anything is in memory, and is "
        "left out",
        "Lin, question Q-0001: uses a memory whose source is not known",
    )
    assert all(finding.file == "a.json" and finding.line for finding in loaded.findings)
    assert [q.evidence for q in loaded.conversations[0].questions] == [("u1-1",)]


def test_a_directory_without_dialogues_is_refused(tmp_path: Path) -> None:
    """And a broken file in one is named."""
    with pytest.raises(DataError, match=r"holds no \.json file"):
        read_realmem(tmp_path)
    (tmp_path / "a.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"a\.json: line 1, column 2: is not JSON"):
        read_realmem(tmp_path).dataset()
