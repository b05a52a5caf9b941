"""Typed model calls: a dspy.Signature, the slot's instruction, the operation's model.

Whatever stands in an instruction or a value reaches the model as text: nothing in it
is formatted, parsed or taken for markup.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from traces.operation import BoundOperation

_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
# DSPy expands this marker in user messages into images and other parts.
_MARKER = "<<CUSTOM-TYPE-"


def predict(op: BoundOperation, signature: Any, **inputs: str) -> dict[str, Any]:
    """Return the output fields of one call with the operation's model.

    `signature` is a dspy.Signature class; `op.instruction` becomes its instructions.
    Retry and parsing are the business of the model and of the adapter in force.
    Raises ContentError when the content stays unreadable, and what the model raises.
    """
    import dspy

    typed = _instructed(signature, model_text(op.instruction))
    values = {name: model_text(value) for name, value in inputs.items()}
    prediction = dspy.Predict(typed)(lm=op.lm, **values)
    return {name: prediction[name] for name in typed.output_fields}


def model_text(text: str) -> str:
    """Return `text` as a model may be sent it.

    Lone surrogates, which have no encoding, become U+FFFD; DSPy's own marker is
    broken by a space.
    """
    return _SURROGATE.sub("\ufffd", text).replace(_MARKER, "< <CUSTOM-TYPE-")


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line: line breaks as spaces, cut visibly after `limit` characters."""
    line = _LINE_BREAKS.sub(" ", text).strip()
    return line if len(line) <= limit else line[:limit] + " [...]"


@lru_cache(maxsize=256)
def _instructed(signature: Any, instruction: str) -> Any:
    return signature.with_instructions(instruction)
