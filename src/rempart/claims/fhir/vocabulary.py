"""The names of the FHIR side: systems, extensions, and the closed lists of codes with a word in French and in English."""

from collections.abc import Mapping
from typing import NamedTuple

from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.codes import CODES

CLAIM_TYPE = "http://terminology.hl7.org/CodeSystem/claim-type"
PRIORITY = "http://terminology.hl7.org/CodeSystem/processpriority"
PAYMENT_TYPE = "http://terminology.hl7.org/CodeSystem/payment-type"
CLAIM_PAYMENT = "http://terminology.hl7.org/CodeSystem/ex-paymenttype"
RELATED = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"
FINESS = "urn:oid:1.2.250.1.71.4.2.2"
INVOICE = "urn:rempart:invoice"
PEC = "urn:rempart:prise-en-charge"
STATEMENT = "urn:rempart:statement"
RECEIPT = "urn:rempart:receipt"
REGIME = "urn:rempart:regime"
TERRITORY = "urn:rempart:territory"
BASE = "urn:rempart:base"
STATE = "urn:rempart:state"
MONEY = "urn:rempart:money"
PEC_NEEDED = "urn:rempart:prise-en-charge-needed"
CEILING = "urn:rempart:left-of-ceiling"
DUE_KIND = "urn:rempart:due-kind"
CARE_DATE = "urn:rempart:care-date"
ENGAGEMENT = "urn:rempart:engagement"
INSURER = "urn:rempart:insurer"
CODE = "urn:rempart:code"
NATURE = "urn:rempart:nature"
PATHWAY = "urn:rempart:pathway"
OPTAM = "urn:rempart:optam"
CARE_CLASS = "urn:rempart:care-class"
BASKET = "urn:rempart:basket"
LENS = "urn:rempart:lens-category"
HEAVY = "urn:rempart:heavy-act"
EXONERATION = "urn:rempart:exoneration"
EAR = "urn:rempart:ear"
UNIT = "urn:rempart:unit"
ADJUDICATION = "urn:rempart:adjudication"
CLAIM_PROFILE = "urn:rempart:profile:claim"
RESPONSE_PROFILE = "urn:rempart:profile:claim-response"
PAYMENT_PROFILE = "urn:rempart:profile:payment-reconciliation"


class Word(NamedTuple):
    """What a code means."""

    french: str
    english: str


CODES_OF: dict[str, Mapping[str, Word]] = {
    NATURE: {
        "doctor": Word("Acte de médecin", "Doctor's act"),
        "dental-care": Word("Soins dentaires", "Dental care"),
        "dental-prosthesis": Word("Prothèse dentaire", "Dental prosthesis"),
        "biology": Word("Biologie", "Biology"),
        "auxiliary": Word("Acte d'auxiliaire médical", "Auxiliary's act"),
        "drug-100": Word("Médicament à 100 %", "Drug reimbursed at 100 %"),
        "drug-65": Word("Médicament à 65 %", "Drug reimbursed at 65 %"),
        "drug-30": Word("Médicament à 30 %", "Drug reimbursed at 30 %"),
        "drug-15": Word("Médicament à 15 %", "Drug reimbursed at 15 %"),
        "lpp": Word("Produit de la LPP", "Listed device"),
        "optics-lens": Word("Verre", "Lens"),
        "optics-frame": Word("Monture", "Frame"),
        "audio": Word("Aide auditive", "Hearing aid"),
        "hospital-stay": Word("Séjour hospitalier", "Hospital stay"),
        "transport": Word("Transport", "Transport"),
    },
    PATHWAY: {
        "coordinated": Word("Parcours coordonné", "Coordinated pathway"),
        "outside": Word("Hors parcours", "Outside the pathway"),
    },
    OPTAM: {
        "yes": Word("Médecin OPTAM", "OPTAM doctor"),
        "no": Word("Médecin hors OPTAM", "Doctor outside OPTAM"),
    },
    CARE_CLASS: {
        "A": Word("Optique, classe A (100 % Santé)", "Optics, class A (100 % Santé)"),
        "B": Word("Optique, classe B", "Optics, class B"),
        "I": Word("Audio, classe I (100 % Santé)", "Hearing aid, class I (100 % Santé)"),
        "II": Word("Audio, classe II", "Hearing aid, class II"),
    },
    BASKET: {
        "rac0": Word("Panier 100 % Santé", "100 % Santé basket"),
        "moderated": Word("Panier maîtrisé", "Moderated basket"),
        "free": Word("Panier libre", "Free basket"),
    },
    LENS: {
        "a": Word("Verre simple", "Mild lens"),
        "c": Word("Verre complexe", "Complex lens"),
        "f": Word("Verre très complexe", "Very complex lens"),
    },
    HEAVY: {"heavy-act": Word("Acte lourd", "Heavy act")},
    EXONERATION: {
        "ald": Word("Affection de longue durée", "Long-term condition"),
        "maternity": Word("Maternité", "Maternity"),
        "work-accident": Word("Accident du travail", "Work accident"),
        "invalidity": Word("Invalidité", "Invalidity"),
    },
    EAR: {
        "left": Word("Oreille gauche", "Left ear"),
        "right": Word("Oreille droite", "Right ear"),
    },
    UNIT: {
        "box": Word("Boîte", "Box"),
        "day": Word("Jour de séjour", "Day of a stay"),
        "act": Word("Acte", "Act"),
    },
    REGIME: {
        "general": Word("Régime général", "General scheme"),
        "alsace-moselle": Word("Alsace-Moselle", "Alsace-Moselle"),
        "fsv": Word("Fonds de solidarité vieillesse", "Old-age solidarity fund"),
    },
    ADJUDICATION: {
        "submitted": Word("Prix facturé", "Price billed"),
        "amo": Word("Part de l'assurance maladie obligatoire", "Compulsory insurance's share"),
        "amc": Word("Part de la complémentaire", "Complementary insurance's share"),
        "patient": Word("Part du patient", "Patient's share"),
        "participation": Word("Participation forfaitaire, à part", "Flat participation, apart"),
        "franchise": Word("Franchise, à part", "Franchise, apart"),
    },
    STATE: {
        "accepted": Word("Acceptée", "Accepted"),
        "refused": Word("Refusée", "Refused"),
        "cancelled": Word("Annulée", "Cancelled"),
        "accordee": Word("Prise en charge accordée", "Prise en charge agreed"),
        "en-attente": Word("Prise en charge en attente", "Prise en charge waiting"),
        "refusee": Word("Prise en charge refusée", "Prise en charge refused"),
        "annulee": Word("Prise en charge annulée", "Prise en charge cancelled"),
        "simulated": Word("Devis : rien n'est réservé", "Quote: nothing is reserved"),
    },
    MONEY: {
        "due": Word("Due, au prochain virement", "Due, in the next transfer"),
        "ordered": Word("Virement ordonné", "Transfer ordered"),
        "executed": Word("Virement exécuté", "Transfer executed"),
        "rejected": Word("Virement rejeté par la banque", "Transfer rejected by the bank"),
        "recovering": Word("Indu, à récupérer", "Paid in error, to be recovered"),
        "recovered": Word("Indu récupéré", "Recovered"),
    },
    DUE_KIND: {
        "invoice": Word("Facture", "Invoice"),
        "cancellation": Word("Annulation", "Cancellation"),
        "indu": Word("Indu récupéré", "Recovery"),
    },
    "urn:rempart:domain": {each.value: Word(each.value, each.value) for each in Domain},
    "urn:rempart:lane": {
        "card": Word("Par la carte", "By the card"),
        "vitale": Word("Par le NIR", "By the NIR"),
    },
    "urn:rempart:closing-reason": {
        "domain-not-covered": Word("Domaine non couvert", "Domain not covered"),
        "waiting-period": Word("Délai de carence", "Waiting period"),
        "not-started": Word("Pas encore commencé", "Not started"),
        "ended": Word("Terminé", "Ended"),
        "suspended": Word("Suspendu", "Suspended"),
    },
    CODE: {name: Word(each.french, each.english) for name, each in CODES.items()},
}
"""System → code → what it means."""

TYPE_OF: dict[str, str] = {
    Domain.PHAR: "pharmacy",
    Domain.OPTI: "vision",
    Domain.DENT: "oral",
    Domain.HOSP: "institutional",
}
"""The claim type of a domain; "professional" for the others."""
