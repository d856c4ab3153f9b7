"""The convention that an applicant signs by typing their name, in its version in force. Another word is another version: a test compares.

A platform's own lawyers replace these articles by theirs, and the version with them.
"""

VERSION = "2026-1"

ARTICLES: tuple[tuple[str, str], ...] = (
    (
        (
            "Objet. L'établissement pratique le tiers payant avec les organismes complémentaires que la plateforme représente. "
            "Il vérifie le droit avant l'acte, facture ce qu'il a fait et est payé sur le compte qu'il a donné."
        ),
        (
            "Object. The establishment practises tiers payant with the complementary insurers that the platform represents. "
            "It checks the right before the act, invoices what it did, and is paid on the account it gave."
        ),
    ),
    (
        (
            "Garantie de paiement. Une facture engagée et conforme aux termes de son engagement est payée, jamais rejetée. "
            "Les motifs de rejet sont une liste fermée, publiée."
        ),
        (
            "Guarantee of payment. An engaged invoice within the terms of its engagement is paid, never rejected. "
            "The grounds of rejection are a closed, published list."
        ),
    ),
    (
        (
            "Usage. Un droit se vérifie pour un patient présent ou attendu, et pour lui seul. Chaque consultation est inscrite "
            "dans un registre que l'organisme complémentaire peut lire ; le nombre de personnes consultées est limité."
        ),
        (
            "Use. A right is checked for a patient who is there or expected, and for them alone. Each look-up is written in a "
            "ledger that the complementary insurer may read; the number of people looked up is bounded."
        ),
    ),
    (
        (
            "Accès. Chaque personne a son propre compte, protégé par une clé d'accès, sur un poste reconnu. Rien ne se prête. "
            "Le titulaire retire sans délai les personnes qui partent."
        ),
        (
            "Access. Each person has an account of their own, protected by a passkey, on a recognised device. Nothing is lent. "
            "The titulaire removes without delay whoever leaves."
        ),
    ),
    (
        (
            "Incident. L'établissement signale aussitôt un poste volé ou infecté, un compte utilisé par un autre. La plateforme "
            "peut suspendre un poste, un compte ou l'établissement pour protéger les personnes ; elle le dit et dit comment rouvrir."
        ),
        (
            "Incident. The establishment reports at once a stolen or infected device, or an account used by somebody else. The "
            "platform may suspend a device, an account or the establishment to protect people; it says so, and how to reopen."
        ),
    ),
    (
        (
            "Données. Les données de la demande servent à l'instruire. Elles sont chiffrées, lues par les seules personnes qui "
            "l'instruisent, et effacées trente jours après la décision ; nom, numéros et adresse de l'établissement restent le "
            "temps de la convention. Le titulaire peut les lire, les corriger et s'adresser au délégué à la protection des données."
        ),
        (
            "Data. The application's data serve to examine it. They are encrypted, read by those alone who examine it, and erased "
            "thirty days after the decision; the establishment's name, numbers and address stay as long as the convention. The "
            "titulaire may read and correct them, and may turn to the data protection officer."
        ),
    ),
    (
        (
            "Durée. La convention vaut jusqu'à ce que l'une des parties y mette fin par écrit, un mois à l'avance. Une cession "
            "ou un changement de titulaire demande une nouvelle signature. Ce qui est engagé reste payé."
        ),
        (
            "Duration. The convention holds until either party ends it in writing, a month ahead. A cession or another titulaire "
            "needs a new signature. What is engaged is still paid."
        ),
    ),
)
"""French, English. The French text is the one that binds."""
