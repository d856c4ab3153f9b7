"""Every refusal a person can meet: stable code → HTTP status, French, English. One table for all doors; each sentence says what to do."""

from typing import NamedTuple

from rempart.foundation.identifiers import BadAmcNumber, BadFiness


class Code(NamedTuple):
    status: int
    french: str
    english: str


CODES: dict[str, Code] = {
    "bad-input": Code(
        400,
        "La demande est mal formée : corrigez le champ indiqué et recommencez.",
        "The request is malformed: correct the field named and try again.",
    ),
    BadFiness.code: Code(400, BadFiness.french, BadFiness.english),
    BadAmcNumber.code: Code(400, BadAmcNumber.french, BadAmcNumber.english),
    "too-large": Code(
        413, "La demande est trop volumineuse (64 Kio au plus).", "The request is too large (64 KiB at most)."
    ),
    "not-found": Code(404, "Cette adresse n'existe pas ici.", "There is nothing at this address."),
    "signature": Code(
        401,
        "La signature de la demande n'est pas valable pour ce poste : rechargez la page et reconnectez-vous.",
        "The request's signature does not hold for this device: reload the page and sign in again.",
    ),
    "stale": Code(
        401,
        "La demande a expiré ou a déjà servi : vérifiez l'heure de ce poste, puis recommencez.",
        "The request has expired or was already used: check this device's clock, then try again.",
    ),
    "session": Code(
        401, "Votre session est terminée : reconnectez-vous.", "Your session is over: sign in again."
    ),
    "device": Code(
        401,
        "Ce poste n'est pas reconnu, ou sa validité de 12 h est passée : reconnectez-vous.",
        "This device is not bound, or its 12 hours are over: sign in again.",
    ),
    "credentials": Code(
        401,
        "Ces informations de connexion ne sont pas valables. Après plusieurs essais, attendez quelques minutes.",
        "These sign-in details are not valid. After several attempts, wait a few minutes.",
    ),
    "activation": Code(
        401,
        "Ce code n'est pas valable, a déjà servi ou a expiré : demandez-en un autre à votre titulaire ou à l'opérateur.",
        "This code is not valid, was used or has expired: ask your titulaire or the operator for another.",
    ),
    "step-up": Code(
        403,
        "Confirmez d'abord que c'est vous, avec votre clé d'accès ou votre mot de passe et votre code.",
        "Confirm first that it is you, with your passkey or your password and code.",
    ),
    "forbidden": Code(
        403,
        "Votre rôle ne permet pas cette action : demandez à votre titulaire.",
        "Your role does not allow this: ask your titulaire.",
    ),
    "password-weak": Code(
        422,
        "Mot de passe refusé : 12 caractères au moins, trois sortes de caractères, rien de courant ni de proche de l'ancien ou de votre identifiant.",
        "Password refused: at least 12 characters, three kinds of characters, nothing common nor close to the former one or to your login.",
    ),
    "last-factor": Code(
        409,
        "C'est votre dernier moyen de connexion : ajoutez-en un autre avant de le retirer.",
        "This is your last way to sign in: add another before removing it.",
    ),
    "exhausted": Code(
        429,
        "La ligne de consultations de ce poste, de ce compte ou de cet établissement est épuisée pour l'instant. Elle se rouvre d'elle-même ; une personne de l'assistance peut vous rappeler.",
        "This device's, account's or establishment's line of look-ups is used up for now. It reopens by itself; a person can call you back.",
    ),
    "contained": Code(
        423,
        "Les consultations sont suspendues ici par mesure de sécurité. L'assistance vous contactera.",
        "Look-ups are suspended here as a security measure. Support will contact you.",
    ),
    "conflict": Code(
        409,
        "Cela existe déjà ou a changé entre-temps : rechargez la page.",
        "This exists already or has changed meanwhile: reload the page.",
    ),
    "outage": Code(
        503,
        "Le service ne peut pas répondre pour l'instant : rien n'a été divulgué. Réessayez dans une minute.",
        "The service cannot answer for now: nothing was disclosed. Try again in a minute.",
    ),
    "internal": Code(
        500,
        "Erreur interne : rien n'a été divulgué. Citez la référence à l'assistance.",
        "Internal error: nothing was disclosed. Quote the reference to support.",
    ),
}
