"""Words that people at the desk read, French and English side by side. A word that is not here is shown as it is."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rempart.foundation.clock import DAY, PARIS, instant, paris_date
from rempart.identity.store_desk import Dossier
from rempart.incident.clocks import Due, State
from rempart.incident.scope_hit import Hit
from rempart.incident.scope_report import hit_sentences
from rempart.incident.scope_store import Place
from rempart.status import model as status

Words = tuple[str, str]
APPROVED = 30 * DAY
"""How long an approval waits to be enrolled (rempart.vault.onboarding)."""
SCOPES: dict[str, Words] = {
    "device": ("poste", "device"),
    "account": ("compte", "account"),
    "establishment": ("établissement", "establishment"),
    "editor": ("éditeur", "editor"),
    "profession": ("profession", "profession"),
    "lane": ("voie de consultation", "lane"),
    "insurer": ("assureur", "insurer"),
    "platform": ("plateforme entière", "whole platform"),
    "group": ("groupe", "group"),
}
KEYS: dict[str, Words] = {
    "device": ("identifiant du poste", "the device's id"),
    "account": ("identifiant de connexion", "its login"),
    "establishment": ("FINESS", "FINESS"),
    "editor": ("nom de l'éditeur", "the editor's name"),
    "profession": ("pharmacy, laboratory, doctor…", "pharmacy, laboratory, doctor…"),
    "lane": ("card, vitale ou secret", "card, vitale or secret"),
    "insurer": ("n° AMC", "n° AMC"),
    "platform": ("rien", "nothing"),
}
HOLDS: dict[str, Words] = {
    "closed": ("fermé : rien n'est dit", "closed: nothing is told"),
    "claims-only": ("factures seulement, aucune consultation", "invoices only, no look-up"),
    "read-only": ("lecture seule", "read only"),
    "known-only": ("patients déjà connus seulement", "known patients only"),
    "step-up": ("clé d'accès demandée", "a passkey is asked for"),
}
ROLES: dict[str, Words] = {
    "duty-officer": ("astreinte", "duty officer"),
    "security-lead": ("responsable sécurité", "security lead"),
    "dpo": ("délégué à la protection des données", "data protection officer"),
    "onboarding-clerk": ("référencement", "onboarding clerk"),
    "auditor": ("auditeur (lecture seule)", "auditor (read only)"),
}
KINDS: dict[str, Words] = {
    "sign-out": ("se reconnecter", "sign in again"),
    "devices": ("reconnaître à nouveau ses postes", "bind devices again"),
    "password": ("changer de mot de passe", "change the password"),
    "totp": ("refaire le code à usage unique", "enrol one-time codes again"),
    "editor-keys": ("remplacer sa clé (éditeurs)", "replace the key (editors)"),
    "rib": ("redonner son RIB (établissements)", "give bank details again (establishments)"),
}
ASSURANCES: dict[str, Words] = {
    "passkey": ("clé d'accès seulement", "passkey alone"),
    "password": ("clé d'accès, ou mot de passe et code", "passkey, or password and code"),
}
OPEN_LANES: dict[str, Words] = {
    "card vitale secret": ("toutes", "all"),
    "card secret": ("carte et code secret, sans vitale", "card and secret, no vitale"),
    "card vitale": ("carte et vitale", "card and vitale"),
    "vitale secret": ("vitale et code secret", "vitale and secret"),
    "secret": ("code secret seulement", "secret alone"),
    "card": ("carte seulement", "card alone"),
    "vitale": ("vitale seulement", "vitale alone"),
    "none": ("aucune", "none"),
}
"""Every set of lanes, as `" ".join` of a profile's."""
STATES: dict[str, Words] = {
    "active": ("actif", "active"),
    "invited": ("à activer", "to be activated"),
    "suspended": ("suspendu", "suspended"),
}
LEAVING: dict[str, Words] = {
    "cession": (
        "cession : un autre titulaire reprend le FINESS",
        "cession: another titulaire takes the FINESS over",
    ),
    "retirement": ("cessation d'activité", "retirement"),
    "convention-ended": ("fin de la convention", "the convention ends"),
    "licence": ("fin de l'autorisation d'exercer", "the licence ends"),
    "request": ("à sa demande", "at its request"),
}
SUSPENSIONS: dict[str, Words] = {
    "convention-lapsed": ("convention échue", "the convention has lapsed"),
    "indu": ("indu non réglé", "an indu is not settled"),
    "papers": ("pièce manquante", "a document is missing"),
    "request": ("à sa demande", "at its request"),
}
SEATS: dict[str, tuple[Words, str]] = {
    "open": (("ouvert", "open"), "open"),
    "suspended": (("suspendu", "suspended"), "suspended"),
    "not-yet": (("reprend à une date à venir", "takes over on a day to come"), "invited"),
    "departed": (("fermé : factures encore reçues", "closed: invoices still taken"), "closed"),
    "reading": (("fermé : lecture seule", "closed: reading only"), "closed"),
    "ended": (("terminé : plus aucun compte", "ended: no accounts any more"), "closed"),
}
"""Where a seat of a FINESS stands (rempart.vaultdoor.seats), and the tag's colour."""
CALLS: dict[str, Words] = {
    "ThrowSwitch": ("Contenir", "Contain"),
    "LiftSwitch": ("Lever", "Lift"),
    "SuspendAccount": ("Suspendre un compte", "Suspend an account"),
    "IssueCode": ("Émettre un code", "Issue a code"),
    "SuspendEstablishment": ("Suspendre un établissement", "Suspend an establishment"),
    "ResumeEstablishment": ("Reprendre un établissement suspendu", "Resume a suspended establishment"),
    "DepartEstablishment": ("Départ ou cession d'un établissement", "An establishment leaves, or is sold"),
    "StayEstablishment": ("Annuler un départ", "Undo a departure"),
    "WidenLine": ("Allonger une ligne", "Lengthen a line"),
    "SetBreaker": ("Régler un disjoncteur", "Set a breaker"),
    "SuspendEditor": ("Suspendre un éditeur", "Suspend an editor"),
    "RegisterEditor": ("Enregistrer un éditeur ou sa clé", "Register an editor, or its key"),
    "EnrolApplication": ("Inscrire un établissement", "Enrol an establishment"),
    "RefuseApplication": ("Refuser un référencement", "Refuse an application"),
    "ClearDossiers": ("Écarter des dossiers fabriqués", "Clear made-up dossiers"),
    "ApproveApplication": ("Approuver un référencement", "Approve an application"),
    "ApproveEnrolment": ("Approuver un enrôlement par commande", "Approve an enrolment by a command"),
    "RegisterInsurer": ("Enregistrer un assureur et ses clés", "Register an insurer and its keys"),
    "SetVitale": ("Ouvrir ou fermer la voie vitale d'un assureur", "Open or close an insurer's vitale lane"),
    "SetProfile": ("Régler un profil de sécurité", "Set a security profile"),
    "EnrolOperator": ("Donner un accès à l'exploitation", "Give a seat at the desk"),
    "StartCampaign": ("Lancer une campagne", "Start a campaign"),
    "EndCampaign": ("Clore une campagne", "End a campaign"),
    "SuspendOperator": ("Suspendre un opérateur", "Suspend an operator"),
    "SendPackages": ("Envoyer les dossiers aux assureurs", "Send the packages to insurers"),
    "PublishAnswers": ("Publier les réponses aux professionnels", "Publish the answers to professionals"),
}
FIELDS: dict[str, Words] = {
    "scope": ("Périmètre", "Scope"),
    "key": ("Lequel", "Which one"),
    "hold": ("Effet", "Effect"),
    "reason": ("Motif", "Reason"),
    "minutes": ("Minutes", "Minutes"),
    "login": ("Identifiant", "Login"),
    "purpose": ("Code", "Code"),
    "units": ("Unités", "Units"),
    "name": ("Nom", "Name"),
    "role": ("Rôle", "Role"),
    "suspended": ("Suspendre", "Suspend"),
    "kind": ("Quoi", "What"),
    "reason_fr": ("Ce que chacun lit", "What each reads, in French"),
    "reason_en": ("Ce que chacun lit, en anglais", "What each reads"),
    "days": ("Jours", "Days"),
    "number": ("Numéro", "Number"),
    "whole": ("Ce qui est levé", "What is lifted"),
    "public_key": ("Empreinte de la clé", "Digest of the key"),
    "replace": ("À la place de la clé connue", "In place of the known key"),
    "assurance": ("Connexion", "Sign-in"),
    "lanes": ("Voies ouvertes", "Open lanes"),
    "percent": ("Part des lignes, %", "Share of the lines, %"),
    "networks": ("Réseaux", "Networks"),
    "window_days": ("Modifiés depuis, en jours", "Changed since, in days"),
    "digest": ("Empreinte (SHA-256)", "Digest (SHA-256)"),
    "finess": ("FINESS", "FINESS"),
    "profession": ("Profession", "Profession"),
    "what": ("Quoi", "What"),
    "amc": ("n° AMC", "n° AMC"),
    "open": ("Voie vitale", "Vitale lane"),
    "signing_key": ("Clé de signature", "Signing key"),
    "notice_key": ("Clé des notifications", "Notice key"),
    "group": ("Groupe", "Group"),
    "doubts": ("Doutes examinés", "Doubts looked at"),
    "day": ("À partir du", "From"),
    "works": ("Travaille du/au", "Works from/to"),
    "words": ("Motif, en mots", "Reason, in words"),
    "incident": ("Incident n°", "Incident no"),
    "everybody": (
        "Aussi aux assureurs dont personne n'est concerné",
        "Also to insurers of whom nobody is concerned",
    ),
    "proofs": ("Avec les preuves", "With the proofs"),
    "houses": ("Établissements concernés", "Establishments that were hit"),
    "seats": ("Sièges d'assureurs concernés", "Insurers' seats that were hit"),
    "groups": ("Groupes concernés", "Groups that were hit"),
    "amcs": ("Assureurs (n° AMC)", "Insurers (n° AMC)"),
    "persons": ("Personnes, en tout", "Persons, in all"),
    "dossier": ("Dossier", "Dossier"),
    "dossiers": ("Dossiers", "Dossiers"),
    "ground": ("Motif", "Ground"),
}
NOTHING: Words = ("rien", "nothing")
UNCHANGED: Words = ("inchangé", "as it is")
VALUES: dict[str, dict[str, Words]] = {
    "scope": SCOPES,
    "kind": KINDS,
    "hold": HOLDS,
    "role": ROLES | {"": NOTHING},
    **{name: {"": NOTHING} for name in ("finess", "amc", "group", "login", "profession")},
    "what": {
        "establishment": ("un établissement", "an establishment"),
        "group": ("un groupe d'établissements", "a group of establishments"),
        "seat": ("une personne à un poste de travail", "a person's seat"),
        "insurer-seat": ("le siège d'un assureur et sa première personne", "an insurer's seat and its first person"),
    },
    "suspended": {"True": ("oui", "yes"), "False": ("non, rouvrir", "no, reopen")},
    "purpose": {"activation": ("d'activation", "activation"), "device": ("pour un poste", "for a device")},
    "key": {"": ("tout ce périmètre", "all of this scope")},
    "minutes": {"0": ("sans fin, jusqu'à ce qu'on le lève", "no end, until it is lifted")},
    "units": {"0": ("0 : la limite tombe, la part ordinaire reprend", "0: the limit is gone, the ordinary share holds")},
    "days": {"0": ("sans fin, jusqu'à ce que tous l'aient fait", "no end, until everybody has done it")},
    "whole": {
        "True": ("TOUS les effets qui s'y trouvent à l'approbation", "EVERY hold that stands there when it is approved"),
        "False": ("cet effet seul", "this hold alone"),
    },
    "open": {"True": ("ouverte", "open"), "False": ("fermée", "closed")},
    "replace": {"True": ("oui, l'ancienne est nulle aussitôt", "yes, the former is void at once"), "False": ("non", "no")},
    "assurance": ASSURANCES | {"": UNCHANGED},
    "lanes": {"none": OPEN_LANES["none"], "": UNCHANGED},
    "networks": {"anywhere": ("partout", "anywhere"), "": UNCHANGED},
    "doubts": {"": ("aucun", "none")},
    "works": {"": ("sans date", "no date")},
    "ground": LEAVING | SUSPENSIONS,
    **{name: {"True": ("oui", "yes"), "False": ("non", "no")} for name in ("everybody", "proofs")},
    "dossier": {"": ("fichier tenu hors de la plateforme", "a file kept outside the platform")},
    "percent": {"0": UNCHANGED},
}  # fmt: skip
"""What a proposal tells, field by field: all of it but what `unsaid` says."""
_UNSAID = {None: frozenset[str](), "True": frozenset({"on", "whole"}), "False": frozenset({"on", "minutes"})}
DUES: dict[str, Words] = {
    "done": ("fait", "done"),
    "done late": ("fait en retard", "done late"),
    "not due": ("sans objet", "not due"),
    "not begun": ("ne court pas encore", "not begun"),
    "as soon as known": ("dès que connu", "as soon as known"),
    "running": ("court", "running"),
    "about to lapse": ("bientôt échu", "about to lapse"),
    "late": ("en retard", "late"),
}
LOUD: dict[str, str] = {
    "late": "closed",
    "about to lapse": "suspended",
    "done": "open",
    "done late": "suspended",
}
PROFESSIONS: dict[str, Words] = {
    "pharmacy": ("pharmacie", "pharmacy"),
    "laboratory": ("laboratoire", "laboratory"),
    "radiology": ("radiologie", "radiology"),
    "doctor": ("médecin", "doctor"),
    "auxiliary": ("auxiliaire médical", "auxiliary"),
    "dentist": ("chirurgien-dentiste", "dentist"),
    "optician": ("opticien", "optician"),
    "audiologist": ("audioprothésiste", "audiologist"),
    "hospital": ("établissement de santé", "hospital"),
    "ambulance": ("transport sanitaire", "medical transport"),
}
DOCUMENTS: dict[str, Words] = {
    "professional-card": ("carte professionnelle", "professional card"),
    "convention": ("convention signée", "signed convention"),
    "rib": ("RIB", "bank details"),
    "other": ("autre document", "another document"),
}
GROUNDS: dict[str, Words] = {
    "not-in-directory": (
        "absent de l'annuaire officiel à cette adresse",
        "not in the official directory at this address",
    ),
    "numbers": ("un numéro n'est pas celui de l'annuaire", "a number is not the directory's"),
    "convention": ("convention non signée, ou ancienne version", "convention not signed, or an old version"),
    "not-confirmed": ("injoignable au numéro publié", "not reached on the published number"),
    "referenced": ("déjà référencé", "referenced already"),
    "not-concerned": ("activité non concernée", "activity not concerned"),
}
STANDINGS: dict[str, tuple[Words, str]] = {
    "received": (("à examiner", "to be examined"), "invited"),
    "waits": (("attend une seconde personne", "waits for a second person"), "suspended"),
    "lapsed": (
        ("à proposer de nouveau : le délai est passé", "to be proposed again: its time is over"),
        "invited",
    ),
    "approved": (("approuvé : à inscrire", "approved: to be enrolled"), "open"),
    "enrolled": (("inscrit", "enrolled"), "open"),
    "refused": (("refusé", "refused"), "closed"),
    "cleared": (("écarté sans examen", "cleared unread"), "closed"),
}
"""How far a dossier is, and the tag's colour."""
SERVICES, LEVELS = status.NAMES, status.LEVELS
LEVEL_TAGS: dict[str, str] = {"OPERATIONAL": "open", "MAINTENANCE": "suspended", "RESTRICTED": "suspended"}
"""How a service works, and the tag's colour; others are loud."""
AUDIENCES: dict[str, Words] = {
    "all": ("tous les professionnels", "every professional"),
    "profession": ("une profession :", "a profession:"),
    "establishment": ("un établissement :", "an establishment:"),
}
WEIGHTS: dict[str, Words] = {
    "information": ("information, jusqu'à ce qu'on l'ait lue", "information, until it was read"),
    "warning": ("avertissement, jusqu'à ce qu'on l'ait lu", "warning, until it was read"),
    "urgent": ("urgent, jusqu'à sa fin, lu ou non", "urgent, until it ends, read or not"),
}
VERBS: dict[str, Words] = {
    "open": ("ouvert", "opened"),
    "fact": ("fait", "fact"),
    "question": ("question", "question"),
    "done": ("obligation remplie", "duty done"),
    "waive": ("obligation écartée", "duty waived"),
    "hand-over": ("dossier remis", "package handed over"),
    "remind": ("assureur relancé", "insurer recalled"),
    "publish": ("réponses publiées", "answers published"),
    "unpublish": ("réponses retirées", "answers withdrawn"),
}
STRENGTHS: dict[str, Words] = {"1": ("indice", "sign"), "2": ("forte", "strong"), "3": ("certaine", "sure")}


def standing(dossier: Dossier, now: int) -> str:
    """How far a dossier is, a word of STANDINGS. The vault is the judge of what stands."""
    if not dossier.is_open:
        return dossier.state
    if dossier.approved:
        return "approved" if now < dossier.approved + APPROVED else "lapsed"
    if dossier.proposal:
        return "waits" if now < dossier.until else "lapsed"
    return "received"


def local(micros: str) -> str:
    """An instant as a field of a form holds it: Paris's time of day."""
    return f"{instant(int(micros)).astimezone(PARIS):%Y-%m-%dT%H:%M}" if micros else ""


def house(place: Place) -> Words:
    """Its number, and since when it is theirs where somebody else had it before."""
    if not place.opens:
        return place.number, place.number
    since = f"{paris_date(place.opens):%d/%m/%Y}"
    return f"{place.number}, depuis le {since}", f"{place.number}, since {since}"


def hit(answer: Hit) -> Words:
    """One house's own answer, for whoever is on the telephone."""
    return hit_sentences(answer)


def loud(dues: Sequence[Due]) -> list[tuple[str, int]]:
    """How many duties are late, about to lapse, running: what is zero is not said."""
    counted = Counter(due.state.value for due in dues)
    return [
        (state.value, counted[state]) for state in (State.LATE, State.SOON, State.RUNNING) if counted[state]
    ]


def unsaid(told: Mapping[str, str]) -> frozenset[str]:
    """The fields of a proposal that its title says, or that say nothing: a hold thrown is never all of them, a lift has no end.

    All of them are lifted whatever they are called.
    """
    return _UNSAID[told.get("on")] | (frozenset({"hold"}) if told.get("whole") == "True" else frozenset())


def say(table: Mapping[str, Words], word: str, language: str) -> str:
    """The word in the reader's language, or as it is."""
    found = table.get(word)
    return word if found is None else found[language == "en"]
