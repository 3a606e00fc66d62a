"""Patterns of hospital paperwork in general: doses, routes, times, results, words of a status."""

import re


def _any(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.I)


NUMBER = r"[-\u2212]?\d+(?:[.,]\d+)*"
UNIT_OF_DOSE = (
    r"(?:mcg|micrograms?|[\u00b5\u03bcu]g|mg|gm?|ml|units?|u|iu|ie|me?q|mmol|ng|puffs?|drops?"
    r"|tablets?|tabs?|caps?|Hub|%)"
)
DOSE = re.compile(
    rf"{NUMBER}\s?{UNIT_OF_DOSE}(?:\s?/\s?(?:kg|hr?|hour|min|m2|24\s?h|d|ml|std))*(?!\w)", re.I
)
ROUTE = _any(
    r"by mouth|orally|oral|p\.?\s?o\.?|per os|i\.?\s?v\.?|intravenous(?:ly)?|intraven\u00f6s"
    r"|s\.?/?\s?c\.?|sub\s?q|subcut\w*|under the (?:skin|tongue)|into (?:a|the) (?:vein|muscle)"
    r"|i\.?m\.?|intramuscular(?:ly)?|inhal\w*|by inhaler|inh|neb\w*|s\.?l\.?|sublingual(?:ly)?"
    r"|topical(?:ly)?|locally|local|lokal|infiltration|p\.?r\.?|rectal(?:ly)?|nasal(?:ly)?|patch"
    r"|transdermal(?:ly)?|epidural|intrathecal"
)
FREQUENCY = _any(
    r"(?:once|twice|(?:two|three|four|\d) times|one time) (?:daily|weekly|an? \w+|per \w+"
    r"|each \w+)"
    r"|every (?:\w+ )?(?:hours?|h|minutes?|min|days?|morning|evening|night|week)"
    r"|(?:each|at) (?:night|bedtime|morning|evening)|in the (?:morning|evening)|nightly|daily"
    r"|weekly|alle \d+ (?:std|stunden|h|min|minuten|tage)\.?|q\.?\s?\d+\s?(?:h|hrs?|min)"
    r"|q\.?(?:d|hs|am|pm|wk)|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|od|o\.d\.|bd|b\.d\.|tds|qds|nocte|mane"
    r"|stat|once|one dose|x\s?1|\d+ hourly|hourly|\d-\d-\d(?:-\d)?|\d\s?x\s?(?:t\u00e4gl\w*"
    r"|pro \w+|/\w+)"
    r"|t\u00e4glich|w\u00f6chentlich|einmalig|zur nacht|continuous(?:ly)?|cont\. infusion|kont\."
    r"|kontinuierlich|cont\.?|gtt|drip"
)
PRN = _any(
    r"p\.?r\.?n\.?|(?:as|if|when) (?:needed|required|necessary)|on demand|b\.\s?bed\.?|bei bedarf"
    r"|only if \w+"
)
STATUS = {
    "held": _any(
        r"on hold(?: for now)?|held|hold|paused?|interrupted|withheld|pausiert"
        r"|suspended"
    ),
    "discontinued": _any(
        r"no longer(?: taken)?|stop(?:ped)?|discontinued?|dc'?d|d/c|removed|ceased?|abgesetzt"
        r"|ended"
    ),
    "new": _any(r"new(?:ly started)?|neu|start(?:ed)?(?: today)?|added|begun|initiated"),
    "changed": _any(
        r"(?:dose )?changed?|(?:in|de)creased|reduced|raised|adjust(?:ed)?|ge\u00e4ndert"
        r"|modif(?:y|ied)|dose (?:up|down)|altered"
    ),
    "active": _any(
        r"continued?|unchanged|same|active|weiter|keep(?: on)?|current|ongoing|no change"
        r"|confirmed"
    ),
}
ASSERTION = {
    "absent": _any(
        r"no evidence of|no signs? of|no|not found|not present|den(?:ies|ied)"
        r"|neg(?:ative)?(?: for)?|not confirmed|kein\w*"
        r"|excluded?|ruled out|absent|without|ausgeschlossen|was not found|free of"
    ),
    "possible": _any(
        r"possible|possibly|probable|suspected|suspicion of|r/o|rule out|query|v\.?\s?a\.?"
        r"|verdacht auf|unclear|to be confirmed|likely|questionable|fraglich"
    ),
    "family": _any(
        r"(?:in the |family history of |family: |fhx?:? )?(?:mother|father|brother|sister|mutter"
        r"|vater|bruder|schwester|parents?|sibling|grand\w+|aunt|uncle)(?:'s side)?(?: has| had)?"
        r"|family history(?: of)?|family(?: hx)?|fhx?|familienanamnese|runs in the family"
    ),
    "history": _any(
        r"history of|h/o|hx(?: of)?|pmhx?|prior|previous(?:ly)?|in the past|past|years ago"
        r"|z\.\s?n\.|resolved"
        r"|former(?:ly)?|old|st\.?\s?p\.?|s/p|zustand nach|recovered|fr\u00fcher\w*|anamnestisch"
    ),
    "present": _any(r"active|confirmed|present|current|known|established|best\u00e4tigt|aktuell"),
}
TIME = (
    r"(?:\d{1,2}[:.h]\d{2}(?:\s?[ap]\.?m\.?)?+(?:\s?Uhr|\s?h(?:rs)?(?!\w))?+"
    r"|(?:[01]\d|2[0-3])[0-5]\d(?:\s?h(?:rs)?)?)"
)
BETWEEN = (
    r"\s*(?:\([^)]*\)\s*)?(?:is|was|of|at|came (?:back )?(?:at|to)|measured|reads|stood at"
    r"|->|[:=|/\u2013])*\s*"
)
DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\d{1,2}\.? [A-Z\u00c4][a-z\u00e4]+\.?,? \d{4}|[A-Z][a-z]+\.? \d{1,2},? \d{4})"
)
CODE = re.compile(r"\b[A-TV-Z]\d[0-9A-Z](?:\.\d{1,4})?\b")
SIDE = _any(r"left|right|bilateral|both sides|links|rechts|beidseits|bds\.?|lt|rt|l|r|li\.?|re\.?")
RANGE = re.compile(
    rf"(?:(?:from )?{NUMBER}\s?(?:-|~|\u2013|to|bis|;|\.\.|,(?= ))\s?{NUMBER}"
    rf"|(?:[<>\u2264\u2265]=?|up to|under|over|below|above|less than|more than|not over|not under"
    rf"|max\.?|min\.?|bis|unter|\u00fcber)\s?{NUMBER})",
    re.I,
)
FLAG = _any(
    r"[\[(]?\*{0,2}[HL]{1,2}\*{0,2}(?:[\])]|(?!\w))|(?:critically |very |far )?(?:high|low)"
    r"|(?:way )?(?:up|down)"
    r"|(?:far )?(?:above|below) range|crit\w*|abnormal|erh\u00f6ht|erniedrigt"
)
UNIT = re.compile(
    r"(?:10\S{1,4}/\S+|x?10\^?\d+/\w+|mm\s?\[?Hg\]?|cm\s?H2O|(?:[a-z\u00b5\u03bc%]{1,9}|G\w+)"
    r"/(?:[a-z0-9.\u00b2]+/?)+|/min|mmHg|mEq/L|bpm|fL|pg|(?:beats|breaths) per min(?:ute)?"
    r"|\u00b0\s?[CF]|[CF]|%|percent|sec(?:onds)?"
    r"|kg|lbs?|cm|inches|in|ml|l/min|breaths/min|beats/min|degrees [CF]|mm/h|kPa)(?!\w)",
    re.I,
)
VITAL = _any(
    r"blood pressure|bp|rr|nibp|abp|heart rate|hr|hf|pulse|puls|respiratory rate|resp(?:\."
    r"|irations)?"
    r"|resps|af|temp(?:\.|erature|eratur)?|spo2|sp02|o2 sat(?:s|uration)?|sats?|oxygen saturation"
    r"|s\u00e4ttigung|mean arterial pressure|map|mad|central venous pressure|cvp|zvd"
    r"|glasgow coma scale|gcs|weight|wt|gewicht|height|ht|gr\u00f6\u00dfe|bmi|fio2"
    r"|inspired oxygen"
    r"|peep|end-expiratory pressure|urine output|uo|diurese|pain(?: score)?|icp"
    r"|intracranial pressure"
)
TITLES = {
    "value": r"(?:result|value|your value|reading|measured|wert|ergebnis|messwert|finding|level"
    r"|observed|obtained|number|figure|amount measured|befund)",
    "name": r"(?:test|analyte|component|parameter|drug|medic\w+|agent|wirkstoff|name|diagnos\w*"
    r"|dx"
    r"|problem|condition|procedure|operation|op|description|item|infusion|vital|sign"
    r"|measure(?:ment)?|product|preparation|compound|assay|marker|exam\w*|order|brand|generic"
    r"|therapy|complaint|illness|disease|disorder|intervention|surgery|service|prozedur"
    r"|ma\u00dfnahme|krankheit|medikament|arzneimittel|messung|messgr\u00f6\u00dfe|laborwert"
    r"|investigation|substance|eingriff|untersuchung|pr\u00e4parat|observation|test name"
    r"|what was done)",
    "dose": r"(?:dos\w*|amount|strength|rate|menge|how much|qty|flow|strength/dose|st\u00e4rke"
    r"|quantity)",
    "route": r"(?:route.*|via|gabe|rt|applikation|given by|how|how given|adm\w*|mode|weg)",
    "frequency": r"(?:freq\w*|schema|sig|interval|how often|directions|when|schedule|times"
    r"|regimen|timing|how taken|einnahme|h\u00e4ufigkeit)",
    "indication": r"(?:for.*|reason.*|indication|purpose|grund|indikation|why|used for"
    r"|because of|treats|diagnosis treated)",
    "status": r"(?:action|change|status|decision|hinweis|comment|remark|bemerkung|note|plan"
    r"|disposition|reconciliation|instruction|outcome|evidence|likelihood|assessment|certainty"
    r"|how sure|decided.*)",
    "unit": r"(?:units?|uom|einheit(?:en)?|measured in|dimension|expressed in)",
    "reference_range": r"(?:ref.*|normal.*|limits|expected.*|range|interval|target|usual.*"
    r"|healthy.*|norm\w*|referenz\w*)",
    "flag": r"(?:flag|abn\w*|h/l|alert|mark|bewertung|abnormal|out of range|signal|warning"
    r"|attention|indicator|hint)",
    "taken_at": r"(?:time|hour|drawn|collected|taken.*|zeit|uhrzeit|clock|sampled|at)",
    "code": r"(?:code|icd.*)",
    "laterality": r"(?:side|laterality|seite|site)",
    "performed_on": r"(?:date|done on|performed.*|datum|day|on)",
}
HEADINGS = {
    "medications": r"medic|meds|\brx\b|drug|infusion|drip|treatment|prescri|medikation|therap"
    r"|anaesth|anesth",
    "labs": r"lab|result|blood|chemist|investigation|h(?:a)?emato|test|analys",
    "vitals": r"vital|observation|measure|bedside|physiolog|nursing|obs\b|icu|flowsheet|kurve"
    r"|intensive",
    "diagnoses": r"diagnos|\bdx|problem|assessment|impression|background|history|condition"
    r"|comorb|anamnes",
    "procedures": r"procedure|operation|surg|eingriff|operativ",
}
EMPTY = _any(
    r"nil|n/?a|not stated|tbd|none|unknown|not recorded|-+|\u2013|\u2014|not given|k\.\s?a\.|\?"
)
OWN = re.compile(
    r"(?i)\bmrn\b|\bd\.?o\.?b\b|born \d|\bgeb\.|hosp(?:ital)? no|(?:chart|record) no|fall-nr"
    r"|patient:"
    r"|allerg|signed|dictated|\bgez\.|confiden|vertraulich|^visit of|\d+ / \d+$|^page\b"
    r"|electronically"
)
ONLY_TITLES = re.compile(
    r"(?i)(?:(?:diagnos[ei]s?|impression|assessment|background|history|problems?|list|past"
    r"|medical"
    r"|conditions?|procedures?|operations?|performed|medications?|meds|medicines?|drugs?|status"
    r"|side"
    r"|current|home|and|vitals?|signs?|results?|laboratory|labs?|bloods?|infusions?|findings?"
    r"|eingriff"
    r"|surg\w+|name|code|date|icd-?10|route|dose|frequency|test|value|units?|flag|laterality"
    r"|diagnosen"
    r"|medikation\w*|labor\w*|of|the|comment|reason|for|notes?|report|treatment|nursing"
    r"|observations?|interventions?|measurements?"
    r"|investigations?|chemistry|dx|bedside|physiological|parameters?|continuous|therapy"
    r"|plan)[\s|/:&.-]*)+"
)
SAID = re.compile(
    r"^(?:[-*\u2022\u00b7o]\s+)?(?:(?:we|found|lab|drip|known|vital|med:|rx:|there|he|she"
    r"|the patient|patient|was|is|were|has|have|had|takes|on"
    r"|prescribed|given|received|been|diagnosed|with|suffers|from|a|an|the|drip of|infusion of"
    r"|of|infusion|serum level of|level of"
    r"|medication:|drug:|op:|dx:|diagnosis:|procedure:|underwent)\s+)+",
    re.I,
)
TRIM = " \t,;:.-\u2013\u2014*\u2022/()[]|=>"
