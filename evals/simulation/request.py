"""What a simulated model is asked: the parts of a DSPy-formatted chat request.

The system message declares the fields and states the instruction; the last user
message holds the values. Values are untrusted text (messages of a conversation), so
field names are taken from the system message only, and a header counts only on a line
of its own and in the declared order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_OBJECTIVE = "your objective is:"
_FIELD = re.compile(r"^\d+\. `(\w+)`", re.MULTILINE)
_CLOSINGS = ("\n\nRespond with a JSON object", "\n\nRespond with the corresponding output fields")


@dataclass(frozen=True)
class Request:
    """One request: the slot's instruction, the input values, the names of the outputs.

    `sample` is the sample index: another one is another independent draw of the answer.
    """

    instruction: str
    inputs: dict[str, str]
    outputs: tuple[str, ...]
    sample: int


@lru_cache(maxsize=512)
def _parse_system(text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return instruction, input field names and output field names."""
    head, found, objective = text.partition(_OBJECTIVE)
    if not found:
        return text.strip(), (), ()
    lines = objective.strip("\n").splitlines()
    instruction = "\n".join(line.removeprefix("        ").rstrip() for line in lines).strip()
    declared, _, rest = head.partition("Your output fields are:")
    outputs, _, _ = rest.partition("All interactions will be structured")
    return instruction, tuple(_FIELD.findall(declared)), tuple(_FIELD.findall(outputs))


def _values(text: str, names: Sequence[str]) -> dict[str, str]:
    """Cut the user message at the headers of the declared fields, in their order."""
    for closing in _CLOSINGS:
        end = text.rfind(closing)
        if end >= 0:
            text = text[:end]
            break
    text = "\n" + text + "\n"
    spans: list[tuple[str, int, int]] = []
    position = 0
    for name in names:
        header = f"\n[[ ## {name} ## ]]\n"
        start = text.find(header, position)
        if start < 0:
            continue
        # The header's own line break may open the next header, when the value is empty.
        position = start + len(header) - 1
        spans.append((name, start, position))
    values = dict.fromkeys(names, "")
    for index, (name, _, begin) in enumerate(spans):
        end = spans[index + 1][1] if index + 1 < len(spans) else len(text)
        values[name] = text[begin:end].strip()
    return values


def parse_request(messages: Sequence[Mapping[str, str]], sample: int = 0) -> Request:
    """Return the request that the chat messages make.

    Messages in another form give a request without inputs and outputs, whose
    instruction is the system text (or, without one, the first message).
    """
    system = "\n".join(m.get("content", "") for m in messages if m.get("role") == "system")
    users = [m.get("content", "") for m in messages if m.get("role") == "user"]
    if not system and users and _OBJECTIVE in users[0]:
        system = users[0]
    instruction, names, outputs = _parse_system(system)
    if not outputs and not instruction and users:
        instruction = users[0]
    return Request(instruction, _values(users[-1] if users else "", names), outputs, sample)
