"""Sentence shapes of retrieval."""

from __future__ import annotations

from evals.simulation.instruction_shapes import shape

_PAY = (
    r"(?:money (?:that )?(?:people|somebody|someone|colleagues|they|members|a person)|\bpay\b"
    r"|\bpaid\b|salar|\bbonus|\bwages?\b|compensation|remuneration|\bincomes?\b|\bearn"
    r"|payroll|pay ?(?:check|slip|rise)|day rates?|daily rates?|\brates?\b of|\braises?\b"
    r"|\bfees?\b)"
)
_MONTH = (
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
)
_DROP = (
    r"(?:discard|drop|leave out|leav|exclud|reject|ignor|remov|skip|filter|throw|rul|disregard"
    r"|omit|weed|eliminat|cut|sort|refus|suppress|n't return|not return|never return"
    r"|not be returned"
    r"|not returned|n't returned|left out|sift|out\b|irrelevant|not relevant|not count"
    r"|n't count)\w*"
)
_KIN = (
    r"(?:\b[a-z]+'s (?:\w+ )?(?:brother|sister|boss|wife|husband|mother|father|partner|manager"
    r"|friend|colleague|neighbou?r|daughter|son|cousin|uncle|aunt|flatmate|roommate|landlord|mentor"
    r"|dentist"
    r"|team|dog|cat|girlfriend|boyfriend|deputy|assistant|supervisor|teammate|employer|company"
    r"|parents|child|children|project|lead))"
)
_QUERY = r"(?:search|quer|look|retriev|lookup|look-up|step|find|hop)"

RETRIEVAL_SHAPES = (
    shape(
        "expand_query",
        r"[\"“'‘][a-z]+[\"”'’],? .{0,40}[\"“'‘][a-z]+[\"”'’]|\balso (?:search|look|query|try)\w*"
        r" (?:for )?\w+(?:, \w+)*,? (?:and|or) \w+|(?:search|look|quer"
        r"|try)\w* (?:for )?\w+, (?:\w+,? )+(?:and|or) \w+ (?:as well|too|also)",
        unless=rf"nickname|alias|known as|{_PAY}|{_MONTH}|relation|\bdate|{_KIN}|person|part\b"
        r"|\bi[\"”]",
    ),
    shape(
        "expand_query",
        r"(?:one|single|same|exact|literal|original|asker's|question's) (?:\w+ )?(?:wording"
        r"|phrasing|words?|formulation|terms?|vocabulary|expression)\b.{0,50}\b(?:not (?:enough"
        r"|sufficient)|is"
        r" risky|miss\w*|too narrow|may not|might not|insufficient|n't enough)|(?:do not|don't"
        r"|never"
        r"|not|rather than|instead of) (?:\w+ ){0,3}(?:rely|stick|limit|confin|restrict|depend"
        r"|cling|only"
        r"|stop|search)\w* .{0,50}(?:wording|phrasing|words|formulation|terms|vocabulary)"
        r"|more than one (?:\w+ )?(?:wording|phrasing|formulation|way|query|version|expression)"
        r"|(?:phrased|worded|called|named|described|put|said|expressed) (?:\w+ )?(?:differently"
        r"|otherwise)",
        unless=rf"nickname|(?:do not|don't|never) (?:try|use|add|search with|search under)|{_PAY}",
        denies=True,
    ),
    shape(
        "multi_hop",
        r"\b(?:one|a single) (?:search|query|look-?up)\b(?:(?!not|n't|never|rare).){0,30}enough",
        denies=True,
        sign=-1,
    ),
    shape(
        "multi_hop",
        rf"{_KIN}.{{0,90}}\b(?:first|then|before|both|each|separate\w*|two|after that|identif\w+"
        rf"|resolv\w+|next)\b|\b(?:first|before|both|each|separate\w*|two|identif\w+|resolv\w+)\b"
        rf".{{0,90}}{_KIN}",
        unless=r"near miss|\bcat\b.*\bdog\b|nickname|\bpay\b|salar|synonym",
    ),
    shape(
        "multi_hop",
        r"(?:find|establish|identif|determin|resolv|work|search|figure|get|clarif|look)\w*(?: out"
        r"| up)? (?:first )?(?:who|whom|what|which|the (?:person|thing|name|one)"
        r"|references?)\b.{0,80}\b(?:before"
        r"|\bfirst\b|then|and (?:only )?then|after(?:wards| that)?|next|in (?:the )?middle)\b"
        rf"|\bfirst\b.{{0,60}}\b(?:then|and next|afterwards|before)\b.{{0,60}}|{_QUERY}\w*.{{0,60}}"
        rf"\bbefore (?:you )?(?:search|look|query|go|turn)\w*|(?:results?|answers?|outcome|name"
        rf"|what you find"
        rf"|findings?)\b.{{0,30}}(?:\bfirst|previous|one|initial|earlier) (?:{_QUERY}\w*).{{0,60}}"
        rf"(?:{_QUERY}\w*|next|second|another)|(?:second|follow-?up|further|another|new"
        rf"|next) {_QUERY}\w*.{{0,60}}(?:\bfirst|that name|name found|found|result|person|reveal)",
        unless=r"synonym|wording|paraphras|rephras|other words|nickname|month|\bdate|\bentry in the"
        r"|alias|\bpay\b|salar",
    ),
    shape(
        "multi_hop",
        r"inside out|(?:joined|combined|put together|pieced together|connected|chained|stitched"
        r"|linked)"
        r"\b.{0,60}(?:both|each|all|entries|queries|searches)|both (?:searches|queries|look-?ups"
        r"|steps|halves"
        r"|facts|parts|legs)|one (?:query|search|look-?up) (?:per|for each|for the|for every)"
        r"|separate (?:quer"
        r"|search|look)\w*|(?:more than one|several|two|multiple|successive|consecutive) (?:quer"
        r"|search|look|hop|step)\w*.{0,60}(?:person|thing|relation|chain|another)|relat(?:ion|ed"
        r"|ionship)s?\b.{0,60}(?:\bfirst|who (?:it|that) is|look up|find out|resolve)",
        unless=r"synonym|wording|paraphras|rephras|other words|nickname|both names|alias|month",
    ),
    shape(
        "date_filter",
        rf"{_DROP}\b.{{0,60}}\b(?:outside|other|different|wrong|another|beyond"
        rf"|elsewhere)\b.{{0,40}}"
        rf"(?:month|date|period|time|year|\bday|range|week|span|window|{_MONTH})"
        rf"|(?:outside|other|different|wrong|another|beyond)\b.{{0,40}}(?:month|date|period|time"
        rf"|year|\bday|range|week|span"
        rf"|window)\w*.{{0,60}}\b(?<!not )(?<!not be )(?<!never )(?<!never be )(?<!n't be )"
        rf"{_DROP}|outside it\b.{{0,30}}{_DROP}|{_DROP}.{{0,30}}outside",
        unless=rf"(?:not|never|n't) (?:be )?(?:excluded|dropped|left out|discarded|filtered"
        rf"|ignored|removed)"
        rf"|(?:do not|don't|never) (?:exclude|drop|leave out|discard|filter|ignore|remove)|{_PAY}"
        r"|\bthe same",
        denies=True,
    ),
    shape(
        "date_filter",
        r"(?:not|never|n't) (?:be )?(?:excluded|dropped|left out|discarded|filtered|ignored"
        r"|removed)\b",
        unless=r"(?:the|that|this|named) (?:month|period)|from (?:the|that|this|within)",
        denies=True,
        sign=-1,
    ),
    shape(
        "date_filter",
        rf"{_MONTH}.{{0,60}}\b(?:only|solely|just|limited|restricted|not an? (?:answer|match)"
        rf"|exclusively|cut|restrict|limit"
        rf"|narrow|not (?:those|entries) (?:from|of))\b|\b(?:only|solely|just|exclusively"
        rf"|restrict\w*|limit\w*|narrow\w*)\b.{{0,80}}{_MONTH}",
        unless=rf"(?:do not|don't|never|no need|ignore) |{_PAY}|^may\b",
        denies=True,
    ),
    shape(
        "date_filter",
        r"(?:dates?|months?|periods?|times?)\b.{0,40}(?:defin|delimit|determin|decid"
        r"|bound)\w*\b.{0,40}(?:window|search|range"
        r"|result|period|entries)|(?:must|should|have to|has to|only|need to|ought to) (?:come|be"
        r"|stem|originate|date|fall|lie)"
        r"\b.{0,12}\b(?:from|in|of|within|inside)\b.{0,25}(?:period|month|\btime|\bdate|year|week"
        r"|range|span)|date fields?\b"
        r"|\b(?:set|fill|use|give|put|enter|choose|pick|add|supply|provide|specify|deriv|take"
        r"|pass)\w*\b.{0,40}"
        r"(?:from and to|start and end|after and before|before and after|since and until|(?:start"
        r"|end|from|to|after|before) (?:dates?|fields?|limits?|bounds?)|date (?:range|filter|window"
        r"|limits?|bounds?)"
        r"|time (?:filter|window|range|limits?)|as (?:a )?(?:filter|bounds?|limits?))"
        r"|(?:match|compar|check|align|correspond|honou?r|respect|observ|adher|stick"
        r"|obey)\w*\b.{0,50}"
        r"(?:\bdates?\b|time (?:frame|span|limit|constraint|window|range)|period|months?\b)"
        r"|(?:dates?|months?|periods?|time constraints?|time (?:frame|span|window)s?)\b.{0,40}"
        r"(?:restrict|constrain|binding|bound|limit|serious|filter|must match|has to match|decid"
        r"|govern)"
        r"|(?:solely|exclusively|only|nothing but|just)\b.{0,60}(?:that|this|the same|the named"
        r"|the given"
        r"|such a|the specified|the relevant) (?:month|date|period|time|day|week|year|stretch"
        r"|span|range)",
        unless=r"up to date|nickname|at a time|format|each time|yyyy|\bsort|newe(?:r|st)|order\b"
        r"|synonym"
        rf"|{_PAY}",
    ),
    shape(
        "nothing_fits",
        r"(?:n't|not|never) (?:leave out|drop|discard|exclude|omit|skip)\b.{0,40}(?:loose|rough"
        r"|part|weak|similar|near|close)|better than (?:none|nothing|an empty|no (?:entry|answer))",
        denies=True,
        sign=-1,
    ),
    shape(
        "nothing_fits",
        r"(?:\bnot\b|n't|never|refus\w*|refrain\w*|rather than|instead of|avoid\w*|no reason"
        r"|better than"
        r"|worse than|resist\w*)\b.{0,70}\b(?:nearest|closest|best|similar|loosely|vaguely"
        r"|irrelevant|unrelated"
        r"|near miss(?:es)?|merely|next best|filler|off-topic|approximate\w*|weak\w*|remotely"
        r"|neighbou?rs?|pad|guess\w*|somewhat|something close|least bad|only because)\b",
        unless=rf"empty (?:list|result)s?$|none fits?$|{_PAY}|synonym|similar (?:words?|meaning"
        rf"|terms?)|wording"
        r"|month|period|\bdates?\b|(?:not|n't|never) (?:check|verify|bother|require"
        r"|return an empty|answer with"
        r" nothing|leave the result)|always return|empty .{0,20}(?:is|are) (?:not|never|un)"
        r"|neighbou?r's",
        denies=True,
    ),
    shape(
        "nothing_fits",
        r"(?:let|leave|keep|make)\w* (?:the |your )?(?:result|list|answer|output"
        r"|selection)s? (?:be |stay |remain )?(?:empty|blank)\b(?!.{0,20}line)",
        unless=rf"{_PAY}|\b(?:never|not|n't)\b.{{0,12}}(?:let|leave|keep|make|leaving)\b",
        denies=True,
    ),
    shape(
        "nothing_fits",
        r"(?:empty|no) (?:result|list|answer)s?\b.{0,20}(?:not (?:be )?(?:allowed|permitted"
        r"|acceptable|an option|good)|never"
        r"|forbidden)|(?:no need|skip|ignore|needn't|not necessary|not matter"
        r"|n't matter)\b.{0,30}(?:check|whether|relevance)"
        r".{0,60}|(?:never|not|n't) (?:leave|let|return|give|hand)\w* (?:\w+ ){0,3}(?:empty"
        r"|nothing)|\bsomething in any",
        unless=_PAY + r"|\bperiod|month|\bdates?\b|nickname|better|duplicate|than\b",
        denies=True,
        sign=-1,
    ),
    shape(
        "withhold",
        rf"{_PAY}.{{0,60}}(?:nothing (?:special|confid|secret|priv|sensitive)|no secret|like any"
        rf"|normally|as usual)"
        rf"|(?:nothing|not|n't|no) (?:special|confid|secret|priv|sensitive)\w*.{{0,40}}{_PAY}"
        rf"|(?:not|n't|never) (?:be )?(?:kept|held) back",
        denies=True,
        sign=-1,
    ),
    shape(
        "nothing_fits",
        r"(?:irrelevant|unrelated|off-topic|similar|wrong|loosely related) (?:\w+ )?(?:entries"
        r"|results?|ones?"
        r"|hits?)? ?(?:\w+ ){0,3}(?:(?:is|are) worse|harm\w*|mislead\w*|(?:must|should|may|shall"
        r"|can|are|is) (?:not|never)"
        r"|do no good|confus\w*)|\bno (?:match|hit|fit|answer|fitting entry|entry|relevant entry"
        r"|evidence)\b"
        r"[^,:]{0,30}[,:;] ?(?:then )?(?:no|nothing|none|empty|zero|an empty)\b|(?:be|stay|remain)"
        r" (?:strict|picky|selective|silent)|(?:memory|entries|list) (?:is|are) silent|(?:right"
        r"|very same|very|exact"
        r"|named|correct) (?:person|thing|subject|topic|colleague|one)\b|resemblance"
        r"|mere similarity",
        unless=rf"{_PAY}|month|period|\bdates?\b|(?:not|n't|never|no need) (?:to )?(?:check"
        rf"|verify|bother|require)"
        r"|empty line|no need|skip|nickname|ignore whether",
        denies=True,
    ),
    shape(
        "nothing_fits",
        rf"{_DROP}\b.{{0,80}}(?:(?:different|wrong|another|other|somebody else"
        rf"|someone else) ?(?:person|people"
        rf"|thing|subject|topic|colleague|matter|project)?\b|(?:does|do|is|are) ?(?:not"
        rf"|n't) (?:\w+ )?(?:concern"
        rf"|mention|name|contain|match|about|fit|deal|refer|relat)|missing|unrelated|irrelevant"
        rf"|unless|lacks?\b"
        rf"|without the)|(?:(?:on|about|concerning) (?:a |an )?(?:different|wrong|another|other"
        rf"|somebody else|someone"
        rf" else)|(?:does|do|is|are) ?(?:not|n't) (?:\w+ )?(?:concern|mention|name|contain|match"
        rf"|about|fit|deal|relat|answer)|missing|unrelated|irrelevant|\blacks?"
        rf"|unless)\b.{{0,80}}(?<!not be )(?<!never be ){_DROP}",
        unless=rf"{_PAY}|month|period|\bdates?\b|time span|range|(?:not|n't|never) (?:drop"
        rf"|discard|reject|exclude"
        r"|leave)|wording|words|synonym|nickname|other name|full name|names\b|official"
        r"|^ignore whether|even (?:if|when)|anyway|connecting|\bskip the",
        denies=True,
    ),
    shape(
        "nothing_fits",
        r"(?:cannot|can't|not|n't) (?:\w+ ){0,2}(?:be )?(?:answer|know|contain|cover|hold|list"
        r"|in the memory"
        r"|stored|mention|found|appear|exist|occur)\w*.{0,80}(?:\bempty|no entr|nothing|\bnone\b"
        r"|return no|zero)"
        r"|(?:unknown|absent|missing|nothing (?:is )?(?:known|stored|relevant|suitable|fitting"
        r"|there)|no (?:such )?(?:entry|entries|knowledge|information))\b.{0,60}(?:\bempty|no entr"
        r"|nothing|\bnone\b|zero"
        r"|refrain|not return|return no|abstain)|(?:\bempty|no entr\w+|nothing|\bnone\b"
        r"|zero).{0,60}"
        r"(?:unknown|absent|missing|not (?:know|contain|cover|hold|mention)|no answer)",
        unless=rf"{_PAY}|empty line|(?:not|n't|never) (?:return|answer with|hand|give"
        rf"|leave)\w* (?:\w+ )?(?:empty"
        r"|nothing|none)|even (?:if|when)|should be returned$|this prompt|dates? (?:empty|blank)",
        denies=True,
    ),
    shape(
        "withhold",
        rf"{_PAY}.{{0,90}}(?:taboo|confidential|private|secret|off[- ]limits|sensitive"
        rf"|nobody's business|forbidden"
        rf"|none of (?:our|your|anyone)|held? back|hold back|empty|\bno entr|nothing|silen\w+"
        rf"|withh\w+|blocked|refus\w+"
        rf"|not the place|off the table|between)|(?:confidential|private|secret|taboo"
        rf"|off[- ]limits|empty|nothing"
        rf"|no entr\w+|silence|refus\w+|withh\w+|block\w*|hold back|not (?:return|retrieve"
        rf"|disclose|reveal))\b.{{0,90}}{_PAY}",
        unless=r"\b(?:not|n't|never|no) (?:\w+ ){0,2}(?:taboo|confidential|private|secret"
        r"|off[- ]limits|sensitive|held"
        r"|hold|withh\w+|refus\w+|block\w*|kept|keep|empty|protect\w*)|\bno (?:need|secret"
        r"|reason)|like any|pay (?:attention"
        r"|heed|regard|close)|ignore (?:concerns|the)|rate each|\bfreely\b(?!.*\bnothing)|skip"
        r"|no longer|public",
        denies=True,
    ),
)
