"""Replies as JSON: by a schema where the provider takes one, and repaired once where not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway
from agent.models.language_model import dspy_scope
from agent.models.structured import LONGEST_QUOTE, schema_of
from memory_backends.fact_store.signatures import Extraction, Retrieval, Update
from traces.database import Database
from traces.errors import ContentError, ProviderError
from traces.ledger import Completion, Ledger
from traces.operation import BoundOperation

ASK = ("judge", "Judge.", {"question": "q"}, {"correct": bool, "reason": str})
GOOD = '{"correct": true, "reason": "same"}'


class Writer:
    """A provider that answers by a function of (messages, sample index) and keeps requests."""

    simulated = False

    def __init__(self, reply: Any, takes_schema: bool = False) -> None:
        self.reply, self.takes_schema = reply, takes_schema
        self.requests: list[tuple[list[tuple[str, str]], int, Any]] = []

    def identity(self, role: str) -> Mapping[str, Any]:
        return {"model": role}

    def accepts_schema(self, role: str) -> bool:
        return self.takes_schema

    def complete(
        self, role: str, messages: Any, sample_index: int, schema: Any = None
    ) -> Completion:
        self.requests.append((list(messages), sample_index, schema))
        found = self.reply(messages, sample_index)
        if isinstance(found, Exception):
            raise found
        return Completion(found, 10, 5)

    def close(self) -> None:
        pass


def gateway(database: Database, reply: Any, takes_schema: bool = False) -> tuple[Gateway, Writer]:
    writer = Writer(reply, takes_schema)
    roles = dict.fromkeys(("agent", "judge", "reflection"), writer)
    return Gateway(roles, Ledger(database), Budget(Limits())), writer


def repaired(messages: Any) -> bool:
    """Whether a request asks to repair a reply."""
    return bool(messages[-2][0] == "assistant")


# schemas -------------------------------------------------------------------------


def test_a_reply_that_follows_the_schema_is_one_that_can_be_read() -> None:
    """The fact store's signatures have strict schemas: every field required, none besides."""
    for signature in (Extraction, Update, Retrieval):
        schema = schema_of(signature)
        assert schema is not None
        assert schema["required"] == list(signature.output_fields)
        assert schema["additionalProperties"] is False
        json.dumps(schema)
    fact = schema_of(Extraction)["$defs"]["Fact"]  # type: ignore[index]
    assert fact["required"] == ["text", "speaker", "time", "sources"]
    assert fact["additionalProperties"] is False
    target = schema_of(Update)["properties"]["target"]  # type: ignore[index]
    assert target == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    "kind", [dict[str, Any], list[dict[str, Any]], Any, list[Any], tuple[int, str], dict[str, int]]
)
def test_what_strict_mode_cannot_say_has_no_schema(kind: Any) -> None:
    """Such fields are asked for by the prompt alone."""
    fields = {"question": (str, dspy.InputField()), "found": (kind, dspy.OutputField())}
    assert schema_of(dspy.Signature(fields, "Find.", "Find")) is None


_KINDS = st.recursive(
    st.sampled_from([str, int, float, bool, Literal["a", "b"], int | None, str | None]),
    lambda inner: inner.map(lambda kind: list[kind]),  # type: ignore[valid-type]
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), _KINDS, min_size=1))
def test_every_schema_is_strict_throughout(kinds: dict[str, Any]) -> None:
    """Whatever the fields, each object lists all its properties and no keyword is one that
    strict mode does not know."""
    fields: dict[str, Any] = {"question": (str, dspy.InputField())}
    fields |= {name: (kind, dspy.OutputField()) for name, kind in kinds.items()}
    schema = schema_of(dspy.Signature(fields, "Find.", "Find"))
    assert schema is not None

    def check(part: Any) -> None:
        known = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"}
        assert set(part) <= known | {"const", "description"}
        if part.get("type") == "object":
            assert part["required"] == list(part["properties"])
            assert part["additionalProperties"] is False
        for inner in (*part.get("properties", {}).values(), *part.get("anyOf", ())):
            check(inner)
        if "items" in part:
            check(part["items"])

    check(schema)


def test_a_schema_goes_to_a_provider_that_takes_one_only(database: Database) -> None:
    """It is a part of the ledger key there, and unknown to the others."""
    made, writer = gateway(database, lambda *_: GOOD, takes_schema=True)
    made.ask("judge")(*ASK)
    assert writer.requests[0][2]["required"] == ["correct", "reason"]
    made, writer = gateway(database, lambda *_: GOOD)
    made.ask("judge")(*ASK)
    assert [schema for *_, schema in writer.requests] == [None]


def test_dspy_asks_nobody_else_what_the_model_can_do() -> None:
    """The adapter's own look at capabilities imports no LiteLLM."""
    import subprocess
    import sys

    code = (
        "import sys, tempfile, os\n"
        "from tests.test_structured import gateway, ASK, GOOD\n"
        "from traces.database import Database\n"
        "made, _ = gateway(Database(':memory:'), lambda *_: GOOD)\n"
        "assert made.ask('judge')(*ASK)['correct'] is True\n"
        "sys.exit(any(m in sys.modules for m in ('litellm', 'openai')))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


# repair --------------------------------------------------------------------------


def test_an_unreadable_reply_is_sent_back_once_with_what_is_wrong(database: Database) -> None:
    """The repair holds the reply and the complaint, at the same sample index."""
    made, writer = gateway(
        database, lambda messages, _: GOOD if repaired(messages) else "Well, I think so."
    )
    assert made.ask("judge")(*ASK)["correct"] is True
    (first, sample, _), (second, again, _) = writer.requests
    assert (sample, again) == (0, 0)
    assert second[: len(first)] == first
    assert second[-2] == ("assistant", "Well, I think so.")
    role, said = second[-1]
    assert role == "user"
    assert "it is not a JSON object" in said
    assert "`correct`, `reason`" in said


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ('{"correct": true}', "lacks reason"),
        ('{"verdict": 1}', "lacks correct, reason"),
        ('{"correct": "perhaps", "reason": ""}', "value of the wrong kind: correct"),
        ("[1, 2]", "it is not a JSON object"),
    ],
)
def test_the_complaint_names_what_is_wrong(database: Database, reply: str, says: str) -> None:
    """Missing fields and values of the wrong kind are told apart."""
    made, writer = gateway(database, lambda messages, _: GOOD if repaired(messages) else reply)
    made.ask("judge")(*ASK)
    assert says in writer.requests[1][0][-1][1]


def test_what_a_repair_does_not_mend_is_drawn_anew(database: Database) -> None:
    """After draw and repair comes the next sample; then it ends, with what the model said."""
    made, writer = gateway(database, lambda *_: "I would rather talk.")
    with pytest.raises(ContentError, match=r"after 3 requests.*I would rather talk"):
        made.ask("judge")(*ASK)
    assert [(sample, repaired(m)) for m, sample, _ in writer.requests] == [
        (0, False),
        (0, True),
        (1, False),
    ]
    assert made.ledger.spending()["judge"].calls == 3


def test_an_empty_reply_is_drawn_anew_without_a_repair(database: Database) -> None:
    """There is nothing to send back."""
    made, writer = gateway(database, lambda _, sample: GOOD if sample == 2 else "")
    assert made.ask("judge")(*ASK)["correct"] is True
    assert [(sample, repaired(m)) for m, sample, _ in writer.requests] == [
        (0, False),
        (1, False),
        (2, False),
    ]


def test_a_repair_that_is_refused_costs_itself_only(database: Database) -> None:
    """A reply that made the repair too long is drawn anew all the same."""

    def reply(messages: Any, sample: int) -> Any:
        if repaired(messages):
            return ContentError("input is too long")
        return "prose" if sample == 0 else GOOD

    made, _ = gateway(database, reply)
    assert made.ask("judge")(*ASK)["correct"] is True


@pytest.mark.parametrize("error", [ContentError("cut off"), ProviderError("no such model")])
def test_what_the_provider_refuses_is_not_asked_again(
    database: Database, error: ProviderError
) -> None:
    """A request that was cut off or refused comes out as the provider said it, after one try."""
    made, writer = gateway(database, lambda *_: error)
    with pytest.raises(type(error), match=str(error)):
        made.ask("judge")(*ASK)
    assert len(writer.requests) == 1


def test_a_broken_off_chain_is_not_paid_for_again(database: Database) -> None:
    """Draw and repair are in the ledger: the same question again makes no call."""
    made, writer = gateway(database, lambda messages, _: GOOD if repaired(messages) else "prose")
    made.ask("judge")(*ASK)
    made.ask("judge")(*ASK)
    assert len(writer.requests) == 2


def test_the_requests_of_an_operation_are_counted(database: Database) -> None:
    """Its record says how many requests its longest reply needed, and which they were."""
    made, _ = gateway(
        database,
        lambda messages, sample: '{"answer": "x"}' if sample == 1 else "prose",
    )
    op = BoundOperation("o", "n", None, datetime(2024, 1, 1), "", 0, None, made.bind)
    with dspy_scope():
        prediction = dspy.Predict("question -> answer")(lm=op.lm, question="q")
    assert prediction.answer == "x"
    assert op.attempts == 3
    assert len(op.calls) == 3


def test_a_repair_quotes_no_more_than_it_must(database: Database) -> None:
    """A reply without end is cut, and what could not be sent is made sendable."""
    made, writer = gateway(
        database, lambda messages, _: GOOD if repaired(messages) else "\ud800" + "x" * 100_000
    )
    assert made.ask("judge")(*ASK)["correct"] is True
    quoted = writer.requests[1][0][-2][1]
    assert len(quoted) < LONGEST_QUOTE + 20
    quoted.encode("utf-8")


@given(st.text(max_size=200))
def test_no_reply_breaks_the_chain(text: str) -> None:
    """Whatever a model writes, the outcome is the fields that were asked for or a ContentError."""
    database = Database(":memory:")
    try:
        made, writer = gateway(database, lambda *_: text)
        try:
            found = made.ask("judge")(*ASK)
            assert isinstance(found["correct"], bool)
        except ContentError:
            assert len(writer.requests) == 3
    finally:
        database.close()
