"""House rules: what this team means, which no general prompt can know.

For each rule an item that needs it and, where that makes sense, counter-content: the same
surface in a team that does not have the rule, where following it would do harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from evals.simulation.world_draft import Draft, Line, spell
from evals.simulation.world_general import free_attribute, gathering
from evals.simulation.world_lexicon import (
    APPOINTMENTS,
    CODE_THINGS,
    DESKS,
    CITIES,
    DUTIES,
    FIRMS,
    PAPERS,
    PROJECT_ATTRIBUTES,
    PROJECTS,
    PROPOSAL_VALUES,
    PROPOSALS,
    VENUES,
    WEEKDAYS,
)

EXTRACTION_RULES = ("codes", "parentheticals", "forwarded", "pencilled", "deadline", "votes")
UPDATE_RULES = ("own_word", "cumulative", "strike")
RETRIEVAL_RULES = ("alias", "season", "withhold")
RULES = EXTRACTION_RULES + UPDATE_RULES + RETRIEVAL_RULES


def _code(d: Draft) -> str:
    letters = "".join(d.rng.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(2))
    return f"{letters}-{d.rng.randint(100, 999)}"


def codes(d: Draft) -> None:
    """A code that somebody gives for something."""
    person, thing, code = d.person(), d.word("code things", CODE_THINGS), _code(d)
    line = d.say(d.rng.randrange(4), person, d.rng.choice((
        "My {t} code is {c}.", "The code for my {t} is {c}.", "For my {t} the number is {c}.", "My {t} runs under {c}.",
    )).format(t=thing, c=code))  # fmt: skip
    d.fact(f"{person} {thing} code", code, line)
    ask = ("What is the code for {p}'s {t}?", "What is {p}'s {t} code?", "Under which number does {p}'s {t} run?")
    d.ask(d.rng.choice(ask).format(p=person, t=thing), code, "house", line)


def _carried(d: Draft, rule: str, session: int, sentence: str) -> Line:
    """Say a sentence in brackets or in a forwarded note."""
    speaker = d.person()
    if rule == "parentheticals":
        inner = sentence.rstrip(".")
        text = d.rng.choice((
            "Busy day over here ({x}).", "Finally through my inbox ({x}) and catching up.", "Thanks for the tea earlier ({x}).",
            "Almost done with the slides ({x}).",
        )).format(x=inner)  # fmt: skip
    else:
        text = d.rng.choice((
            "Fwd: {x}", "Forwarded from the front desk: {x}", "Forwarded from Facilities: {x}", "FYI. Fwd: {x}",
        )).format(x=sentence)  # fmt: skip
    return d.say(session, speaker, text, lead=False)


def _carrier(d: Draft, rule: str) -> None:
    session = d.rng.randrange(4)
    if d.rng.random() < 0.5:
        name, day = d.word("appointments", APPOINTMENTS), d.future(session)
        line = _carried(d, rule, session, f"the {name} is on {spell(day, False)}.")
        d.fact(name, spell(day), line)
        d.ask(d.rng.choice(("When is the {n}?", "On which date is the {n}?")).format(n=name), spell(day), "house", line)
    else:
        name, venue = d.word("appointments", APPOINTMENTS), d.word("venues", VENUES)
        line = _carried(d, rule, session, f"the {name} is at {venue}.")
        d.fact(name, venue, line)
        d.ask(d.rng.choice(("Where is the {n}?", "At which place is the {n}?")).format(n=name), venue, "house", line)


def parentheticals(d: Draft) -> None:
    """Something said only in brackets."""
    _carrier(d, "parentheticals")


def forwarded(d: Draft) -> None:
    """Something that stands only in a forwarded note."""
    _carrier(d, "forwarded")


def _pencil(d: Draft) -> tuple[str, str, Line]:
    session, name = d.rng.randrange(4), d.word("appointments", APPOINTMENTS)
    day = d.future(session)
    line = d.say(session, d.person(), d.rng.choice((
        "The {n} is pencilled in for {d}.", "I pencilled in the {n} for {d}.", "We have pencilled the {n} in for {d}.",
        "The {n} is tentatively booked for {d}.",
    )).format(n=name, d=spell(day, False)))  # fmt: skip
    return name, spell(day), line


def pencilled(d: Draft) -> None:
    """A tentative date, which counts here."""
    name, day, line = _pencil(d)
    d.fact(name, day, line)
    d.ask(d.rng.choice(("When is the {n}?", "On which date is the {n}?")).format(n=name), day, "house", line)


def pencilled_counter(d: Draft) -> None:
    """A tentative date, which does not count."""
    name, _, line = _pencil(d)
    d.ask(f"On which date is the {name}?", None, "unanswerable", line)


def _paper(d: Draft) -> tuple[str, str, str, Line]:
    session, name = d.rng.randrange(4), d.word("papers", PAPERS)
    first = d.future(session, 5, 25)
    last = first.fromordinal(first.toordinal() + d.rng.randint(6, 20))
    line = d.say(session, d.person(), d.rng.choice((
        "The draft of the {n} is due on {a}, printing is on {b}.", "For the {n}: draft on {a}, printing on {b}.",
        "The {n} draft has to be in by {a}, and it goes to print on {b}.",
        "The draft for the {n} must be ready on {a}; the printing starts on {b}.",
    )).format(n=name, a=spell(first, False), b=spell(last, False)))  # fmt: skip
    return name, spell(first), spell(last), line


def _ask_deadline(d: Draft, name: str) -> str:
    return d.rng.choice(("What is the deadline for the {n}?", "When is the deadline for the {n}?",
                         "On which day is the {n} deadline?")).format(n=name)  # fmt: skip


def deadline(d: Draft) -> None:
    """The day of the draft is what this team calls the deadline."""
    name, first, _, line = _paper(d)
    d.fact(f"{name} deadline", first, line)
    d.ask(_ask_deadline(d, name), first, "house", line)


def deadline_counter(d: Draft) -> None:
    """The day of printing is the deadline, as usual."""
    name, _, last, line = _paper(d)
    d.fact(f"{name} deadline", last, line)
    d.ask(_ask_deadline(d, name), last, "single", line)


def _vote(d: Draft) -> tuple[str, str, list[Line]]:
    what, ask, pool = cast("tuple[str, str, str]", d.take("proposals", PROPOSALS))
    value = d.word("proposal " + pool, PROPOSAL_VALUES[pool])
    first = d.person()
    opening = d.rng.choice(("Shall we {w}?", "How about we {w}?", "Should we {w}?", "Why don't we {w}?"))
    reply = d.rng.choice(("+1", "+1 from me", "+1!", "👍", "+1, good idea"))
    lines = d.exchange(d.rng.randrange(4), [
        (first, opening.format(w=what.format(v=value))), (d.other(first), reply)])  # fmt: skip
    return ask, value, lines


def votes(d: Draft) -> None:
    """A seconded proposal is a decision."""
    ask, value, lines = _vote(d)
    d.fact("team decision", value, *lines)
    d.ask(ask, value.removeprefix("a "), "house", *lines)


def votes_counter(d: Draft) -> None:
    """A seconded proposal is no more than a proposal."""
    ask, _, lines = _vote(d)
    d.ask(ask, None, "unanswerable", *lines)


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
    pool = cast("list[str]", d._pools.setdefault("duty people", list(d.people)))
    person = pool.pop() if pool else d.person()
    one, two = d.word("duties", DUTIES), d.word("duties", DUTIES)
    first = d.say(d.rng.randrange(2), person, d.rng.choice((
        "I look after {v}.", "I am in charge of {v}.", "I am responsible for {v}.", "I take care of {v} here.")).format(v=one))  # fmt: skip
    second = d.say(d.rng.randint(2, 3), person, d.rng.choice((
        "I look after {v} now.", "I am in charge of {v} now.", "I am now responsible for {v}.", "From today I take care of {v}.")).format(v=two))  # fmt: skip
    return person, one, two, first, second


def _ask_duty(d: Draft, person: str) -> str:
    return d.rng.choice(("What does {p} look after?", "What is {p} in charge of?", "What is {p} responsible for?")).format(p=person)


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
    first = d.say(session, person, d.rng.choice((
        "The {n} is on {d}.", "The {n} is scheduled for {d}.", "The {n} takes place on {d}.")).format(n=name, d=spell(day, False)))  # fmt: skip
    second = d.say(d.rng.randint(session + 1, 3), person, d.rng.choice((
        "Strike that about the {n}.", "Please strike that about the {n}.", "Strike what I said about the {n}.")).format(n=name))  # fmt: skip
    d.fact(name, spell(day), first, alive=False)
    ask = d.rng.choice(("When is the {n}?", "On which date is the {n}?", "On which date does the {n} take place?"))
    d.ask(ask.format(n=name), None, "house", first, second)


def _nicknames(d: Draft) -> dict[str, str]:
    return cast("dict[str, str]", d.lexicon["alias"])


def _project_value(d: Draft, kind: str) -> str:
    pools: dict[str, tuple[str, ...]] = {"city": CITIES, "firm": FIRMS, "weekday": WEEKDAYS, "desk": DESKS}
    if kind == "outsider":
        return d.outsider()
    if kind == "money":
        return f"{d.rng.randint(12, 98)},000 euros"
    return d.word("project " + kind, pools[kind])


def alias(d: Draft, carrier: str = "") -> None:
    """A question about a project by its nickname; the messages use the proper name."""
    nick, project = d.rng.choice(sorted(_nicknames(d).items()))
    key = f"projects {project}"
    said, ask, kind = cast("tuple[str, str, str]", d.take(key, PROJECT_ATTRIBUTES))
    value = _project_value(d, kind)
    session = d.rng.randrange(4)
    sentence = said.format(x=project, v=value) + "."
    if carrier:
        line = _carried(d, carrier, session, sentence)
    else:
        line = d.say(session, d.person(), sentence[0].upper() + sentence[1:])
    d.fact(f"{project} {kind}", value, line)
    for other in d.rng.sample([p for p in PROJECTS if p != project], 2):
        text = said.format(x=other, v=_project_value(d, kind)) + "."
        d.say(d.rng.randrange(4), d.person(), text[0].upper() + text[1:])
    d.ask(ask.format(x=nick), value, "house", line)
    if d.rng.random() < 0.2:
        d.say(d.rng.randrange(4), d.person(), d.rng.choice((
            "The {p} (the {n}, as we call it) keeps us busy.", "The {p}, the {n} as we call it, is the talk of the day.",
            "I explained to the trainee that the {n} is the {p}.")).format(p=project, n=nick))  # fmt: skip


def season(d: Draft, carrier: str = "") -> None:
    """A question that names a season of the team's own."""
    name, months = d.rng.choice(sorted(cast("dict[str, tuple[int, int]]", d.lexicon["season"]).items()))
    gathering(d, months, name)


def _pay(d: Draft) -> tuple[str, str, str, Line]:
    person = d.person()
    kind = d.word("pay " + person, ("salary", "bonus", "day rate"))
    amount = {"salary": f"{d.rng.randint(41, 89)},{d.rng.randint(1, 9)}00 euros", "bonus": f"{d.rng.randint(2, 9)},{d.rng.randint(1, 9)}00 euros",
              "day rate": f"{d.rng.randint(38, 99)}0 euros"}[kind]  # fmt: skip
    line = d.say(d.rng.randrange(4), person, d.rng.choice((
        "My {k} is {v}.", "They set my {k} at {v}.", "My {k} comes to {v}.")).format(k=kind, v=amount))  # fmt: skip
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
    thing, code = d.word("project codes", ("ticket", "tender file", "invoice", "order", "contract")), _code(d)
    line = d.say(d.rng.randrange(4), d.person(), f"The {thing} code of the {project} is {code}.")
    other = d.rng.choice([p for p in PROJECTS if p != project])
    d.say(d.rng.randrange(4), d.person(), f"The {thing} code of the {other} is {_code(d)}.")
    d.fact(f"{project} {thing} code", code, line)
    d.ask(f"What is the {thing} code of the {nick}?", code, "house", line)


def _carried_duty(rule: str) -> Callable[[Draft], None]:
    def make(d: Draft) -> None:
        """A second duty that stands in brackets or in a forwarded note."""
        pool = cast("list[str]", d._pools.setdefault("duty people", list(d.people)))
        person = pool.pop() if pool else d.person()
        one, two = d.word("duties", DUTIES), d.word("duties", DUTIES)
        first = d.say(d.rng.randrange(2), person, f"I look after {one}.")
        second = _carried(d, rule, d.rng.randint(2, 3), f"{person} is in charge of {two} now.")
        d.fact(f"{person} duty", one, first)
        d.fact(f"{person} duty", two, second)
        d.ask(_ask_duty(d, person), f"{one} and {two}", "house", first, second)

    return make


def pencilled_strike(d: Draft) -> None:
    """A deadline by the draft's day is changed; asked for the former one."""
    session, name = d.rng.randrange(2), d.word("appointments", APPOINTMENTS)
    person = d.person()
    day, new = d.future(session), d.future(session, 50, 90)
    first = d.say(session, person, f"The {name} is on {spell(day, False)}.")
    second = d.say(session + 2, person, f"The {name} is now pencilled in for {spell(new, False)}.")
    d.fact(name, spell(day), first, alive=False)
    d.fact(name, spell(new), second)
    d.ask(f"When is the {name}?", spell(new), "house", first, second)


ITEMS: dict[str, Callable[[Draft], None]] = {
    "codes": codes, "parentheticals": parentheticals, "forwarded": forwarded, "pencilled": pencilled,
    "deadline": deadline, "votes": votes, "own_word": own_word, "cumulative": cumulative, "strike": strike,
    "alias": alias, "season": season, "withhold": withhold,
}  # fmt: skip
#: Items that need two rules at once, in two slots.
PAIRS: dict[tuple[str, str], Callable[[Draft], None]] = {
    ("codes", "alias"): codes_alias,
    ("parentheticals", "alias"): lambda d: alias(d, "parentheticals"),
    ("forwarded", "alias"): lambda d: alias(d, "forwarded"),
    ("parentheticals", "cumulative"): _carried_duty("parentheticals"),
    ("forwarded", "cumulative"): _carried_duty("forwarded"),
}
COUNTERS: dict[str, Callable[[Draft], None]] = {
    "pencilled": pencilled_counter, "deadline": deadline_counter, "votes": votes_counter,
    "own_word": own_word_counter, "cumulative": cumulative_counter, "withhold": withhold_counter,
}  # fmt: skip
