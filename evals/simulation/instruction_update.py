"""What asks for, or against, the competences of updating."""

from __future__ import annotations

from evals.simulation.instruction_verbs import spec

_OTHERS = (
    r"(?:others?'?|other (?:people|persons?|speakers?|colleagues?|members?)(?:'s?)?"
    r"|another(?: person| speaker| colleague)?(?:'s)?"
    r"|someone else(?:'s)?|somebody else(?:'s)?|anyone else(?:'s)?|anybody else(?:'s)?"
    r"|third (?:part(?:y|ies)|persons?|people)(?:'s)?|a colleague|colleagues|bystanders?"
    r"|different (?:person|speaker))"
)
_SAY = (
    r"(?:say|said|claim|report|statement|word|tell|told|remark|assert|gossip|rumou?r|mention|talk"
    r"|speak|state|account|testimon|opinion|message)"
)

_DELETE = (
    r"no entr\w+(?: \w+){0,8} (?:left|remain\w*|stay\w*|surviv\w*)|tak\w* (?:\w+ ){0,2}down"
    r"|delet\w*|remov\w*|eras\w*|drop\w*|discard\w*|purg\w*|tak(?:e|es|en"
    r"|ing)(?: \w+){0,4} (?:out"
    r"|off|away)|clear\w*|get rid|retir\w*|throw\w*|wip\w*|strik\w* (?:it|the entry|the matching"
    r"|out)|scratch\w*|should go|must go|has to go|goes\b|expung\w*|cross\w* out"
    r"|out of (?:the )?memory|forget\w*|eliminat\w*|away\b|out with|dispos\w*|disappear\w*"
    r"|vanish\w*"
    r"|strip\w*|(?:should|must|shall|can|ought to|to|has to|needs to) (?:\w+ )?go\b|\bgone\b"
    r"|deletion|removal"
    r"|bin(?:ned)?\b|prun\w*|clean\w* (?:up|out)|weed\w*|no place|end\w* the life"
    r"|lose(?:s)? its place"
)
_HOLD = (
    r"keep\w*|kept|leav\w*|add\w*|stor\w*|retain\w*|preserv\w*|ignor\w*|hold\w*|sav\w*|record\w*"
    r"|note\b|stay\w*|remain\w*|append\w*|untouched|stands?\b|be left\b|surviv\w*|linger\w*"
    r"|tolerat\w*"
)

UPDATE = (
    spec(
        "keep_history",
        r"what (?:is and what )?was\b|how .{0,20}(?:developed|evolved)|evolution of|"
        r"(?:former|old|older|earlier|previous|prior|past|superseded|original|outdated|replaced"
        r"|preceding)(?: and (?:current|new))? (?:\w+ )?(?:value|one|version|states?\b|fact"
        r"|information|wording|content|data|detail|setting|reading|text|answer|status"
        r"|situation|job|address|employer|home|cit(?:y|ies)|place|date|name|role|detail|content)\w*"
        r"|\b(?:former|old|earlier|previous|prior|past|outdated|superseded)\b(?: (?:current|and"
        r"|or|new|ones?"
        r"|\w+)){0,1} values?|\bpreced(?:es|ed|ing)\b|\bprior\b|(?:said|held|true|valid|stood"
        r"|read|looked"
        r"|had been|were|was|applied|known) (?:\w+ )?(?:before|earlier|previously|formerly|so far"
        r"|until now)"
        r"|before (?:the|a|an|each|every|any|they|it|that|this) (?:\w+ )?(?:chang|updat|were|was"
        r"|mov|switch)\w*"
        r"|(?:one|value|what) (?:that|which|it) (?:was|is|has been|gets) (?:replaced|superseded"
        r"|overwritten)"
        r"|what (?:held|was true|applied|used)|how things (?:were|used)|\bthe past\b"
        r"|no longer current"
        r"|formerly|earlier (?:one|ones|alike)|\bbygone\b|\bold (?:and|to) (?:the )?new\b"
        r"|(?:entries|values?|things|situations?) .{0,20}over time"
        r"|\bhistory\b|what (?:it|\w+) was before|used to be|(?:was|held|stood|applied"
        r"|were) (?:true )?(?:before|previously|earlier|until then)|(?:what|one|value) (?:that "
        r"|which )?(?:it )?replaces"
        r"|\bthe (?:old|former|previous)\b|came before|what changed|predecessor|(?:both"
        r"|new) (?:the )?(?:old|new) and (?:the )?(?:new|old)",
        r"keep\w*|kept|mention\w*|retain\w*|not(?:e|ing)\b|preserv\w*|record\w*|remember\w*"
        r"|stor(?:e|ing)\b|includ\w*|append\w*|attach\w*|carry\w*|add\w*|hold\w*|sav(?:e|ing)\b"
        r"|leave .{0,40}\b(?:in|visible|readable|there|behind)\b|say\b|writ\w*|stat(?:e|ing)\b"
        r"|stay\w*|remain\w*|survive\w*|as history|beside|alongside|next to|quot\w*|tack\w*|log\b"
        r"|list\b|document\w*|in (?:brackets|parentheses)|move\w*|show\w*|tell\w*"
        r"|should be (?:visible|readable)|trace\w*|maintain\w*|belong\w*|giv(?:e|es)\b"
        r"|need\w* to know"
        r"|leav(?:e|es|ing) behind|visible|available|recover\w*|matter\w*|track\w*|part of\b",
        r"drop\w*|overwrit\w*|replac\w*|los(?:e|es|ing)\b|lost|forget\w*|forgotten|discard\w*"
        r"|delet\w*|remov\w*|eras\w*|throw\w*|wip\w*|without|disappear\w*|vanish\w*|omit\w*"
        r"|ignor\w*|leav\w* out|supersed\w*|gone\b|destroy\w*|purg\w*|swap\w*|get rid|no trace",
        1,
        exclude=r"history (?:lesson|museum|class|teacher|book)|natural history|chat history"
        r"|former output"
        r"|previously you\b|old spelling|(?:previous|earlier|former) (?:instruction|prompt"
        r"|session|output|step"
        r"|sentence|line|answer|run)|art history|without (?:good )?reason|old (?:people|friend"
        r"|town)"
        r"|\b(?:claims?|hearsay|rumou?rs?|gossip)\b|withdr|retract|cancel|takes? back|\brole\b"
        r"|roles\b"
        r"|dut(?:y|ies)\b|responsib|takes? care|looks? after|looking after|in charge"
        r"|strike\b|struck"
        r"|\bown (?:word|statement|message|claim|say|account|report|subject)|someone else"
        r"|somebody else"
        r"|another person|chores?\b|\btasks?\b|says? the same|already|person concerned",
    ),
    spec(
        "delete_retracted",
        r"no longer(?: \w+)?|\bcancel|called off|calls? .{0,20} off|withdr[ae]w|withdrawn|retract"
        r"|revoke"
        r"|given up|gives? up|gave up|obsolete|tak(?:es?|en) back|took back|ceased|(?:is|are"
        r"|was) over\b|not .{0,30}any ?more|untrue|fell through|fallen through|abandon|has ended"
        r"|have ended|came to nothing|annul|\bvoid\b|taken back|stopped being|ceases|is off\b"
        r"|scrapped|disown|renounc|quit\b|\bgone\b|stops? (?:being|holding)|\bdeletions?\b"
        r"|\bnegat(?:e|es|ed|ing)\b"
        r"|(?:plan|trip|event|meeting|project|thing|idea|appointment|something) (?:\w+ )?(?:be|is"
        r"|was|gets?|been|has"
        r" been) (?:\w+ )?(?:dropped|shelved|binned|called|off|over)|any ?more\b|\bcall(?:s|ed"
        r"|ing)? off"
        r"|(?:does|do|is|are)(?: not|n't) (?:apply|hold|exist|valid|true|stand|the case)|expired"
        r"|invalid|reversed"
        r"|(?:stopp?|ceas|end)(?:s|ed|es) (?:to )?(?:be|hold|apply|exist|true)|not the case"
        r"|is no more"
        r"|falls? through|won't happen|will not (?:happen|take)|\bfalse\b"
        r"|declared (?:\w+ )?(?:void|over|dead)|\bended\b|an end\b",
        _DELETE,
        _HOLD,
        exclude=r"strike (?:that|it|this|something)|struck|[\"'“‘]strike|lingo|\bduty\b|duties",
    ),
    spec(
        "merge_duplicates",
        r"(?:facts?|things?|information|statements?|what) (?:that |which )?(?:is"
        r"|are) (?:well )?known|"
        r"duplicat|already (?:say|said|stat|hold|record|contain|cover|know|express|mention|there"
        r"|present|stor|exist|captur|in (?:the )?memory|has|have|tell|carr|includ|report|not)"
        r"|says? the same|the same (?:fact|information|content|statement|meaning|message)"
        r"|(?:states?|holds?|says?|known|contains?|knows?|stored|there|recorded|covered|in memory"
        r"|expresses|mentions) (?:it |that |this )?already|already in|\brepeat|redundan|restat"
        r"|\btwice\b"
        r"|identical|same thing (?:again|twice|in other words)|a second time|means the same"
        r"|says? nothing new|adds? nothing|brings? nothing|nothing new|known facts?|\bcopies\b"
        r"|(?:contains?|has|holds?|knows?|says?|states?)(?: \w+){1,4} already|the (?:memory"
        r"|list) already|one entry (?:per|each)"
        r"|already known|repetition|equivalent|\bechoe?s?\b|\b(?:only|just) once\b|(?:covered"
        r"|recorded|stored|present)"
        r" (?:already|before|elsewhere)|(?:same|identical) (?:\w+ )?(?:meaning|content|sense"
        r"|substance)|\bdoubl"
        r"|unchanged information|existing (?:search|entr)|overlap|second entry|nothing (?:to|new)",
        r"(?:change|add|do|store|write|alter|record) nothing|is enough|no duplicates?|(?:not|n't"
        r"|never) (?:need|require)\w*|keep\w*|ignor\w*|skip\w*|drop\w*"
        r"|discard\w*|merg\w*|leav\w*|do nothing|no change"
        r"|unchanged|combin\w*|fold\w*|nothing (?:to do|needs|happens|changes|has to)|once\b"
        r"|no (?:action|operation|update|new entry|second entry|further entry)|as it is|reject\w*"
        r"|avoid\w*"
        r"|refrain\w*|one entry|single entry|not needed|unnecessary|omit\w*|unif\w*|collaps\w*"
        r"|disregard\w*|suffic\w*|enough|throw\w*|remov\w*|consolidat\w*",
        r"add(?:s|ed|ing)?\b|stor(?:e|es|ed|ing)\b|insert\w*|creat\w*|writ\w*|record(?:ed|ing)?\b"
        r"|sav(?:e|ed|ing)\b|enter\w*|put\b|append\w*|make\b(?! sure)|fil(?:e|ed|ing)\b|accept\w*"
        r"|allow\w*"
        r"|fill\w*|clutter\w*|burden\w*|hold\b|appear\w*|keep (?:both|all|every)|fine\b|harmless"
        r"|welcome|toler\w*|okay|no problem",
        1,
        flips=True,
        exclude=r"dut(?:y|ies)\b|responsib|about the same|strike|struck|same mistake|(?:read|think"
        r"|check|look)\w*"
        r" (?:\w+ )*twice|repeat the|translated|first name|cancel|retract|longer|withdr",
    ),
    spec(
        "own_word",
        r"\bown (?:word|statement|message|claim|say|account|mouth|words|statements|messages"
        r"|voice|testimon|report|admission|correction|announcement)|(?:person|people|one"
        r"|colleague|speaker|they|he or she|someone|somebody)?\s?(?:themselves|themself|himself"
        r"|herself|him- or herself|in person)|first[- ]hand|(?:speaker|speaking|said by"
        r"|comes? from|made by|stated by|told by|the word of|statements? (?:by|from|of)) (?:is "
        r"|of )?(?:the )?(?:very )?(?:person|colleague|one|subject|people) (?:it|the fact"
        r"|that fact|concerned|whom|who is|in question|that|they|a fact|the entry|an entry)"
        r"|speaks? for|about (?:themselves|himself|herself|oneself)|\bthe person concerned",
        r"appl\w*|chang\w*|counts?\b|counted|trust\w*|accept\w*|prefer\w*|only|overrid\w*"
        r"|overrul\w*|decid\w*|believ\w*|updat\w*|alter\w*|wins?\b|prevail\w*|matter\w*"
        r"|authorit\w*|take\w*|follow\w*|may\b|modif\w*|stands?\b|outweigh\w*|precedence|priority"
        r"|revis\w*|let\b|unless|require\w*|go by|final|beats?|weigh\w*|touch\w*|rel(?:y|ies)"
        r"|correct\w*|allow\w*",
        r"ignor\w*|disregard\w*|discard\w*|irrelevant|regardless|distrust\w*|not matter|no matter",
        exclude=r"strike|struck|own words|in your own|other than the|\bone person's|a colleague's"
        r"|\bon your own",
        needs=r"",
    ),
    spec(
        "own_word",
        rf"{_OTHERS} (?:\w+ ){{0,4}}{_SAY}|{_SAY}\w*(?: \w+){{0,5}} (?:by|from|of|made by|through"
        rf"|about) (?:\w+ )?{_OTHERS}|hearsay|other than the (?:person|one|colleague)|(?:one"
        rf"|a) (?:person|colleague)\'s (?:\w+ )?(?:claim|statement|word|report)\w*|second[- ]hand"
        rf"|(?:one|a) (?:person|colleague"
        rf"|speaker)'?s? (?:\w+ )?(?:{_SAY}\w*)(?: \w+){{0,3}} (?:about|on|concerning|of"
        rf"|regarding) (?:another|someone|somebody|anyone)|about (?:somebody|someone|people"
        rf"|persons?|a colleague|a person|anyone|another person) (?:else )?(?:\w+ )?(?:who"
        rf"|that) (?:is|are|did)|(?:not|n't) the (?:speaker|person (?:speaking|who))"
        rf"|whoever (?:said|says|made|makes|spoke|stated|tells|reports)|no matter who"
        rf"|regardless of who|speaker (?:is not|differs|is someone|is different)|whose speaker is"
        rf"|third[- ]part(?:y|ies)|gossip|rumou?rs?",
        r"ignor\w*|disregard\w*|discard\w*|keep\w*|reject\w*|leav\w*|skip\w*|drop\w*|refus\w*"
        r"|distrust\w*|no effect|unchanged|as it is|nothing|untouched|cannot|stays?\b|set aside"
        r"|mistrust\w*|hold (?:on|fast)|stick|protect\w*|powerless|carr(?:y|ies) no weight"
        r"|no weight|dismiss\w*|overlook\w*|not enough|resist\w*|stand\b|preserv\w*|retain\w*"
        r"|worth nothing",
        r"appl\w*|chang\w*|accept\w*|trust\w*|believ\w*|let\b|updat\w*|alter\w*|overwrit\w*"
        r"|overrid\w*|us(?:e|ing)\b|replac\w*|touch\w*|count\w*|follow\w*|adopt\w*|take\w*"
        r"|modif\w*|wins?\b|correct\w*|act\b|edit\w*|affect\w*|revis\w*|rel(?:y|ies)|suffic\w*"
        r"|matter\w*|allow\w*|overrul\w*|may\b|sway\w*|influenc\w*|add\b|prevail\w*|carr(?:y"
        r"|ies) weight|valid|displac\w*",
        exclude=r"strike|struck",
    ),
    spec(
        "cumulative",
        r"\blook after\b|"
        r"\bdut(?:y|ies)\b|responsibilit|looks? after|looking after|in charge|(?:take|takes"
        r"|taking) care of|responsible for|\bchores?\b|\bremits?\b|assignments?\b|\btasks\b"
        r"|jobs? (?:that )?(?:people|someone|somebody|a person) (?:does|do|has|have)"
        r"|areas? (?:that )?(?:people|someone|somebody)|what (?:somebody|someone|a person|people"
        r"|a colleague) (?:handles?|manages?|oversees?|tends?)|charges\b|portfolio|\broles?\b"
        r"|\btasks?\b|looked after|taken care of|\bareas? of\b"
        r"|(?:takes?|took|taken|taking) (?:over|on) |\bjobs\b|assigned to|workload|\bhats?\b"
        r"|in (?:their|his|her)"
        r" care|competenc|\bcharge of|\bassignment|field of (?:work|activity)|functions?\b",
        r"at the same time|\bmany\b|leav\w* (?:[\w'-]+ ){0,8}(?:in place|untouched|intact|alone"
        r"|standing|in force|as (?:it"
        r"|they))|swell\w*"
        r"|accru\w*|build\w* up|one more|further\b|not exclusive|several|simultaneous\w*|at once"
        r"|supplement\w*|expand\w*"
        r"|add\w*|accumulat\w*|pil\w*|collect\w*|keep\w*|kept|extend\w*|append\w*|alongside"
        r"|side by side|in addition|join\w*|together|both|cumul\w*|list\w*|grow\w*|coexist\w*"
        r"|beside|on top|stack\w*|sum\b|retain\w*|remain\w*|stay\w*|all of|still|combin\w*"
        r"|preserv\w*|stands?\b|further entry|new entry|separate|hold\w*|as well|continu\w*"
        r"|next to|increas\w*",
        r"replac\w*|overwrit\w*|supersed\w*|chang\w*|drop\w*|remov\w*|displac\w*|delet\w*"
        r"|cancel\w*|oust\w*|ends?\b|ended|eras\w*|swap\w*|instead|discard\w*|push\w* out|los(?:e"
        r"|es|ing)\b|only the (?:latest|newest|new)|exchang\w*|tak\w* the place|give up|giv(?:es"
        r"|ing)|shed\b|relieve\w*|cost\w*|outdat\w*|touch\w*|forget\w*|forgotten|void\w*|wip\w*"
        r"|substitut\w*|crowd\w*|ignor\w*|skip\w*|leav\w* out|only (?:one|the)\b"
        r"|only (?:\w+ )the (?:latest|newest|most recent|last|new)|free\b",
        exclude=r"look after (?:the|your) (?:format|quality|style|list|output)"
        r"|\byou are (?:responsible|in charge)|\byour (?:duty|task|job|role"
        r"|responsibility)|duty-free"
        r"|format|strike|struck|next task is|task of this|jobs? (?:title|change)|(?:earlier"
        r"|former|old|previous|past) jobs?\b"
        r"|(?:your|this) (?:task|job)",
    ),
    spec(
        "strike",
        r"\bstrikes?\b|\bstruck\b|\bstriking (?:that|it|out)",
        _DELETE + r"|withdr\w*|retract\w*|cancel\w*|revok\w*|undo\w*|no longer|void\w*|invalidat\w*"
        r"|tak\w* back|annul\w*|rescind\w*|recall\w*|not (?:true|valid)|wrong\b",
        r"keep\w*|kept|leav\w*|add\w*|stor\w*|retain\w*|ignor\w*|record\w*|disregard\w*|skip\w*"
        r"|be left\b|surviv\w*|stay\w*|remain\w*|(?:no|not have any) (?:effect|meaning"
        r"|consequence)|noise|idle|meaningless|save\b|preserv\w*|not(?:e|ing)\b|as (?:an ordinary"
        r"|a normal"
        r"|any other)|like any",
        exclude=r"(?<=a )strike (?:of|by) |strike a (?:balance|deal|pose|chord|match|tone"
        r"|compromise|blow|good|fine|right)|striking (?:facts|or|lang)|\bon strike|strikes? (?:is"
        r"|are)\b.*(?:topic|subject)|drivers'|lucky"
        r"|clock|bowling|strikes (?:twelve|\w+ when)|strike the right|lightning",
    ),
)
