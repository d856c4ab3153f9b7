"""Refusals of the incident room."""

from rempart.foundation.errors import BadInput, Refusal


class AlertUnknown(Refusal):
    """No alert bears this number."""

    code = "alert-unknown"
    french = "Aucune alerte ne porte ce numéro : « rempart alerts list » les donne."
    english = "No alert has this number: see `rempart alerts list`."


class NothingProposed(Refusal):
    """An alert may propose nothing: then a person looks first."""

    code = "alert-proposes-nothing"
    french = "Cette alerte ne propose aucune mesure : examinez-la, puis choisissez avec « rempart operator contain »."
    english = "This alert proposes no containment: look at it, then choose with `rempart operator contain`."


class IntervalEmpty(BadInput):
    """A question about no time at all."""

    code = "interval-empty"
    french = "L'intervalle est vide : son début doit précéder sa fin."
    english = "The interval is empty: it must begin before it ends."


class TooMany(Refusal):
    """More answers than one may hold at once where this was asked."""

    code = "scope-too-large"
    french = "Trop de réponses pour cette page : resserrez l'intervalle ou nommez qui est en cause, ou utilisez « rempart incident scope »."
    english = "Too many answers for this page: narrow the interval or name who is in question, or use `rempart incident scope`."


class NobodyAsked(BadInput):
    """The nil id stands for nobody: an editor of that id would be every browser."""

    code = "party-nil"
    french = (
        "L'identifiant nul ne désigne personne : nommez un compte, un poste, un établissement ou un éditeur."
    )
    english = "The nil id is nobody: name an account, a device, an establishment or an editor."


class AskedTooFarBack(Refusal):
    """Entries older than three years may be gone: of that time nobody can say that nobody else was told of."""

    code = "asked-too-far-back"
    french = "L'intervalle commence avant ce que le registre garde : le constat négatif n'est possible qu'à partir de"
    english = "The interval begins before what the ledger keeps: the negative statement is possible from"


class LedgerMoved(Refusal):
    """The entries read one by one are not those that the scope has."""

    code = "ledger-moved"
    french = "Lues une à une, les entrées ne donnent pas cette portée : horloge revenue en arrière ou base modifiée. Lisez tout (--whole)."
    english = "Reading entry by entry gives another scope: the clock went back, or the database was changed. Read all of it (--whole)."


class CountBroken(Refusal):
    """The key store made operations that no rights check asked for, or the other way round: somebody else may have been told."""

    code = "operations-differ"
    french = "Le compte du magasin de clés et le registre diffèrent : on ne peut pas dire que personne d'autre n'est concerné."
    english = "The key store's count and the ledger differ: that nobody else is concerned cannot be said."


class NoSuchParty(BadInput):
    """A question, or *were we hit*, about somebody unknown."""

    code = "no-such-party"
    french = "Ce compte, poste, établissement, groupe, éditeur ou assureur n'est pas connu ici :"
    english = "This account, device, establishment, group, editor or insurer is not known here:"


class NotATable(BadInput):
    """A sample that is no table of text. The detail never repeats anything of it."""

    code = "not-a-table"
    french = "Ce fichier n'est pas un tableau lisible (CSV, une ligne par personne)."
    english = "This file is no table that can be read (CSV, a row a person)."
