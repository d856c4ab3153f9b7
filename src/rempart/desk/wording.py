"""Words that people at the desk read, French and English side by side. A word that is not here is shown as it is."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rempart.incident.clocks import Due, State

Words = tuple[str, str]
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
STATES: dict[str, Words] = {
    "active": ("actif", "active"),
    "invited": ("à activer", "to be activated"),
    "suspended": ("suspendu", "suspended"),
}
CALLS: dict[str, Words] = {
    "ThrowSwitch": ("Contenir", "Contain"),
    "LiftSwitch": ("Lever", "Lift"),
    "SuspendAccount": ("Suspendre un compte", "Suspend an account"),
    "IssueCode": ("Émettre un code", "Issue a code"),
    "WidenLine": ("Allonger une ligne", "Lengthen a line"),
    "SetBreaker": ("Régler un disjoncteur", "Set a breaker"),
    "SuspendEditor": ("Suspendre un éditeur", "Suspend an editor"),
    "RegisterEditor": ("Enregistrer un éditeur ou sa clé", "Register an editor, or its key"),
    "ApproveApplication": ("Approuver un référencement", "Approve an application"),
    "ApproveEnrolment": ("Approuver un enrôlement par commande", "Approve an enrolment by a command"),
    "RegisterInsurer": ("Enregistrer un assureur et ses clés", "Register an insurer and its keys"),
    "SetVitale": ("Ouvrir ou fermer la voie vitale d'un assureur", "Open or close an insurer's vitale lane"),
    "SetProfile": ("Régler un profil de sécurité", "Set a security profile"),
    "EnrolOperator": ("Donner un accès à l'exploitation", "Give a seat at the desk"),
    "StartCampaign": ("Lancer une campagne", "Start a campaign"),
    "EndCampaign": ("Clore une campagne", "End a campaign"),
    "SuspendOperator": ("Suspendre un opérateur", "Suspend an operator"),
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
    "digest": ("Empreinte du dossier", "Digest of the application"),
    "finess": ("FINESS", "FINESS"),
    "profession": ("Profession", "Profession"),
    "what": ("Quoi", "What"),
    "amc": ("n° AMC", "n° AMC"),
    "open": ("Voie vitale", "Vitale lane"),
    "signing_key": ("Clé de signature", "Signing key"),
    "notice_key": ("Clé des notifications", "Notice key"),
    "group": ("Groupe", "Group"),
    "doubts": ("Doutes examinés", "Doubts looked at"),
}
NOTHING: Words = ("rien", "nothing")
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
    **{name: {"": ("inchangé", "as it is")} for name in ("assurance", "lanes", "networks")},
    "doubts": {"": ("aucun", "none")},
    "percent": {"0": ("inchangé", "as it is")},
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
STRENGTHS: dict[str, Words] = {"1": ("indice", "sign"), "2": ("forte", "strong"), "3": ("certaine", "sure")}


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
