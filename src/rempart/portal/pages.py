"""The portal's pages (rempart.doorway.shells)."""

from rempart.doorway.shells import Page

HOME = "/verifier"
PAGES = (
    Page("/", "sign-in.html", signed_in=False),
    Page("/activation", "activation.html", signed_in=False),
    Page("/hors-ligne", "offline.html", signed_in=False),
    Page("/referencement", "application.html", signed_in=False),
    Page("/referencement/suivi", "application-state.html", signed_in=False),
    Page("/verifier", "check.html"),
    Page("/facturer", "billing.html"),
    Page("/prises-en-charge", "prises-en-charge.html"),
    Page("/factures", "invoices.html"),
    Page("/paiements", "payments.html"),
    Page("/reglement", "rib.html"),
    Page("/assureur", "insurer-home.html"),
    Page("/assureur/prises-en-charge", "insurer-prises-en-charge.html"),
    Page("/assureur/fichiers", "insurer-files.html"),
    Page("/assureur/flux", "insurer-flows.html"),
    Page("/assureur/incidents", "insurer-incidents.html"),
    Page("/assureur/consultations", "insurer-consultations.html"),
    Page("/assureur/fonds", "insurer-funds.html"),
    Page("/journal", "journal.html"),
    Page("/incidents", "incidents.html"),
    Page("/etablissement", "establishment.html"),
    Page("/logiciel", "software.html"),
    Page("/a-faire", "to-do.html"),
    Page("/securite", "security.html"),
)
