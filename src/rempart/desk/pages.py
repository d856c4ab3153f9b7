"""The desk's pages (rempart.doorway.shells)."""

from rempart.doorway.shells import Page

HOME = "/salle"
PAGES = (
    Page("/", "sign-in.html", signed_in=False),
    Page("/activation", "activation.html", signed_in=False),
    Page(HOME, "room.html"),
    Page("/contenir", "contain.html"),
    Page("/alerte", "alert.html"),
    Page("/campagnes", "campaigns.html"),
    Page("/campagne", "campaign.html"),
    Page("/comptes", "accounts.html"),
    Page("/operateurs", "operators.html"),
    Page("/journal", "journal.html"),
    Page("/securite", "security.html"),
)
