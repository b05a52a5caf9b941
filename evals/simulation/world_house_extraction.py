"""House rules about what is worth keeping, and their counter-content."""

from __future__ import annotations

from evals.simulation.world_draft import Draft, Line, spell
from evals.simulation.world_lexicon import (
    APPOINTMENTS,
    CODE_THINGS,
    PAPERS,
    PROPOSAL_VALUES,
    PROPOSALS,
    VENUES,
)


def code(d: Draft) -> str:
    letters = "".join(d.rng.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(2))
    return f"{letters}-{d.rng.randint(100, 999)}"


def codes(d: Draft) -> None:
    """A code that somebody gives for something."""
    person, thing, given = d.person(), d.word("code things", CODE_THINGS), code(d)
    line = d.say(
        d.rng.randrange(4),
        person,
        d.rng.choice(
            (
                "My {t} code is {c}.",
                "The code for my {t} is {c}.",
                "For my {t} the number is {c}.",
                "My {t} runs under {c}.",
            )
        ).format(t=thing, c=given),
    )
    d.fact(f"{person} {thing} code", given, line)
    ask = (
        "What is the code for {p}'s {t}?",
        "What is {p}'s {t} code?",
        "Under which number does {p}'s {t} run?",
    )
    d.ask(d.rng.choice(ask).format(p=person, t=thing), given, "house", line)


def carried(d: Draft, rule: str, session: int, sentence: str) -> Line:
    """Say a sentence in brackets or in a forwarded note."""
    speaker = d.person()
    if rule == "parentheticals":
        inner = sentence.rstrip(".")
        text = d.rng.choice(
            (
                "Busy day over here ({x}).",
                "Finally through my inbox ({x}) and catching up.",
                "Thanks for the tea earlier ({x}).",
                "Almost done with the slides ({x}).",
            )
        ).format(x=inner)
    else:
        text = d.rng.choice(
            (
                "Fwd: {x}",
                "Forwarded from the front desk: {x}",
                "Forwarded from Facilities: {x}",
                "FYI. Fwd: {x}",
            )
        ).format(x=sentence)
    return d.say(session, speaker, text, lead=False)


def _carrier(d: Draft, rule: str) -> None:
    session = d.rng.randrange(4)
    if d.rng.random() < 0.5:
        name, day = d.word("appointments", APPOINTMENTS), d.future(session)
        line = carried(d, rule, session, f"the {name} is on {spell(day, False)}.")
        d.fact(name, spell(day), line)
        d.ask(
            d.rng.choice(("When is the {n}?", "On which date is the {n}?")).format(n=name),
            spell(day),
            "house",
            line,
        )
    else:
        name, venue = d.word("appointments", APPOINTMENTS), d.word("venues", VENUES)
        line = carried(d, rule, session, f"the {name} is at {venue}.")
        d.fact(name, venue, line)
        d.ask(
            d.rng.choice(("Where is the {n}?", "At which place is the {n}?")).format(n=name),
            venue,
            "house",
            line,
        )


def parentheticals(d: Draft) -> None:
    """Something said only in brackets."""
    _carrier(d, "parentheticals")


def forwarded(d: Draft) -> None:
    """Something that stands only in a forwarded note."""
    _carrier(d, "forwarded")


def _pencil(d: Draft) -> tuple[str, str, Line]:
    session, name = d.rng.randrange(4), d.word("appointments", APPOINTMENTS)
    day = d.future(session)
    line = d.say(
        session,
        d.person(),
        d.rng.choice(
            (
                "The {n} is pencilled in for {d}.",
                "I pencilled in the {n} for {d}.",
                "We have pencilled the {n} in for {d}.",
                "The {n} is tentatively booked for {d}.",
            )
        ).format(n=name, d=spell(day, False)),
    )
    return name, spell(day), line


def pencilled(d: Draft) -> None:
    """A tentative date, which counts here."""
    name, day, line = _pencil(d)
    d.fact(name, day, line)
    d.ask(
        d.rng.choice(("When is the {n}?", "On which date is the {n}?")).format(n=name),
        day,
        "house",
        line,
    )


def pencilled_counter(d: Draft) -> None:
    """A tentative date, which does not count."""
    name, _, line = _pencil(d)
    d.ask(f"On which date is the {name}?", None, "unanswerable", line)


def _paper(d: Draft) -> tuple[str, str, str, Line]:
    session, name = d.rng.randrange(4), d.word("papers", PAPERS)
    first = d.future(session, 5, 25)
    last = first.fromordinal(first.toordinal() + d.rng.randint(6, 20))
    line = d.say(
        session,
        d.person(),
        d.rng.choice(
            (
                "The draft of the {n} is due on {a}, printing is on {b}.",
                "For the {n}: draft on {a}, printing on {b}.",
                "The {n} draft has to be in by {a}, and it goes to print on {b}.",
                "The draft for the {n} must be ready on {a}; the printing starts on {b}.",
            )
        ).format(n=name, a=spell(first, False), b=spell(last, False)),
    )
    return name, spell(first), spell(last), line


def _ask_deadline(d: Draft, name: str) -> str:
    return d.rng.choice(
        (
            "What is the deadline for the {n}?",
            "When is the deadline for the {n}?",
            "On which day is the {n} deadline?",
        )
    ).format(n=name)


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
    what, ask, pool = d.take("proposals", PROPOSALS)
    value = d.word("proposal " + pool, PROPOSAL_VALUES[pool])
    first = d.person()
    opening = d.rng.choice(
        ("Shall we {w}?", "How about we {w}?", "Should we {w}?", "Why don't we {w}?")
    )
    reply = d.rng.choice(("+1", "+1 from me", "+1!", "👍", "+1, good idea"))
    lines = d.exchange(
        d.rng.randrange(4),
        [(first, opening.format(w=what.format(v=value))), (d.other(first), reply)],
    )
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
