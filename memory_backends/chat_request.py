"""A plain chat request with the operation's model, for packages that word their own prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memory_backends.prediction import model_text
from traces.errors import MemtuneError
from traces.operation import BoundOperation


def chat(op: BoundOperation, messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of one reply to these messages (`role`, `content`; system ones first).

    The call is entered in the operation and in the ledger like any other. What cannot be read
    in the reply is the caller's business. Raises what the model raises.
    """
    from dspy import lm15

    told = [(m["role"], model_text(str(m["content"]))) for m in messages]
    request = lm15.Request(
        model=op.lm.model,
        system="\n\n".join(text for role, text in told if role == "system") or None,
        messages=tuple(
            lm15.Message(role=role, parts=(lm15.TextPart(text=text),))
            for role, text in told if role != "system"
        ),
    )  # fmt: skip
    try:
        response = op.lm(request)
    except Exception as error:
        raise _own(error) from error
    parts = (p.text for p in response.message.parts if isinstance(p, lm15.TextPart))
    return model_text("".join(parts))


def _own(error: BaseException) -> BaseException:
    """Return memtune's own error that DSPy has wrapped, or the error itself."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        if isinstance(found, MemtuneError):
            return found
        seen.add(id(found))
        found = found.__cause__
    return error
