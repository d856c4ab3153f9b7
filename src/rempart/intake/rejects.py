"""The codes of rejects, with the sentence that helps to correct the line. Closed list; a sentence never quotes the line."""

SENTENCES: dict[str, tuple[str, str]] = {
    "line-form": (
        "La ligne n'a pas le nombre de colonnes de l'en-tête.",
        "The line does not have the header's number of columns.",
    ),
    "line-text": ("La ligne n'est pas en UTF-8.", "The line is not UTF-8."),
    "missing": ("Ce champ est obligatoire.", "This field is required."),
    "too-long": ("Ce champ est trop long.", "This field is too long."),
    "format": ("Ce champ n'a pas la forme attendue.", "This field does not have the expected form."),
    "amc-differs": (
        "Le n° AMC n'est pas celui du manifeste : un fichier ne parle que d'un assureur.",
        "The AMC number is not the manifest's: a file speaks of one insurer only.",
    ),
    "date": (
        "Ce n'est pas une date ISO (AAAA-MM-JJ) qui existe.",
        "This is not an existing ISO date (YYYY-MM-DD).",
    ),
    "date-range": (
        "Cette date est trop ancienne, ou dans le futur.",
        "This date is too old, or in the future.",
    ),
    "period": ("La fin précède le début.", "The end comes before the beginning."),
    "nir-form": (
        "Le NIR n'a pas la forme attendue : 15 caractères, dont sexe, année, mois, département, commune, ordre et clé.",
        "The NIR does not have the expected form: 15 characters, with sex, year, month, département, commune, order and key.",
    ),
    "nir-key": (
        "La clé du NIR ne correspond pas à ses 13 premiers caractères.",
        "The key of the NIR does not match its first 13 characters.",
    ),
    "nir-missing": (
        "Il faut un NIR, ou pour un enfant celui d'un parent dans nir_attached.",
        "A NIR is required, or for a child that of a parent in nir_attached.",
    ),
    "nir-synthetic": (
        "Cette identité est synthétique (numéro d'ordre 000) : la production n'en accepte pas.",
        "This identity is synthetic (order number 000): production accepts none.",
    ),
    "nir-not-synthetic": (
        "Cette identité n'est pas synthétique : une démonstration n'accepte que le numéro d'ordre 000.",
        "This identity is not synthetic: a demonstration accepts the order number 000 only.",
    ),
    "reference-is-nir": (
        "La référence de l'assuré est son NIR : utilisez une référence qui vous est propre.",
        "The member's reference is the NIR: use a reference of your own.",
    ),
    "product-unknown": (
        "Ce produit n'est pas dans le dernier fichier des produits.",
        "This product is not in the latest products' file.",
    ),
    "suspension": (
        "Une suspension a une date et un motif (non-payment, fraud, other), ou ni l'un ni l'autre.",
        "A suspension has a date and a reason (non-payment, fraud, other), or neither.",
    ),
    "domains": (
        "Une exception s'écrit DOMAINE:date, DOMAINE:date/date ou DOMAINE:-, une fois par domaine.",
        "An exception is written DOMAIN:date, DOMAIN:date/date or DOMAIN:-, once per domain.",
    ),
    "person-differs": (
        "Cette ligne ne dit pas la même personne que la précédente, dont elle porte la référence.",
        "This line does not say the same person as the one before, whose reference it bears.",
    ),
    "reference-twice": (
        "Cette référence est déjà celle de lignes plus haut qui ne se suivent pas : groupez les lignes d'une personne.",
        "This reference is already that of lines above that are not contiguous: keep a person's lines together.",
    ),
    "duplicate": (
        "Une autre personne du fichier, plus haut, se présente avec les mêmes identifiants ; des jumeaux diffèrent par le rang.",
        "Another person of the file, above, is presented with the same identifiers; twins differ by rank.",
    ),
    "taken": (
        "Une autre personne déjà connue se présente avec les mêmes identifiants.",
        "Another person already known is presented with the same identifiers.",
    ),
    "not-known": (
        "Cette personne n'était pas connue : rien à retirer.",
        "This person was not known: nothing to remove.",
    ),
    "leaving-with-data": (
        "Une ligne D ne porte que member_ref : laissez les autres champs vides.",
        "A D line bears member_ref only: leave the other fields empty.",
    ),
    "mixed": (
        "Les lignes de cette personne mêlent U et D, ou l'une d'elles est en erreur : rien n'a changé pour elle.",
        "This person's lines mix U and D, or one of them is rejected: nothing changed for this person.",
    ),
    "serial": (
        "Le numéro de série d'une carte est un entier de 1 à 999999999, ou rien.",
        "A card's serial is an integer from 1 to 999999999, or nothing.",
    ),
    "nir-on-card": (
        "Ce champ contient un NIR : aucune carte n'en porte.",
        "This field holds a NIR: no card bears one.",
    ),
    "guarantees": (
        "La grille s'écrit « PHAR 100 %|OPTI PEC », une fois par domaine, 30 caractères au plus par case.",
        "The grid is written “PHAR 100 %|OPTI PEC”, once per domain, 30 characters at most a cell.",
    ),
    "card-unknown": (
        "Le dernier fichier des assurés ne connaît pas cette carte : référence, série, naissance et rang doivent y être les mêmes.",
        "The latest members' file does not know this card: reference, serial, birth date and rank must be the same there.",
    ),
    "person-unknown": (
        "Le dernier fichier des assurés ne connaît pas cette personne : référence, adhérent, naissance et rang doivent y être les mêmes.",
        "The latest members' file does not know this person: reference, n° adhérent, birth date and rank must be the same there.",
    ),
    "no-right": (
        "Cette personne n'a aucun droit ouvert aujourd'hui : une carte ne dirait rien.",
        "This person has no right open today: a card would say nothing.",
    ),
    "offline-card-unknown": (
        "Aucune carte hors ligne de cet assureur n'a ce numéro, ou elle n'est plus valable.",
        "No offline card of this insurer has this number, or it is no longer valid.",
    ),
    "number": ("Ce n'est pas un nombre dans les bornes.", "This is not a number within bounds."),
    "basis": (
        "La base de remboursement demande un pourcentage, un montant, ou ni l'un ni l'autre.",
        "The basis needs a percentage, an amount, or neither.",
    ),
    "label-differs": (
        "Le libellé de ce produit n'est pas celui de ses lignes plus haut.",
        "This product's label is not that of its lines above.",
    ),
    "repeated": (
        "Ce couple (produit, domaine) est déjà dit plus haut.",
        "This (product, domain) pair is already said above.",
    ),
}


def sentence(code: str, *, french: bool) -> str:
    """What a reject's code means."""
    return SENTENCES[code][0 if french else 1]
