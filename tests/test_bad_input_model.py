"""Replies that no provider should send: read, drawn again, or refused; never a dead run."""

from __future__ import annotations

import threading

import dspy
import pytest

from agent.models.language_model import RedrawingAdapter, _sendable, _unwrapped


class _Answer(dspy.Signature):  # type: ignore[misc]
    """Answer."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        (r'{"answer": "a\ud800b"}', "a\ufffdb"),
        (r'{"answer": "\ud83e\udd8a"}', "\U0001f98a"),
        (r'{"answer": "\\ud800"}', r"\ud800"),
        ('{"answer": "a\ud800b"}', "a\ufffdb"),
    ],
)
def test_lone_surrogates_in_a_reply_are_replaced(reply: str, read: str) -> None:
    """They could never be sent on to the next prompt; pairs and escaped backslashes stay."""
    assert RedrawingAdapter().parse(_Answer, reply)["answer"] == read
    assert _sendable("plain \\n text") == "plain \\n text"


def test_an_error_that_several_threads_wrap_is_unwrapped_once() -> None:
    """A ring of causes ends: the foreign error below DSPy's wrapping is what is raised."""
    foreign = ValueError("odd")
    first = dspy.utils.exceptions.LMError("wrapped")
    second = dspy.utils.exceptions.LMError("wrapped again")
    first.__cause__ = foreign
    foreign.__cause__ = first
    second.__cause__ = foreign
    found: list[BaseException] = []
    thread = threading.Thread(target=lambda: found.append(_unwrapped(second)), daemon=True)
    thread.start()
    thread.join(5)
    assert found == [foreign]
