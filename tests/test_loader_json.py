"""Reading JSON a record at a time, and finding the line of a field again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loaders import json_items
from evals.loaders.findings import At, Findings
from evals.loaders.json_lines import lines_of
from evals.loaders.json_text import records

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), inner,
                      max_size=4),
    max_leaves=25,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    """Lists are read seven bytes at a time, so that every value is cut somewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "CHUNK", 7)
        yield


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json") / "a.json"


def read(path: Path, content: str, encoding: str = "utf-8") -> tuple[list[Any], Findings]:
    path.write_bytes(content.encode(encoding))
    findings = Findings(path)
    return list(records(path, findings)), findings


@given(values=st.lists(VALUES, max_size=5), indent=st.sampled_from([None, 0, 2]),
       ascii=st.booleans(), bom=st.booleans())  # fmt: skip
def test_a_list_is_read_as_it_was_written(
    file: Path, values: list[Any], indent: int | None, ascii: bool, bom: bool
) -> None:
    """Items, their texts and their lines, however the list is laid out and cut into pieces."""
    written = json.dumps(values, indent=indent, ensure_ascii=ascii)
    found, findings = read(file, written, "utf-8-sig" if bom else "utf-8")
    assert [record.value for record in found] == values
    assert findings.all() == ()
    lines = written.split("\n")
    for record in found:
        assert json.loads(record.text) == record.value
        assert record.text.split("\n")[0] in lines[record.line - 1]


@given(values=st.lists(VALUES, min_size=1, max_size=4), data=st.data())
def test_a_list_that_breaks_off_is_one_finding(
    file: Path, values: list[Any], data: st.DataObject
) -> None:
    """What came before stands; what is broken is named with line and column, and ends it."""
    written = json.dumps(values, indent=1)
    cut = data.draw(st.integers(1, len(written) - 1))
    found, findings = read(file, written[:cut])
    assert [finding.kind for finding in findings.all()] == ["not_json"]
    assert findings.all()[0].place.startswith("column ")
    # All but the last one read were whole: a number may have been cut.
    assert [record.value for record in found[:-1]] == values[: max(0, len(found) - 1)]


@given(value=VALUES, indent=st.sampled_from([None, 0, 2]))
def test_every_field_is_found_on_its_line(value: Any, indent: int | None) -> None:
    """The line of each value in a text is the one that it is written on."""
    text = json.dumps(value, indent=indent)
    paths: list[tuple[Any, ...]] = []

    def walk(found: Any, path: tuple[Any, ...]) -> None:
        paths.append(path)
        if isinstance(found, dict):
            for key, inner in found.items():
                walk(inner, (*path, key))
        elif isinstance(found, list):
            for index, inner in enumerate(found):
                walk(inner, (*path, index))

    walk(value, ())
    # With an indent each value stands on a line of its own, in this order.
    lines = lines_of(text, paths)
    # Closing brackets have lines as well: the n-th value is on the n-th line that opens one.
    opening = [n for n, line in enumerate(text.split("\n")) if line.strip(" ,") not in ("]", "}")]
    expected = opening if indent is not None else [0] * len(paths)
    assert [lines[path] for path in paths] == expected


def test_a_path_to_nothing_gets_the_line_of_what_should_hold_it() -> None:
    """A missing field is told where it is missing."""
    text = '{\n "a": {\n  "b": 1\n }\n}'
    assert lines_of(text, [("a", "c"), ("x",), ("a", "b", 0)]) == {
        ("a", "c"): 1, ("x",): 0, ("a", "b", 0): 2,
    }  # fmt: skip


def test_a_line_that_cannot_be_read_does_not_hide_the_others(file: Path) -> None:
    """Lines are read one by one, with Windows line ends, blank lines and odd separators too."""
    found, findings = read(file, '{"a": 1}\r\n\r\nnonsense\r\n{"b": "x\u2028y"}\r\n{"c": 3}')
    assert [(r.line, r.value) for r in found] == [
        (1, {"a": 1}), (4, {"b": "x\u2028y"}), (5, {"c": 3}),
    ]  # fmt: skip
    assert [(f.kind, f.line) for f in findings.all()] == [("not_json", 3)]


def test_bytes_that_are_no_utf8_are_told_with_their_line(file: Path) -> None:
    """In a list too, where reading ends there."""
    file.write_bytes(b'[{"a": 1},\n{"a": "\xff"}]')
    findings = Findings(file)
    assert [r.value for r in records(file, findings)] == [{"a": 1}]
    assert [(f.kind, f.line) for f in findings.all()] == [("not_utf8", 2)]


def test_a_repeated_key_in_a_list_costs_no_other_item(file: Path) -> None:
    """It is an error; what follows is read all the same."""
    found, findings = read(file, '[{"a": 1, "a": 2}, {"b": 1}]')
    assert [r.value for r in found] == [{"a": 2}, {"b": 1}]
    assert [f.kind for f in findings.all()] == ["repeated_key"]


def test_findings_that_are_the_same_everywhere_are_told_once() -> None:
    """With how often they apply; one that is dropped leaves the others as they are."""
    findings = Findings(Path("a"))
    findings.warn("gone", At(), "x", "y")
    for line in range(1, 4):
        findings.warn_once("unknown_field", "b", At(("b",), line), "is not read", "rename it")
    findings.drop("gone")
    (found,) = findings.all()
    assert (found.line, found.problem) == (1, "is not read (first of 3)")
