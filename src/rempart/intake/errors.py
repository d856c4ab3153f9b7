"""Why a file is refused whole. Each says what to do; none repeats a person's data (`detail` names columns, lines and counts)."""

from rempart.foundation.errors import BadInput, Refusal


class BadEnvelope(BadInput):
    code = "envelope"
    french = "Ce fichier n'est pas une enveloppe Rempart complète : signez et chiffrez-le de nouveau avec « rempart insurer seal-file »."
    english = "This file is not a complete Rempart envelope: sign and seal it again with “rempart insurer seal-file”."


class BadManifest(BadInput):
    code = "manifest"
    french = "Le manifeste est illisible ou incomplet."
    english = "The manifest cannot be read or is incomplete."


class BadSignature(Refusal):
    code = "signature"
    french = "La signature n'est pas celle de cet assureur, ou le fichier a été modifié. Rien n'a été lu."
    english = "The signature is not this insurer's, or the file was altered. Nothing was read."


class NotForUs(Refusal):
    code = "not-for-us"
    french = "Le fichier ne s'ouvre pas avec la clé d'entrée de cette plateforme : vérifiez le destinataire du chiffrement."
    english = (
        "The file does not open with this platform's intake key: check the recipient it was encrypted to."
    )


class PlainFile(Refusal):
    code = "plain-file"
    french = "Un fichier en clair n'est accepté qu'en démonstration."
    english = "A plain file is accepted in a demonstration only."


class BadCompression(BadInput):
    code = "compression"
    french = "La compression (gzip ou zstandard) est abîmée ou incomplète."
    english = "The compression (gzip or zstandard) is damaged or incomplete."


class Truncated(BadInput):
    code = "truncated"
    french = "Le fichier ne correspond pas à son manifeste (nombre de lignes ou empreinte) : il est tronqué ou modifié. Rien n'a changé."
    english = (
        "The file does not match its manifest (lines or digest): it is truncated or altered. Nothing changed."
    )


class ForbiddenColumn(Refusal):
    code = "forbidden-column"
    french = "Le fichier contient une colonne interdite : Rempart ne reçoit jamais cette donnée. Retirez-la et renvoyez le fichier."
    english = "The file has a forbidden column: Rempart never receives such data. Remove it and send the file again."


class BadHeader(BadInput):
    code = "header"
    french = "L'en-tête n'a pas exactement les colonnes attendues."
    english = "The header does not have exactly the expected columns."


class BadText(BadInput):
    code = "text"
    french = "Le fichier n'est pas un CSV attendu : lignes terminées par LF, en-tête en UTF-8."
    english = "The file is not the expected CSV: lines ended by LF, with a UTF-8 header."


class BadProducts(BadInput):
    code = "products"
    french = "Le fichier des produits a des lignes en erreur : il est refusé entier, car une grille partielle tromperait."
    english = "The products' file has rejected lines: it is refused whole, because a partial grid would give wrong answers."


class TooManyCards(BadInput):
    code = "too-many-cards"
    french = "Une demande porte au plus 20 000 cartes : partagez-la."
    english = "A request holds 20,000 cards at most: split it."


class NoCardsFolder(Refusal):
    code = "no-cards-folder"
    french = "Cette plateforme n'a pas de dossier où remettre des cartes."
    english = "This platform has no folder to hand cards over in."


class UnknownInsurer(Refusal):
    code = "unknown-insurer"
    french = "Cet assureur n'est pas connu de la plateforme."
    english = "This insurer is not known to the platform."


class AlreadyTaken(Refusal):
    code = "already-taken"
    french = "Ce fichier, ou un plus récent, a déjà été pris. Rien n'a changé."
    english = "This file, or a later one, was already taken in. Nothing changed."


class OutOfOrder(Refusal):
    code = "out-of-order"
    french = "Un fichier manque avant celui-ci : envoyez-le d'abord. Rien n'a changé."
    english = "A file is missing before this one: send it first. Nothing changed."


class NoFullFile(Refusal):
    code = "no-full-file"
    french = "Un fichier de mouvements suppose un fichier complet déjà pris. Rien n'a changé."
    english = "A delta file needs a full file taken in before. Nothing changed."


class NoProducts(Refusal):
    code = "no-products"
    french = "Aucun fichier de produits n'a encore été pris : envoyez-le d'abord. Rien n'a changé."
    english = "No products' file was taken in yet: send it first. Nothing changed."


class Lost(Refusal):
    code = "lost"
    french = "Le fichier n'est plus là : envoyez-le de nouveau."
    english = "The file is not there any more: send it again."


class TriedTooOften(Refusal):
    code = "tried-too-often"
    french = "Ce fichier a fait échouer le scellement plusieurs fois ; la plateforme doit en chercher la cause. Rien n'a changé."
    english = "This file made sealing fail several times; the platform has to find out why. Nothing changed."


class ManyLeaving(Refusal):
    code = "many-leaving"
    french = "Ce fichier retire plus de 5 % des personnes : il attend l'accord d'une seconde personne."
    english = "This file removes more than 5 % of the people: it waits for a second person's approval."


class NoOrigin(Refusal):
    code = "no-origin"
    french = "La plateforme n'a pas d'origine configurée : les envois signés sont refusés."
    english = "The platform has no configured origin: signed uploads are refused."


class Superseded(Refusal):
    code = "superseded"
    french = "Un autre fichier a pris la place de celui qui attendait."
    english = "Another file took the place of the one that was waiting."


def sentence_of(code: str, *, french: bool) -> str:
    """The sentence of a refusal's code, "" for an unknown one."""
    for family in (BadInput, Refusal):
        for kind in family.__subclasses__():
            if kind.code == code and kind.__module__ == __name__:
                return kind.french if french else kind.english
    return ""
