"""What asks for, or against, the competences of extraction."""

from __future__ import annotations

from evals.simulation.instruction_verbs import DROP, KEEP, TIME, spec

_PEOPLE = (
    r"(?:people|they|someone|somebody|(?:a|the|each|every) (?:person|speaker|colleague|member"
    r"|participant|user)"
    r"|who|everyone|everybody|anyone|anybody|each one|he or she|speakers|colleagues|users|members"
    r"|participants|one)"
)
EXTRACTION = (
    spec(
        "keep_preferences",
        r"\bfinds? (?:\w+ )?(?:great|awful|nice|tasty|terrible|pleasant|unpleasant|boring"
        r"|appealing)|"
        r"preferenc|\bfavou?rs\b|\bliking\b|can\'t stand|cannot stand|\blikes\b|dislik|favou?rite"
        r"|\btastes?\b(?! of)|\bfond\b|\bprefers?\b|preferred"
        r"|\benjoys?\b"
        rf"|{_PEOPLE}(?: (?:really|most|personally|particularly))? (?:likes?|loves?|hates?"
        rf"|enjoys?|can't stand|cannot stand|care for)\b|love or hate|\bopinions?\b"
        rf"|\bwhat \w+ (?:likes?|loves?)\b|loves and hates|\badores?\b|\bkeen on\b|(?:cannot"
        rf"|can't) bear"
        r"|\bloathe|\bdetest|\b(?:would|'d) rather\b|\bpassion|\bfans? of\b|averse|aversion"
        r"|enthusias"
        r"|\bpet (?:hate|peeve)|\b(?:is|are|be|being) into\b|cup of tea|\bhates?\b"
        r"|matters? of taste"
        r"|[\"“'‘]i (?:really )?(?:like|love|hate|adore|enjoy|prefer)\b|likings?\b|\bpreferring\b"
        r"|partial to|sympath|\bwhat .{0,20}\b(?:likes?|loves?|enjoys?)$",
        KEEP,
        DROP,
        1,
        exclude=r"\bprefer (?:the|a|an|short|to|long|simple|plain|concise|one)\b"
        r"|prefer\w*(?: \w+){0,3}"
        r" (?:format|style|wording|length|layout|language|sentences?|order|output|spelling)\b"
        r"|give (?:\w+ )?preference|in preference|(?:readers?|users|we|i) (?:would )?(?:like|love"
        r"|prefer)s?\b"
        r"(?![^\"”]*[\"”])|if you (?:like|prefer)|(?:colleagues|people|they) like to (?:\w+ )"
        r"|preferabl|(?:wording|style|format|order|language|words) you (?:like|prefer)"
        r"|\band the like\b",
    ),
    spec(
        "keep_plans",
        r"\bwish(?:es)?\b|[\"“'‘](?:will|going to|gonna|want to)\b|\bcoming (?:weeks?|months?"
        r"|years?|weekend|days)\b|\bwant to\b|"
        r"\bplans\b|\bplanned\b|\bplans?\b(?= (?:and|or|for the future|that|people|somebody"
        r"|someone|of))|intention|\bintends?\b|going to (?:do|happen)|(?:is|are|'s|be) going to\b"
        rf"|future (?:activit|event|action|undertaking|project|intent|step)|upcoming|ambition"
        rf"|aspiration|{_PEOPLE} (?:will|wants? to|means? to|plans? to|aims? to|hopes? to|(?:is"
        rf"|are) about to)"
        r"|\babout to do\b|have in mind|has in mind|set out to|\bgoals?\b|(?:announc|stat|mention"
        r"|mak|shar|hav)\w* (?:a|their|his|any|some) (?:\w+ )?plans?\b|\baims\b"
        r"|what lies ahead|(?:announc|look)\w* ahead|\bintent\b|what (?:is|was) planned"
        r"|still to come|\bplan to\b|\bplanning\b|\bfuture\b|\bdecided to\b|\bhop(?:es?|ing) to\b"
        r"|\bnext steps?\b|up to next|\bdo(?:es|ing)? next\b|\bintended\b|\blies? ahead"
        r"|\bahead of them"
        r"|mean(?:s|t|ing)? to (?:do|go)\b|(?:somebody|someone|person|colleague|member|speaker"
        r"|author)'s? plan"
        r"|(?:want|wish|aim|intend|expect|hope|mean|aspire|look|propose|promise)(?:s|es|ing"
        r"|ed)? to (?:do|go|buy"
        r"|visit|learn|make|start|achieve|happen)|\bplans?\b(?! (?:your|ahead|the|how|a)\b)(?<=s)"
        r"|(?:not|n't) (?:yet )?(?:happened|taken place|occurred)|(?:have|has|had) in store"
        r"|in the works"
        r"|in the pipeline|\bstill ahead\b|\bi(?:'m| am) (?:going|planning) to\b|\bi(?:'ll"
        r"| will)\b|resolutions?\b"
        r"|what (?:\w+ )?comes next|soon to (?:happen|come)|forthcoming|scheduled for"
        r"|due to (?:happen|do)"
        r"|merely wants?",
        KEEP,
        DROP,
        1,
        exclude=r"\bwe (?:also |only )?(?:want|wish)|\bplan (?:your|the|how|a|ahead|carefully)\b"
        r"|\byou (?:are|'re|were)? ?(?:going"
        r"|plan|intend"
        r"|want|mean|about|aim|hope)\b|\b(?:our|my|your|the) (?:\w+ )?(?:intention|plan|aim|goal"
        r"|ambition)"
        r" (?:is|here|of this)|floor plans?|seating plans?|lesson plans?|(?:will|going to"
        r"|want to) (?:be )?"
        r"(?:ask|need|read|used|shown)\w* (?!about)|future (?:use|reference|reader|session|quer"
        r"|run)"
        r"|pencil|relative|tentativ|provisional",
    ),
    spec(
        "resolve_dates",
        r"(?:calendar|absolute|exact|actual|concrete|full|explicit|real|specific|proper|definite"
        r"|iso|fixed|precise|true|complete)[ -](?:calendar )?(?:date|day)"
        r"|session(?:'s)? (?:date|day)|date of (?:the|each|that) (?:session|chat|conversation)"
        r"|\byyyy|\bday(?:,)? month(?:,)? and year|date stamp|timestamp",
        r"turn\w*|convert\w*|resolv\w*|replac\w*|rewrit\w*|translat\w*|chang\w*|express\w*"
        r"|work\w* out|comput\w*|calculat\w*|determin\w*|normali[sz]\w*|transform\w*"
        r"|writ\w*|giv\w*|stat\w*|anchor\w*|infer\w*|us(?:e|ing)\b|put|substitut\w*|deriv\w*"
        r"|pin\w*|spell\w*|map\w*|figur\w*|becom\w*|mak\w*|record\w*|need\w*|count\w*|fill\w*"
        r"|swap\w*|should be|must be|get\w*|attach\w*|belong\w*|reckon\w*",
        r"avoid\w*|ignor\w*|skip\w*|omit\w*|disregard\w*",
        exclude=r"\bmonth or (?:a )?date|is (?:given|shown|stated) (?:above|below|with|as|in|at"
        r"|first)",
        needs=r"relative|yesterday|tomorrow|last |next |ago|today|\bwords? (?:for|of) time|when"
        r"|time|vague|turn|convert|resolv|translat|date|expression",
    ),
    spec(
        "resolve_dates",
        rf"{TIME}|relative (?:\w+ )?(?:date|time|day|word|expression|term|phrase|reference)"
        rf"|relative one"
        r"|relative wording|\byesterday\b|\btomorrow\b|last (?:friday|monday|tuesday|wednesday"
        r"|thursday|week|month)"
        r"|next (?:friday|monday|tuesday|wednesday|thursday|week|month)|(?:days|weeks) ago"
        r"|vague (?:date|time)\w*|expressions? of time|time (?:expression|word|phrase)s?"
        r"|temporal expression",
        r"spell\w*|work\w*(?: \S+){0,6} out|absolute|explicit|unresolved"
        r"|turn\w*|convert\w*|resolv\w*|replac\w*|rewrit\w*|translat\w*|chang\w*"
        r"|comput\w*|calculat\w*|determin\w*|normali[sz]\w*|transform\w*|anchor\w*|substitut\w*"
        r"|pin\w*|figur\w*"
        r"|becom\w*|map\w*|swap\w*|avoid\w*|make|express\w*|ban\b|eliminat\w*|get rid|expand\w*"
        r"|reckon\w*|interpret\w*",
        r"leav\w*|keep\w*|kept|retain\w*|preserv\w*|cop(?:y|ied)|writ\w*|us(?:e|ing)\b|record\w*"
        r"|stor\w*|stand\w*|remain\w*|stay\w*|appear\w*|contain\w*|untouched|unchanged|quot\w*"
        r"|as (?:is|they are|it is)|fine\b|allow\w*|rely|say\b|put\b|let\b",
    ),
    spec(
        "name_speaker",
        r"\bnames (?:throughout|everywhere|only|always)\b|make (?:each|every|the) (?:person"
        r"|speaker|subject)|"
        r"\bby (?:their |his or her |his |her |its )?(?:own |first |full |proper )?names?\b"
        r"|(?:speaker|person|people|people's|whoever|subject|colleague|sender|author)(?:'s|s'"
        r"|s)? (?:own |full |first |proper )?names?\b|\bnames? of (?:the |each |whoever"
        r"|every )?(?:\w+ )?(?:speaker|person|people|whoever|colleague|subject|sender|author|who"
        r"|one)"
        r"|\bname the (?:speaker|person|people|subject|one|colleague)|\b(?:name|say|state"
        r"|identify|make clear|spell out|specify|tell|show)s? (?:\w+ )?(?:who|whom|whose)\b"
        r"|\bnamed (?:person|speaker|subject|in|by)\b|names of speakers|who said|\bname (?:any"
        r"|people|persons|anyone|them)\b|by name\b"
        r"|\bwho\b.{0,30}(?:meant|belongs?|concerned|speaking|talking|said|\babout)\b"
        r"|name whoever|(?:their|actual|real|proper|full|own) names?\b|attribut\w+ (?:each|every"
        r"|a|the)|third person|\bits subject\b|name (?:in place|instead) of",
        r"writ\w*|us(?:e|ing)\b|nam(?:e|es|ed|ing)\b|stat\w*|giv\w*|put|mention\w*|begin\w*"
        r"|start\w*|attribut\w*|say\w*|identif\w*|includ\w*|refer\w*|call\w*|mak\w*|carr\w*"
        r"|bear\w*|contain\w*|phras\w*|must|should|needs?|lead\w*|open\w*|tie|replac\w*|turn\w*"
        r"|express\w*|spell|specif\w*|tell\w*|show\w*|keep\w*|record\w*|swap\w*|add\w*|clear"
        r"|explicit",
        r"omit\w*|drop\w*|(?:leav\w*|left)(?: \w+){0,3} out|skip\w*|hid\w*|anonymi\w*|suppress\w*"
        r"|remov\w*|strip\w*"
        r"|without|conceal\w*",
        1,
        exclude=r"file name|\bnames? (?:are|is|was|were) (?:written|shown|given|spelt|printed)\b"
        r"|\b(?:has|have) (?:a|their own|an) names?\b|\bspell (?!out)"
        r"|\bmessages? (?:\w+ )?(?:starts?|begins?"
        r"|opens?) with|\bname the (?:month|day|file)|nickname|code ?name|\bthe question"
        r"|both names|copy names",
    ),
    spec(
        "name_speaker",
        r"[\"“'‘]i[\"”'’,]|[\"“'‘]my[\"”'’,]|[\"“'‘](?:me|mine|she|he)[\"”'’,]|first[- ]person"
        r"|\bpronouns?\b|\bi or my\b|\bi and my\b|the word i\b",
        r"replac\w*|substitut\w*|resolv\w*|convert\w*|turn\w*|chang\w*|swap\w*|avoid\w*|drop\w*"
        r"|rewrit\w*|transform\w*|ban\b|eliminat\w*|remov\w*|translat\w*|becom\w*|get rid"
        r"|stands? for|expand\w*|out\b|forbid\w*|forbidden",
        r"writ\w*|us(?:e|ing)\b|leav\w*|keep\w*|kept|say\w*|begin\w*|start\w*|contain\w*"
        r"|retain\w*|preserv\w*|allow\w*|fine\b|stay\w*|appear\w*|stand\w*|ok\b|let\b|rely"
        r"|open\w*|put\b|occur\w*|be (?:used|found|there)|mention\w*|cop(?:y|ied)|stick|unchanged"
        r"|remain\w*|permit\w*|accept\w*",
    ),
    spec(
        "codes",
        r"\b(?:reference|locker|ticket|booking|badge|order|tracking|serial|case|access|id"
        r"|inventory|confirmation|identification|registration|invoice|reservation|asset|parcel|key"
        r"|part|job|item|door|label)s?'?(?:,? (?:and|or) \w+|, \w+(?: and| or) \w+"
        r"|/\w+)?[ -](?:codes?|numbers?|ids?|identifiers?|strings?|tags?|labels?)\b"
        r"|\bnumbers? of (?:\w+ )?(?:locker|ticket|booking|parcel|badge|order)"
        r"|\b[a-z]{2}-\d{3}\b|identifiers?\b|alphanumeric"
        r"|letters and digits|letter-and-digit|(?:letters|letter) (?:and|plus) (?:numbers?"
        r"|digits?)|\bserials\b|(?:booking|ticket|order|locker|case) references?\b"
        r"|\breferences\b(?= (?:such|like|of))"
        r"|strings? (?:of|like|such)|\bcodes?\b|hyphen|two letters|\ba reference\b(?! to)"
        r"|numbers? (?:like"
        r"|such as) [\"'“]?[a-z]{2}-|\b(?:a|any|every|each|the) (?:\w+ )?code\b",
        KEEP + r"|is a fact|are facts",
        DROP,
        1,
        exclude=r"codes? of conduct|source code|code (?:quality|review|block|base|style)"
        r"|dress codes?|zip codes?|postal codes?|programming|(?:status|language|exit"
        r"|return) codes?|country codes?"
        r"|error codes?|code names?|colou?r codes?|in code\b|area codes?|morse",
    ),
    spec(
        "parentheticals",
        r"\bbrackets?\b|\bbracketed\b|parenthes[ei]s|parenthetical|\basides?\b"
        r"|side[- ](?:remarks?|comments?|notes?)|\bin passing\b|by[- ]the[- ]way (?:remark"
        r"|comment)s?|incidental|interject|between brackets|digression|\bby the way\b"
        r"|[\"“'‘]\([\"”'’ ]"
        r"|insertions?\b|\bin a side\b|afterthought|side[- ]?notes?|on the side\b",
        KEEP,
        DROP,
        1,
        exclude=r"(?:^|, |; |and |then |please |always |never |not |also )(?:put|writ|add|set|plac"
        r"|enclos|append|wrap|show|cit)(?:e|es|ing"
        r"|s)?\b(?! down)(?: (?!that|which|what|whatever|from|remark|people"
        r"|facts?)\w+){1,6} (?:in|inside|within|between) (?:round |square "
        r"|curly )?(?:brackets|parenthes)|set aside|put aside|leave aside|aside from"
        r"|\bplace in brackets|square brackets|curly|opening bracket|without brackets|json"
        r"|no brackets|(?:do not|don't|never|avoid) us(?:e|ing) (?:\w+ )?(?:brackets|parenthes)"
        r"|sports|tournament"
        r"|(?:is|are|be) (?:enclosed|wrapped|placed) in|your (?:output|answer)|side effect",
    ),
    spec(
        "forwarded",
        r"\bforward(?:s|ed|ing)?\b|passed-on|quotations?\b|copied from|\bpast(?:es|ing)\b|\bcited\b"
        r"|\b(?:sent|wrote|written|typed|posted|said) (?:\w+ )?originally|originally (?:sent"
        r"|wrote|written|said"
        r"|came|comes)|(?:sent|wrote) the (?:note|message|mail) |what others (?:wrote|said|sent"
        r"|write|say)"
        r"|from another (?:person|source|chat|channel|thread)|excerpts?|re-?posted|handed on"
        r"|\brelay\w*"
        r"|\bfwd\b|\bforward(?:ing)? (?:of|message|note|mail)"
        r"|quoted (?:\w+ )?(?:note|message|text|mail|line|e-?mail|passage|part|material|content"
        r"|section|snippet|announcement)|\bpassed (?:on|along)|relayed|second[- ]hand|cop(?:ied"
        r"|y)[- ](?:in|over)|pasted|(?:people|they|somebody|someone) (?:forwards?|quotes?"
        r"|pass(?:es)? on|relays?)|\bquoted\b|\bquotes (?:from|of)\b|reshared|shared on",
        KEEP,
        DROP,
        1,
        exclude=r"look\w* forward|straightforward|forward[- ]looking|quoted exactly|forwarded to\b"
        r"|quotation marks|quote marks|\bin quotes\b|second-hand (?:furniture|car|book|cloth|shop"
        r"|goods|bike"
        r"|market|store)|(?:move|step|come|go|put|bring) (?:\w+ )?forward|forward slash",
    ),
    spec(
        "pencilled",
        r"pencill?(?:ed|s|ing)?\b|tentativ|provisional|unconfirmed"
        r"|not (?:yet )?(?:been )?confirmed|preliminary|subject to confirmation|soft[- ]book"
        r"|loosely (?:booked|fixed|planned)|half[- ](?:booked|agreed|fixed)|yet to be confirmed"
        r"|to be confirmed|awaiting confirmation|\bin pencil\b|under reservation|on hold\b|pencill",
        KEEP
        + r"|agreed|confirmed|firm\b|settled|fixed|definite|as good as|stands?\b|binding|real\b"
        r"|certain\b|like any other|just as|decided",
        DROP
        + r"|as (?:uncertain|noise|open|undecided|unconfirmed|unsettled|doubtful|mere)|uncertain"
        r"|undecided|wait\b|unreliable",
        1,
        exclude=r"pencil-and|pencil case|pencils\b(?! in)|with a pencil|your (?:answer|output"
        r"|facts)",
    ),
    spec(
        "deadline",
        r"\bdrafts?\b|first version|manuscript",
        KEEP + r"|deadline|cut-?off|time limit|due date|us(?:e|ing)\b|set\b|giv\w*|means?|refers?",
        DROP,
        1,
        needs=r"deadline|cut-?off|time limit|due date|latest date|final date",
        exclude=r"draft the|first draft of (?:the|your) (?:facts|answer|memor)|\bdraft (?:a|your) ",
    ),
    spec(
        "votes",
        r"\+ ?1\b|\+one|thumbs?[- ]?up|plus[- ]one|👍|up-?vot|\bseconded\b|second(?:s|ed|ing) (?:a"
        r"|the|it|that"
        r"|by|someone|somebody)|approving (?:reply|reaction|emoji|response)|\bvotes\b"
        r"|\bvoted (?:for|up)|\ba vote\b|\bshall we\b|approv\w+ (?:\w+ )?(?:repl|react|emoji"
        r"|respons|answer|sign)"
        r"|thumb\b|reactions?\b|agreement (?:by|through|with)|show of hands|plus ones|\bby vote\b",
        KEEP + r"|decision|decid\w*|agree\w*|settl\w*|seal\w*|turn\w*|mak\w*|adopt\w*|approv\w*"
        r"|pass(?:es|ed)\b|becom\w*|means?|carr\w*|clos\w*|ratif\w*|confirm\w*|binding|final\w*"
        r"|stands?\b|is a\b|endors\w*|enough|suffic\w*|equals?|amounts?",
        DROP + r"|as (?:noise|chatter|small talk|mere|politeness|a reaction|an opinion)|\bchatter\b"
        r"|only an opinion|nothing more(?! than)|undecided|(?:stay|remain)\w* open",
        1,
        exclude=r"rules? of thumb|political|elections?|counter|increment|vote on the|plus one day"
        r"|\+1 (?:day|hour|\()|add \+? ?1|(?:ris|grow|increas|rais|up|increment"
        r"|count)\w* by \+?1\b|utc",
    ),
)
