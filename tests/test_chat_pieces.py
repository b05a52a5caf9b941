"""The answer out of a reply in pieces, and one user at a time."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chat.pieces import AnswerText, SpokenAnswer
from agent.chat.turnstile import Turnstile

TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from('"\\/{}[]:, \n\t\U0001f600\ud83d\ude00é'))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def settled(text: str) -> str:
    """The text as it may be sent on: surrogates in pairs are one character, lone ones lost."""
    pairs = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in pairs)


@st.composite
def replies(draw: st.DrawFn) -> tuple[str, str]:
    """A reply as a model may write it, and the answer in it."""
    answer = draw(TEXT)
    others = draw(st.dictionaries(TEXT.filter(lambda key: key != "answer"), JSON, max_size=3))
    fields = [*others.items()]
    fields.insert(draw(st.integers(0, len(fields))), ("answer", answer))
    ascii_only = draw(st.booleans()) or settled(answer) != answer
    text = json.dumps(
        dict(fields), ensure_ascii=ascii_only, indent=draw(st.sampled_from([None, 1]))
    )
    fence = draw(st.sampled_from([("", ""), ("```json\n", "\n```"), ("Sure: [1] ", " ok")]))
    return fence[0] + text + fence[1], answer


@settings(max_examples=150, deadline=None)
@given(replies())
def test_the_answer_is_decoded_at_every_split(made: tuple[str, str]) -> None:
    """Wherever a reply is cut in two, the pieces put out are the answer's text, in order;
    surrogate pairs come whole, lone ones as U+FFFD."""
    reply, answer = made
    wanted = json.loads(json.dumps(answer))
    for cut in range(len(reply) + 1):
        text = AnswerText()
        assert text.feed(reply[:cut]) + text.feed(reply[cut:]) == settled(wanted), (reply, cut)


@settings(max_examples=100, deadline=None)
@given(replies(), st.lists(st.integers(0, 400), max_size=8))
def test_what_is_said_is_the_answer_without_outer_space(
    made: tuple[str, str], cuts: list[int]
) -> None:
    """However a reply comes in pieces, all that is said is the stripped answer, once, and at
    any moment a beginning of it."""
    reply, answer = made
    final = settled(json.loads(json.dumps(answer))).strip()
    heard: list[str] = []
    spoken = SpokenAnswer(heard.append)
    spoken.begin()
    marks = sorted({min(cut, len(reply)) for cut in cuts} | {0, len(reply)})
    for start, end in itertools.pairwise(marks):
        spoken.feed(reply[start:end])
        assert final.startswith("".join(heard))
    spoken.finish(final)
    assert "".join(heard) == final
    assert "" not in heard


def test_a_request_made_again_says_nothing_twice() -> None:
    """After a stream that broke off, the new one goes on where the first stopped."""
    heard: list[str] = []
    spoken = SpokenAnswer(heard.append)
    for reply in ('{"answer": "Lis', '{"answer": "Lisbon since", "x": 1', '{"answer": "Lisbon'):
        spoken.begin()
        spoken.feed(reply)
    spoken.finish("Lisbon since May")
    assert heard == ["Lis", "bon since", " May"]


def test_another_answer_on_the_second_try_is_not_mixed_in() -> None:
    """A second reply that says something else adds nothing to what was said."""
    heard: list[str] = []
    spoken = SpokenAnswer(heard.append)
    for reply in ('{"answer": "Porto', '{"answer": "Lisbon"}'):
        spoken.begin()
        spoken.feed(reply)
    spoken.finish("Lisbon")
    assert heard == ["Porto"]


@pytest.mark.parametrize(
    "reply",
    ['{"answer": 3}', '{"answer": null}', "[1, 2]", "no JSON", '{"a": {"answer": "x"}}'],
)
def test_what_is_no_text_is_left_to_the_end(reply: str) -> None:
    """A value that is no string of the outermost object is never said in pieces."""
    assert AnswerText().feed(reply) == ""


# one at a time -------------------------------------------------------------------


def test_threads_enter_one_at_a_time_in_their_order() -> None:
    """Whoever came first enters first, whoever is `first` before all that wait, and two keys
    do not wait for each other."""
    turnstile = Turnstile()
    order: list[str] = []
    with turnstile.held("ana"):
        waiting = []
        for name, first in (("a", False), ("b", False), ("c", True)):

            def enter(name: str = name, first: bool = first) -> None:
                with turnstile.held("ana", first=first):
                    order.append(name)

            thread = threading.Thread(target=enter)
            before = len(turnstile._waiting["ana"])
            thread.start()
            while len(turnstile._waiting["ana"]) == before:
                pass
            waiting.append(thread)
        with turnstile.held("ben"):
            order.append("ben")
    for thread in waiting:
        thread.join()
    assert order == ["ben", "c", "a", "b"]
    assert turnstile._waiting == {}


def test_one_that_gives_up_waiting_lets_the_others_in() -> None:
    """A cancelled task leaves its place; the ones behind it still enter, and the last one out
    leaves nothing behind."""

    async def run() -> list[str]:
        turnstile = Turnstile()
        entered: list[str] = []

        async def enter(name: str) -> None:
            await turnstile.enter("ana")
            entered.append(name)
            turnstile.leave("ana")

        await turnstile.enter("ana")
        tasks = [asyncio.create_task(enter(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[2].cancel()
        turnstile.leave("ana")
        await asyncio.gather(*tasks, return_exceptions=True)
        assert turnstile._waiting == {}
        return entered

    assert asyncio.run(run()) == ["b"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=12))
def test_whatever_is_cancelled_the_key_is_free_in_the_end(plan: list[tuple[bool, int]]) -> None:
    """However waiting tasks are cancelled, also just when they are let in, never two hold the
    key and afterwards nobody does."""

    async def run() -> None:
        turnstile = Turnstile()
        inside = 0

        async def enter(pauses: int) -> None:
            nonlocal inside
            await turnstile.enter("k")
            try:
                inside += 1
                assert inside == 1
                for _ in range(pauses):
                    await asyncio.sleep(0)
                inside -= 1
            except asyncio.CancelledError:
                inside -= 1
                raise
            finally:
                turnstile.leave("k")

        tasks: list[asyncio.Task[Any]] = []
        for cancel, pauses in plan:
            tasks.append(asyncio.create_task(enter(pauses)))
            for _ in range(pauses):
                await asyncio.sleep(0)
            if cancel:
                tasks[pauses % len(tasks)].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [f for f in found if isinstance(f, AssertionError)]
        assert turnstile._waiting == {}

    asyncio.run(run())
