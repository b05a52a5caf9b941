"""The JSON schema of a reply, and what to write back when a reply cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from memory_backends.prediction import model_text

# A longer reply is quoted up to here in the request that asks to repair it.
LONGEST_QUOTE = 8_000
# Keywords that OpenAI's strict mode knows, besides `properties`, `required` and `$defs`.
_PLAIN = frozenset(["type", "enum", "const", "$ref", "description", "format"])


class _NotStrictError(Exception):
    """A part that strict mode cannot say."""


@lru_cache(maxsize=512)
def schema_of(signature: Any) -> Mapping[str, Any] | None:
    """Return the JSON schema of a dspy.Signature's output fields, as OpenAI's strict mode
    takes it: every field required, no others allowed. None where strict mode cannot say it
    (fields of any type, open mappings, unions by tag)."""
    import pydantic

    fields: dict[str, Any] = {
        name: (field.annotation, ...) for name, field in signature.output_fields.items()
    }
    try:
        model = pydantic.create_model("Reply", **fields)
        found: Mapping[str, Any] = _strict(model.model_json_schema())
    except (_NotStrictError, pydantic.PydanticUserError, TypeError, ValueError):
        return None
    return found


def _strict(part: Any) -> dict[str, Any]:
    if not isinstance(part, Mapping):
        raise _NotStrictError
    made: dict[str, Any] = {key: part[key] for key in part if key in _PLAIN}
    if "$defs" in part:
        made["$defs"] = {name: _strict(inner) for name, inner in part["$defs"].items()}
    if "anyOf" in part:
        made["anyOf"] = [_strict(inner) for inner in part["anyOf"]]
    elif part.get("type") == "array":
        made["items"] = _strict(part.get("items"))
    elif part.get("type") == "object":
        made["properties"] = {name: _strict(p) for name, p in part.get("properties", {}).items()}
        if not made["properties"]:
            raise _NotStrictError
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    if made.keys().isdisjoint({"type", "anyOf", "enum", "const", "$ref"}):
        raise _NotStrictError
    return made


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `response_format` of OpenAI's interface that asks for this schema."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": dict(schema), "strict": True},
    }


def complaint(
    reply: str, problem: str, fields: Mapping[str, Any]
) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the two messages that ask to repair a reply: the reply, and what is wrong."""
    quoted = reply if len(reply) <= LONGEST_QUOTE else reply[:LONGEST_QUOTE] + " [...]"
    names = ", ".join(f"`{name}`" for name in fields)
    asked = (
        f"Your reply cannot be used: {problem}. Reply again with one JSON object and nothing else. "
        f"It must have these fields: {names}."
    )
    return ("assistant", model_text(quoted)), ("user", model_text(asked))


def problem_of(error: BaseException, fields: Mapping[str, Any]) -> str:
    """Return what is wrong with a reply that dspy could not parse, in words for the model."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    parsed = getattr(error, "parsed_result", None)
    if not isinstance(parsed, Mapping):
        return "it is not a JSON object"
    missing = [name for name in fields if name not in parsed]
    if missing:
        return f"the JSON object lacks {', '.join(missing)}"
    said = str(getattr(error, "message", "") or error).split("Failed to parse field ")[-1]
    return f"a field has a value of the wrong kind: {' '.join(said.split())[:300]}"
