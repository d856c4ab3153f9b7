"""What a response measured, and the event of January 2024 beside it. Facts of the event: those that were published, and no other."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Response:
    """Real milliseconds and seconds: the simulated clock goes at their pace meanwhile."""

    rule: str
    """Of the alert that was acted on."""
    contained_after_decision_ms: float = 0.0
    """From the decision to the last of: the vault's answer, and the first refusal of each of the robot's requests."""
    told_after_containment: int = 0
    """Answers that reached the robot after the vault had said that it is contained: none."""
    scope_seconds: float = 0.0
    """From containment to the list, with each answer's proof and the negative statement."""
    persons_listed: int = 0
    persons_of_the_holder: int = 0
    """Of these, told to the account's honest holder alone, in the same interval: counted, since the ledger knows who signed."""
    proofs: int = 0
    nobody_else: str = ""
    """How it was checked that nobody else is concerned; or the code of what forbade to say it."""
    packages: int = 0
    packages_seconds: float = 0.0
    """From the list to the last package on its insurer's desk, the incident's opening included."""
    documents: int = 0
    documents_seconds: float = 0.0
    """Notifications, complaint, letters to professionals, statement, register: each as PDF, JSON and text."""
    acknowledged: int = 0
    """Packages that an insurer downloaded, opened with its own key, and acknowledged."""
    persons_withheld: int = 0
    """Of the persons listed, those whose answer was counted, and held back as the switch fell: nobody was told."""
    scope_equals_thief: bool = False
    """By the members' references that the insurers read in their packages, those withheld and the holder's apart."""
    reopened: bool = False
    steps: list[dict[str, Any]] = field(default_factory=list)
    honest_requests: int = 0
    """Of all other accounts, while the response went on."""
    honest_refused: dict[str, int] = field(default_factory=dict)
    persons_after_containment: int = 0
    """Told to the thief from the decision to the drill's end: at the most what was in flight."""
    seconds: float = 0.0
    """From the decision to the last step of reopening."""

    def to_json(self) -> dict[str, Any]:
        """The five figures beside the drill's own; everything under `response`."""
        beside = ("contained_after_decision_ms", "scope_seconds", "packages", "packages_seconds", "reopened")
        whole = asdict(self)
        return {name: whole[name] for name in beside} | {"response": whole}


def beside_january_2024(told: Response, first_alert_minutes: float | None) -> list[tuple[str, str, str]]:
    """(what, in January 2024, here) in the order of a night."""
    refused = sum(told.honest_refused.values())
    alert = "–" if first_alert_minutes is None else f"{first_alert_minutes:g} min"
    return [
        ("vol / theft", "un mot de passe hameçonné / one phished password", "un poste infecté, pire / an infected workstation, worse"),
        ("alerte / alert", "29 janvier 2024 / 29 January 2024", f"après / after {alert} : {told.rule}"),
        (
            "contenir / contain",
            "toute la plate-forme coupée / the whole platform cut",
            f"un compte / one account, {told.contained_after_decision_ms:.0f} ms",
        ),
        (
            "qui est touché ? / who was hit?",
            "personne n'a su : 33 millions, estimés / nobody could say: 33 million, estimated",
            f"{told.persons_listed} personnes, {told.proofs} preuves / persons, proofs, {told.scope_seconds:.1f} s",
        ),
        (
            "dire aux assureurs / tell insurers",
            "84 assureurs ont dû informer leurs assurés / 84 insurers had to inform their insured",
            f"{told.packages} dossiers / packages, {told.packages_seconds:.1f} s",
        ),
        (
            "notifier / notify",
            "les mêmes devoirs / the same duties",
            f"{told.documents} documents, {told.documents_seconds:.1f} s",
        ),
        (
            "rouvrir / reopen",
            "14 jours, mots de passe de tous changés / 14 days, everybody's password changed",
            f"{told.seconds:.0f} s ; un code pour un compte / one code for one account",
        ),
        (
            "les autres / everybody else",
            "arrêtés / stopped",
            f"{refused} refus sur {told.honest_requests} demandes / refusals of requests",
        ),
    ]  # fmt: skip
