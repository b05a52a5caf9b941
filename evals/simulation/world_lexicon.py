"""The vocabulary of the synthetic conversations."""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE = tuple(
    """Rosa Tomas Ingrid Kwame Leila Anton Priya Marek Yuki Delia Omar Sabine Jonas Nadia Felix Amara
    Viktor Elena Hassan Greta Paolo Mina Stefan Lucia Ravi Clara Dmitri Fiona Emre Judith Oskar Tamar
    Bruno Salma Henrik Noor Pavel Agnes Idris Wanda Lars Beatriz Cyril Mona""".split()
)
OUTSIDERS = tuple(
    """Hugo Vera Magnus Petra Simon Irene Caspar Lotte Nils Rafaela Tobias Edith Kamil Solveig Arturo
    Helga Boris Zofia Matteo Ulrike Janek Carmen Gustav Linnea Ewan Thea Roman Odile Silas Freya""".split()
)
CITIES = tuple(
    """Porto Utrecht Ghent Bergen Malmo Graz Lyon Tartu Brno Leeds Aarhus Basel Turin Cork Vilnius
    Girona Bremen Tampere Gdansk Trieste Nantes Salzburg Coimbra Uppsala Galway Maribor Split Lille""".split()
)
CARS = ("Volvo", "Skoda", "Fiat", "Renault", "Toyota", "Mazda", "Peugeot", "Honda", "Seat", "Opel",
        "Subaru", "Dacia", "Citroen", "Hyundai")  # fmt: skip
DESKS = (
    "on the third floor", "next to the server room", "by the west window", "on the fifth floor",
    "in the glass corner", "opposite the kitchen", "near the loading dock", "on the mezzanine",
    "beside the print room", "under the skylight", "in the old archive", "behind the reception",
    "by the fire stairs", "in the blue wing",
)  # fmt: skip
LAPTOPS = ("ThinkPad", "MacBook", "Zenbook", "Latitude", "Framework", "Surface", "Chromebook", "Aspire",
           "Vivobook", "Pavilion", "Gram", "Yoga")  # fmt: skip
ROLES = ("data engineer", "test lead", "service designer", "field technician", "account planner",
         "release manager", "technical writer", "security analyst", "copy editor", "product owner",
         "payroll clerk", "site surveyor")  # fmt: skip
INSTRUMENTS = ("cello", "trombone", "accordion", "banjo", "oboe", "harp", "clarinet", "mandolin", "tuba",
               "viola", "flute", "bassoon")  # fmt: skip
LANGUAGES = ("Finnish", "Korean", "Welsh", "Greek", "Basque", "Turkish", "Arabic", "Czech", "Icelandic",
             "Swahili", "Danish", "Hindi")  # fmt: skip
SUBJECTS = ("geology", "linguistics", "forestry", "astronomy", "economics", "archaeology", "botany",
            "statistics", "oceanography", "philosophy", "chemistry", "musicology")  # fmt: skip
FOODS = ("peanuts", "shellfish", "kiwi", "hazelnuts", "celery", "sesame", "mustard", "lupin", "walnuts",
         "strawberries", "mango", "eggs")  # fmt: skip
DOGS = ("Biscuit", "Pepper", "Ziggy", "Moss", "Bandit", "Olive", "Rolo", "Waffle", "Juno", "Tinker",
        "Pickle", "Nacho")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLLECTIONS = ("old maps", "fountain pens", "tram models", "enamel signs", "vinyl records", "postcards",
               "sea glass", "chess sets", "tin toys", "minerals", "matchboxes", "typewriters")  # fmt: skip
TICKETS = ("the botanical garden", "the ice rink", "the city theatre", "the climbing hall",
           "the opera house", "the swimming baths", "the film museum", "the football stadium",
           "the zoo", "the concert hall")  # fmt: skip
MAGAZINES = ("the Sailing Gazette", "the Chess Monthly", "the Garden Review", "the Stargazer", "the Puzzle Weekly",
             "the Railway Post", "the Baking Journal", "the Jazz Quarterly")  # fmt: skip
CLUBS = ("the rowing club", "the fencing club", "the photo club", "the curling club", "the debating club",
         "the gliding club", "the knitting club", "the go club")  # fmt: skip
#: What somebody holds and may give up; the question about it; what there is to hold.
HOLDINGS = (
    ("season ticket for {v}", "For which place does {p} have a season ticket?", TICKETS),
    ("subscription to {v}", "To which magazine does {p} have a subscription?", MAGAZINES),
    ("membership in {v}", "In which club does {p} have a membership?", CLUBS),
)
VENUES = ("Taverna Delfi", "the Copper Kettle", "Casa Lupo", "the Old Mill", "Bistro Marlene",
          "the Boathouse", "Noodle Yard", "the Walnut Tree", "Cafe Orbit", "the Green Door",
          "Trattoria Nino", "the Brickyard", "Pier Nine", "the Lemon Room")  # fmt: skip
PREFERENCES: dict[str, tuple[str, ...]] = {
    "tea": ("oolong", "rooibos", "darjeeling", "lapsang", "sencha", "chamomile"),
    "board game": ("Carcassonne", "Azul", "Backgammon", "Hive", "Wingspan", "Scrabble"),
    "ice cream": ("pistachio", "liquorice", "stracciatella", "rum raisin", "hazelnut", "sour cherry"),
    "pastry": ("cinnamon rolls", "eclairs", "baklava", "strudel", "cannoli", "scones"),
    "soup": ("borscht", "minestrone", "ramen", "gazpacho", "leek soup", "laksa"),
    "composer": ("Sibelius", "Dvorak", "Ravel", "Purcell", "Bartok", "Grieg"),
    "painter": ("Hockney", "Klee", "Turner", "Munch", "Kandinsky", "Hopper"),
    "cheese": ("gruyere", "manchego", "stilton", "gouda", "feta", "taleggio"),
    "flower": ("peonies", "foxgloves", "dahlias", "irises", "camellias", "poppies"),
    "sandwich": ("reuben", "falafel wrap", "tuna melt", "club sandwich", "banh mi", "egg and cress"),
}
PLANS = (
    ("take a pottery course", "take"), ("hike the Jura trail", "hike"), ("repaint the kitchen", "repaint"),
    ("learn to sail", "learn"), ("build a greenhouse", "build"), ("cycle around the lake", "cycle"),
    ("plant an orchard", "plant"), ("join a rowing club", "join"), ("restore an old clock", "restore"),
    ("write a cookbook", "write"), ("brew cider at home", "brew"), ("tour the vineyards", "tour"),
    ("apply for a patent", "apply"), ("keep bees on the roof", "keep"), ("walk the coastal path", "walk"),
    ("convert the attic", "convert"),
)  # fmt: skip
PLAN_TIMES = ("once the audit is over", "when the release is out", "over the summer break",
              "as soon as the budget is through", "after the merger", "when the trainees have settled in",
              "over the winter break", "after the inspection")  # fmt: skip
EVENTS = (
    ("visited the glass museum", "visit the glass museum"), ("repaired the old kayak", "repair the old kayak"),
    ("signed the lease for the studio", "sign the lease for the studio"), ("ran the harbour marathon", "run the harbour marathon"),
    ("adopted a kitten", "adopt a kitten"), ("gave the talk on caching", "give the talk on caching"),
    ("sold the motorbike", "sell the motorbike"), ("passed the first-aid exam", "pass the first-aid exam"),
    ("bought a telescope", "buy a telescope"), ("won the quiz night", "win the quiz night"),
    ("finished the woodworking class", "finish the woodworking class"), ("painted the fence", "paint the fence"),
    ("hosted the chess evening", "host the chess evening"), ("planted the cherry tree", "plant the cherry tree"),
    ("donated the piano", "donate the piano"), ("visited the salt mine", "visit the salt mine"),
    ("baked the wedding cake", "bake the wedding cake"), ("replaced the boiler", "replace the boiler"),
)  # fmt: skip
GATHERINGS = ("team lunch", "quarterly dinner", "book circle", "alumni evening", "wine tasting",
              "pub quiz", "choir rehearsal", "charity breakfast", "games night", "photo walk")  # fmt: skip
APPOINTMENTS = ("supplier visit", "budget review", "fire drill", "safety briefing", "press call", "lease signing",
                "vendor demo", "data audit", "kickoff workshop", "board lunch", "hiring panel", "lab inspection",
                "network outage test", "roof survey", "stock count", "open evening", "ethics seminar",
                "pension briefing", "window cleaning", "lift maintenance")  # fmt: skip
PAPERS = ("brochure", "annual report", "product catalogue", "staff handbook", "grant proposal", "jubilee booklet",
          "price list", "museum guide", "recipe leaflet", "training manual", "trade magazine", "map supplement")  # fmt: skip
DUTIES = ("the newsletter", "the intern programme", "the coffee fund", "the plant watering", "the guest network",
          "the style guide", "the parcel room", "the onboarding wiki", "the recycling scheme", "the badge printer",
          "the first-aid kits", "the visitor calendar", "the tool library", "the holiday roster", "the meeting snacks")  # fmt: skip
CODE_THINGS = ("locker", "badge", "parcel", "repair ticket", "hotel booking", "train booking", "visa file",
               "insurance claim", "storage box", "warranty case", "library loan", "tax file")  # fmt: skip
PROPOSALS = (
    ("hold the retro in {v}", "Where did the team decide to hold the retro?", "place"),
    ("move the stand-up to {v}", "To what time did the team decide to move the stand-up?", "time"),
    ("name the new meeting room {v}", "What did the team decide to name the new meeting room?", "room"),
    ("order the catering from {v}", "From whom did the team decide to order the catering?", "caterer"),
    ("give the leaving gift of {v}", "What leaving gift did the team decide to give?", "gift"),
    ("paint the hallway {v}", "What colour did the team decide to paint the hallway?", "colour"),
    ("book the band {v}", "Which band did the team decide to book?", "band"),
    ("host the archive on {v}", "On what did the team decide to host the archive?", "host"),
)  # fmt: skip
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
PROJECTS = ("Harbor migration", "Linden rollout", "Falcon redesign", "Quartz upgrade", "Juniper audit",
            "Meridian launch", "Saffron pilot", "Tundra relocation", "Cobalt integration", "Aurora rewrite")  # fmt: skip
NICKNAMES = ("Whale", "Anvil", "Otter", "Lantern", "Mammoth", "Beehive", "Submarine", "Onion", "Dragon", "Teapot",
             "Labyrinth", "Cactus")  # fmt: skip
PROJECT_ATTRIBUTES = (
    ("the test server of the {x} sits in {v}", "Where does the test server of the {x} sit?", "city"),
    ("the {x} is led by {v}", "Who leads the {x}?", "outsider"),
    ("the supplier for the {x} is {v}", "Which supplier does the {x} have?", "firm"),
    ("the weekly call for the {x} is on {v}", "On which weekday is the weekly call for the {x}?", "weekday"),
    ("the {x} has a budget of {v}", "What budget does the {x} have?", "money"),
    ("the help desk for the {x} is {v}", "Where is the help desk for the {x}?", "desk"),
)  # fmt: skip
FIRMS = ("Norvik", "Halden Works", "Brightfield", "Castor", "Lumeno", "Ostrava Tools", "Pinecrest", "Zellner")
SEASONS = ("harvest", "thaw", "lantern time", "crunch", "regatta", "fallow", "carnival", "stocktake",
           "midgard", "greenlight")  # fmt: skip
SMALL_TALK = (
    "Morning everyone!", "Hello hello.", "Thanks, that helps a lot!", "Sounds good to me.", "Lovely weather today, isn't it?",
    "How was your weekend?", "Great, see you later then.", "Ha, that made my day.", "Anyone up for coffee?",
    "The coffee machine is humming again.", "What a week!", "Good luck with that!", "Oh nice, well done.",
    "Is it only Tuesday? Feels like Friday.", "That lift is slow again.", "Happy to hear it!", "Did you see the rain this morning?",
    "Sorry, I was on mute.", "Right, back to work.", "The printer is sulking once more.", "Wow, congratulations!", "Who moved the biscuits?",
    "No worries at all.", "I could use a nap.", "Good point.", "Hm, interesting.", "Catch you after lunch.", "Same here!",
)  # fmt: skip
LEADS = ("By the way, ", "Just so you know, ", "Oh, ", "Quick note: ", "FYI, ", "Anyway, ", "Small update: ", "", "", "", "", "", "")


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
    Attribute("city", CITIES,
        ("I live in {v}.", "I am based in {v}, quite a commute.", "My flat is in {v}.", "I live in {v}, right by the station."),
        ("I moved to {v}.", "I live in {v} now.", "We relocated, so I am based in {v} now."),
        ("{p} lives in {v} now.", "{p} moved to {v}, I hear.", "{p} is based in {v} now, as far as I know."),
        ("Where does {p} live?", "In which city is {p} based?", "Which town does {p} live in?"),
        ("Where did {p} live before?", "In which city was {p} based before?")),
    Attribute("desk", DESKS,
        ("My desk is {v}.", "You can find my desk {v}.", "They put my desk {v}.", "My desk stands {v}."),
        ("My desk is {v} now.", "My desk has moved, it is {v} now.", "They moved my desk, it is {v} from now on."),
        ("{p}'s desk is {v} now.", "I saw that {p}'s desk is {v} now.", "{p}'s desk has moved, it is {v} now."),
        ("Where is {p}'s desk?", "Where can you find {p}'s desk?", "Where does {p}'s desk stand?"),
        ("Where was {p}'s desk before?", "Where did {p}'s desk use to be previously?")),
    Attribute("car", CARS,
        ("I drive a {v} to work.", "My car is a {v}.", "I drive a {v}, still going strong.", "I own a {v}, my first car."),
        ("I drive a {v} now.", "My new car is a {v}.", "I swapped my car for a {v}."),
        ("{p} drives a {v} now.", "{p}'s new car is a {v}.", "{p} now drives a {v}, people say."),
        ("What car does {p} drive?", "Which make is {p}'s car?", "What kind of car does {p} have?"),
        ("What car did {p} drive before?", "Which make was {p}'s former car?")),
    Attribute("laptop", LAPTOPS,
        ("My laptop is a {v}.", "I use a {v} as my laptop.", "For work they gave me a {v} laptop.", "My laptop here is a {v}."),
        ("My new laptop is a {v}.", "My laptop is a {v} now.", "I switched my laptop to a {v}."),
        ("{p}'s laptop is a {v} now.", "{p} uses a {v} as laptop now.", "{p}'s new laptop is a {v}."),
        ("What laptop does {p} use?", "Which laptop does {p} have?", "What kind of laptop is {p}'s?"),
        ("What laptop did {p} use before?", "Which laptop did {p} have previously?")),
    Attribute("gym", WEEKDAYS,
        ("My gym day is {v}.", "I go to the gym on {v}s.", "{v} is my gym day.", "You will not see me late on {v}s, that is gym time for me."),
        ("My gym day is {v} now.", "I go to the gym on {v}s now.", "I moved my gym day to {v}."),
        ("{p}'s gym day is {v} now.", "{p} goes to the gym on {v}s now.", "{p} has moved the gym day to {v}."),
        ("On which weekday does {p} go to the gym?", "Which day is {p}'s gym day?", "What is {p}'s gym day?"),
        ("Which day was {p}'s gym day before?", "On which weekday did {p} go to the gym before?")),
    Attribute("role", ROLES,
        ("I work as a {v}.", "My job title is {v}.", "My role here is {v}.", "I am employed as a {v}."),
        ("I work as a {v} now.", "My job title is {v} now.", "My new role is {v}."),
        ("{p}'s job title is {v} now.", "{p} works as a {v} now.", "{p}'s new role is {v}."),
        ("What is {p}'s job title?", "What does {p} work as?", "What role does {p} have?"),
        ("What was {p}'s job title before?", "What did {p} work as before?")),
    Attribute("parking", ("P12", "P3", "P27", "P41", "P8", "P33", "P19", "P5", "P22", "P16"),
        ("My parking space is {v}.", "I park in {v}, the space near the gate.", "They gave me parking space {v}.", "Parking space {v} is mine."),
        ("My parking space is {v} now.", "I have parking space {v} now.", "My new parking space is {v}."),
        ("{p}'s parking space is {v} now.", "{p} has parking space {v} now.", "{p}'s new parking space is {v}."),
        ("Which parking space does {p} have?", "What is the number of {p}'s parking space?", "Where does {p} park?"),
        ("Which parking space did {p} have before?", "What was {p}'s former parking space?")),
    Attribute("language", LANGUAGES,
        ("I am learning {v}.", "I take lessons in {v}, a tricky language.", "I am learning {v} in the evenings.", "The language I am learning is {v}."),
        ("I am learning {v} now instead.", "I switched languages, I am learning {v} now."),
        ("{p} is learning {v} now.", "{p} has switched to learning {v}, I believe."),
        ("Which language is {p} learning?", "What language does {p} learn?"),
        ("Which language was {p} learning before?",)),
)  # fmt: skip
FIXED = (
    Attribute("dog", DOGS, ("My dog is called {v}.", "Our dog answers to the name {v}.", "I named my dog {v}."), (), (),
        ("What is {p}'s dog called?", "What is the name of {p}'s dog?"), ()),
    Attribute("origin", CITIES, ("I grew up in {v}.", "I was born and raised in {v}.", "My origins are in {v}, I grew up there."), (), (),
        ("Where did {p} grow up?", "In which city did {p} grow up?"), ()),
    Attribute("study", SUBJECTS, ("I studied {v}.", "My degree is in {v}.", "At university I studied {v}."), (), (),
        ("What did {p} study?", "What subject is {p}'s degree in?"), ()),
    Attribute("allergy", FOODS, ("I am allergic to {v}.", "I have an allergy to {v}.", "Careful, I am allergic to {v}."), (), (),
        ("What is {p} allergic to?", "Which food is {p} allergic to?"), ()),
    Attribute("instrument", INSTRUMENTS, ("I play the {v} in a band.", "I play the {v}.", "The {v} is my instrument."), (), (),
        ("Which instrument does {p} play?", "What instrument does {p} play?"), ()),
    Attribute("collection", COLLECTIONS, ("I collect {v}.", "I have a collection of {v}.", "At home I collect {v}."), (), (),
        ("What does {p} collect?", "What is in {p}'s collection?"), ()),
)  # fmt: skip
LINKS = ("mentor", "flatmate", "landlord", "cousin", "neighbour", "manager")
