"""The vocabulary of the synthetic conversations."""

from __future__ import annotations


def listed(text: str) -> tuple[str, ...]:
    """Return the comma-separated items of a text."""
    return tuple(" ".join(item.split()) for item in text.split(","))


PEOPLE = tuple(
    str.split(
        """
        Rosa Tomas Ingrid Kwame Leila Anton Priya Marek Yuki Delia Omar Sabine Jonas Nadia Felix
        Amara Viktor Elena Hassan Greta Paolo Mina Stefan Lucia Ravi Clara Dmitri Fiona Emre
        Judith Oskar Tamar Bruno Salma Henrik Noor Pavel Agnes Idris Wanda Lars Beatriz Cyril
        Mona
        """
    )
)
OUTSIDERS = tuple(
    str.split(
        """
        Hugo Vera Magnus Petra Simon Irene Caspar Lotte Nils Rafaela Tobias Edith Kamil Solveig
        Arturo Helga Boris Zofia Matteo Ulrike Janek Carmen Gustav Linnea Ewan Thea Roman Odile
        Silas Freya
        """
    )
)
CITIES = tuple(
    str.split(
        """
        Porto Utrecht Ghent Bergen Malmo Graz Lyon Tartu Brno Leeds Aarhus Basel Turin Cork
        Vilnius Girona Bremen Tampere Gdansk Trieste Nantes Salzburg Coimbra Uppsala Galway
        Maribor Split Lille
        """
    )
)
CARS = listed(
    """Volvo, Skoda, Fiat, Renault, Toyota, Mazda, Peugeot, Honda, Seat, Opel, Subaru, Dacia,
    Citroen, Hyundai"""
)
DESKS = listed(
    """on the third floor, next to the server room, by the west window, on the fifth floor, in
    the glass corner, opposite the kitchen, near the loading dock, on the mezzanine, beside
    the print room, under the skylight, in the old archive, behind the reception, by the
    fire stairs, in the blue wing"""
)
LAPTOPS = listed(
    """ThinkPad, MacBook, Zenbook, Latitude, Framework, Surface, Chromebook, Aspire, Vivobook,
    Pavilion, Gram, Yoga"""
)
ROLES = listed(
    """data engineer, test lead, service designer, field technician, account planner, release
    manager, technical writer, security analyst, copy editor, product owner, payroll clerk,
    site surveyor"""
)
INSTRUMENTS = listed(
    """cello, trombone, accordion, banjo, oboe, harp, clarinet, mandolin, tuba, viola, flute,
    bassoon"""
)
LANGUAGES = listed(
    """Finnish, Korean, Welsh, Greek, Basque, Turkish, Arabic, Czech, Icelandic, Swahili,
    Danish, Hindi"""
)
SUBJECTS = listed(
    """geology, linguistics, forestry, astronomy, economics, archaeology, botany, statistics,
    oceanography, philosophy, chemistry, musicology"""
)
FOODS = listed(
    """peanuts, shellfish, kiwi, hazelnuts, celery, sesame, mustard, lupin, walnuts,
    strawberries, mango, eggs"""
)
DOGS = listed(
    """Biscuit, Pepper, Ziggy, Moss, Bandit, Olive, Rolo, Waffle, Juno, Tinker, Pickle, Nacho"""
)
WEEKDAYS = listed("""Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday""")
COLLECTIONS = listed(
    """old maps, fountain pens, tram models, enamel signs, vinyl records, postcards, sea glass,
    chess sets, tin toys, minerals, matchboxes, typewriters"""
)
TICKETS = listed(
    """the botanical garden, the ice rink, the city theatre, the climbing hall, the opera
    house, the swimming baths, the film museum, the football stadium, the zoo, the concert
    hall"""
)
MAGAZINES = listed(
    """the Sailing Gazette, the Chess Monthly, the Garden Review, the Stargazer, the Puzzle
    Weekly, the Railway Post, the Baking Journal, the Jazz Quarterly"""
)
CLUBS = listed(
    """the rowing club, the fencing club, the photo club, the curling club, the debating club,
    the gliding club, the knitting club, the go club"""
)
#: What somebody holds and may give up; the question about it; what there is to hold.
HOLDINGS = (
    ("season ticket for {v}", "For which place does {p} have a season ticket?", TICKETS),
    ("subscription to {v}", "To which magazine does {p} have a subscription?", MAGAZINES),
    ("membership in {v}", "In which club does {p} have a membership?", CLUBS),
)
VENUES = listed(
    """Taverna Delfi, the Copper Kettle, Casa Lupo, the Old Mill, Bistro Marlene, the
    Boathouse, Noodle Yard, the Walnut Tree, Cafe Orbit, the Green Door, Trattoria Nino, the
    Brickyard, Pier Nine, the Lemon Room"""
)
PREFERENCES: dict[str, tuple[str, ...]] = {
    "tea": listed("""oolong, rooibos, darjeeling, lapsang, sencha, chamomile"""),
    "board game": listed("""Carcassonne, Azul, Backgammon, Hive, Wingspan, Scrabble"""),
    "ice cream": listed(
        """pistachio, liquorice, stracciatella, rum raisin, hazelnut, sour cherry"""
    ),
    "pastry": listed("""cinnamon rolls, eclairs, baklava, strudel, cannoli, scones"""),
    "soup": listed("""borscht, minestrone, ramen, gazpacho, leek soup, laksa"""),
    "composer": listed("""Sibelius, Dvorak, Ravel, Purcell, Bartok, Grieg"""),
    "painter": listed("""Hockney, Klee, Turner, Munch, Kandinsky, Hopper"""),
    "cheese": listed("""gruyere, manchego, stilton, gouda, feta, taleggio"""),
    "flower": listed("""peonies, foxgloves, dahlias, irises, camellias, poppies"""),
    "sandwich": listed(
        """reuben, falafel wrap, tuna melt, club sandwich, banh mi, egg and cress"""
    ),
}
PLANS = (
    ("take a pottery course", "take"),
    ("hike the Jura trail", "hike"),
    ("repaint the kitchen", "repaint"),
    ("learn to sail", "learn"),
    ("build a greenhouse", "build"),
    ("cycle around the lake", "cycle"),
    ("plant an orchard", "plant"),
    ("join a rowing club", "join"),
    ("restore an old clock", "restore"),
    ("write a cookbook", "write"),
    ("brew cider at home", "brew"),
    ("tour the vineyards", "tour"),
    ("apply for a patent", "apply"),
    ("keep bees on the roof", "keep"),
    ("walk the coastal path", "walk"),
    ("convert the attic", "convert"),
)
PLAN_TIMES = listed(
    """once the audit is over, when the release is out, over the summer break, as soon as the
    budget is through, after the merger, when the trainees have settled in, over the winter
    break, after the inspection"""
)
EVENTS = (
    ("visited the glass museum", "visit the glass museum"),
    ("repaired the old kayak", "repair the old kayak"),
    ("signed the lease for the studio", "sign the lease for the studio"),
    ("ran the harbour marathon", "run the harbour marathon"),
    ("adopted a kitten", "adopt a kitten"),
    ("gave the talk on caching", "give the talk on caching"),
    ("sold the motorbike", "sell the motorbike"),
    ("passed the first-aid exam", "pass the first-aid exam"),
    ("bought a telescope", "buy a telescope"),
    ("won the quiz night", "win the quiz night"),
    ("finished the woodworking class", "finish the woodworking class"),
    ("painted the fence", "paint the fence"),
    ("hosted the chess evening", "host the chess evening"),
    ("planted the cherry tree", "plant the cherry tree"),
    ("donated the piano", "donate the piano"),
    ("visited the salt mine", "visit the salt mine"),
    ("baked the wedding cake", "bake the wedding cake"),
    ("replaced the boiler", "replace the boiler"),
)
GATHERINGS = listed(
    """team lunch, quarterly dinner, book circle, alumni evening, wine tasting, pub quiz, choir
    rehearsal, charity breakfast, games night, photo walk"""
)
APPOINTMENTS = listed(
    """supplier visit, budget review, fire drill, safety briefing, press call, lease signing,
    vendor demo, data audit, kickoff workshop, board lunch, hiring panel, lab inspection,
    network outage test, roof survey, stock count, open evening, ethics seminar, pension
    briefing, window cleaning, lift maintenance"""
)
PAPERS = listed(
    """brochure, annual report, product catalogue, staff handbook, grant proposal, jubilee
    booklet, price list, museum guide, recipe leaflet, training manual, trade magazine, map
    supplement"""
)
DUTIES = listed(
    """the newsletter, the intern programme, the coffee fund, the plant watering, the guest
    network, the style guide, the parcel room, the onboarding wiki, the recycling scheme,
    the badge printer, the first-aid kits, the visitor calendar, the tool library, the
    holiday roster, the meeting snacks"""
)
CODE_THINGS = listed(
    """locker, badge, parcel, repair ticket, hotel booking, train booking, visa file, insurance
    claim, storage box, warranty case, library loan, tax file"""
)
PROPOSALS = (
    ("hold the retro in {v}", "Where did the team decide to hold the retro?", "place"),
    ("move the stand-up to {v}", "To what time did the team decide to move the stand-up?", "time"),
    (
        "name the new meeting room {v}",
        "What did the team decide to name the new meeting room?",
        "room",
    ),
    (
        "order the catering from {v}",
        "From whom did the team decide to order the catering?",
        "caterer",
    ),
    ("give the leaving gift of {v}", "What leaving gift did the team decide to give?", "gift"),
    ("paint the hallway {v}", "What colour did the team decide to paint the hallway?", "colour"),
    ("book the band {v}", "Which band did the team decide to book?", "band"),
    ("host the archive on {v}", "On what did the team decide to host the archive?", "host"),
)
PROPOSAL_VALUES: dict[str, tuple[str, ...]] = {
    "place": ("the garden room", "the rooftop", "the boat shed", "the canteen"),
    "time": ("half past nine", "quarter past ten", "noon", "eight thirty"),
    "room": ("Marigold", "Nautilus", "Sundial", "Juniper"),
    "caterer": ("Bella Cucina", "Golden Wok", "Spice Route", "Harvest Deli"),
    "gift": ("a hammock", "a barometer", "an espresso pot", "a telescope"),
    "colour": ("turquoise", "mustard", "lavender", "terracotta"),
    "band": ("Silver Herons", "Loose Gravel", "Night Ferry", "Paper Tigers"),
    "host": ("Nimbus", "Granite", "Cobalt", "Meadow"),
}
PROJECTS = listed(
    """Harbor migration, Linden rollout, Falcon redesign, Quartz upgrade, Juniper audit,
    Meridian launch, Saffron pilot, Tundra relocation, Cobalt integration, Aurora rewrite"""
)
NICKNAMES = listed(
    """Whale, Anvil, Otter, Lantern, Mammoth, Beehive, Submarine, Onion, Dragon, Teapot,
    Labyrinth, Cactus"""
)
PROJECT_ATTRIBUTES = (
    (
        "the test server of the {x} sits in {v}",
        "Where does the test server of the {x} sit?",
        "city",
    ),
    ("the {x} is led by {v}", "Who leads the {x}?", "outsider"),
    ("the supplier for the {x} is {v}", "Which supplier does the {x} have?", "firm"),
    (
        "the weekly call for the {x} is on {v}",
        "On which weekday is the weekly call for the {x}?",
        "weekday",
    ),
    ("the {x} has a budget of {v}", "What budget does the {x} have?", "money"),
    ("the help desk for the {x} is {v}", "Where is the help desk for the {x}?", "desk"),
)
FIRMS = listed(
    """Norvik, Halden Works, Brightfield, Castor, Lumeno, Ostrava Tools, Pinecrest, Zellner"""
)
SEASONS = listed(
    """harvest, thaw, lantern time, crunch, regatta, fallow, carnival, stocktake, midgard,
    greenlight"""
)
SMALL_TALK = (
    "Morning everyone!",
    "Hello hello.",
    "Thanks, that helps a lot!",
    "Sounds good to me.",
    "Lovely weather today, isn't it?",
    "How was your weekend?",
    "Great, see you later then.",
    "Ha, that made my day.",
    "Anyone up for coffee?",
    "The coffee machine is humming again.",
    "What a week!",
    "Good luck with that!",
    "Oh nice, well done.",
    "Is it only Tuesday? Feels like Friday.",
    "That lift is slow again.",
    "Happy to hear it!",
    "Did you see the rain this morning?",
    "Sorry, I was on mute.",
    "Right, back to work.",
    "The printer is sulking once more.",
    "Wow, congratulations!",
    "Who moved the biscuits?",
    "No worries at all.",
    "I could use a nap.",
    "Good point.",
    "Hm, interesting.",
    "Catch you after lunch.",
    "Same here!",
)
LEADS = (
    "By the way, ",
    "Just so you know, ",
    "Oh, ",
    "Quick note: ",
    "FYI, ",
    "Anyway, ",
    "Small update: ",
    "",
    "",
    "",
    "",
    "",
    "",
)


LINKS = listed("""mentor, flatmate, landlord, cousin, neighbour, manager""")
