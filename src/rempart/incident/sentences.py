"""What an alert says, to a person who has to decide: French and English, a figure, never a name."""

from rempart.incident.model import Rule

SENTENCES: dict[Rule, tuple[str, str]] = {
    Rule.PACE_DEVICE: (
        "Ce poste consulte bien plus de personnes nouvelles que d'habitude à cette heure (mesure {figure}, seuil {threshold}).",
        "This device asks for many more new persons than usual at this hour (figure {figure}, threshold {threshold}).",
    ),
    Rule.PACE_ESTABLISHMENT: (
        "Tous postes réunis, cet établissement consulte bien plus de personnes que d'habitude (cumul {figure}, seuil {threshold}).",
        "This establishment, over all its devices, asks for many more new persons than usual (sum {figure}, threshold {threshold}).",
    ),
    Rule.ODD_HOURS: (
        "{figure} personnes nouvelles consultées quand cet établissement est fermé d'habitude (seuil {threshold}).",
        "{figure} new persons asked for when this establishment is usually closed (threshold {threshold}).",
    ),
    Rule.MISSES: (
        "Ce poste cherche des personnes qui ne sont pas là : quelqu'un devine ou suit une autre liste (cumul {figure}, seuil {threshold}).",
        "This device asks for persons who are not there: somebody guesses, or follows another list (sum {figure}, threshold {threshold}).",
    ),
    Rule.ORDER: (
        "{figure} des 24 dernières consultations de ce poste suivent des numéros dans l'ordre (seuil {threshold}) : un automate.",
        "{figure} of this device's last 24 look-ups follow numbers in order (threshold {threshold}): a robot.",
    ),
    Rule.SPREAD: (
        "Les personnes consultées par ce poste viennent de bien plus de lieux que d'habitude ({figure} écarts-types, seuil {threshold}).",
        "The persons this device asks for come from many more places than usual ({figure} deviations, threshold {threshold}).",
    ),
    Rule.UNCLAIMED: (
        "Les consultations de ce poste ne donnent pas lieu à facturation (cumul {figure}, seuil {threshold}).",
        "This device's look-ups are not followed by claims (sum {figure}, threshold {threshold}).",
    ),
    Rule.ONE_PERSON: (
        "{figure} établissements ont consulté la même personne en peu de temps (seuil {threshold}) : demandez-vous qui la cherche.",
        "{figure} establishments asked for the same person within a short time (threshold {threshold}): ask yourself who looks for them.",
    ),
    Rule.TOGETHER: (
        "{figure} établissements sans lien s'emballent dans les mêmes vingt minutes (seuil {threshold}) ; ce poste en est.",
        "{figure} unrelated establishments began to run in the same twenty minutes (threshold {threshold}); this device is one of them.",
    ),
    Rule.NEW_DEVICE: (
        "Un poste nouveau, dans un établissement connu, a consulté {figure} personnes dès son premier jour (seuil {threshold}).",
        "A new device, in a known establishment, asked for {figure} persons on its first day (threshold {threshold}).",
    ),
    Rule.CANARY: (
        "Ce poste a consulté {figure} personne(s) qui n'existent pas, placées là par un assureur (seuil {threshold}).",
        "This device asked for {figure} person(s) who do not exist, placed there by an insurer (threshold {threshold}).",
    ),
    Rule.SIGN_IN: (
        "{figure} identifiants différents ont été essayés en peu de temps (seuil {threshold}) ; un mot de passe seul n'ouvre rien.",
        "{figure} different logins were tried within a short time (threshold {threshold}); a password alone opens nothing.",
    ),
    Rule.INSISTING: (
        "Ce poste répète des demandes refusées sans que personne ne confirme ({figure}, seuil {threshold}) : un automate ne le peut pas.",
        "This device repeats refused requests and nobody confirms ({figure}, threshold {threshold}): a robot cannot.",
    ),
}
