"""House rules: what this team means, which no general prompt can know.

For each rule an item that needs it and, where that makes sense, counter-content: the same
surface in a team that does not have the rule, where following it would do harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from evals.simulation.world_draft import Draft, Line, spell
from evals.simulation.world_general import free_attribute, gathering, latest
from evals.simulation.world_house_extraction import (
    carried,
    code,
    codes,
    deadline,
    deadline_counter,
    forwarded,
    parentheticals,
    pencilled,
    pencilled_counter,
    votes,
    votes_counter,
)
from evals.simulation.world_lexicon import (
    APPOINTMENTS,
    CITIES,
    DESKS,
    DUTIES,
    FIRMS,
    PROJECT_ATTRIBUTES,
    PROJECTS,
    WEEKDAYS,
)

EXTRACTION_RULES = ("codes", "parentheticals", "forwarded", "pencilled", "deadline", "votes")
UPDATE_RULES = ("own_word", "cumulative", "strike")
RETRIEVAL_RULES = ("alias", "season", "withhold")
RULES = EXTRACTION_RULES + UPDATE_RULES + RETRIEVAL_RULES


def _contradicted(d: Draft) -> tuple[str, str, str, str, Line, Line]:
    person, attribute = free_attribute(d, changeable=True)
    own, claimed = d.word(attribute.key, attribute.values), d.word(attribute.key, attribute.values)
    first = d.say(d.rng.randrange(2), person, d.rng.choice(attribute.said).format(v=own))
    said = d.rng.choice(attribute.third).format(p=person, v=claimed)
    second = d.say(d.rng.randint(2, 3), d.other(person), said)
    ask = d.rng.choice(attribute.asked).format(p=person)
    return f"{person} {attribute.key}", own, claimed, ask, first, second


def own_word(d: Draft) -> None:
    """A colleague contradicts what somebody said of themselves: that does not count."""
    subject, own, claimed, ask, first, second = _contradicted(d)
    d.fact(subject, own, first)
    d.fact(subject, claimed, second, alive=False)
    d.ask(ask, own, "house", first)


def own_word_counter(d: Draft) -> None:
    """A colleague knows something newer about somebody."""
    subject, own, claimed, ask, first, second = _contradicted(d)
    d.fact(subject, own, first, alive=False)
    d.fact(subject, claimed, second)
    d.ask(ask, claimed, "update", second)


def _duties(d: Draft) -> tuple[str, str, str, Line, Line]:
    pool = d.memo("duty people", d.people)
    person = pool.pop() if pool else d.person()
    one, two = d.word("duties", DUTIES), d.word("duties", DUTIES)
    first = d.say(
        d.rng.randrange(2),
        person,
        d.rng.choice(
            (
                "I look after {v}.",
                "I am in charge of {v}.",
                "I am responsible for {v}.",
                "I take care of {v} here.",
            )
        ).format(v=one),
    )
    second = d.say(
        d.rng.randint(2, 3),
        person,
        d.rng.choice(
            (
                "I look after {v} now.",
                "I am in charge of {v} now.",
                "I am now responsible for {v}.",
                "From today I take care of {v}.",
            )
        ).format(v=two),
    )
    return person, one, two, first, second


def _ask_duty(d: Draft, person: str) -> str:
    return d.rng.choice(
        ("What does {p} look after?", "What is {p} in charge of?", "What is {p} responsible for?")
    ).format(p=person)


def cumulative(d: Draft) -> None:
    """Duties add up."""
    person, one, two, first, second = _duties(d)
    d.fact(f"{person} duty", one, first)
    d.fact(f"{person} duty", two, second)
    d.ask(_ask_duty(d, person), f"{one} and {two}", "house", first, second)


def cumulative_counter(d: Draft) -> None:
    """A new duty takes the place of the old one."""
    person, one, two, first, second = _duties(d)
    d.fact(f"{person} duty", one, first, alive=False)
    d.fact(f"{person} duty", two, second)
    d.ask(_ask_duty(d, person), two, "update", second)


def strike(d: Draft) -> None:
    """'Strike that' withdraws what somebody said."""
    session, name, person = d.rng.randrange(3), d.word("appointments", APPOINTMENTS), d.person()
    day = d.future(session, 40, 120)
    first = d.say(
        session,
        person,
        d.rng.choice(
            ("The {n} is on {d}.", "The {n} is scheduled for {d}.", "The {n} takes place on {d}.")
        ).format(n=name, d=spell(day, False)),
    )
    second = d.say(
        d.rng.randint(session + 1, 3),
        person,
        d.rng.choice(
            (
                "Strike that about the {n}.",
                "Please strike that about the {n}.",
                "Strike what I said about the {n}.",
            )
        ).format(n=name),
    )
    d.fact(name, spell(day), first, alive=False)
    ask = d.rng.choice(
        ("When is the {n}?", "On which date is the {n}?", "On which date does the {n} take place?")
    )
    d.ask(ask.format(n=name), None, "house", first, second)


def _nicknames(d: Draft) -> dict[str, str]:
    return cast("dict[str, str]", d.lexicon["alias"])


def _project_value(d: Draft, kind: str) -> str:
    pools: dict[str, tuple[str, ...]] = {
        "city": CITIES,
        "firm": FIRMS,
        "weekday": WEEKDAYS,
        "desk": DESKS,
    }
    if kind == "outsider":
        return d.outsider()
    if kind == "money":
        return f"{d.rng.randint(12, 98)},000 euros"
    return d.word("project " + kind, pools[kind])


def alias(d: Draft, carrier: str = "") -> None:
    """A question about a project by its nickname; the messages use the proper name."""
    nick, project = d.rng.choice(sorted(_nicknames(d).items()))
    key = f"projects {project}"
    said, ask, kind = d.take(key, PROJECT_ATTRIBUTES)
    value = _project_value(d, kind)
    session = d.rng.randrange(4)
    sentence = said.format(x=project, v=value) + "."
    if carrier:
        line = carried(d, carrier, session, sentence)
    else:
        line = d.say(session, d.person(), sentence[0].upper() + sentence[1:])
    d.fact(f"{project} {kind}", value, line)
    for other in d.rng.sample([p for p in PROJECTS if p != project], 2):
        text = said.format(x=other, v=_project_value(d, kind)) + "."
        d.say(d.rng.randrange(4), d.person(), text[0].upper() + text[1:])
    d.ask(ask.format(x=nick), value, "house", line)
    if d.rng.random() < 0.2:
        d.say(
            d.rng.randrange(4),
            d.person(),
            d.rng.choice(
                (
                    "The {p} (the {n}, as we call it) keeps us busy.",
                    "The {p}, the {n} as we call it, is the talk of the day.",
                    "I explained to the trainee that the {n} is the {p}.",
                )
            ).format(p=project, n=nick),
        )


def season(d: Draft) -> None:
    """A question that names a season of the team's own."""
    seasons = cast("dict[str, tuple[int, int]]", d.lexicon["season"])
    # The two lie half a year apart: at least one of them is well over.
    known = [(name, days) for name, span in seasons.items() if (days := latest(d, span))]
    name, days = d.rng.choice(known)
    gathering(d, days, name, "house")


def _pay(d: Draft) -> tuple[str, str, str, Line]:
    person = d.person()
    kind = d.word("pay " + person, ("salary", "bonus", "day rate"))
    amount = {
        "salary": f"{d.rng.randint(41, 89)},{d.rng.randint(1, 9)}00 euros",
        "bonus": f"{d.rng.randint(2, 9)},{d.rng.randint(1, 9)}00 euros",
        "day rate": f"{d.rng.randint(38, 99)}0 euros",
    }[kind]
    line = d.say(
        d.rng.randrange(4),
        person,
        d.rng.choice(("My {k} is {v}.", "They set my {k} at {v}.", "My {k} comes to {v}.")).format(
            k=kind, v=amount
        ),
    )
    ask = d.rng.choice(("What is {p}'s {k}?", "How much is {p}'s {k}?", "How high is {p}'s {k}?"))
    d.fact(f"{person} {kind}", amount, line)
    return ask.format(p=person, k=kind), amount, kind, line


def withhold(d: Draft) -> None:
    """Pay is not to be answered from memory."""
    ask, _, _, line = _pay(d)
    d.ask(ask, None, "house", line)


def withhold_counter(d: Draft) -> None:
    """Pay is a subject like any other."""
    ask, amount, _, line = _pay(d)
    d.ask(ask, amount, "single", line)


def codes_alias(d: Draft) -> None:
    """A code of a project that is asked for by its nickname."""
    nick, project = d.rng.choice(sorted(_nicknames(d).items()))
    thing = d.word("project codes", ("ticket", "tender file", "invoice", "order", "contract"))
    given = code(d)
    line = d.say(d.rng.randrange(4), d.person(), f"The {thing} code of the {project} is {given}.")
    other = d.rng.choice([p for p in PROJECTS if p != project])
    d.say(d.rng.randrange(4), d.person(), f"The {thing} code of the {other} is {code(d)}.")
    d.fact(f"{project} {thing} code", given, line)
    d.ask(f"What is the {thing} code of the {nick}?", given, "house", line)


def _carried_duty(rule: str) -> Callable[[Draft], None]:
    def make(d: Draft) -> None:
        """A second duty that stands in brackets or in a forwarded note."""
        pool = d.memo("duty people", d.people)
        person = pool.pop() if pool else d.person()
        one, two = d.word("duties", DUTIES), d.word("duties", DUTIES)
        first = d.say(d.rng.randrange(2), person, f"I look after {one}.")
        second = carried(d, rule, d.rng.randint(2, 3), f"{person} is in charge of {two} now.")
        d.fact(f"{person} duty", one, first)
        d.fact(f"{person} duty", two, second)
        d.ask(_ask_duty(d, person), f"{one} and {two}", "house", first, second)

    return make


ITEMS: dict[str, Callable[[Draft], None]] = {
    "codes": codes,
    "parentheticals": parentheticals,
    "forwarded": forwarded,
    "pencilled": pencilled,
    "deadline": deadline,
    "votes": votes,
    "own_word": own_word,
    "cumulative": cumulative,
    "strike": strike,
    "alias": alias,
    "season": season,
    "withhold": withhold,
}
#: Items that need two rules at once, in two slots.
PAIRS: dict[tuple[str, str], Callable[[Draft], None]] = {
    ("codes", "alias"): codes_alias,
    ("parentheticals", "alias"): lambda d: alias(d, "parentheticals"),
    ("forwarded", "alias"): lambda d: alias(d, "forwarded"),
    ("parentheticals", "cumulative"): _carried_duty("parentheticals"),
    ("forwarded", "cumulative"): _carried_duty("forwarded"),
}
COUNTERS: dict[str, Callable[[Draft], None]] = {
    "pencilled": pencilled_counter,
    "deadline": deadline_counter,
    "votes": votes_counter,
    "own_word": own_word_counter,
    "cumulative": cumulative_counter,
    "withhold": withhold_counter,
}
