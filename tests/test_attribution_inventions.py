"""Provenance, inventions: what no message says, in a fact, in an entry, or in another's entry."""

from __future__ import annotations

from tests.attribution_fixture import Pipeline
from tests.test_attribution_loss import attribute, kind
from traces.attribution.index import index_of
from traces.attribution.invented import invented, invented_sentence
from traces.store import Store

SAID = {
    "m1": ("s1", "Lars", "I have a season ticket for the climbing hall."),
    "m2": ("s1", "Ines", "Gustav is my cousin from Turin."),
    "m3": ("s2", "Lars", "I no longer have the season ticket for the climbing hall."),
    "m4": ("s2", "Ines", "Anyone up for coffee?"),
}
TICKET = "Lars has a season ticket for the climbing hall."
GONE = "Lars no longer has the season ticket for the climbing hall."
COUSIN = "Gustav is the cousin of Ines."
QUESTION = "For which place does Lars have a season ticket?"


def test_a_name_whose_stem_is_another_word_does_not_count_as_shared(store: Store) -> None:
    """'Lars' and 'Ines' stem to 'lar' and 'ine'; an invention under the speaker's name stays
    one."""
    pipe = Pipeline(SAID)
    (parking,) = pipe.extract("s2", ("m4", "Ines parks in space P79.", "Ines"))
    (said,) = pipe.extract("s1", ("m2", COUSIN))
    for fact in (parking, said):
        pipe.update("s2", fact)
    pipe.ask("Where does Ines park?", "P12", "P79")
    index = index_of(pipe.graph(store))
    assert invented(index, parking)
    assert not invented(index, said)


def test_a_common_word_does_not_make_an_invention_faithful(store: Store) -> None:
    """Words that many messages hold weigh little."""
    said = {
        **{f"m{n}": ("s1", "Ines", f"What a day {n}.") for n in range(1, 9)},
        "m9": ("s2", "Ines", "Ha, that made my day."),
    }
    pipe = Pipeline(said)
    pipe.extract("s1")
    (fact,) = pipe.extract("s2", ("m9", "Saturday is the gym day of Ines."))
    pipe.update("s2", fact)
    pipe.ask("When does Ines go to the gym?", "Sunday", "Saturday")
    assert invented(index_of(pipe.graph(store)), fact)


def test_one_sentence_of_an_entry_can_be_invented(store: Store) -> None:
    """The sentence that its messages do not say is named, not the whole entry."""
    pipe = Pipeline(SAID)
    (cousin,) = pipe.extract("s1", ("m2", COUSIN))
    entry = pipe.update("s1", cousin, text=f"{COUSIN} {GONE}")
    pipe.ask(QUESTION, None, "climbing hall", unanswerable=True, found=[entry])
    index = index_of(pipe.graph(store))
    assert invented_sentence(index, pipe.memory[entry]) == GONE
    assert not invented(index, pipe.memory[entry])


def test_who_put_a_retraction_into_another_s_entry_is_blamed_for_what_was_deleted(
    store: Store,
) -> None:
    """The real retraction deleted the entry that said so already, and the ticket stands."""
    pipe = Pipeline(SAID)
    (ticket,) = pipe.remember("s1", ("m1", TICKET))
    (cousin,) = pipe.extract("s1", ("m2", COUSIN))
    other = pipe.update("s1", cousin, text=f"{COUSIN} {GONE}", near=[ticket])
    (gone,) = pipe.extract("s2", ("m3", GONE))
    pipe.update("s2", gone, "delete", target=other, near=[other, ticket])
    pipe.ask(QUESTION, None, "the climbing hall", unanswerable=True, found=[ticket],
             evidence=["m1", "m3"])  # fmt: skip
    found = attribute(pipe, store)
    assert kind(found) == ("UpdateError", "hallucination")
    assert GONE in found.produced


def test_who_deletes_an_entry_before_its_retraction_comes_is_blamed(store: Store) -> None:
    """The retraction found nothing to delete and became an entry of its own."""
    pipe = Pipeline(SAID)
    (ticket,) = pipe.remember("s1", ("m1", TICKET))
    (cousin,) = pipe.extract("s1", ("m2", COUSIN))
    pipe.update("s1", cousin, "delete", target=ticket, near=[ticket])
    (gone,) = pipe.remember("s2", ("m3", GONE))
    pipe.ask(QUESTION, None, "the climbing hall", unanswerable=True, found=[gone],
             evidence=["m1", "m3"])  # fmt: skip
    found = attribute(pipe, store)
    assert kind(found) == ("DeletionError", "overwritten")
    assert COUSIN in found.given


def test_a_retraction_that_did_its_work_is_not_blamed_for_another_entry(store: Store) -> None:
    """An entry on something else that shares a word with the retraction need not be gone."""
    said = {
        "m1": ("s1", "Lars", "The press call is on 13 June."),
        "m2": ("s1", "Ines", "The weekly call is on Monday."),
        "m3": ("s2", "Lars", "Strike what I said about the press call."),
    }
    pipe = Pipeline(said)
    press, weekly = pipe.remember(
        "s1", ("m1", "The press call is on 13 June 2024."), ("m2", "The weekly call is on Monday.")
    )
    (strike,) = pipe.extract("s2", ("m3", "Lars said: strike what he said about the press call."))
    pipe.update("s2", strike, "delete", target=press, near=[press, weekly])
    pipe.ask("When is the press call?", None, "Monday", unanswerable=True, found=[weekly],
             evidence=["m1", "m3"])  # fmt: skip
    assert kind(attribute(pipe, store)) == ("RetrievalError", "distractor")


def test_two_matters_in_one_entry_are_a_wrong_merge_though_the_evidence_is_there(
    store: Store,
) -> None:
    """The answer took the other half of the entry."""
    said = {
        "m1": ("s1", "Lars", "I pencilled in the vendor demo for 12 May."),
        "m2": ("s2", "Ines", "I pencilled in the supplier visit for 21 June."),
    }
    pipe = Pipeline(said)
    (demo,) = pipe.remember("s1", ("m1", "Lars pencilled in the vendor demo for 12 May 2024."))
    (visit,) = pipe.extract("s2", ("m2", "Ines pencilled in the supplier visit for 21 June 2024."))
    both = ("Lars pencilled in the vendor demo for 12 May 2024. "
            "Lars pencilled in the supplier visit for 21 June 2024.")  # fmt: skip
    pipe.update("s2", visit, "change", both, demo, [demo])
    pipe.ask("On which date is the supplier visit?", "21 June 2024", "12 May 2024",
             evidence=["m2"], found=[demo])  # fmt: skip
    assert kind(attribute(pipe, store)) == ("UpdateError", "wrong_merge")


def test_another_event_of_the_same_day_does_not_carry_a_date(store: Store) -> None:
    """The day alone is not the evidence: it was never stored."""
    said = {
        "m1": ("s1", "Lars", "I pencilled in the pension briefing for 8 August."),
        "m2": ("s1", "Ines", "The hiring panel is on 8 August."),
    }
    pipe = Pipeline(said)
    (briefing,) = pipe.remember(
        "s1", ("m1", "Lars pencilled in the pension briefing for 8 August 2024.")
    )
    (panel,) = pipe.extract("s1", ("m2", "The hiring panel is on 8 August 2024."))
    pipe.update("s1", panel, "keep", near=[briefing])
    pipe.ask("On which date is the hiring panel?", "8 August 2024", "Not mentioned",
             evidence=["m2"], found=[briefing])  # fmt: skip
    assert kind(attribute(pipe, store)) == ("UpdateError", "omission")
