"""Graphs for other programs: PROV-JSON by the prov library, GraphML by networkx."""

from __future__ import annotations

import io
import json
import warnings
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvInvalidation,
    ProvUsage,
)

from agent.cli.main import main
from agent.cli.recorded import RecordedRun
from agent.loop import runner
from tests.loop_fixture import small
from tests.test_graph import life, say
from traces import schema
from traces.domain import Message, PromptSet, Question
from traces.graph import EvolutionGraph
from traces.graph_export import (
    Agent,
    Origin,
    Part,
    question_slice,
    write_graphml,
    write_prov,
    write_prov_slice,
)
from traces.graph_export.view import View
from traces.operation import OperationContext
from traces.results import AnswerRecord, Attribution

ORIGIN = Origin(
    run="night",
    identity="abc",
    data_hash="def",
    prompts=PromptSet({"extraction": "Keep facts.", "update": "Merge."}),
    model=Agent("sim/rules-1", simulated=True),
    backend=Agent("fact_store"),
    scorer=Agent("judge"),
    label="SIMULATED: a program plays the model",
)
RIGHT = AnswerRecord("q1", "simple", "Lisbon", True, "the same", {"f1": 1.0}, 1.0)


def read_prov(data: bytes) -> ProvDocument:
    """Read PROV-JSON; what a later version of the library will refuse is refused now."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ProvDocument.deserialize(io.BytesIO(data), format="json")


def prov_of(*parts: Part) -> ProvDocument:
    """Write parts and read them again."""
    stream = io.BytesIO()
    write_prov(stream, ORIGIN, parts)
    return read_prov(stream.getvalue())


def graphml_of(*parts: Part) -> Any:
    """Write parts and read them again."""
    stream = io.BytesIO()
    write_graphml(stream, ORIGIN, parts)
    return nx.read_graphml(io.BytesIO(stream.getvalue()), force_multigraph=True)


def records(document: Any, kind: type) -> list[Any]:
    """Return the records of one kind, of the document and of its bundles."""
    bundles = document.bundles if document.is_document() else ()
    return [r for b in (document, *bundles) for r in b.get_records(kind)]


def expected(graph: EvolutionGraph) -> Counter[str]:
    """Count from the operations' own records what an export has to hold."""
    counts: Counter[str] = Counter()
    variables: set[str] = set()
    for o in graph.operations.values():
        used = {(role, id) for role, refs in o.inputs.items() for id, _ in refs}
        made = [id for refs in o.outputs.values() for id, _ in refs]
        variables |= {id for _, id in used} | set(made)
        counts["used"] += len(used)
        counts["wasGeneratedBy"] += len(made)
        given = {v.value["id"] for v in graph.inputs(o.id, "message")}
        for fact in graph.outputs(o.id, "fact"):
            counts["wasDerivedFrom"] += len(given & set(fact.value["sources"]))
        for found in graph.outputs(o.id, "retrieved"):
            known = graph.version(found.value["entry_id"], found.value["version"])
            counts["wasDerivedFrom"] += known is not None
    for chain in graph.entries():
        counts["wasDerivedFrom"] += len(chain) - 1
        counts["wasInvalidatedBy"] += sum(v.ended_by is not None for v in chain)
    counts["operations"], counts["variables"] = len(graph.operations), len(variables)
    return counts


# a recorded run ------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three conversations with the seed prompts, its failures attributed."""
    directory = tmp_path_factory.mktemp("graph")
    outcome = runner.run(small(directory, conversations=3, optimizer="noop"))
    assert outcome.exit_code == 0
    return directory / "run"


@pytest.fixture(scope="module")
def recorded(run: Path) -> Iterator[RecordedRun]:
    with RecordedRun(run) as found:
        yield found


def graphs_of(recorded: RecordedRun) -> dict[str, EvolutionGraph]:
    """Return the graphs recorded with the seed prompts, by conversation."""
    passes = recorded.store.passes(recorded.seed.hash)
    return {c: EvolutionGraph.load(recorded.store, id) for id, c, _ in passes}


def failure_of(recorded: RecordedRun) -> tuple[str, Attribution]:
    """Return a conversation and an attribution that names an operation."""
    return next(
        (c, a)
        for id, c, _ in recorded.store.passes(recorded.seed.hash)
        for a in recorded.attributions(id).values()
        if a.operations
    )


def test_a_runs_prov_holds_every_relation_of_its_graphs(
    run: Path, recorded: RecordedRun, tmp_path: Path
) -> None:
    """Each conversation is a bundle; entities, activities and relations count as recorded."""
    assert main(["graph", str(run), "--out", str(tmp_path / "g.json")]) == 0
    document = read_prov((tmp_path / "g.json").read_bytes())
    graphs = graphs_of(recorded)
    bundles = {b.identifier.localpart: b for b in document.bundles}
    assert set(bundles) == set(graphs)
    for conversation, graph in graphs.items():
        bundle, counts = bundles[conversation], expected(graph)
        asked = len(list(graph.variables("question")))
        assert len(records(bundle, ProvActivity)) == counts["operations"]
        assert len(records(bundle, ProvEntity)) == counts["variables"] + asked
        assert len(records(bundle, ProvUsage)) == counts["used"]
        assert len(records(bundle, ProvGeneration)) == counts["wasGeneratedBy"]
        assert len(records(bundle, ProvDerivation)) == counts["wasDerivedFrom"] + asked
        assert len(records(bundle, ProvInvalidation)) == counts["wasInvalidatedBy"]
    assert sum(expected(g)["wasInvalidatedBy"] for g in graphs.values()) > 0


def test_a_runs_prov_is_read_as_it_was_written(run: Path, tmp_path: Path) -> None:
    """The library writes and reads an equal document, and unifies it without a loss."""
    assert main(["graph", str(run), "--out", str(tmp_path / "g.json")]) == 0
    document = read_prov((tmp_path / "g.json").read_bytes())
    again = read_prov(document.serialize(format="json").encode())
    assert again == document
    flat = document.flattened()
    assert len(list(flat.unified().get_records())) == len(list(flat.get_records()))
    assert len(records(document.unified(), ProvEntity)) == len(records(document, ProvEntity))


def test_a_runs_graphml_is_an_acyclic_graph_with_all_nodes_and_edges(
    run: Path, recorded: RecordedRun, tmp_path: Path
) -> None:
    """Nodes and edges count as recorded, and types come back as they were."""
    out = tmp_path / "g.graphml"
    assert main(["graph", str(run), "--format", "graphml", "--out", str(out)]) == 0
    graph = nx.read_graphml(out, force_multigraph=True)
    graphs = graphs_of(recorded)
    counts = sum((expected(g) for g in graphs.values()), Counter[str]())
    asked = sum(len(g.variables("question")) for g in graphs.values())
    assert graph.number_of_nodes() == counts["operations"] + counts["variables"] + asked
    found = Counter(data["relation"] for *_, data in graph.edges(data=True))
    counts["wasDerivedFrom"] += asked
    assert found == {k: n for k, n in counts.items() if k in found}
    assert len(found) == 4
    assert nx.is_directed_acyclic_graph(graph)
    kinds = {data["kind"]: data for _, data in graph.nodes(data=True)}
    assert kinds["entry"]["version"] >= 1
    assert kinds["update"]["calls"] >= 0
    assert isinstance(kinds["verdict"]["correct"], bool)
    assert kinds["message"]["date"] <= kinds["question"]["date"]


def test_both_files_say_that_they_are_simulated(run: Path, tmp_path: Path) -> None:
    """The label is in the file, not only on the screen."""
    for format in ("prov", "graphml"):
        out = tmp_path / format
        assert main(["graph", str(run), "--format", format, "--out", str(out)]) == 0
    document = read_prov((tmp_path / "prov").read_bytes())
    agents = {a.identifier.localpart: dict(a.attributes) for a in document.get_records(ProvAgent)}
    simulated = {name: {str(k): v for k, v in a.items()}["memtune:simulated"]
                 for name, a in agents.items()}  # fmt: skip
    assert simulated == {"model": True, "backend": False, "scorer": True}
    labels = [str(e.label) for e in document.get_records(ProvEntity)]
    assert any(label.startswith("SIMULATED") for label in labels)
    graph = nx.read_graphml(tmp_path / "graphml")
    assert graph.graph["simulated"] is True
    assert graph.graph["label"].startswith("SIMULATED")


def test_a_questions_slice_marks_the_decisive_operation(
    run: Path, recorded: RecordedRun, tmp_path: Path
) -> None:
    """What the answer rests on is there, nothing that came later, and the cause is marked."""
    conversation, attribution = failure_of(recorded)
    question = f"{conversation}/{attribution.question}"
    out = tmp_path / "q.graphml"
    assert main(["graph", str(run), question, "--format", "graphml", "--out", str(out)]) == 0
    found = nx.read_graphml(out, force_multigraph=True)
    whole = graphs_of(recorded)[conversation]
    asked = [o.id for o in whole.of_scope(attribution.question)]
    ids = {node.removeprefix(f"{conversation}/") for node in found.nodes}
    assert whole.backward_slice(asked) <= ids
    assert found.number_of_nodes() < expected(whole)["variables"]
    decisive = {n for n, data in found.nodes(data=True) if data.get("decisive")}
    assert decisive == {f"{conversation}/{id}" for id in attribution.operations}
    others = {d["scope"] for _, d in found.nodes(data=True) if d["kind"] == "response"}
    assert others == {attribution.question}
    wrong = [d for _, d in found.nodes(data=True) if d["kind"] == "verdict"]
    assert [d["correct"] for d in wrong] == [False]
    evidence = {d["text"] for _, d in found.nodes(data=True) if d.get("evidence")}
    said = {m.value["text"] for m in whole.variables("message")
            if m.value["id"] in attribution.evidence}  # fmt: skip
    assert evidence == said


def test_a_questions_prov_names_no_node_that_is_not_there(
    run: Path, recorded: RecordedRun, tmp_path: Path
) -> None:
    """One document without bundles; every end of a relation is declared in it."""
    conversation, attribution = failure_of(recorded)
    out = tmp_path / "q.json"
    assert (
        main(["graph", str(run), f"{conversation}/{attribution.question}", "--out", str(out)]) == 0
    )
    document = read_prov(out.read_bytes())
    assert not document.bundles
    declared = {r.identifier for r in document.get_records() if r.is_element()}
    ends = {
        value
        for record in document.get_records()
        if record.is_relation()
        for _, value in record.formal_attributes
        if value is not None
    }
    assert ends <= declared
    decisive = [
        a.identifier.localpart
        for a in document.get_records(ProvActivity)
        if any(str(name) == "memtune:decisive" for name, _ in a.attributes)
    ]
    assert decisive == [f"{conversation}/{id}" for id in attribution.operations]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 1, "no such run"),
        (["RUN", "nope"], 2, "no such question"),
        (["RUN", "--format", "csv"], 2, "csv"),
        (["RUN", "--prompts", "ffff"], 1, "no prompt set"),
        (["RUN", "--out", "nowhere/g.json"], 1, "nowhere/g.json: cannot be written"),
        (["RUN", "--out", "."], 1, "cannot be written"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: list[str], code: int, said: str, run: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An unknown run, question, format or prompt set, and a path that cannot be written."""
    monkeypatch.chdir(tmp_path)
    assert main(["graph", *(a.replace("RUN", str(run)) for a in arguments)]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert not list(tmp_path.iterdir())


def test_a_question_is_found_without_its_conversation_and_close_names_are_offered(
    run: Path, recorded: RecordedRun, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """`-` writes to stdout, and nothing else there."""
    _, attribution = failure_of(recorded)
    assert main(["graph", str(run), attribution.question, "--out", "-"]) == 0
    assert "entity" in json.loads(capsysbinary.readouterr().out)
    assert main(["graph", str(run), attribution.question[:-1] + "x"]) == 2
    assert attribution.question[:-1].encode() in capsysbinary.readouterr().err


def test_a_damaged_run_leaves_no_half_a_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value that is missing in the database is one line, and what stood there stays."""
    import shutil
    import sqlite3

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    with sqlite3.connect(copy / "memtune.db") as database:
        database.execute("DELETE FROM value_texts WHERE kind = 'answer'")
    database.close()
    out = tmp_path / "g.json"
    out.write_text("before, by memtune")
    assert main(["graph", str(copy), "--out", str(out)]) == 1
    assert "is missing" in capsys.readouterr().err
    assert out.read_text() == "before, by memtune"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "g.json"]


# graphs made by hand ---------------------------------------------------------------


def test_versions_are_revisions_and_say_what_ended_them(context: OperationContext) -> None:
    """Lisbon is a revision of Porto, which the second update invalidated."""
    life(context)
    document = prov_of(Part("conv", EvolutionGraph.of(context.recorder), {"q1": RIGHT}))
    (ended,) = records(document, ProvInvalidation)
    (revision,) = [r for r in records(document, ProvDerivation) if r.get_asserted_types()]
    entity = dict(ended.formal_attributes)
    older = {str(k): v for k, v in revision.formal_attributes}
    assert older["prov:usedEntity"] in entity.values()
    assert older["prov:activity"] in entity.values()


def test_a_failed_operation_is_exported_with_its_error(context: OperationContext) -> None:
    """It used what it was given and generated nothing."""
    message = schema.message_variable(Message("m1", "Ana", "Hello."), context.now)

    def fails(op: Any) -> Any:
        raise ValueError("no memory left")

    with pytest.raises(ValueError, match="no memory"):
        context.perform(
            "extraction", name="extract", slot="extraction", identity=["m1"],
            inputs={"messages": [message]}, call=fails,
        )  # fmt: skip
    graph = graphml_of(Part("conv", EvolutionGraph.of(context.recorder)))
    (failed,) = [d for _, d in graph.nodes(data=True) if d["node"] == "operation"]
    assert failed["status"] == "failed"
    assert failed["error"] == "ValueError: no memory left"
    assert [d["relation"] for *_, d in graph.edges(data=True)] == ["used"]


def test_an_omission_is_in_the_slice_of_the_question_that_misses_it(
    context: OperationContext,
) -> None:
    """The extraction that lost a fact is not behind the answer; the attribution brings it."""
    answer, _, bo = life(context)
    graph = EvolutionGraph.of(context.recorder)
    maker = graph.maker(bo.id)
    assert maker is not None
    blamed = Attribution(
        "conv", "q1", "provenance", "suspected", "ExtractionError", "omission", (maker.id,),
        evidence=("m2",),
    )  # fmt: skip
    without, found = question_slice(graph, "q1"), question_slice(graph, "q1", blamed)
    assert answer.id in without
    assert maker.id not in without
    assert without < found
    assert {maker.id, "message/m2", bo.id} <= found
    part = Part("conv", graph, {"q1": RIGHT}, {"q1": blamed}, found, frozenset(["q1"]))
    view = View(part)
    marked = [o.id for o in view.operations() if view.of_operation(o).get("decisive")]
    assert marked == [maker.id]


def test_an_entry_that_was_not_found_is_in_the_slice_of_its_question(
    context: OperationContext,
) -> None:
    """The evidence's facts, entries and what was done with them belong to it."""
    life(context)
    graph = EvolutionGraph.of(context.recorder)
    (bo,) = graph.versions("e2")
    (search,) = graph.of_scope("q1", "retrieval")
    missed = Attribution(
        "conv", "q1", "provenance", "suspected", "RetrievalError", "missed", (search.id,),
        evidence=("m2",),
    )  # fmt: skip
    assert bo.variable.id not in question_slice(graph, "q1")
    found = question_slice(graph, "q1", missed)
    assert {bo.variable.id, bo.made_by, "message/m2"} <= found


def test_the_decisive_operation_is_in_the_slice_without_evidence_too(
    context: OperationContext,
) -> None:
    """An operation that the data set names no message for is named by the attribution alone."""
    _, _, bo = life(context)
    graph = EvolutionGraph.of(context.recorder)
    maker = graph.maker(bo.id)
    assert maker is not None
    blamed = Attribution("conv", "q1", "provenance", "suspected", operations=(maker.id,))
    assert {maker.id, "message/m2", bo.id} <= question_slice(graph, "q1", blamed)


def test_what_came_after_the_question_is_not_in_its_slice(context: OperationContext) -> None:
    """An entry made later from the same message is no part of the answer's story."""
    life(context)
    later = say(context.child("s2", context.now), "m2", "Bo has a cat, still.")
    graph = EvolutionGraph.of(context.recorder)
    asked = Attribution("conv", "q1", "provenance", "abstained", evidence=("m2",))
    assert later.id not in question_slice(graph, "q1", asked)


def test_a_failed_answer_is_in_the_slice_of_its_question(context: OperationContext) -> None:
    """It has no edges in the graph; the slice names it and what it was given."""
    question = schema.question_variable(Question("q9", "Where?", None), context.now)

    def fails(op: Any) -> Any:
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        context.child("q9", context.now).perform(
            "response", name="respond", identity=["q9"], inputs={"question": [question]},
            call=fails,
        )  # fmt: skip
    graph = EvolutionGraph.of(context.recorder)
    (failed,) = graph.of_scope("q9")
    assert question_slice(graph, "q9") == {failed.id, "question/q9"}


def test_what_the_data_gave_has_the_same_name_in_every_run_on_it(
    context: OperationContext,
) -> None:
    """Messages and questions are the data set's entities, all else the pass's."""
    life(context)
    document = prov_of(Part("conv", EvolutionGraph.of(context.recorder)))
    (bundle,) = document.bundles
    spaces: dict[str, set[str]] = {}
    for entity in bundle.get_records(ProvEntity):
        (kind,) = (name.localpart for name in entity.get_asserted_types())
        spaces.setdefault(kind, set()).add(entity.identifier.namespace.uri)
    data = {f"urn:memtune:data:{ORIGIN.data_hash}:"}
    assert spaces["message"] == spaces["question"] == data
    assert spaces["fact"] == spaces["entry"] == spaces["answer"]
    assert ORIGIN.prompts.hash in next(iter(spaces["fact"]))


def test_operations_are_associated_with_model_and_prompt_or_with_the_backend(
    context: OperationContext,
) -> None:
    """A step without a prompt, or that made no call, is the backend's."""
    life(context)
    for number, calls in enumerate(((), ("key",))):
        message = schema.message_variable(Message(f"x{number}", "Ana", "Hello."), context.now)

        def call(op: Any, calls: tuple[str, ...] = calls) -> Any:
            op.calls.extend(calls)
            return {"facts": []}

        context.perform(
            "extraction", name="prompted", slot="extraction", identity=[message.id],
            inputs={"messages": [message]}, call=call,
        )  # fmt: skip
    stream = io.BytesIO()
    write_prov_slice(stream, ORIGIN, Part("conv", EvolutionGraph.of(context.recorder)))
    found = json.loads(stream.getvalue())
    names = {id: a["memtune:name"] for id, a in found["activity"].items()}
    agents = Counter(
        (names[a["prov:activity"]], a["prov:agent"], a.get("prov:plan", "").rpartition("/")[2])
        for a in found["wasAssociatedWith"].values()
    )
    assert agents[("prompted", "run:model", "extraction")] == 1
    assert agents[("prompted", "run:backend", "extraction")] == 1
    assert agents[("respond", "run:backend", "")] == 1


def test_no_more_than_two_graphs_are_held_at_once(context: OperationContext) -> None:
    """A whole run is written pass by pass, not gathered first."""
    life(context)
    alive: list[weakref.ref[EvolutionGraph]] = []
    most = 0

    def parts() -> Iterator[Part]:
        nonlocal most
        for number in range(6):
            graph = EvolutionGraph.of(context.recorder)
            alive.append(weakref.ref(graph))
            most = max(most, sum(ref() is not None for ref in alive))
            yield Part(f"conv-{number}", graph)

    for write in (write_prov, write_graphml):
        write(io.BytesIO(), ORIGIN, parts())
    assert most <= 2


@settings(max_examples=40, deadline=None)
@example(text="a\x00b\x1b[31m\ud800 ]]> <&\r\n", name="\udfff/\x07 %2F\ufffe")
@example(text=" leading, \t and trailing\r", name="..")
@given(
    text=st.text(st.characters(), max_size=40),
    name=st.text(st.characters(), min_size=1, max_size=12),
)
def test_any_text_and_any_name_can_be_written(text: str, name: str) -> None:
    """Control characters, surrogates, markup: readable files; legal text comes back unchanged."""
    from datetime import datetime

    context = OperationContext(
        episode=name, scope="s1", now=datetime(2024, 5, 12), prompts=ORIGIN.prompts,
        bind=lambda operation: None,
    )  # fmt: skip
    message = schema.message_variable(Message(name, name, text), context.now)
    context.perform(
        "extraction", name="extract", identity=[name], inputs={"messages": [message]},
        call=lambda op: {"facts": [schema.fact(text, name, "", [name])]},
    )  # fmt: skip
    part = Part(name, EvolutionGraph.of(context.recorder), {name: RIGHT})
    document, graph = prov_of(part), graphml_of(part)
    sound = text.encode("utf-8", "replace").decode() == text
    values = {str(v) for e in records(document, ProvEntity) for v in e.value}
    assert (text in values) or not sound or not text
    legal = (
        sound
        and all(c in "\t\n\r" or c >= " " for c in text)
        and not {"\ufffe", "\uffff"} & set(text)
    )
    texts = [d["text"] for _, d in graph.nodes(data=True) if d["kind"] in ("message", "fact")]
    assert len(texts) == 2
    assert texts == [text, text] or not legal
