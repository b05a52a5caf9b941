"""Signals, clusters, edits, lint, score and memory of the optimizer."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizers.clusters import MOST_CLUSTERS, MOST_EXAMPLES, cluster_signals
from optimizers.edits import (
    Edit,
    EditError,
    apply_edit,
    apply_edits,
    find_sentence,
    parse_edits,
    sentences,
)
from optimizers.lint import Corpus, lint
from optimizers.rejected import MOST_REMEMBERED, Rejections
from optimizers.scoring import compare, progress, score
from optimizers.signals import LONGEST_EXCERPT, error_signals, excerpt, repair_of
from tests.optimizer_world import signal
from traces.domain import Conversation, Message, PromptSlot, Question, Session
from traces.hashing import canonical_json
from traces.results import AnswerRecord, Attribution, EpisodeResult, ErrorSignal

SLOT = PromptSlot("s", "extraction", "Write facts.\nName the person.", ("facts",), max_chars=200)


# signals ------------------------------------------------------------------------------


def case(**changes: Any) -> tuple[Conversation, Question, AnswerRecord, Attribution]:
    long = "chit chat " * 60 + "the locker is KT-482" + " and so on" * 60
    message = Message("m1", "Rosa", changes.pop("text", long))
    session = Session("s1", datetime(2024, 5, 12), (message,))
    question = Question(
        "q1",
        "Which locker?",
        "KT-482",
        evidence=("m1",),
        unanswerable=changes.pop("abstain", False),
    )
    answer = AnswerRecord("q1", "", "no idea " * 200, changes.pop("correct", False))
    values: dict[str, Any] = {
        "verdict": "certified",
        "error_type": "ExtractionError",
        "sub_type": "omission",
        "slot": "s",
        "lost": "KT-482",
        "given": long,
        "produced": "x" * 1000,
    }
    attribution = Attribution("c", "q1", "replay", **{**values, **changes})
    return Conversation("c", (session,), (question,)), question, answer, attribution


def test_conversation_text_travels_only_in_short_excerpts_around_what_was_lost() -> None:
    """No text field of a signal exceeds 300 characters; the excerpt holds the lost value."""
    (found,) = error_signals([case()]).signals
    texts = [found.question, found.expected, found.predicted, found.lost, found.given]
    texts += [found.produced, *(item.text for item in found.evidence)]
    assert max(map(len, texts)) == LONGEST_EXCERPT
    assert "KT-482" in found.evidence[0].text
    assert "KT-482" in found.given
    assert found.evidence[0].date == "2024-05-12"


def test_weights_and_expected_answers() -> None:
    """Suspected counts half; where abstaining is right nothing is expected."""
    report = error_signals([case(), case(verdict="suspected", abstain=True)])
    assert [(s.weight, s.certified, s.expected) for s in report.signals] == [
        (1.0, True, "KT-482"),
        (0.5, False, ""),
    ]


def proved(after: str, before: str = "(nothing)", **held: Any) -> dict[str, Any]:
    """Return what a certified attribution has besides: operation and certificate."""
    repair = {"operation": "o1", "name": "extract", "scope": "s1", "kind": "verbatim",
              "what": "facts: ...", "before": before, "after": after}  # fmt: skip
    certificate = {"kind": "replay", "repairs": [repair], "answer_before": "Not mentioned",
                   "answer_after": "KT-482", **held}  # fmt: skip
    return {"operations": ("o1",), "names": ("extract",), "certificate": certificate}


def test_a_certified_signal_says_what_made_the_answer_right() -> None:
    """What was put out, what was put in its place, and the answer then; the reflection model is
    shown it. Without a proof by repair nothing is said."""
    (found,) = error_signals([case(**proved("Ana's locker is KT-482."))]).signals
    for part in ("(nothing)", "Ana's locker is KT-482.", "right: KT-482"):
        assert part in found.repair
    (cluster,) = cluster_signals([found])
    assert cluster.to_json()["examples"][0]["repair"] == found.repair
    others = [
        case(verdict="suspected", **proved("Ana's locker is KT-482.")),
        case(**proved("Ana's locker is KT-482.", kind="entailment")),
        case(**proved("Ana's locker is KT-482.", repairs=[])),
        case(**proved("Ana's locker is KT-482.", repairs=[{"operation": "o2", "after": "x"}])),
        case(),
    ]
    assert {s.repair for s in error_signals(others).signals} == {""}
    (cluster,) = cluster_signals(error_signals([case()]).signals)
    assert "repair" not in cluster.to_json()["examples"][0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=800),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["kind", "repairs", "operation", "before", "after", "answer_after"]
                ),
                inner,
            )
        ),
    )
)
def test_a_certificate_of_any_form_gives_a_short_text(held: Any) -> None:
    """Whatever a certificate holds, what a signal tells of it is short and nothing is raised."""
    certificate = {"kind": "replay", "repairs": [held], "answer_after": held}
    for one in (certificate, held):
        attribution = case(operations=("o1",), certificate=one)[3]
        assert len(repair_of(attribution)) <= LONGEST_EXCERPT


def test_long_repairs_keep_all_their_parts() -> None:
    """Each part is cut by itself: a long text does not push the answer out."""
    long = " ".join(f"word{n}" for n in range(200))
    (found,) = error_signals([case(**proved(long, before=long))]).signals
    assert len(found.repair) <= LONGEST_EXCERPT
    assert found.repair.endswith("right: KT-482")


@pytest.mark.parametrize(
    ("verdict", "confidence", "weight"),
    [
        ("certified", None, 1.0), ("certified", 0.97, 0.97), ("certified", 0.3, 0.3),
        ("suspected", None, 0.5), ("suspected", 0.8, 0.5), ("suspected", 0.2, 0.2),
    ],
)  # fmt: skip
def test_a_signal_weighs_its_confidence_and_unproved_ones_half_at_most(
    verdict: str, confidence: float | None, weight: float
) -> None:
    """The confidence is the share of such causes that are right; without one the verdict
    decides."""
    (found,) = error_signals([case(verdict=verdict, confidence=confidence)]).signals
    assert found.weight == weight


def test_spoiled_signals_of_benchmarks_keep_no_repair() -> None:
    """Signals that are emptied say nothing, the repair included."""
    from agent.benchmark import emptied

    (found,) = emptied(error_signals([case(**proved("Ana's locker is KT-482."))]).signals)
    assert found.repair == ""
    assert found.evidence == ()


def test_what_no_prompt_is_to_blame_for_is_counted() -> None:
    """Abstentions, errors of data, judge and provider, and slot-less operations give no signal."""
    report = error_signals(
        [
            case(verdict="abstained", error_type=None, slot=None),
            case(error_type="AnnotationError"),
            case(error_type="JudgeError"),
            case(error_type="ProviderError"),
            case(correct=None),
            case(slot=None),
            case(correct=True),
        ]
    )
    assert report.signals == ()
    assert report.uncounted == {
        "AnnotationError": 1,
        "JudgeError": 1,
        "ProviderError": 2,
        "abstained": 1,
        "correct": 1,
        "no_slot": 1,
    }


@given(st.text(max_size=900), st.text(max_size=60), st.integers(10, 400))
def test_an_excerpt_is_a_part_of_the_text_and_never_too_long(
    text: str, focus: str, limit: int
) -> None:
    """Whatever the characters, an excerpt is a contiguous part within the limit."""
    found = excerpt(text, focus, limit)
    assert len(found) <= limit
    assert found == text or found.removeprefix("…").removesuffix("…") in text


# clusters -----------------------------------------------------------------------------

CODES = [
    "My new locker has the number KT-482 by the way",
    "ticket for the train: BR-109",
    "They gave me parking permit ZX-553 at last",
]
ASIDES = [
    "We met at noon (my cousin Leo drives a van) and talked",
    "Lunch was fine (the canteen moved to floor three, finally)",
    "The demo went well (Ana bought the blue tent, imagine)",
]
FORWARDS = [
    "Fwd: the roof gets mended in the first week",
    "Fwd: choir practice is in the old hall from now on",
    "Fwd: keys are with the porter",
]


def test_unlike_causes_are_separated_though_type_and_sub_type_agree() -> None:
    """Codes, asides and forwarded notes share no words, but each has a shape of its own."""
    groups = {"code": CODES, "aside": ASIDES, "fwd": FORWARDS}
    mixed = [
        signal("s", f"conv{i}", name, text=text)
        for i in range(3)
        for name, text in ((n, texts[i]) for n, texts in groups.items())
    ]
    found = cluster_signals(mixed)
    gathered = sorted("+".join(sorted({s.question_id for s in c.signals})) for c in found)
    assert gathered == ["aside", "code", "fwd"]


def alike(*causes: tuple[str, str, str]) -> list[ErrorSignal]:
    """Signals of the same content, each attributed to (slot, error type, sub-type)."""
    return [
        signal(slot, f"c{i}", "q", error_type, sub_type, text="the same words here")
        for i, (slot, error_type, sub_type) in enumerate(causes)
    ]


def test_a_wrong_attribution_is_outvoted() -> None:
    """Alike failures have one cause: the one that most of them were attributed to."""
    right, wrong = ("s", "ExtractionError", "omission"), ("t", "RetrievalError", "missed")
    (cluster,) = cluster_signals(alike(right, right, wrong, right))
    assert (cluster.slot, cluster.error_type, cluster.sub_type) == right
    assert len(cluster.signals) == 3
    assert [s.slot for s in cluster.outvoted] == ["t"]
    assert len(cluster.questions) == 4
    assert cluster.weight == sum(s.weight for s in cluster.signals)


def test_where_no_half_agrees_nothing_is_known_of_the_cause() -> None:
    """Alike failures attributed to four different slots make no cluster."""
    causes = [(slot, "ExtractionError", "omission") for slot in "abcd"]
    assert cluster_signals(alike(*causes)) == ()


def test_two_causes_in_a_tie_are_both_kept() -> None:
    """Where two prompts have to be mended at once, both halves are told."""
    one, two = ("s", "ExtractionError", "omission"), ("t", "RetrievalError", "missed")
    found = cluster_signals(alike(one, two, one, two))
    assert sorted(c.slot for c in found) == ["s", "t"]


def test_a_name_that_only_questions_know_makes_a_cluster() -> None:
    """Questions about 'the Whale' belong together, whatever the evidence is about."""
    asked = ["Who leads the Whale?", "When does the Whale end?", "Where does the team meet?"]
    texts = ["Ana leads the migration", "It ends in fall", "We meet at the pier"]
    items = [
        signal("r", "c", f"q{i}", "RetrievalError", "missed", text=t, asked=q)
        for i, (q, t) in enumerate(zip(asked, texts, strict=True))
    ]
    first, *_ = cluster_signals(items)
    assert {s.question_id for s in first.signals} == {"q0", "q1"}


def test_a_word_that_searches_trip_over_makes_a_cluster() -> None:
    """Questions about one period of the team's own are gathered, whatever was held then."""
    asked = {
        "thaw": ["Where was the lunch during thaw?", "Who spoke at the fair in thaw?"],
        "tide": ["Where was the dinner during tide?", "Who spoke at the summit in tide?"],
    }
    texts = ["The lunch was at the Old Mill", "Ana spoke at the fair"]
    texts += ["The dinner was at the Pier", "Leo spoke at the summit"]
    items = [
        signal("r", f"c{i % 2}", f"{term}{i}", "RetrievalError", "missed", text=text, asked=q)
        for i, ((term, q), text) in enumerate(
            zip([(t, q) for t, qs in asked.items() for q in qs], texts, strict=True)
        )
    ]
    found = cluster_signals(items)
    assert [{s.question_id[:4] for s in c.signals} for c in found] in (
        [{"thaw"}, {"tide"}],
        [{"tide"}, {"thaw"}],
    )


def test_clusters_are_ordered_by_weight_limited_and_show_few_examples() -> None:
    """Heaviest first; at most eight clusters of four examples, in the agreed JSON form."""
    kinds = ["omission", "distortion", "wrong_time", "wrong_speaker", "hallucination"]
    kinds += ["overwritten", "stale", "missed", "format", "distractor"]
    many = [
        signal("s", f"conv{n}", f"{kind}{n}", sub_type=kind, text="it is over there",
               asked=f"find {kind}", certified=n % 2 == 0)
        for i, kind in enumerate(kinds) for n in range(i + 1)
    ]  # fmt: skip
    found = cluster_signals(many)
    assert len(found) == MOST_CLUSTERS
    assert [c.weight for c in found] == sorted((c.weight for c in found), reverse=True)
    shown = found[0].to_json()
    assert list(shown) == ["id", "slot", "error_type", "sub_type", "count", "examples"]
    assert len(shown["examples"]) == MOST_EXAMPLES
    assert set(shown["examples"][0]) == {
        "question", "expected", "predicted", "evidence", "given", "produced",
    }  # fmt: skip
    assert set(shown["examples"][0]["evidence"][0]) == {"date", "speaker", "text"}
    assert shown["count"] == len(found[0].signals)


def test_clusters_do_not_depend_on_the_order_or_the_process() -> None:
    """The same signals give the same JSON in any order, and under another hash seed."""
    code = (
        "from tests.test_optimizer_parts import *; import json;"
        "items = [signal('s', f'conv{i}', f'q{j}', text=t)"
        " for j, ts in enumerate((CODES, ASIDES, FORWARDS)) for i, t in enumerate(ts)];"
        "print(json.dumps([c.to_json() for c in cluster_signals(items[::ORDER])]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code.replace("ORDER", order)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for order, seed in (("1", "1"), ("-1", "2"))
    }
    assert len(outputs) == 1


def test_signals_without_any_text_are_clustered_too() -> None:
    """Empty evidence is no error."""
    assert len(cluster_signals([signal("s", "c", f"q{i}", text="") for i in range(3)])) == 1
    assert cluster_signals([]) == ()


# edits --------------------------------------------------------------------------------

TEXT = 'Write facts. Say "no." Be short.\n\n- Keep dates.\n- Keep names.'


def edit(action: str, clause: str = "", replaces: str = "", cluster: str = "c1") -> Edit:
    return Edit("s", action, clause, replaces, cluster)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit("add", "Keep codes."), TEXT + "\n- Keep codes."),
        (edit("add", "Keep codes. Always."), TEXT + "\n- Keep codes.\n- Always."),
        (edit("replace", "Keep days.", "keep dates"), TEXT.replace("Keep dates.", "Keep days.")),
        (edit("remove", "", "Keep dates."), TEXT.replace("- Keep dates.\n", "")),
        (edit("remove", "", "Be short."), TEXT.replace(" Be short.", "")),
        (edit("remove", "", "Write facts."), TEXT.replace("Write facts. ", "")),
    ],
)
def test_edits_change_one_sentence_and_keep_all_other_lines(change: Edit, expected: str) -> None:
    """Additions go last in the list's style; removals leave no empty list mark behind."""
    assert apply_edit(TEXT, change) == expected


def test_a_slightly_misquoted_sentence_is_found_a_foreign_one_is_not() -> None:
    """Models quote with small changes; an edit to something else is refused."""
    text = "Copy names and numbers exactly, and leave out greetings and small talk.\nBe brief."
    quoted = "Copy the names and numbers exactly and leave out greeting and small talk"
    assert find_sentence(text, quoted) == text.splitlines()[0]
    with pytest.raises(EditError):
        apply_edit(text, edit("remove", "", "Leave out all that is private."))


def test_two_edits_of_one_sentence_conflict() -> None:
    """The second finds its sentence gone."""
    twice = [edit("remove", "", "Be short."), edit("replace", "Be long.", "Be short.")]
    with pytest.raises(EditError):
        apply_edits({"s": TEXT}, twice)


def test_garbage_is_dropped_with_reasons_and_good_edits_survive() -> None:
    """One bad edit does not cost the others."""
    reply = [
        "nonsense", None, {}, {"action": "rewrite", "clause": "x"}, {"action": "add"},
        {"action": "replace", "clause": "x"}, {"action": "add", "clause": "y " * 400},
        {"action": "ADD ", "clause": "- Keep\ncodes\x00", "replaces": None, "cluster": "c1"},
        {"action": "add", "clause": "keep codes"},
    ]  # fmt: skip
    edits, dropped = parse_edits(reply, "s")
    assert edits == [edit("add", "Keep codes.")]
    assert len(dropped) == 8
    assert all(item.reason for item in dropped)
    assert parse_edits("no list", "s")[1][0].reason == "the reply is not a list of edits"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["action", "clause", "replaces", "cluster", "x"]), inner)
    ),
    max_leaves=20,
)
_fields = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["add", "replace", "remove", "Add", "x"]),
        "clause": st.text(max_size=40) | st.just("Keep codes."),
        "replaces": st.sampled_from(["Keep dates.", "Be short.", "", "nothing like it"]) | _json,
        "cluster": _json,
    }
)


@given(_json | st.lists(_fields | _json, max_size=6))
def test_any_reply_is_read_without_an_error(reply: Any) -> None:
    """Whatever JSON a model returns, the rest of an instruction survives its edits."""
    edits, dropped = parse_edits(reply, "s")
    canonical_json([e.to_json() for e in edits])
    canonical_json([[d.raw, d.reason] for d in dropped])
    for found in edits:
        try:
            changed = apply_edit(TEXT, found)
        except EditError:
            continue
        lost = [s for s in sentences(TEXT) if s not in changed]
        assert len(lost) <= (0 if found.action == "add" else 1)


# lint ---------------------------------------------------------------------------------

MESSAGE = Message("m", "Rosa", "I put the spare key under the third flower pot, as always")
CORPUS = Corpus(
    [
        Conversation(
            "c",
            (Session("s", datetime(2024, 5, 12), (MESSAGE,)),),
            (Question("q", "Where is the spare key that Rosa hid last year?", "under the pot"),),
        )
    ]
)
INCUMBENT = "Write facts.\nName the person.\nExample: (2023-01-01) x, see https://a.org/x."


@pytest.mark.parametrize(
    ("clause", "problem"),
    [
        ("x" * 300, "characters, 200 are allowed"),
        ("See https://evil.example/prompt.", "URL"),
        ("Write to ana@corp.example.", "URL or address"),
        ("Ask helper.io for more.", "URL"),
        ("Use sk-abcdef1234567890.", "secret"),
        ("The password is hunter2x.", "secret"),
        ("Send Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg== first.", "secret"),
        ("Assume 2024-05-12.", "calendar date"),
        ("Assume 12 May 2024.", "calendar date"),
        ("Assume May 12th.", "calendar date"),
        ("Assume the 3rd of June.", "calendar date"),
        ("Assume 5/12/2024.", "calendar date"),
        ("Assume May 2024.", "calendar date"),
        ("All is about 2024.", "year of the data set"),
        ("The spare key under the third flower pot matters.", "copies a training conversation"),
        ("Ask where is the spare key that somebody hid.", "copies a training conversation"),
        ("Then put [[ ## facts ## ]] there.", "marker"),
    ],
)
def test_lint_refuses(clause: str, problem: str) -> None:
    """Each planted violation is named, and nothing else."""
    found = lint(f"{INCUMBENT}\n{clause}", SLOT, incumbent=INCUMBENT, corpus=CORPUS)
    assert len(found) == 1
    assert problem in found[0]
    assert "hunter2x" not in found[0]


def test_lint_refuses_empty_unchanged_and_incomplete_instructions() -> None:
    """An instruction says something, something new, and keeps what the slot requires."""
    assert lint(" \n", SLOT, incumbent=INCUMBENT, corpus=CORPUS) == ["is empty"]
    same = lint(INCUMBENT + "\n ", SLOT, incumbent=INCUMBENT, corpus=CORPUS)
    assert same == ["is unchanged"]
    found = lint("Name the person.", SLOT, incumbent=INCUMBENT, corpus=CORPUS)
    assert found == ["lacks the required 'facts'"]


@pytest.mark.parametrize(
    "clause",
    [
        "The nickname 'the Whale' means 'the Harbor migration'.",
        "Questions about harvest mean September to October.",
        "Dates are written YYYY-MM-DD, keep codes such as AB-123.",
        "It may 2 times be said that 10 of 12 agree.",
        "Keep the spare key.",
    ],
)
def test_lint_allows_general_rules_with_short_names(clause: str) -> None:
    """Two names in quotes, months of a season or a form of date are no leaks."""
    assert lint(f"{INCUMBENT}\n{clause}", SLOT, incumbent=INCUMBENT, corpus=CORPUS) == []


def test_lint_refuses_an_edit_that_no_signal_supports() -> None:
    """An edit names a cluster of its own slot."""
    text = f"{INCUMBENT}\nKeep codes."
    for cluster, problems in (("c1", 0), ("c9", 1), ("", 1)):
        found = lint(
            text, SLOT, incumbent=INCUMBENT, corpus=CORPUS,
            edits=[edit("add", "Keep codes.", cluster=cluster)], clusters=["c1", "c2"],
        )  # fmt: skip
        assert len(found) == problems
        assert not problems or "no error signal supports it" in found[0]


@given(st.text(max_size=200))
def test_lint_reads_any_text(text: str) -> None:
    """No instruction makes it raise."""
    assert isinstance(lint(text, SLOT, incumbent=INCUMBENT, corpus=Corpus([])), list)


# score --------------------------------------------------------------------------------


def results(*answers: tuple[bool | None, float | None]) -> list[EpisodeResult]:
    records = tuple(
        AnswerRecord(f"q{i}", "", "", correct, progress=share)
        for i, (correct, share) in enumerate(answers)
    )
    return [EpisodeResult("c", "h", 1, records)]


def test_score_and_progress_leave_out_missing_verdicts() -> None:
    """A provider error is no wrong answer; progress counts a correct answer as 1."""
    found = results((True, 0.2), (False, 0.6), (False, None), (None, 0.8))
    assert score(found) == pytest.approx(1 / 3)
    assert progress(found) == pytest.approx(1.6 / 3)
    assert score([]) == progress([]) == 0.0


@pytest.mark.parametrize(
    ("fixed", "broken", "moved", "fell", "better"),
    [
        (2, 0, 0, 0, True),
        (1, 0, 0, 0, False),
        (3, 1, 0, 0, True),
        (5, 3, 0, 0, False),
        (0, 0, 2, 0, True),
        (0, 0, 3, 2, False),
        (1, 2, 6, 0, False),
    ],
)
def test_a_gain_must_exceed_what_chance_does(
    fixed: int, broken: int, moved: int, fell: int, better: bool
) -> None:
    """A net of two questions that is one deviation, or clear progress without a loss."""
    wrong, right, on = (False, 0.2), (True, 1.0), (False, 0.6)
    before = [wrong] * fixed + [right] * broken + [wrong] * moved + [on] * fell
    after = [right] * fixed + [wrong] * broken + [on] * moved + [wrong] * fell
    found = compare(results(*before), results(*after))
    assert found.better is better
    assert found.net == fixed - broken


# memory -------------------------------------------------------------------------------


def test_memory_survives_json_forgets_the_oldest_and_ignores_garbage() -> None:
    """It is bounded for each slot, and what it cannot read does not break a round."""
    memory = Rejections({"rejected": [1, {"slot": 3}, None], "trials": {"a": "x", "b": 2}})
    for number in range(MOST_REMEMBERED + 5):
        memory.add(edit("add", f"Clause {number}."), "no gain", number)
    again = Rejections(json.loads(json.dumps(memory.to_json())))
    assert len(again.clauses("s")) == MOST_REMEMBERED
    assert again.clauses("s")[-1] == f"Clause {MOST_REMEMBERED + 4}."
    assert edit("add", "clause 44") in again
    assert edit("add", "Clause 0.") not in again
    assert again.trials == {"b": 2}
    assert Rejections({}).to_json() == {"rejected": [], "trials": {}}


def test_the_package_does_not_import_dspy_before_it_is_needed() -> None:
    """`memtune --help` must not wait for DSPy."""
    code = (
        "import sys, optimizers, optimizers.protocol, optimizers.registry, optimizers.signals,"
        "optimizers.clusters, optimizers.lint;"
        "sys.exit(any(m in sys.modules for m in ('dspy', 'nltk', 'openai')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
