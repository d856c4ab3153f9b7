"""The words of the trade, in both languages: domains, lanes, roles, outcomes, kinds of notices."""

Pair = tuple[str, str]

DOMAINS: dict[str, Pair] = {
    "PHAR": ("Pharmacie", "Pharmacy"),
    "LABO": ("Biologie", "Biology"),
    "RADL": ("Radiologie", "Radiology"),
    "MED": ("Médecins", "Doctors"),
    "AUXM": ("Auxiliaires médicaux", "Nurses and therapists"),
    "DENT": ("Dentaire", "Dental"),
    "OPTI": ("Optique", "Optics"),
    "AUDI": ("Audioprothèse", "Hearing aids"),
    "HOSP": ("Hospitalisation", "Hospital"),
    "EXTE": ("Soins externes", "Outpatient care"),
    "TRAN": ("Transport", "Transport"),
    "LPP": ("Dispositifs (LPP)", "Devices (LPP)"),
}
PROFESSIONS: dict[str, Pair] = {
    "pharmacy": ("Pharmacie", "Pharmacy"),
    "laboratory": ("Laboratoire", "Laboratory"),
    "radiology": ("Radiologie", "Radiology"),
    "doctor": ("Médecin", "Doctor"),
    "auxiliary": ("Auxiliaire médical", "Nurse or therapist"),
    "dentist": ("Dentiste", "Dentist"),
    "optician": ("Opticien", "Optician"),
    "audiologist": ("Audioprothésiste", "Audiologist"),
    "hospital": ("Hôpital", "Hospital"),
    "ambulance": ("Ambulances", "Ambulance"),
}
ROLES: dict[str, Pair] = {
    "titulaire": ("Titulaire", "Titulaire"),
    "employee": ("Collaborateur", "Employee"),
    "administrator": ("Administrateur du groupe", "Group administrator"),
}
STATUSES: dict[str, Pair] = {
    "invited": ("Invité, pas encore activé", "Invited, not yet active"),
    "active": ("Actif", "Active"),
    "suspended": ("Suspendu", "Suspended"),
}
LANES: dict[str, Pair] = {"card": ("Carte", "Card"), "vitale": ("NIR", "NIR"), "none": ("–", "–")}
OUTCOMES: dict[str, Pair] = {
    "open": ("Ouvert", "Open"),
    "closed": ("Fermé", "Closed"),
    "absent": ("Aucun droit trouvé", "No right found"),
}
FACTORS: dict[str, Pair] = {
    "passkey": ("Clé d'accès", "Passkey"),
    "password": ("Mot de passe", "Password"),
    "totp": ("Code à usage unique", "One-time code"),
    "recovery": ("Codes de secours", "Recovery codes"),
}
NOTICES: dict[str, Pair] = {}


def say(table: dict[str, Pair], key: str, language: str) -> str:
    """The word for a key; a key without a word is shown as it is."""
    pair = table.get(key, (key, key))
    return pair[1] if language == "en" else pair[0]
