"""General content of the conversations: what any good memory should hold."""

from __future__ import annotations

from datetime import date, timedelta

from evals.simulation.world_draft import Draft, Line, month_name, spell
from evals.simulation.world_lexicon import (
    EVENTS,
    GATHERINGS,
    HOLDINGS,
    LINKS,
    PLAN_TIMES,
    PLANS,
    PREFERENCES,
    VENUES,
)
from evals.simulation.world_sayings import ATTRIBUTES, FIXED, Attribute


def free_attribute(d: Draft, *, changeable: bool) -> tuple[str, Attribute]:
    """Draw a person and an attribute that nobody has stated of this person yet."""
    options = ATTRIBUTES if changeable else (*FIXED, *ATTRIBUTES)
    pool = "changeable" if changeable else "any"
    used = d.memo("stated")
    for _ in range(200):
        person, attribute = d.take(pool, [(p, a) for p in d.people for a in options])
        if f"{person} {attribute.key}" not in used:
            break
    used.append(f"{person} {attribute.key}")
    return person, attribute


def _both(d: Draft, attribute: Attribute) -> tuple[str, str]:
    return d.word(attribute.key, attribute.values), d.word(attribute.key, attribute.values)


def single(d: Draft) -> None:
    """Somebody states an attribute, once."""
    person, attribute = free_attribute(d, changeable=False)
    value = d.word(attribute.key, attribute.values)
    line = d.say(d.rng.randrange(4), person, d.rng.choice(attribute.said).format(v=value))
    d.fact(f"{person} {attribute.key}", value, line)
    d.ask(d.rng.choice(attribute.asked).format(p=person), value, "single", line)


def preference(d: Draft) -> None:
    """Somebody likes something best."""
    person, topic = d.person(), d.word("topics", tuple(PREFERENCES))
    value = d.rng.choice(PREFERENCES[topic])
    text = d.rng.choice(
        (
            "My favourite {t} is {v}.",
            "When it comes to {t}, I love {v} most of all.",
            "I really like {v}, my favourite {t}.",
            "Of every {t} there is I prefer {v}.",
            "If you ask me about {t}, I always go for {v}.",
        )
    ).format(t=topic, v=value)
    line = d.say(d.rng.randrange(4), person, text)
    d.fact(f"{person} favourite {topic}", value, line)
    ask = (
        "What is {p}'s favourite {t}?",
        "Which {t} does {p} like best?",
        "What {t} does {p} prefer?",
    )
    d.ask(d.rng.choice(ask).format(p=person, t=topic), value, "single", line)


def plan(d: Draft) -> None:
    """Somebody intends to do something."""
    person = d.person()
    doing, _ = d.take("plans", PLANS)
    when = d.word("plan times", PLAN_TIMES)
    text = d.rng.choice(
        (
            "I am going to {x} {w}.",
            "I plan to {x} {w}.",
            "I intend to {x} {w}.",
            "I want to {x} {w}.",
        )
    ).format(x=doing, w=when)
    line = d.say(d.rng.randrange(4), person, text)
    d.fact(f"{person} plan", doing, line)
    ask = (
        "What is {p} going to do {w}?",
        "What does {p} plan to do {w}?",
        "What does {p} intend to do {w}?",
    )
    d.ask(d.rng.choice(ask).format(p=person, w=when), doing, "single", line)


def event(d: Draft) -> None:
    """Somebody did something on a day that is given relative to the session."""
    person, session = d.person(), d.rng.randrange(4)
    did, base = d.take("events", EVENTS)
    words, day = d.relative(session)
    text = d.rng.choice(
        ("I {x} {w}.", "{W} I {x}.", "I finally {x} {w}.", "I {x} {w}, what a day.")
    )
    line = d.say(session, person, text.format(x=did, w=words, W=words[0].upper() + words[1:]))
    d.fact(f"{person} {base}", spell(day), line)
    ask = ("When did {p} {b}?", "On which date did {p} {b}?", "On what day did {p} {b}?")
    d.ask(d.rng.choice(ask).format(p=person, b=base), spell(day), "temporal", line)


def change(d: Draft) -> None:
    """An attribute gets a new value; asked for the present or the past."""
    person, attribute = free_attribute(d, changeable=True)
    old, new = _both(d, attribute)
    first = d.say(d.rng.randrange(2), person, d.rng.choice(attribute.said).format(v=old))
    text = d.rng.choice(attribute.changed).format(v=new)
    second = d.say(d.rng.randint(2, 3), person, text)
    d.fact(f"{person} {attribute.key}", old, first, alive=False)
    d.fact(f"{person} {attribute.key}", new, second)
    if d.rng.random() < 0.5:
        d.ask(d.rng.choice(attribute.asked).format(p=person), new, "update", second)
    else:
        ask = d.rng.choice(attribute.asked_past).format(p=person)
        d.ask(ask, old, "update", first, second)


def retraction(d: Draft, *, repeated: bool = False) -> None:
    """Somebody gives something up; before that it may have been said twice."""
    held, ask, things = d.take("holdings", HOLDINGS)
    person = d.word("holders of " + held, d.people)
    thing = d.word(held, things)
    said = ["I have a {h}.", "I hold a {h}.", "I own a {h}."]
    d.rng.shuffle(said)
    what = held.format(v=thing)
    lines: list[Line] = [d.say(0, person, said[0].format(h=what))]
    if repeated:
        lines.append(
            d.say(d.rng.randint(1, 2), person, "As I said, " + said[1].format(h=what), lead=False)
        )
    over = d.rng.choice(
        (
            "I gave up the {h}.",
            "I no longer have the {h}.",
            "I cancelled my {h}.",
            "I don't have the {h} any more.",
        )
    ).format(h=what)
    last = d.say(3, person, over)
    d.fact(f"{person} {held.split(' {')[0]}", thing, lines[0], alive=False)
    d.ask(ask.format(p=person), None, "update", *lines, last)


def repeated(d: Draft) -> None:
    """A retraction of something that was said twice."""
    retraction(d, repeated=True)


def hop(d: Draft) -> None:
    """Somebody's mentor, and something about the mentor."""
    person, link, name = d.person(), d.word("links", LINKS), d.outsider()
    attribute = d.rng.choice(
        [
            a
            for a in (*FIXED, *ATTRIBUTES)
            if a.key in ("city", "collection", "instrument", "allergy", "study", "origin")
        ]
    )
    value = d.word(attribute.key, attribute.values)
    about = {
        "city": ("{n} lives in {v}.", "{n} is based in {v}."),
        "collection": ("{n} collects {v}.", "{n} has a collection of {v}."),
        "instrument": ("{n} plays the {v}.",),
        "allergy": ("{n} is allergic to {v}.",),
        "study": ("{n} studied {v}.", "{n} has a degree in {v}."),
        "origin": ("{n} grew up in {v}.",),
    }[attribute.key]
    said = d.rng.choice(("My {l} is called {n}.", "My {l} is {n}.", "{n} is my {l}."))
    first = d.say(d.rng.randrange(4), person, said.format(l=link, n=name))
    second = d.say(
        d.rng.randrange(4), d.rng.choice(d.people), d.rng.choice(about).format(n=name, v=value)
    )
    d.fact(f"{person} {link}", name, first)
    d.fact(f"{name} {attribute.key}", value, second)
    d.ask(
        d.rng.choice(attribute.asked).format(p=f"{person}'s {link}").replace("'s's", "'s"),
        value,
        "multi_hop",
        first,
        second,
    )


def unanswerable(d: Draft) -> None:
    """Asked about somebody who never said it; somebody else did."""
    asked, attribute = free_attribute(d, changeable=False)
    teller = d.other(asked)
    used = d.memo("stated")
    if f"{teller} {attribute.key}" not in used:
        used.append(f"{teller} {attribute.key}")
        value = d.word(attribute.key, attribute.values)
        line = d.say(d.rng.randrange(4), teller, d.rng.choice(attribute.said).format(v=value))
        d.fact(f"{teller} {attribute.key}", value, line)
    d.ask(d.rng.choice(attribute.asked).format(p=asked), None, "unanswerable")


def latest(d: Draft, span: tuple[int, int]) -> tuple[date, date] | None:
    """Return first and last day of the latest run of these months that is well over."""
    end = d.dates[3]
    year = end.year if span[0] <= end.month else end.year - 1
    first = date(year, span[0], 1)
    last = date(year + (span[1] < span[0]), span[1], 28)
    return (first, last) if (end - last).days >= 8 else None


def gathering(d: Draft, days: tuple[date, date], when: str, category: str) -> None:
    """The same gathering twice, the later one outside the period that is asked about."""
    name = d.word("gatherings", GATHERINGS)
    venues = d.word("venues", VENUES), d.word("venues", VENUES)
    inside = days[0] + timedelta(days=d.rng.randint(1, (days[1] - days[0]).days - 1))
    outside = days[1] + timedelta(days=d.rng.randint(4, (d.dates[3] - days[1]).days - 1))
    lines = []
    for day, venue in zip((inside, outside), venues, strict=True):
        sessions = [i for i in range(4) if d.dates[i] > day]
        said = d.rng.choice(
            (
                "On {d} the {g} was held at {v}.",
                "The {g} on {d} was at {v}.",
                "The {g} took place at {v} on {d}.",
            )
        )
        text = said.format(d=spell(day), g=name, v=venue)
        lines.append(d.say(d.rng.choice(sessions), d.rng.choice(d.people), text))
        d.fact(f"{name} {spell(day)}", venue, lines[-1])
    asked = (
        "Where was the {g} in {w}?",
        "Where was the {g} held in {w}?",
        "At which place did the {g} take place in {w}?",
        "At which place was the {g} during {w}?",
    )
    d.ask(d.rng.choice(asked).format(g=name, w=when), venues[0], category, lines[0])


def month(d: Draft) -> None:
    """A gathering, asked for by its month."""
    for _ in range(50):
        number = d.rng.randint(1, 12)
        days = latest(d, (number, number))
        if days:
            gathering(d, days, month_name(number), "temporal")
            return


GENERAL = (single, preference, plan, event, change, hop, unanswerable, retraction, repeated, month)
