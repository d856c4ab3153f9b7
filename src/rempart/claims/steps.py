"""The steps that lead to an amount: which rule, its article, the amount, and a French sentence for whoever reads the invoice."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from rempart.claims.money import Money


class Rule(Enum):
    """Every rule that can appear in a step: its name, its article, its sentence. `{0}` is the step's amount."""

    AMO_RATE = (
        "amo-rate",
        "CSS L160-13 I, R160-5",
        "L'assurance maladie rembourse {1} de {2}, arrondi au centime : {0}.",
    )
    LOCAL_SCHEME = (
        "local-scheme",
        "CSS L325-1",
        "Avec le régime local d'Alsace-Moselle, l'assurance maladie rembourse {1} de {2} : {0}.",
    )
    SOLIDARITY = (
        "solidarity-rate",
        "CSS L815-1, R160-5",
        "Bénéficiaire de l'ASPA (FSV) : l'assurance maladie rembourse {1} de {2} : {0}.",
    )
    EXONERATION = (
        "exoneration",
        "CSS L160-9, L160-14, R160-11",
        "Exonération du ticket modérateur ({1}) : l'assurance maladie rembourse {0}.",
    )
    OUTSIDE_PATHWAY = (
        "outside-pathway",
        "CSS L162-5-3",
        "Hors parcours de soins, l'assurance maladie rembourse moins : majoration de {0} à la charge du patient.",
    )
    HEAVY_ACT = (
        "heavy-act",
        "CSS R160-16",
        "Acte coûteux : le ticket modérateur est remplacé par un forfait de {0}.",
    )
    HEAVY_ACT_ONCE = (
        "heavy-act-once",
        "CSS R160-16",
        "Le forfait d'acte coûteux est déjà dû sur une autre ligne de ce séjour : ticket modérateur {0}.",
    )
    HOSPITAL_TICKET = (
        "hospital-ticket",
        "CSS R160-5",
        "Ticket modérateur du séjour (du 31e jour : aucun) : {0}.",
    )
    FORFAIT_JOURNALIER = ("forfait-journalier", "CSS L174-4", "Forfait journalier, {1} jours à {2} : {0}.")
    FORFAIT_IMPUTED = (
        "forfait-imputed",
        "CSS L174-4 ; arrêté du 17 avril 2018, annexe 1",
        "Le forfait journalier s'impute sur le ticket modérateur, le plus élevé des deux est dû : {0} en tout.",
    )
    FORFAIT_ADDED = (
        "forfait-added",
        "CSS L174-4 ; arrêté du 17 avril 2018, annexe 1",
        "Le forfait journalier est dû en plus : {0} en tout.",
    )
    FORFAIT_EXEMPT = (
        "forfait-exempt",
        "CSS L174-4, L325-1",
        "Pas de forfait journalier à la charge de ce patient ({1}).",
    )
    STAY_AMO = (
        "stay-amo",
        "Arrêté du 17 avril 2018, annexe 1",
        "L'assurance maladie paie le reste du séjour : {0}.",
    )
    GUARANTEE = ("guarantee", "Contrat", "La garantie ({1}) donne {0} à la complémentaire.")
    KIT_GUARANTEE = (
        "kit-guarantee",
        "Contrat",
        "La garantie de l'équipement ({1}) donne {0} à la complémentaire.",
    )
    FLOOR = (
        "responsible-floor",
        "CSS R871-2",
        "Contrat responsable : le ticket modérateur et le forfait journalier sont dus, la complémentaire paie au moins {0}.",
    )
    FULL_COVER = (
        "full-cover",
        "CSS L871-1, R871-2",
        "100 % Santé : la complémentaire complète jusqu'au prix limite, soit {0}.",
    )
    SURCHARGE_FORBIDDEN = (
        "surcharge-forbidden",
        "CSS L871-1",
        "Un contrat responsable ne rembourse pas la majoration hors parcours : la complémentaire paie au plus {0}.",
    )
    EXCESS_CAPPED = (
        "excess-capped",
        "CSS R871-2",
        "Médecin hors OPTAM : dépassement pris en charge limité, la complémentaire paie au plus {0}.",
    )
    FRAME_CAPPED = (
        "frame-capped",
        "CSS R871-2",
        "Monture limitée à {1}, assurance maladie comprise : la complémentaire paie au plus {0}.",
    )
    KIT_CAPPED = (
        "kit-capped",
        "CSS R871-2",
        "Équipement de catégorie {1} limité à {2}, assurance maladie comprise : la complémentaire paie au plus {0}.",
    )
    KIT_LEAST = (
        "kit-least",
        "CSS R871-2",
        "Équipement de catégorie {1} : le contrat couvre au moins {2}, soit {0} pour la complémentaire.",
    )
    EAR_CAPPED = (
        "ear-capped",
        "CSS R871-2",
        "Aide auditive limitée à {1} par oreille, assurance maladie comprise : la complémentaire paie au plus {0}.",
    )
    PERIOD = (
        "period-ceiling",
        "Contrat ; CSS R871-2",
        "Plafond de la période : il reste {0} pour la complémentaire.",
    )
    AMC = ("amc", "Contrat", "Part de la complémentaire : {0}.")
    PATIENT = ("patient", "CSS L160-13", "Reste à la charge du patient : {0}.")
    PARTICIPATION = (
        "participation",
        "CSS L160-13 II, D160-5",
        "Participation forfaitaire de {0}, due à l'assurance maladie, jamais remboursée et à ne pas encaisser.",
    )
    FRANCHISE = ("franchise", "CSS L160-13 III, D160-9", "Franchise médicale de {0}, due à l'assurance maladie, jamais remboursée et à ne pas encaisser.")  # fmt: skip

    @property
    def code(self) -> str:
        """Its name in files."""
        return self.value[0]

    @property
    def article(self) -> str:
        """The article it applies."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `line` is the line's place in the input, None for the whole case; the sentence is written only when it is read."""

    what: Rule
    amount: Money
    line: int | None = None
    facts: tuple[object, ...] = ()

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.what.code

    @property
    def article(self) -> str:
        """The article it applies."""
        return self.what.article

    @property
    def sentence(self) -> str:
        """One French sentence a pharmacist can read."""
        return self.what.value[2].format(self.amount.french, *map(_french, self.facts))


def _french(fact: object) -> str:
    if isinstance(fact, Money):
        return fact.french
    if isinstance(fact, Fraction):
        percent = fact * 100
        whole = (
            str(percent.numerator) if percent.denominator == 1 else f"{float(percent):.2f}".replace(".", ",")
        )
        return f"{whole} %"
    return str(fact)
