"""The words of the trade, in both languages: domains, lanes, roles, outcomes, kinds of notices."""

from rempart.vaultdoor.offline_card import REASONS, USES

Pair = tuple[str, str]

OFFLINE_REASONS: dict[str, Pair] = REASONS | USES
"""Why an offline card is refused, or its use earns nothing."""

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
    "insurer": ("Organisme complémentaire", "Complementary insurer"),
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
LANES: dict[str, Pair] = {
    "card": ("Carte", "Card"),
    "vitale": ("NIR", "NIR"),
    "secret": ("Carte scannée", "Scanned card"),
    "offline": ("Carte hors ligne", "Offline card"),
    "none": ("–", "–"),
}
OUTCOMES: dict[str, Pair] = {
    "told": ("Répondu", "Told"),
    "open": ("Ouvert", "Open"),
    "closed": ("Fermé", "Closed"),
    "absent": ("Aucun droit trouvé", "No right found"),
    "withheld": ("Non servi : patients connus seulement", "Not served: known patients only"),
}
ANSWER_CLASSES: dict[str, Pair] = {
    "1": ("Droits d'un domaine : produit, dates, formule", "Rights of one domain: product, dates, formula"),
}
FACTORS: dict[str, Pair] = {
    "passkey": ("Clé d'accès", "Passkey"),
    "password": ("Mot de passe", "Password"),
    "totp": ("Code à usage unique", "One-time code"),
    "recovery": ("Codes de secours", "Recovery codes"),
}
NOTICES: dict[str, Pair] = {
    "account:activate": ("Compte activé", "Account activated"),
    "account:suspend": ("Compte suspendu", "Account suspended"),
    "account:reopen": ("Compte rouvert", "Account reopened"),
    "code:issue": ("Code envoyé par l'opérateur", "Code issued by the operator"),
    "sign-in:failures": ("Échecs de connexion répétés", "Repeated sign-in failures"),
    "sessions:close": ("Autres sessions fermées", "Other sessions closed"),
    "passkey:add": ("Clé d'accès ajoutée", "Passkey added"),
    "passkey:remove": ("Clé d'accès retirée", "Passkey removed"),
    "password:change": ("Mot de passe changé", "Password changed"),
    "password:remove": ("Mot de passe retiré", "Password removed"),
    "totp:set": ("Application de codes changée", "Code application set"),
    "totp:remove": ("Application de codes retirée", "Code application removed"),
    "recovery:renew": ("Codes de secours renouvelés", "Recovery codes renewed"),
    "recovery:use": ("Code de secours utilisé", "Recovery code used"),
    "device:wait": ("Un poste demande votre approbation", "A device asks for your approval"),
    "device:approve": ("Poste approuvé", "Device approved"),
    "device:bind": ("Nouveau poste reconnu", "New device recognised"),
    "device:remove": ("Poste retiré", "Device removed"),
    "software:install": ("Logiciel installé dans l'établissement", "Software installed in the establishment"),
    "software:confirm": ("Logiciel confirmé pour vous", "Software confirmed for you"),
    "software:remove": ("Logiciel désinstallé", "Software uninstalled"),
    "member:join": ("Rattaché à un établissement", "Joined an establishment"),
    "member:remove": ("Retiré d'un établissement", "Removed from an establishment"),
    "rib:ask": ("Changement de RIB demandé", "Change of account asked for"),
    "rib:confirm": ("Changement de RIB confirmé", "Change of account confirmed"),
    "rib:cancel": ("Changement de RIB annulé", "Change of account cancelled"),
    "rib:type": ("RIB en vigueur confirmé par le titulaire", "Account in force confirmed by the titulaire"),
    "indu:notice": ("Somme à récupérer", "Amount to be recovered"),
    "establishment:suspend": (
        "Votre établissement est suspendu ici, hors toute mesure de sécurité : voyez « Mon établissement »",
        "Your establishment is suspended here, which is no security measure: see « My establishment »",
    ),
    "establishment:resume": (
        "Votre établissement n'est plus suspendu",
        "Your establishment is suspended no longer",
    ),
    "establishment:depart": (
        "Votre établissement quitte la plateforme : ce qui est à faire est sur « Mon établissement »",
        "Your establishment leaves the platform: what is to be done is on « My establishment »",
    ),
    "establishment:cede": (
        "Cession de votre établissement déclarée : voyez « Mon établissement ». Si ce n'est pas vrai, appelez l'assistance",
        "Your establishment is said to be sold: see « My establishment ». If that is not so, call support",
    ),
    "establishment:move": (
        "La date de la cession change : elle est sur « Mon établissement »",
        "The day of the sale has changed: it is on « My establishment »",
    ),
    "establishment:stay": (
        "Votre établissement reste sur la plateforme",
        "Your establishment stays on the platform",
    ),
    "campaign:start": ("Une mesure de sécurité vous concerne", "A security measure concerns you"),
    "incident:package": ("Dossier d'incident à télécharger", "Incident package to download"),
    "incident:remind": ("Dossier d'incident non acquitté", "Incident package not acknowledged"),
    "prise-en-charge:decide": (
        "Prise en charge décidée par l'assureur",
        "Prise en charge decided by the insurer",
    ),
}
LEAVING: dict[str, Pair] = {
    "cession": ("cession", "cession"),
    "retirement": ("cessation d'activité", "retirement"),
    "convention-ended": ("fin de la convention", "the convention ends"),
    "licence": ("fin de l'autorisation d'exercer", "the licence ends"),
    "request": ("à sa demande", "at its request"),
}
"""Why an establishment leaves (rempart.vaultdoor.seats)."""
SUSPENSIONS: dict[str, Pair] = {
    "convention-lapsed": ("convention échue", "the convention has lapsed"),
    "indu": ("indu non réglé", "an indu is not settled"),
    "papers": ("pièce manquante", "a document is missing"),
    "request": ("à sa demande", "at its request"),
}
"""Why one is suspended."""
DEMANDS: dict[str, Pair] = {
    "sign-out": ("Vous reconnecter", "Sign in again"),
    "devices": ("Faire reconnaître vos postes", "Have your devices recognised again"),
    "password": ("Changer de mot de passe", "Change your password"),
    "totp": ("Reconfigurer votre application de codes", "Set up your code application again"),
    "rib": ("Confirmer le compte bancaire de l'établissement", "Confirm the establishment's bank account"),
}
"""What a campaign asks of somebody."""
DEMANDS_HOW: dict[str, Pair] = {
    "sign-out": ("Reconnectez-vous sur chacun de vos postes.", "Sign in again on each of your devices."),
    "devices": (
        "Connectez-vous sur chaque poste avec votre clé d'accès, ou avec un code reçu par la poste.",
        "Sign in on each device with your passkey, or with a code received by post.",
    ),
    "password": (
        "Changez-le ici. S'il servait ailleurs, changez-le là-bas aussi : c'est par là qu'il peut être connu.",
        "Change it here. If it served elsewhere, change it there too: that is how it may be known.",
    ),
    "totp": (
        "Un nouveau code à scanner s'affiche ; l'ancien ne vaudra plus.",
        "A new code to scan is shown; the former one will be void.",
    ),
    "rib": (
        "Retapez l'IBAN sur lequel vous devez être payé. S'il a été changé récemment, rien n'y est versé avant.",
        "Type again the IBAN you are to be paid on. If it was changed lately, nothing is paid there before.",
    ),
}
"""How it is done."""
DEEDS: dict[str, Pair] = {
    "passkey/begin": ("Ajouter une clé d'accès à votre compte", "Add a passkey to your account"),
    "passkey/add": ("Ajouter une clé d'accès à votre compte", "Add a passkey to your account"),
    "factor/remove": ("Retirer un moyen de vous connecter", "Remove a way to sign in"),
    "password/change": ("Changer votre mot de passe", "Change your password"),
    "totp/begin": ("Changer votre application de codes", "Change your code application"),
    "totp/confirm": ("Changer votre application de codes", "Change your code application"),
    "recovery/renew": ("Faire de nouveaux codes de secours", "Make new recovery codes"),
    "device/approve": ("Ouvrir votre compte à un nouveau poste", "Open your account to a new device"),
    "insurer/consultations": ("Voir qui a consulté un adhérent", "See who consulted a member"),
    "members/invite": ("Donner un accès à une autre personne", "Give access to another person"),
    "members/renew": ("Donner un nouveau code à une personne invitée", "Give a new code to somebody invited"),
    "members/remove": ("Retirer l'accès d'un collaborateur", "Remove a colleague's access"),
    "software/invite": ("Faire installer un logiciel", "Have a software installed"),
    "software/remove": ("Désinstaller un logiciel", "Uninstall a software"),
    "claims/rib/change": (
        "Changer le compte bancaire de l'établissement",
        "Change the establishment's bank account",
    ),
    "claims/rib/check": (
        "Confirmer le compte sur lequel vous êtes payé",
        "Confirm the account you are paid on",
    ),
    "claims/rib/confirm": ("Confirmer un nouveau compte bancaire", "Confirm a new bank account"),
    "claims/insurer/flow/acknowledge": ("Acquitter un flux quotidien", "Acknowledge a daily flow"),
    "claims/insurer/openings/acknowledge": (
        "Acquitter des ouvertures du registre",
        "Acknowledge openings of the ledger",
    ),
    "claims/insurer/incidents/acknowledge": (
        "Acquitter un dossier d'incident",
        "Acknowledge an incident's package",
    ),
}
"""What asks for a fresh proof, by its path: the person reads what they are about to prove it for."""
NATURES: dict[str, Pair] = {
    "hospital-stay": ("Séjour hospitalier", "Hospital stay"),
    "doctor": ("Acte médical", "Doctor's act"),
    "dental-care": ("Soins dentaires", "Dental care"),
    "dental-prosthesis": ("Prothèse dentaire", "Dental prosthesis"),
    "biology": ("Biologie", "Biology"),
    "auxiliary": ("Acte d'auxiliaire", "Auxiliary's act"),
    "drug-100": ("Médicament à 100 %", "Drug, 100 %"),
    "drug-65": ("Médicament à 65 % (blanche)", "Drug, 65 % (white label)"),
    "drug-30": ("Médicament à 30 % (bleue)", "Drug, 30 % (blue label)"),
    "drug-15": ("Médicament à 15 % (orange)", "Drug, 15 % (orange label)"),
    "lpp": ("Dispositif (LPP)", "Device (LPP)"),
    "optics-lens": ("Verre", "Lens"),
    "optics-frame": ("Monture", "Frame"),
    "audio": ("Audioprothèse", "Hearing aid"),
    "transport": ("Transport", "Transport"),
}
EXONERATIONS: dict[str, Pair] = {
    "ald": ("ALD", "Long illness (ALD)"),
    "maternity": ("Maternité", "Maternity"),
    "work-accident": ("Accident du travail", "Work accident"),
    "invalidity": ("Invalidité", "Invalidity"),
}
BASKETS: dict[str, Pair] = {
    "rac0": ("100 % Santé", "100 % Santé"),
    "moderated": ("prix maîtrisés", "moderated prices"),
    "free": ("prix libres", "free prices"),
}
PEC_STATES: dict[str, Pair] = {
    "accordee": ("Accordée", "Agreed"),
    "en-attente": ("En attente", "Waiting"),
    "refusee": ("Refusée", "Refused"),
    "annulee": ("Annulée", "Cancelled"),
}
PEC_DECIDERS: dict[str, Pair] = {
    "rule": ("par les règles de l'organisme", "by the insurer's rules"),
    "insurer": ("par l'organisme", "by the insurer"),
    "professional": ("par votre établissement", "by your establishment"),
}
DELIVERY_KINDS: dict[str, Pair] = {
    "full": ("Fichier complet", "Full file"),
    "delta": ("Fichier de mouvements", "Changes"),
    "products": ("Produits", "Products"),
    "cards": ("Demande de cartes", "Request for cards"),
    "offline": ("Demande de cartes hors ligne", "Request for offline cards"),
    "offline-revoked": ("Cartes hors ligne révoquées", "Revoked offline cards"),
    "": ("–", "–"),
}
DELIVERY_STATES: dict[str, Pair] = {
    "received": ("Reçu", "Received"),
    "checking": ("En contrôle", "Being checked"),
    "waiting": ("Attend une seconde personne", "Waits for a second person"),
    "loaded": ("Chargé", "Loaded"),
    "refused": ("Refusé", "Refused"),
}
MONTHS: tuple[Pair, ...] = (
    ("janv.", "Jan"), ("févr.", "Feb"), ("mars", "Mar"), ("avr.", "Apr"), ("mai", "May"), ("juin", "Jun"), ("juil.", "Jul"),
    ("août", "Aug"), ("sept.", "Sep"), ("oct.", "Oct"), ("nov.", "Nov"), ("déc.", "Dec"),
)  # fmt: skip
INVOICE_STATES: dict[str, Pair] = {
    "accepted": ("Acceptée", "Accepted"),
    "refused": ("Refusée", "Refused"),
    "cancelled": ("Annulée", "Cancelled"),
}
MONEY_STATES: dict[str, Pair] = {
    "": ("–", "–"),
    "due": ("À payer", "Due"),
    "ordered": ("Virement ordonné", "Transfer ordered"),
    "executed": ("Payée", "Paid"),
    "rejected": ("Virement rejeté par la banque", "Transfer rejected by the bank"),
    "recovering": ("À retenir sur un prochain virement", "To be offset"),
    "recovered": ("Retenue", "Offset"),
}
PAYMENT_STATES: dict[str, Pair] = {
    "ordered": ("Ordonné à la banque", "Ordered"),
    "executed": ("Exécuté", "Executed"),
    "rejected": ("Rejeté par la banque", "Rejected by the bank"),
}
ROW_KINDS: dict[str, Pair] = {
    "invoice": ("Facture", "Invoice"),
    "cancellation": ("Annulation", "Cancellation"),
    "indu": ("Indu retenu", "Offset of an indu"),
}
PASSWORD_RULES: dict[str, Pair] = {
    "length": ("Il est trop court : 12 caractères au moins.", "It is too short: at least 12 characters."),
    "bits": (
        "Trop court pour ces seuls caractères : allongez-le, ou variez-les.",
        "Too short for these characters alone: make it longer, or vary them.",
    ),
    "common": ("Il figure parmi les mots de passe courants.", "It is among the common passwords."),
    "guessable": ("Il se devine trop facilement.", "It is too easily guessed."),
    "reused": (
        "Vous l'avez déjà employé : choisissez-en un qui n'a jamais servi.",
        "You have used it before: choose one that never served.",
    ),
    "breached": ("Il figure dans une fuite connue.", "It is in a known breach."),
    "similar": (
        "Il ressemble trop à l'ancien ou à votre identifiant.",
        "It is too close to the former one or to your login.",
    ),
}
"""Why a password is refused: the detail of `password-weak`."""


def say(table: dict[str, Pair], key: str, language: str) -> str:
    """The word for a key; a key without a word is shown as it is."""
    pair = table.get(key, (key, key))
    return pair[1] if language == "en" else pair[0]
