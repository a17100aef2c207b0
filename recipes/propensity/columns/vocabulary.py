"""The words by which columns and values are known: outcomes, keys, codes, what happened and what did not; no code."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names that can mean nothing but what a model is to learn.
LABELS = _words(
    "label target outcome y class groundtruth dependent dependentvariable depvar output istarget ziel zielvariable "
    "cible objetivo alvo"
)
# Names of what happens in the end: to a visit, a customer, a loan, a claim, a patient, a message.
EVENTS = _words(
    "churn churned churner churns converted conversion convert purchase purchased buy bought buyer sale sold sales "
    "revenue ordered order transaction checkout subscribed subscribe subscriber unsubscribed click clicked opened "
    "response responded responder exited exit attrition attrited left leave leaver quit resigned terminated survived "
    "died death dead deceased fraud fraudulent isfraud scam spam phishing deposit cancelled canceled cancellation "
    "cancel booked noshow renewed renewal renew retained lapsed reactivated upgraded downgraded approved approval "
    "accepted rejected granted won lost closed hired returned refunded readmitted defaulted delinquent bankrupt "
    "insolvent repaid loanstatus creditrisk risk claim claimed disease heartdisease diabetes stroke cancer diagnosis "
    "malignant sick infected condition income success successful failure failed fault anomaly complained escalated "
    "donated donor action respond approve reject deny denied refuse refused arrest arrested rearrested recidivism "
    "recid reoffended relapse relapsed vote voted enrolled graduated dropout "
    "gekauft kauf gekündigt kündigung gekuendigt kuendigung abgewandert storniert abgeschlossen "
    "betrug ausgefallen achat acheté achete résilié resilie désabonné fraude compra comprado abandono abandonó baja "
    "cancelado vendido acquisto acquistato abbandono disdetta aankoop opgezegd"
)
# A sale in the words of a shop: then rows are visits.
SALES = _words("revenue sale sales sold purchase purchased buy bought buyer converted conversion transaction")
# Names that mean an outcome in one table and an ordinary property in the next.
DOUBTFUL = _words("default order ordered income action condition risk left exit claim")
# What stands beside the event in a name and changes nothing.
BESIDE = _words("is has was did will be flag ind indicator yn bool boolean binary customer client user the a")
# With these an event is one of earlier times, or what it came with.
EARLIER = _words(
    "previous prev prior last past before earlier old history historic first reason type channel count number num"
)
# Two values that are nobody's outcome.
PROPERTIES = _words(
    "sex gender geschlecht sexe sexo male female race ethnicity white black hispanic married single urban rural "
    "weekend holiday weekday smoker senior seniorcitizen"
)
KEYS = _words("id ids uuid guid key hash token email mail phone telephone iban vin")
NUMBERS = _words("nr no number num isbn ean sku")
COUNTERS = _words("row rows rownumber rowid index idx obs line seq sequence lfdnr unnamed")
CODES = _words(
    "os operatingsystem operatingsystems system systems browser region area zone district state country city store "
    "shop branch type code codes category class group segment cluster channel zip zipcode postcode postal plz weekday "
    "dayofweek dow hourofday month quarter department product plan policy sex gender race status"
)
# Words of a value that say that it happened, and those that say that it did not.
HAPPENED = _words(
    "churn churned left leave exited attrited lost cancelled canceled terminated quit bought buy buyer purchase "
    "purchased converted conversion sale sold subscribed clicked responded responder fraud fraudulent scam spam "
    "default defaulted delinquent chargedoff bankrupt positive success successful won approved accepted granted "
    "renewed survived died dead sick disease malignant infected abnormal anomaly attack failed readmitted returned "
    "refunded hired booked high"
)
DID_NOT = _words(
    "stay stayed stays retained retain existing active loyal current none normal legit legitimate genuine valid ham "
    "benign healthy negative rejected refused declined ignored unsubscribed paid nondefault low"
)
NOT = _words("no not non never without un didnt did kein nicht pas sans sin")
