"""What the simulated agent's competences look like in English prose.

One or more specifications a competence: which objects a clause must name, and which verbs
ask for it (`do`) or against it (`undo`). `default` is the sign of a clause that names the
object with no known verb. Patterns are matched against lower-case clauses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern

KEEP = (
    r"keep\w*|kept|retain\w*|stor(?:e[sd]?|ing)\b|record(?:s|ed|ing)?\b|not(?:e[sd]?|ing)\b|sav(?:e[sd]?|ing)\b"
    r"|remember\w*|extract\w*|includ\w*|captur\w*|preserv\w*|writ\w*|list(?:s|ed|ing)?\b|log(?:s|ged|ging)?\b"
    r"|treat\w*|counts?\b|counted|consider\w*|regard(?:s|ed|ing)?\b(?! to)|memori[sz]\w*|collect\w*|hold on"
    r"|matters?\b|(?:is|are) worth|worth|important|relevant|belongs?\b|deserv\w*|accept\w*|regist\w*"
    r"|track\b|picks? up|put|jot\w*|mention\w*|report\w*|document\w*|transcri\w*|cop(?:y|ied|ies)|add(?:s|ed)?\b"
    r"|carr(?:y|ied) over|facts?\b|qualif\w*|valid|tak(?:e|en|ing)\b|read\b|pay attention|attend to|make (?:a )?(?:note|entr|fact)"
    r"|watch for|look (?:out )?for|useful|harvest\w*|gather\w*|hang on|count on|be sure|make sure|information|lift\w*|enter\w*|file\b|cover\w*"
)  # fmt: skip
DROP = (
    r"drop\w*|ignor\w*|skip\w*|omit\w*|discard\w*|exclud\w*|disregard\w*|(?:leav\w+|left)(?: \w+){0,4} (?:out|aside|off|behind|alone)"
    r"|throw\w*|forget\w*|filter\w*|remov\w*|strip\w*|reject\w*|avoid\w*|refrain\w*|los(?:e|es|ing)\b|lost"
    r"|miss(?:es|ed|ing)?\b|overlook\w*|dismiss\w*|neglect\w*|pass(?:es|ed)? over|noise|irrelevant|unimportant"
    r"|uninteresting|worthless|unnecessary|needless|of no (?:interest|use|value|importance)|cut\b|suppress\w*|delet\w*"
    r"|stay away|steer clear|clutter|useless|meaningless|does n't matter|throwaway|weed\w*|bother\w*|shed\b|toss\w*|eras\w*|no place"
)  # fmt: skip
GIVE = (
    r"return\w*|giv(?:e|es|ing)\b|hand\w*|yield\w*|deliver\w*|come back|bring\w*|send\w*|produc\w*|retriev\w*"
    r"|pass\w*|output\w*|show\w*|suppl\w*|offer\w*|fetch\w*|surfac\w*|serv\w*|provid\w*|leav\w*|keep\w*"
    r"|answer\w*|report\w*|(?:should|must|may|can|to) be|is|are|get|gets|stay\w*|come up|end(?:s)? (?:up )?with|prefer\w*|want\w*|better|rather"
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """How one competence is asked for: see the module's docstring."""

    competence: str
    objects: Pattern[str]
    do: Pattern[str]
    undo: Pattern[str]
    default: int = 0
    needs: Pattern[str] | None = None
    exclude: Pattern[str] | None = None
    main_only: bool = False
    flips_with_condition: bool = False


_NEVER = r"(?!x)x"


def _rx(text: str) -> Pattern[str]:
    return re.compile(text)


def _words(text: str) -> Pattern[str]:
    return re.compile(rf"\b(?:{text})")


def _spec(
    competence: str, objects: str, do: str, undo: str, default: int = 0, *, needs: str = "",
    exclude: str = "", main_only: bool = False, flips: bool = False,
) -> Spec:  # fmt: skip
    return Spec(
        competence, _rx(objects), _words(do), _words(undo), default,
        _rx(needs) if needs else None, _rx(exclude) if exclude else None, main_only, flips,
    )  # fmt: skip


_PEOPLE = (
    r"(?:people|they|someone|somebody|(?:a|the|each|every) (?:person|speaker|colleague|member|participant|user)"
    r"|who|everyone|everybody|anyone|anybody|each one|he or she|speakers|colleagues|users|members|participants|one)"
)  # fmt: skip
_OTHERS = (
    r"(?:others?'?|other (?:people|persons?|speakers?|colleagues?|members?)(?:'s?)?|another(?: person| speaker| colleague)?(?:'s)?"
    r"|someone else(?:'s)?|somebody else(?:'s)?|anyone else(?:'s)?|anybody else(?:'s)?|third (?:part(?:y|ies)|persons?|people)(?:'s)?|a colleague|colleagues|bystanders?|different (?:person|speaker))"
)  # fmt: skip
_SAY = r"(?:say|said|claim|report|statement|word|tell|told|remark|assert|gossip|rumou?r|mention|talk|speak|state|account|testimon|opinion|message)"

EXTRACTION = (
    _spec(
        "keep_preferences",
        r"preferenc|\blikes\b|dislik|favou?rite|\btastes?\b(?! of)|\bfond\b|\bprefers?\b|preferred|\benjoys?\b"
        rf"|{_PEOPLE}(?: (?:really|most|personally|particularly))? (?:likes?|loves?|hates?|enjoys?|can't stand|cannot stand|care for)\b|love or hate|\bopinions?\b|\bwhat \w+ (?:likes?|loves?)\b|loves and hates",
        KEEP, DROP, exclude=r"\bprefer (?:the|a|an|short|to)\b",
    ),
    _spec(
        "keep_plans",
        r"\bplans\b|\bplanned\b|\bplans?\b(?= (?:and|or|for the future|that|people|somebody|someone|of))|intention|\bintends?\b|going to (?:do|happen)|(?:is|are|'s|be) going to\b"
        rf"|future (?:activit|event|action|undertaking|project|intent|step)|upcoming|ambition|aspiration|{_PEOPLE} (?:will|wants? to|means? to|plans? to|aims? to|hopes? to|(?:is|are) about to)"
        r"|\babout to do\b|have in mind|has in mind|set out to|\bgoals?\b|\baims\b|what lies ahead|(?:announc|look)\w* ahead|\bintent\b|what (?:is|was) planned|still to come",
        KEEP, DROP, exclude=r"\bplan (?:your|the|how|a)\b",
    ),
    _spec(
        "resolve_dates",
        r"(?:calendar|absolute|exact|actual|concrete|full|explicit|real|specific|proper|definite|iso|fixed|precise|true|complete)[ -](?:calendar )?(?:date|day)"
        r"|session(?:'s)? (?:date|day)|date of (?:the|each|that) (?:session|chat|conversation)|\byyyy|\bday(?:,)? month(?:,)? and year|date stamp|timestamp",
        r"turn\w*|convert\w*|resolv\w*|replac\w*|rewrit\w*|translat\w*|chang\w*|express\w*|work\w* out|comput\w*|calculat\w*|determin\w*|normali[sz]\w*|transform\w*"
        r"|writ\w*|giv\w*|stat\w*|anchor\w*|infer\w*|us(?:e|ing)\b|put|substitut\w*|deriv\w*|pin\w*|spell\w*|map\w*|figur\w*|becom\w*|mak\w*|record\w*|need\w*|count\w*|fill\w*|swap\w*|should be|must be|get\w*|attach\w*|belong\w*|reckon\w*",
        r"avoid\w*|ignor\w*|skip\w*|omit\w*|disregard\w*", exclude=r"\bmonth or (?:a )?date",
        needs=r"relative|yesterday|tomorrow|last |next |ago|today|\bwords? (?:for|of) time|when|time|vague|turn|convert|resolv|translat|date|expression",
    ),
    _spec(
        "resolve_dates",
        r"relative (?:\w+ )?(?:date|time|day|word|expression|term|phrase|reference)|relative one|relative wording|\byesterday\b|\btomorrow\b|last (?:friday|monday|tuesday|wednesday|thursday|week|month)"
        r"|next (?:friday|monday|tuesday|wednesday|thursday|week|month)|(?:days|weeks) ago|vague (?:date|time)\w*|expressions? of time|time (?:expression|word|phrase)s?|temporal expression",
        r"turn\w*|convert\w*|resolv\w*|replac\w*|rewrit\w*|translat\w*|chang\w*|work\w* out|comput\w*|calculat\w*|determin\w*|normali[sz]\w*|transform\w*|anchor\w*|substitut\w*|pin\w*|figur\w*"
        r"|becom\w*|map\w*|swap\w*|avoid\w*|make|express\w*|ban\b|eliminat\w*|get rid|expand\w*|reckon\w*|interpret\w*",
        r"leav\w*|keep\w*|kept|retain\w*|preserv\w*|cop(?:y|ied)|writ\w*|us(?:e|ing)\b|record\w*|stor\w*|stand\w*|remain\w*|stay\w*|appear\w*|contain\w*|untouched|unchanged|quot\w*|as (?:is|they are|it is)|fine\b|allow\w*|rely|say\b|put\b|let\b",
    ),
    _spec(
        "name_speaker",
        r"\bby (?:their |his or her |his |her |its )?(?:own |first |full |proper )?names?\b|(?:speaker|person|people|people's|whoever|subject|colleague|sender|author)(?:'s|s'|s)? (?:own |full |first |proper )?names?\b|\bnames? of (?:the |each |whoever|every )?(?:\w+ )?(?:speaker|person|people|whoever|colleague|subject|sender|author|who|one)"
        r"|\bname the (?:speaker|person|people|subject|one|colleague)|\b(?:name|say|state|identify|make clear|spell out|specify|tell|show)s? (?:\w+ )?(?:who|whom|whose)\b|name whoever|(?:their|actual|real|proper|full|own) names?\b|attribut\w+ (?:each|every|a|the)|third person|\bits subject\b|name (?:in place|instead) of",
        r"writ\w*|us(?:e|ing)\b|nam(?:e|es|ed|ing)\b|stat\w*|giv\w*|put|mention\w*|begin\w*|start\w*|attribut\w*|say\w*|identif\w*|includ\w*|refer\w*|call\w*|mak\w*|carr\w*|bear\w*|contain\w*|phras\w*|must|should|needs?|lead\w*|open\w*|tie|replac\w*|turn\w*|express\w*|spell|specif\w*|tell\w*|show\w*|keep\w*|record\w*|swap\w*",
        r"omit\w*|drop\w*|leav\w* out|skip\w*|hid\w*|anonymi\w*|suppress\w*|remov\w*|strip\w*|without|conceal\w*",
        exclude=r"file name|\bname the (?:month|day|file)|nickname|code ?name|\bthe question|both names|copy names",
    ),
    _spec(
        "name_speaker",
        r"[\"“'‘]i[\"”'’,]|[\"“'‘]my[\"”'’,]|[\"“'‘](?:me|mine|she|he)[\"”'’,]|first[- ]person|\bpronouns?\b|\bi or my\b|\bi and my\b|the word i\b",
        r"replac\w*|substitut\w*|resolv\w*|convert\w*|turn\w*|chang\w*|swap\w*|avoid\w*|drop\w*|rewrit\w*|transform\w*|ban\b|eliminat\w*|remov\w*|translat\w*|becom\w*|get rid|stands? for|expand\w*|out\b|forbid\w*|forbidden",
        r"writ\w*|us(?:e|ing)\b|leav\w*|keep\w*|kept|say\w*|begin\w*|start\w*|contain\w*|retain\w*|preserv\w*|allow\w*|fine\b|stay\w*|appear\w*|stand\w*|ok\b|let\b|rely|open\w*|put\b|cop(?:y|ied)|stick|unchanged|remain\w*|permit\w*|accept\w*",
    ),
    _spec(
        "codes",
        r"\b(?:reference|locker|ticket|booking|badge|order|tracking|serial|case|access|id|inventory|confirmation|identification|registration|invoice|reservation|asset|parcel|key|part|job|item|door|label)s?'?(?:,? (?:and|or) \w+|, \w+(?: and| or) \w+|/\w+)?[ -](?:codes?|numbers?|ids?|identifiers?|strings?|tags?|labels?)\b"
        r"|\bcodes\b|\bcodes? (?:such|like|in)\b|\b[a-z]{2}-\d{3}\b|identifiers?\b|alphanumeric|letters and digits|letter-and-digit|(?:letters|letter) (?:and|plus) (?:numbers?|digits?)|\bserials\b|\breferences\b(?= (?:such|like|of))|numbers? (?:like|such as) [\"'“]?[a-z]{2}-|\b(?:a|any|every|each|the) (?:\w+ )?code\b",
        KEEP + r"|is a fact|are facts", DROP, 0,
        exclude=r"codes? of conduct|source code|code (?:quality|review|block|base|style)|dress codes?|zip codes?|postal codes?|programming|status codes?|country codes?|error codes?|code names?|colou?r codes?|in code\b|area codes?|morse",
    ),
    _spec(
        "parentheticals",
        r"\bbrackets?\b|\bbracketed\b|parenthes[ei]s|parenthetical|\basides?\b|side[- ](?:remarks?|comments?|notes?)|\bin passing\b|by[- ]the[- ]way (?:remark|comment)s?|incidental|interject|between brackets|digression",
        KEEP, DROP, 0,
        exclude=r"\b(?:put|writ|add|set|plac|enclos|append|wrap|show|cit)(?:e|es|ing|s)?\b(?! down)(?: (?!that|which|what|whatever|from|remark|people|facts?)\w+){1,6} (?:in|inside|within|between) (?:round |square |curly )?(?:brackets|parenthes)|set aside|put aside|leave aside|aside from|\bplace in brackets|square brackets|curly|opening bracket|without brackets|json|no brackets|do not use brackets|not use parenthes",
    ),
    _spec(
        "forwarded",
        r"\bforwarded\b|\bforwards\b|\bfwd\b|\bforward(?:ing)? (?:of|message|note|mail)|quoted (?:\w+ )?(?:note|message|text|mail|line|e-?mail|passage|part|material|content|section|snippet|announcement)|\bpassed (?:on|along)|relayed|second[- ]hand|cop(?:ied|y)[- ](?:in|over)|pasted|(?:people|they|somebody|someone) (?:forwards?|quotes?|pass(?:es)? on|relays?)|\bquoted\b|\bquotes (?:from|of)\b|reshared|shared on",
        KEEP, DROP, 0, exclude=r"look\w* forward|straightforward|forward[- ]looking|quoted exactly|quotation marks|\bin quotes\b",
    ),
    _spec(
        "pencilled",
        r"pencill?(?:ed|s|ing)?\b|tentativ|provisional|unconfirmed|not (?:yet )?(?:been )?confirmed|preliminary|subject to confirmation|soft[- ]book|loosely (?:booked|fixed|planned)|half[- ](?:booked|agreed|fixed)|yet to be confirmed|to be confirmed|awaiting confirmation",
        KEEP + r"|agreed|confirmed|firm\b|settled|fixed|definite|as good as|stands?\b|binding|real\b|certain\b|like any other|just as|decided",
        DROP + r"|as (?:uncertain|noise|open|undecided|unconfirmed|unsettled|doubtful|mere)|uncertain|undecided|wait\b|unreliable",
        0, exclude=r"pencil case|pencils\b(?! in)|with a pencil",
    ),
    _spec(
        "deadline",
        r"\bdrafts?\b|first version|manuscript",
        KEEP + r"|deadline|cut-?off|time limit|due date|us(?:e|ing)\b|set\b|giv\w*|means?|refers?",
        DROP, 1, needs=r"deadline|cut-?off|time limit|due date|latest date|final date",
        exclude=r"draft the|first draft of (?:the|your) (?:facts|answer|memor)|\bdraft (?:a|your) ",
    ),
    _spec(
        "votes",
        r"\+ ?1\b|\+one|thumbs?[- ]?up|plus[- ]one|👍|up-?vot|second(?:s|ed|ing) (?:a|the|it|that|by|someone|somebody)|approving (?:reply|reaction|emoji|response)|\bvotes?\b|\bvoted\b|thumb\b",
        KEEP + r"|decision|decid\w*|agree\w*|settl\w*|seal\w*|turn\w*|mak\w*|adopt\w*|approv\w*|pass(?:es|ed)\b|becom\w*|means?|carr\w*|clos\w*|ratif\w*|confirm\w*|binding|final\w*|stands?\b|is a\b|endors\w*|enough|suffic\w*|equals?|amounts?",
        DROP + r"|as (?:noise|chatter|small talk|mere|politeness|a reaction|an opinion)|\bchatter\b|only an opinion|nothing more", 0,
        exclude=r"vote on the|plus one day|\+1 (?:day|hour|\()|add \+? ?1|by \+?1\b|utc",
    ),
)  # fmt: skip

_DELETE = r"delet\w*|remov\w*|eras\w*|drop\w*|discard\w*|purg\w*|tak(?:e|es|en|ing)(?: \w+){0,4} (?:out|off|away)|clear\w*|get rid|retir\w*|throw\w*|wip\w*|strik\w* (?:it|the entry|the matching|out)|scratch\w*|should go|must go|has to go|goes\b|expung\w*|cross\w* out|out of (?:the )?memory|forget\w*|eliminat\w*|away\b|out with|dispos\w*"
_HOLD = r"keep\w*|kept|leav\w*|add\w*|stor\w*|retain\w*|preserv\w*|ignor\w*|hold\w*|sav\w*|record\w*|note\b|stay\w*|remain\w*|append\w*|untouched|stands?\b"

UPDATE = (
    _spec(
        "keep_history",
        r"(?:former|old|older|earlier|previous|prior|past|superseded|original|outdated|replaced|preceding)(?: and (?:current|new))? (?:\w+ )?(?:value|one|version|state|entr|fact|information|wording|content|data|statement|detail|setting|reading|text|answer|status|situation)\w*"
        r"|\bhistory\b|what (?:it|\w+) was before|used to be|(?:was|held|stood|applied|were) (?:true )?(?:before|previously|earlier|until then)|what (?:it )?replaces|\bthe (?:old|former|previous)\b|came before|what changed|predecessor|(?:both|new) (?:the )?(?:old|new) and (?:the )?(?:new|old)",
        r"keep\w*|kept|mention\w*|retain\w*|not(?:e|ing)\b|preserv\w*|record\w*|remember\w*|stor(?:e|ing)\b|includ\w*|append\w*|attach\w*|carry\w*|add\w*|hold\w*|sav(?:e|ing)\b|leave .{0,40}\b(?:in|visible|readable|there|behind)\b|say\b|writ\w*|stat(?:e|ing)\b|stay\w*|remain\w*|survive\w*|as history|beside|alongside|next to|quot\w*|tack\w*|log\b|list\b|document\w*|in (?:brackets|parentheses)|move\w*|show\w*|tell\w*|should be (?:visible|readable)|trace\w*",
        r"drop\w*|overwrit\w*|replac\w*|los(?:e|es|ing)\b|lost|forget\w*|forgotten|discard\w*|delet\w*|remov\w*|eras\w*|throw\w*|wip\w*|without|disappear\w*|vanish\w*|omit\w*|ignor\w*|leav\w* out|supersed\w*|gone\b|destroy\w*|purg\w*|swap\w*|get rid|no trace",
        exclude=r"dut(?:y|ies)\b|responsib|looks? after|looking after|in charge|strike\b|struck|\bown\b|someone else|somebody else|chores?\b|says? the same|already",
    ),
    _spec(
        "delete_retracted",
        r"no longer|\bcancel|called off|calls? .{0,20} off|withdr[ae]w|withdrawn|retract|revoke|given up|gives? up|gave up|obsolete|tak(?:es?|en) back|took back|ceased|(?:is|are|was) over\b|not .{0,30}any ?more|untrue|fell through|fallen through|abandon|has ended|have ended|came to nothing|annul|void\b|taken back|stopped being|ceases|is off\b|scrapped|disown|renounc|quit\b|\bgone\b|stops? (?:being|holding)",
        _DELETE, _HOLD, exclude=r"strike (?:that|it|this|something)|struck|[\"'“‘]strike|team lingo|\bduty\b|duties",
    ),
    _spec(
        "merge_duplicates",
        r"duplicat|already (?:say|said|stat|hold|record|contain|cover|know|express|mention|there|present|stor|exist|captur|in (?:the )?memory|has|have|tell|carr|includ|report|not)|says? the same|the same (?:fact|information|content|statement|meaning|message)|(?:states?|holds?|says?|known|contains?|knows?|stored|there|recorded|covered|in memory|expresses|mentions) (?:it |that |this )?already|\brepeat|redundan|restat|\btwice\b|identical|same thing (?:again|twice|in other words)|a second time|means the same|says? nothing new|adds? nothing|brings? nothing|nothing new|known facts?|\bcopies\b|already known",
        r"keep\w*|ignor\w*|skip\w*|drop\w*|discard\w*|merg\w*|leav\w*|do nothing|no change|unchanged|combin\w*|fold\w*|nothing (?:to do|needs|happens|changes|has to)|once\b|no (?:action|new entry|second entry|further entry)|as it is|reject\w*|avoid\w*|refrain\w*|one entry|single entry|not needed|unnecessary|omit\w*|unif\w*|collaps\w*|disregard\w*|suffic\w*|enough|throw\w*|remov\w*|consolidat\w*",
        r"add(?:s|ed|ing)?\b|stor(?:e|es|ed|ing)\b|insert\w*|creat\w*|writ\w*|record(?:ed|ing)?\b|sav(?:e|ed|ing)\b|enter\w*|put\b|append\w*|make\b|fil(?:e|ed|ing)\b|accept\w*|allow\w*|hold\b|appear\w*|keep (?:both|all|every)",
        flips=True, exclude=r"dut(?:y|ies)\b|responsib|about the same|strike|struck",
    ),
    _spec(
        "own_word",
        rf"\bown (?:word|statement|message|claim|say|account|mouth|words|statements|messages|voice|testimon|report|admission|correction|announcement)|(?:person|people|one|colleague|speaker|they|he or she|someone|somebody)?\s?(?:themselves|themself|himself|herself|him- or herself|in person)|first[- ]hand|(?:speaker|speaking|said by|comes? from|made by|stated by|told by|the word of|statements? (?:by|from|of)) (?:is |of )?(?:the )?(?:very )?(?:person|colleague|one|subject|people) (?:it|the fact|that fact|concerned|whom|who is|in question|that|they|a fact|the entry|an entry)|speaks? for|about (?:themselves|himself|herself|oneself)|\bthe person concerned",
        r"appl\w*|chang\w*|counts?\b|counted|trust\w*|accept\w*|prefer\w*|only|overrid\w*|overrul\w*|decid\w*|believ\w*|updat\w*|alter\w*|wins?\b|prevail\w*|matter\w*|authorit\w*|take\w*|follow\w*|may\b|modif\w*|stands?\b|outweigh\w*|precedence|priority|revis\w*|let\b|unless|require\w*|go by|final|beats?|weigh\w*|touch\w*|rel(?:y|ies)|correct\w*|allow\w*",
        r"ignor\w*|disregard\w*|discard\w*|irrelevant|regardless|distrust\w*|not matter|no matter",
        exclude=r"strike|struck|own words|in your own", needs=r"",
    ),
    _spec(
        "own_word",
        rf"{_OTHERS} (?:\w+ ){{0,4}}{_SAY}|{_SAY}\w*(?: \w+){{0,5}} (?:by|from|of|made by|through|about) (?:\w+ )?{_OTHERS}|hearsay|second[- ]hand|(?:one|a) (?:person|colleague|speaker)'?s? (?:\w+ )?(?:{_SAY}\w*)(?: \w+){{0,3}} (?:about|on|concerning|of|regarding) (?:another|someone|somebody|anyone)|about (?:somebody|someone|people|persons?|a colleague|a person|anyone|another person) (?:else )?(?:\w+ )?(?:who|that) (?:is|are|did)|(?:not|n't) the (?:speaker|person (?:speaking|who))|whoever (?:said|says|made|makes|spoke|stated|tells|reports)|no matter who|regardless of who|speaker (?:is not|differs|is someone|is different)|whose speaker is|third[- ]part(?:y|ies)|gossip|rumou?rs?",
        r"ignor\w*|disregard\w*|discard\w*|keep\w*|reject\w*|leav\w*|skip\w*|drop\w*|refus\w*|distrust\w*|no effect|unchanged|as it is|nothing|untouched|cannot|stays?\b|set aside|mistrust\w*|hold (?:on|fast)|stick|protect\w*|powerless|carr(?:y|ies) no weight|no weight|dismiss\w*|overlook\w*|not enough|resist\w*|stand\b|preserv\w*|retain\w*|worth nothing",
        r"appl\w*|chang\w*|accept\w*|trust\w*|believ\w*|let\b|updat\w*|alter\w*|overwrit\w*|overrid\w*|us(?:e|ing)\b|replac\w*|touch\w*|count\w*|follow\w*|adopt\w*|take\w*|modif\w*|wins?\b|correct\w*|act\b|edit\w*|affect\w*|revis\w*|rel(?:y|ies)|suffic\w*|matter\w*|allow\w*|overrul\w*|may\b|sway\w*|influenc\w*|add\b|prevail\w*|carr(?:y|ies) weight|valid|displac\w*",
        exclude=r"strike|struck",
    ),
    _spec(
        "cumulative",
        r"\bdut(?:y|ies)\b|responsibilit|looks? after|looking after|in charge|(?:take|takes|taking) care of|responsible for|\bchores?\b|\bremits?\b|assignments?\b|\btasks\b|jobs? (?:that )?(?:people|someone|somebody|a person) (?:does|do|has|have)|areas? (?:that )?(?:people|someone|somebody)|what (?:somebody|someone|a person|people|a colleague) (?:handles?|manages?|oversees?|tends?)|charges\b|portfolio",
        r"add\w*|accumulat\w*|pil\w*|collect\w*|keep\w*|kept|extend\w*|append\w*|alongside|side by side|in addition|join\w*|together|both|cumul\w*|list\w*|grow\w*|coexist\w*|beside|on top|stack\w*|sum\b|retain\w*|remain\w*|stay\w*|all of|still|combin\w*|preserv\w*|stands?\b|further entry|new entry|separate|hold\w*|as well|continu\w*|next to|increas\w*",
        r"replac\w*|overwrit\w*|supersed\w*|chang\w*|drop\w*|remov\w*|displac\w*|delet\w*|cancel\w*|oust\w*|ends?\b|ended|eras\w*|swap\w*|instead|discard\w*|push\w* out|los(?:e|es|ing)\b|only the (?:latest|newest|new)|exchang\w*|tak\w* the place|give up|giv(?:es|ing)|shed\b|relieve\w*|cost\w*|outdat\w*|touch\w*|forget\w*|forgotten|void\w*|wip\w*|substitut\w*|crowd\w*",
    ),
    _spec(
        "strike",
        r"\bstrike\b|\bstruck\b|\bstriking (?:that|it|out)",
        _DELETE + r"|withdr\w*|retract\w*|cancel\w*|revok\w*|undo\w*|no longer|void\w*|invalidat\w*|tak\w* back|annul\w*|rescind\w*|recall\w*|not (?:true|valid)|wrong\b",
        r"keep\w*|kept|leav\w*|add\w*|stor\w*|retain\w*|ignor\w*|record\w*|disregard\w*|skip\w*|noise|idle|meaningless|save\b|preserv\w*|not(?:e|ing)\b|as (?:an ordinary|a normal|any other)|like any",
        exclude=r"strike a |striking facts|on strike|strike the right|lightning",
    ),
)  # fmt: skip

_SEARCH = r"search\w*|add\w*|us(?:e|ing)\b|includ\w*|try|tries|trying|writ\w*|also|expand\w*|quer(?:y|ies)|look\w*|generat\w*|put|list\w*|cover\w*|think|suppl\w*|provid\w*|find\w*|splits?|splitting|break\w*|follow\w*|issu\w*|resolv\w*|first\b|decompos\w*|run\b|ask\w*|start\w*|mak\w*|one query|separate|need\w*|get\b|hunt\w*|fetch\w*|establish\w*|each\b|formulat\w*|turn\w*|send\w*|consider\w*|divid\w*|cast\w*|widen\w*|broaden\w*|enrich\w*|repeat\w*|vary|rephras\w*|reword\w*|paraphras\w*|extend\w*|trac\w*|chas\w*|retriev\w*|track\w*|allow\w*"
_NO_SEARCH = r"avoid\w*|leav\w* out|omit\w*|skip\w*|without|ignor\w*|refrain\w*|drop\w*|unnecessary|disregard\w*|exclud\w*|forgo\w*|stay away|reject\w*|waste\w*|harm\w*|bother\w*|forget\w*|no need"

RETRIEVAL = (
    _spec(
        "expand_query",
        r"synonym|(?:other|different|alternative|additional|further|more|new|extra) (?:\w+ )?(?:words?|terms?|wordings?|phrasings?|phrases|expressions?|formulations?|ways?\b)|related (?:\w+ )?(?:words?|terms?|expressions?)|paraphras|\brewordings?|\breword|rephras|equivalent|(?:similar|same) (?:\w+ )?meaning|words? (?:with|of) (?:a )?similar|near-?synonym|thesaurus|another way|(?:words|terms|expressions|wordings) (?:that|which) mean|mean(?:s|ing)? the same|expand (?:the|each|every|your|a) (?:query|queries|question|search|wording)|widen the (?:wording|vocabulary)|\bvariants?\b|alternat(?:e|ive)s\b|(?:could|might|may) (?:\w+ ){0,3}(?:been )?(?:worded|phrased|put|said|expressed|called|described)|vary the (?:wording|words|phrasing)|put differently|otherwise worded",
        _SEARCH, _NO_SEARCH,
        exclude=r"nickname|alias|[\"'“‘]the [a-z]|\bsalar|\bpay\b|bonus|known as|code ?name",
    ),
    _spec(
        "multi_hop",
        r"\blinks?\b|\blinking\b|in[- ]between|intermediate|intermediar|through (?:another|a second|a third|someone|somebody|a relation|other)|(?:by way of|\bvia) (?:another|a|someone|somebody)|second (?:person|thing|entity|fact)|indirect|\bchains?\b|\bhops?\b|multi-hop|two (?:steps|hops|stages|parts|facts|queries|searches)|bridg|each (?:part|half|step|piece|link|stage|hop)|(?:split|break|divide|cut)\w* (?:up )?(?:the|a|such|it|that|this|these|compound|complex|nested|those|them|questions)|decompos|sub-?quer|sub-?question|step by step|one (?:step )?after (?:the other|another)|several (?:steps|parts|facts|hops|stages)|connecting|\bdetour|nested|roundabout|relative or colleague of|(?:names|describes|mentions|reaches) (?:\w+ )?(?:person|somebody|someone|thing) only (?:by|through|via)|middle (?:person|man|term|step)|stepping stone|relationship to",
        _SEARCH, _NO_SEARCH + r"|single query|one query|in one go|at once",
        exclude=r"hyperlink|\burl|split (?:sentences|words|the list|hairs)|nickname|link to the (?:source|entry|page)|break (?:ties|a tie)|link in the answer",
    ),
    _spec(
        "date_filter",
        r"\bmonths?\b|\bdates?\b|\bperiods?\b|\btime ?(?:spans?|ranges?|frames?|windows?|limits?)?\b|\byears?\b|\bdays?\b|\btemporal|\bdated\b|\bcalendar|when (?:it|something) happened",
        r"restrict\w*|limit\w*|narrow\w*|filter\w*|confin\w*|constrain\w*|bound\w*|set (?:the )?(?:after|before|date|limits?|bounds?)|stay (?:within|inside|in)\b|keep (?:\w+ ){0,3}(?:to|within|inside)\b|(?:only|just) (?:\w+ ){0,5}(?:from|in|within|inside|of|that|dated|during|for)\b|\bwithin\b|inside\b|fence\w*|match\w* the (?:date|month|period)|exclude .{0,30}(?:outside|other)|(?:outside|other) .{0,30}(?:exclude|out|drop|ignore|skip)\w*|cut down|fill (?:in )?(?:the )?(?:after|before)|use (?:\w+ ){0,3}as (?:a )?(?:filter|bound|limit|window)|nothing outside|date range|pin (?:the search|it) to|look (?:only|just) (?:at|in)|discard .{0,40}outside|apply (?:a|the) (?:date|time)\w*|ask (?:only )?for entries (?:from|of)",
        r"search all|all (?:dates|months|periods)|regardless|whatever the|ignor\w*(?! entries| memories| all| every| what| any| whatever)|leave .{0,30}open|whole (?:memory|time)|without|any (?:date|month|period|time)\b|disregard\w*",
        exclude=r"\bsalar|\bbonus|\bpay\b|nickname|response time|at a time|each time|every time|same time|save time|limit\w* (?:the )?number|limit (?:yourself )?to (?:\w+ )?(?:quer|three|two|five)|time-?consuming",
        needs=r"",
    ),
    _spec(
        "nothing_fits",
        r"\bnothing\b|\bempty\b|\bno (?:entry|entries|results?|memor(?:y|ies)|hits?|list)\b|\bnone\b(?! of)|\bblank\b|\bsilent\b|\bempty-handed|\bzero entries",
        GIVE, r"avoid\w*|refrain\w*", main_only=True,
        exclude=r"\bsalar|\bbonus|\bpay\b|\brates?\b|wage|compensation|earn|remunerat|nothing (?:but|else|outside)|leave out nothing|income|leave nothing out|miss nothing|money",
    ),
    _spec(
        "nothing_fits",
        r"(?:nearest|closest|best|vaguely|loosely|least bad|next best|similar|unrelated|off[- ]topic|irrelevant|random|arbitrary|approximate|any|some)[- ](?:\w+ )?(?:entr|memor|match|result|hit|candidate|guess|one|fact)\w*|\bsomething\b|\banything\b|\bfiller\b|whatever is (?:near|close)|fall(?:ing)? back",
        r"(?!x)x", GIVE + r"|fill\w*|pad\w*|search\w*|settl\w*|fall\w*|includ\w*|accept\w*|us(?:e|ing)\b|substitut\w*|guess\w*|scrap\w*", main_only=True,
        needs=r"nothing|no (?:entry|entries|match|memor|result)|\bnone\b|not|n't|even|anyway|regardless|always|never|missing|unknown|absent|without",
        exclude=r"\bsalar|\bbonus|\bpay\b|\brates?\b|wage|nickname|compensation|synonym|money|something else",
    ),
    _spec(
        "nothing_fits",
        r"(?:requir\w*|insist\w*|demand\w*|ask) (?:\w+ ){0,6}(?:person|thing|names?\b|subject|who|what|whoever|whatever|entity|someone|somebody|topic)|(?:must|should|has to|have to|needs? to) (?:actually |really |also )?(?:contain|name|mention|include|hold|be about|concern|refer|carry|feature|match|speak)|(?:only|just) (?:\w+ ){0,3}(?:entr\w+|memor\w+|results?|hits?|facts?|those|what) (?:\w+ ){0,3}(?:name|mention|about|contain|concern|refer)|(?:that|which) (?:do|does) not (?:name|mention|contain|concern)",
        r"requir\w*|insist\w*|demand\w*|must|should|has to|have to|needs? to|only|just|return\w*|accept\w*|giv\w*|keep\w*|drop\w*|ignor\w*|discard\w*|reject\w*|filter\w*|exclud\w*|ask\b",
        r"(?!x)x", 0,
        needs=r"person|thing|name|subject|asked|entity|topic|question|whom|who\b|somebody|someone",
        exclude=r"\bsalar|\bbonus|\bpay\b|nickname|month|\bdates?\b|period|quer(?:y|ies) (?:must|should)|both names|alias|season|wage",
    ),
    _spec(
        "withhold",
        r"\bpay\b|salar|\bbonus|day rate|daily rate|\bwages?\b|compensation|remuneration|\bincomes?\b|\bearn|\bpaid\b|\bpayroll|\bpaychecks?|\brates? of pay|\bhow much (?:\w+ ){1,3}(?:gets?|makes?|earns?)|\bpayments?\b|money (?:people|somebody|someone|a person|they|colleagues)",
        r"(?:return\w*|giv\w*|hand\w*|yield\w*|get|gets|retriev\w*|fetch\w*|deliver\w*|show\w*|bring\w*|send\w*|search\w*|leav\w*|offer\w*|produce\w*|provide\w*|find\w*|supply|output|come back with|surface) (?:\w+ ){0,3}(?:nothing|no\b|empty|none)|nothing\b|refus\w*|withh\w*|declin\w*|block\w*|empty|no (?:entr\w+|memor\w+|results?|answer|quer\w+|search\w*|hits?|facts?|information)|unanswered|keep\w* (?:\w+ ){0,3}(?:back|private|secret|confidential|out|to yourself|hidden|away)|silent|silence|off[- ]limits|confidential|private|abstain\w*|exclud\w*|skip\w*|secret|taboo|none of|sensitive|hid(?:e|den)|suppress\w*|forbid\w*|forbidden|out of bounds|stay away|steer clear|avoid\w*|ignor\w*|leave alone|drop\w*|refrain\w*|closed\b|bar\b|barred|ban\b|banned|omit\w*|filter\w*|reject\w*|discreet|protect\w*|unavailable|blank",
        r"answer\w*|return\w*|search\w*|look\w*|retriev\w*|giv\w*|hand\w*|show\w*|fetch\w*|find\w*|allow\w*|like any|normal|fine\b|reveal\w*|disclos\w*|share\w*|tell\w*|deliver\w*|provid\w*|bring\w*|let\b|surfac\w*|report\w*|issue\w*|run\b|as usual|open\b|treat\w*|look(?:ed)? up|serv\w*|quer\w*|talk\w*|use\b|touch\w*|mention\w*|expos\w*|leak\w*|supply|include\w*|send\w*|permit\w*|hesitat\w*",
        exclude=r"pay (?:attention|heed|regard|close|special|particular|no attention|off)|(?:it|that) pays|learn",
    ),
)  # fmt: skip

SPECS: dict[str, tuple[Spec, ...]] = {
    "extraction": EXTRACTION,
    "update": UPDATE,
    "retrieval": RETRIEVAL,
    "response": (),
}
