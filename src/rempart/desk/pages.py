"""The desk's pages (rempart.doorway.shells)."""

from rempart.doorway.shells import Page

HOME = "/salle"
PAGES = (
    Page("/", "sign-in.html", signed_in=False),
    Page("/activation", "activation.html", signed_in=False),
    Page(HOME, "room.html"),
    Page("/contenir", "contain.html"),
    Page("/alerte", "alert.html"),
    Page("/incidents", "incidents.html"),
    Page("/incident", "incident.html"),
    Page("/perimetre", "scope.html"),
    Page("/dossiers-assureurs", "packages.html"),
    Page("/reponses", "answers.html"),
    Page("/annonces", "announcements.html"),
    Page("/campagnes", "campaigns.html"),
    Page("/campagne", "campaign.html"),
    Page("/comptes", "accounts.html"),
    Page("/etablissements", "establishments.html"),
    Page("/profils", "profiles.html"),
    Page("/parties", "parties.html"),
    Page("/referencements", "applications.html"),
    Page("/referencement", "application.html"),
    Page("/operateurs", "operators.html"),
    Page("/journal", "journal.html"),
    Page("/securite", "security.html"),
)
