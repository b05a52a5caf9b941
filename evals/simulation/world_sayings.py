"""How people in the synthetic conversations talk and ask about their properties."""

from __future__ import annotations

from dataclasses import dataclass

from evals.simulation.world_lexicon import (
    CARS,
    CITIES,
    COLLECTIONS,
    DESKS,
    DOGS,
    FOODS,
    INSTRUMENTS,
    LANGUAGES,
    LAPTOPS,
    ROLES,
    SUBJECTS,
    WEEKDAYS,
    listed,
)


@dataclass(frozen=True)
class Attribute:
    """A single-valued property of a person, and how people talk and ask about it."""

    key: str
    values: tuple[str, ...]
    said: tuple[str, ...]
    changed: tuple[str, ...]
    third: tuple[str, ...]
    asked: tuple[str, ...]
    asked_past: tuple[str, ...]


ATTRIBUTES = (
    Attribute(
        "city",
        CITIES,
        (
            "I live in {v}.",
            "I am based in {v}, quite a commute.",
            "My flat is in {v}.",
            "I live in {v}, right by the station.",
        ),
        (
            "I moved, so I live in {v} now.",
            "I live in {v} now.",
            "We relocated, so I am based in {v} now.",
        ),
        (
            "{p} lives in {v} now.",
            "{p} lives in {v} by now, I hear.",
            "{p} is based in {v} now, as far as I know.",
        ),
        ("Where does {p} live?", "In which city is {p} based?", "Which town does {p} live in?"),
        ("Where did {p} live before?", "In which city was {p} based before?"),
    ),
    Attribute(
        "desk",
        DESKS,
        (
            "My desk is {v}.",
            "You can find my desk {v}.",
            "They put my desk {v}.",
            "My desk stands {v}.",
        ),
        (
            "My desk is {v} now.",
            "My desk has moved, it is {v} now.",
            "They moved my desk, it is {v} from now on.",
        ),
        (
            "{p}'s desk is {v} now.",
            "I saw that {p}'s desk is {v} now.",
            "{p}'s desk has moved, it is {v} now.",
        ),
        ("Where is {p}'s desk?", "Where can you find {p}'s desk?", "Where does {p}'s desk stand?"),
        ("Where was {p}'s desk before?", "Where did {p}'s desk use to be previously?"),
    ),
    Attribute(
        "car",
        CARS,
        (
            "I drive a {v} to work.",
            "My car is a {v}.",
            "I drive a {v}, still going strong.",
            "I own a {v}, my first car.",
        ),
        ("I drive a {v} now.", "My new car is a {v}.", "I swapped my car for a {v}."),
        ("{p} drives a {v} now.", "{p}'s new car is a {v}.", "{p} now drives a {v}, people say."),
        ("What car does {p} drive?", "Which make is {p}'s car?", "What kind of car does {p} have?"),
        ("What car did {p} drive before?", "Which make was {p}'s former car?"),
    ),
    Attribute(
        "laptop",
        LAPTOPS,
        (
            "My laptop is a {v}.",
            "I use a {v} as my laptop.",
            "They gave me a {v} laptop.",
            "My laptop here is a {v}.",
        ),
        ("My new laptop is a {v}.", "My laptop is a {v} now.", "I switched my laptop to a {v}."),
        (
            "{p}'s laptop is a {v} now.",
            "{p} uses a {v} as laptop now.",
            "{p}'s new laptop is a {v}.",
        ),
        (
            "What laptop does {p} use?",
            "Which laptop does {p} have?",
            "What kind of laptop is {p}'s?",
        ),
        ("What laptop did {p} use before?", "Which laptop did {p} have previously?"),
    ),
    Attribute(
        "gym",
        WEEKDAYS,
        (
            "My gym day is {v}.",
            "I go to the gym on {v}s.",
            "{v} is my gym day.",
            "You will not see me late on {v}s, that is gym time for me.",
        ),
        ("My gym day is {v} now.", "I go to the gym on {v}s now.", "I moved my gym day to {v}."),
        (
            "{p}'s gym day is {v} now.",
            "{p} goes to the gym on {v}s now.",
            "{p} has moved the gym day to {v}.",
        ),
        (
            "On which weekday does {p} go to the gym?",
            "Which day is {p}'s gym day?",
            "What is {p}'s gym day?",
        ),
        ("Which day was {p}'s gym day before?", "On which weekday did {p} go to the gym before?"),
    ),
    Attribute(
        "role",
        ROLES,
        (
            "I work as a {v}.",
            "My job title is {v}.",
            "My role here is {v}.",
            "I am employed as a {v}.",
        ),
        ("I work as a {v} now.", "My job title is {v} now.", "My new role is {v}."),
        ("{p}'s job title is {v} now.", "{p} works as a {v} now.", "{p}'s new role is {v}."),
        ("What is {p}'s job title?", "What does {p} work as?", "What role does {p} have?"),
        ("What was {p}'s job title before?", "What did {p} work as before?"),
    ),
    Attribute(
        "parking",
        listed("""P12, P3, P27, P41, P8, P33, P19, P5, P22, P16"""),
        (
            "My parking space is {v}.",
            "I park in {v}, the space near the gate.",
            "They gave me parking space {v}.",
            "Parking space {v} is mine.",
        ),
        (
            "My parking space is {v} now.",
            "I have parking space {v} now.",
            "My new parking space is {v}.",
        ),
        (
            "{p}'s parking space is {v} now.",
            "{p} has parking space {v} now.",
            "{p}'s new parking space is {v}.",
        ),
        (
            "Which parking space does {p} have?",
            "What is the number of {p}'s parking space?",
            "Where does {p} park?",
        ),
        ("Which parking space did {p} have before?", "What was {p}'s former parking space?"),
    ),
    Attribute(
        "language",
        LANGUAGES,
        (
            "I am learning {v}.",
            "I take lessons in {v}, a tricky language.",
            "I am learning {v} in the evenings.",
            "The language I am learning is {v}.",
        ),
        ("I am learning {v} now instead.", "I switched languages, I am learning {v} now."),
        ("{p} is learning {v} now.", "{p} has switched to learning {v}, I believe."),
        ("Which language is {p} learning?", "What language does {p} learn?"),
        ("Which language was {p} learning before?",),
    ),
)
FIXED = (
    Attribute(
        "dog",
        DOGS,
        ("My dog is called {v}.", "My dog answers to the name {v}.", "I named my dog {v}."),
        (),
        (),
        ("What is {p}'s dog called?", "What is the name of {p}'s dog?"),
        (),
    ),
    Attribute(
        "origin",
        CITIES,
        (
            "I grew up in {v}.",
            "I was born and raised in {v}.",
            "My origins are in {v}, I grew up there.",
        ),
        (),
        (),
        ("Where did {p} grow up?", "In which city did {p} grow up?"),
        (),
    ),
    Attribute(
        "study",
        SUBJECTS,
        ("I studied {v}.", "My degree is in {v}.", "At university I studied {v}."),
        (),
        (),
        ("What did {p} study?", "What subject is {p}'s degree in?"),
        (),
    ),
    Attribute(
        "allergy",
        FOODS,
        ("I am allergic to {v}.", "I have an allergy to {v}.", "Careful, I am allergic to {v}."),
        (),
        (),
        ("What is {p} allergic to?", "Which food is {p} allergic to?"),
        (),
    ),
    Attribute(
        "instrument",
        INSTRUMENTS,
        ("I play the {v} in a band.", "I play the {v}.", "The {v} is my instrument."),
        (),
        (),
        ("Which instrument does {p} play?", "What instrument does {p} play?"),
        (),
    ),
    Attribute(
        "collection",
        COLLECTIONS,
        ("I collect {v}.", "I have a collection of {v}.", "At home I collect {v}."),
        (),
        (),
        ("What does {p} collect?", "What is in {p}'s collection?"),
        (),
    ),
)
