"""What a scope rests on, French and English side by side. The English is the room's own"
" (rempart.incident.scope_report), the same figures."""

from rempart.desk.scopes import Counted
from rempart.evidence.note import to_base64
from rempart.evidence.operations import ASSUMPTIONS
from rempart.foundation.clock import PARIS, SECOND, instant
from rempart.incident.notices.figures import FIELDS
from rempart.incident.scope_negative import Negative
from rempart.incident.scope_professionals import BASIS, NEVER_SHOWN, SENTENCES
from rempart.incident.scope_report import ALWAYS, SETTLED, assumptions_of, statement_of

Words = tuple[str, str]
FRENCH: dict[str, str] = dict(
    zip(
        (*ALWAYS, *ASSUMPTIONS, *BASIS, NEVER_SHOWN),
        (
            # Always.
            "Toute réponse compte comme dite, même celle qui n'est jamais arrivée : une panne surcompte, jamais l'inverse.",
            (
                "Ce que d'honnêtes gens ont demandé entre-temps avec les mêmes comptes et postes y est : le registre sait qui"
                " a signé, pas qui"
                " était assis là."
            ),
            (
                "Une personne est une par assureur. Quel adhérent est un pseudonyme, seul son assureur le lit, dans une référence qu'aucune"
                " feuille n'engage ; il le vérifie en demandant qui a consulté cet adhérent."
            ),
            (
                "Toute réponse du coffre a sa feuille avant de partir, et ne dit pas plus que sa classe : c'est le code du"
                " coffre, et le compte"
                " du magasin de clés en est le contrôle."
            ),
            "Il s'agit des réponses du coffre. Ce qu'a vu passer un voleur maître d'une porte est la question sur toutes les parties.",
            # The key store's count.
            (
                "Le compte est tenu par le processus du coffre, autour de chaque opération qu'il demande au magasin de clés."
                " Qui a le fichier"
                " et sa phrase, ou le jeton et son PIN, peut demander ailleurs sans être compté ; le journal propre d'un HSM"
                " en est le contrôle."
            ),
            (
                "Qu'une demande ait été refusée après le calcul de sa clé, donc sans feuille, est la parole du coffre ; leur"
                " nombre borne ce"
                " qu'un coffre menteur aurait pu ouvrir sans feuille."
            ),
            (
                "Le scelleur, un autre processus, calcule des clés pour sceller les fichiers des assureurs et chercher les"
                " cartes demandées,"
                " jamais pour répondre : il tient son propre compte ; ce qu'il a fait depuis sa dernière ligne quand il a été"
                " tué n'est pas compté."
            ),
            (
                "Ce qu'un coffre tué a fait depuis sa dernière ligne n'est pas compté : chaque fois, au plus la limite dite"
                " dans docs/ledger.md."
                " Les feuilles de ces instants sont dites à part."
            ),
            "Un seul coffre écrit ce registre.",
            # Professionals.
            (
                "Une borne supérieure par règle, pas une liste de ce qui a été vu : les pages qui montrent ces données ne"
                " laissent pas de feuille."
            ),
            (
                "Les postes sont ceux tenus aujourd'hui ou quittés depuis moins d'un jour, et chaque établissement d'où un"
                " compte a demandé dans"
                " l'intervalle ; un poste retiré plus tôt, d'où rien n'a été demandé, n'est plus connu."
            ),
            "Tout compte encore lié à un poste en cause, ou qui a demandé avec lui, est compté, qu'il se soit connecté ou non.",
            (
                "le numéro d'un compte bancaire, une adresse postale, une adresse électronique, un téléphone, le n° RPPS ou"
                " ADELI d'un collègue,"
                " un mot de passe, le secret d'un facteur"
            ),
        ),
        strict=True,
    )
)
"""The room's fixed sentences. Made from the very tuples: one more there refuses to start here."""


def fields(names: tuple[str, ...]) -> Words:
    """What an answer of a class can have said."""
    return ", ".join(FIELDS[name][0] for name in names), ", ".join(FIELDS[name][1] for name in names)


def cautions(counted: Counted) -> list[Words]:
    """What keeps the list from being the last word."""
    lines: list[Words] = []
    if counted.at < counted.question.until + SETTLED:
        lines.append(
            (
                (
                    "L'intervalle n'est pas fini, ou l'est depuis quelques secondes : une réponse demandée dedans peut encore s'écrire."
                    " Comptez de nouveau dans dix secondes."
                ),
                "The interval is not over, or ended seconds ago: an answer asked in it may still be written. Count again in ten seconds.",
            )
        )
    if counted.pruned_before > counted.question.since:
        when = _said(counted.pruned_before)
        lines.append(
            (
                f"Les entrées d'avant le {when} ont pu être effacées, leurs trois ans passés : qui était concerné avant n'y est pas.",
                f"Entries before {when} may have been pruned, their three years over: who was told of before is not in it.",
            )
        )
    if counted.before or counted.after:
        lines.append(
            (
                (
                    f"Les mêmes parties ont eu {counted.before} réponse(s) dans le jour d'avant et {counted.after} dans le jour"
                    f" d'après : hors de"
                    " cause, sauf si vous élargissez l'intervalle."
                ),
                (
                    f"The same parties had {counted.before} answers in the day before and {counted.after} in the day after: not in question"
                    " unless you widen the interval."
                ),
            )
        )
    return lines


def statement(negative: Negative) -> list[Words]:
    """That nobody else was told of, and how it was checked."""
    count, done = negative.until - negative.first, negative.operations
    which = f" (de l'index {negative.first} à {negative.until - 1})" if count else ""
    french = [
        (
            f"Dans le registre {negative.origin} ({negative.size} feuilles ; racine des {negative.signed} premières :"
            f" {to_base64(negative.root)}), les {count} entrées{which} ont été lues : chacune est ce que sa feuille engage, et ces feuilles"
            " donnent la racine signée."
        ),
        f"{negative.told} d'entre elles, en cause, ont parlé de quelqu'un, {negative.absent} de personne.",
        "Ce qui est en cause n'a parlé de personne d'autre.",
    ]
    if negative.cosigned:
        names = ", ".join(f"{name} ({_said(second * SECOND)})" for name, second in negative.cosigned)
        french.append(f"Cosigné par {names}.")
    if done is not None:
        french.append(
            f"Le magasin de clés a compté, du {_said(done.since)} au {_said(done.until)}, {done.made} calculs d'une clé de capsule, dont"
            f" {done.disclosed} par {done.asked} consultations : {done.answered} répondues, {done.refused} refusées,"
            f" {done.failed} en échec ;"
            f" {done.leaves} feuilles. {done.verified} de ses lignes signées ont été vérifiées."
        )
    return list(zip(french, statement_of(negative), strict=True))


def assumptions(negative: Negative) -> list[Words]:
    """All that the statement rests on."""
    own = iter(_own_assumptions(negative))
    return [(FRENCH[line] if line in FRENCH else next(own), line) for line in assumptions_of(negative)]


def _own_assumptions(negative: Negative) -> list[str]:
    """The French of what is particular to this statement, in the order of `assumptions_of`."""
    lines, done = list[str](), negative.operations
    if not negative.whole:
        lines.append(
            "L'horloge du coffre n'a jamais reculé de plus d'une heure ; lire tout le registre s'en passe."
        )
    if negative.size > negative.signed:
        lines.append(
            f"Les {negative.size - negative.signed} dernières feuilles ne sont pas encore signées : comptez de nouveau dans deux secondes."
        )
    if negative.cosigned:
        lines.append(
            "Les témoins sont d'autres maisons, et leurs clés ne viennent pas d'une machine où l'on est entré."
        )
    else:
        lines.append(
            "Aucun témoin dont la clé est connue ici ne l'a cosigné : la racine est crue sur la clé du registre, et un registre réécrit par"
            " qui la détient ne serait pas vu."
        )
    if done is None:
        return [
            *lines,
            "Le compte du magasin de clés n'est pas là : seul le code du coffre dit qu'aucune capsule ne s'est ouverte sans feuille.",
        ]
    if done.unseen:
        lines.append(
            f"{done.unseen} feuilles ont été écrites alors qu'aucun coffre ne comptait : l'un a été tué ; ce qu'il a"
            f" calculé alors est inconnu."
        )
    if done.uncounted:
        lines.append(f"{done.uncounted} feuilles sont plus jeunes que la dernière ligne du magasin de clés.")
    lines.append(
        "Le compte a été lu dans la base : « rempart evidence operations » le compare au fichier à côté du magasin de clés."
    )
    if not done.key_given:
        lines.append(
            "La clé publique du compte a été lue dans le compte lui-même : celle notée au début se donne à la commande."
        )
    return lines


def basis() -> list[Words]:
    """What the bound on professionals' own data is."""
    return [(FRENCH[line], line) for line in BASIS]


def never_shown() -> Words:
    """Of professionals' data, what no page shows."""
    return FRENCH[NEVER_SHOWN], NEVER_SHOWN


def kinds(counted: Counted) -> list[tuple[Words, int]]:
    """What the pages show of professionals, and at how many establishments."""
    shown = sorted({kind for each in counted.professionals.seen for kind in each.kinds})
    return [
        (SENTENCES[kind], sum(kind in each.kinds for each in counted.professionals.seen)) for kind in shown
    ]


def _said(micros: int) -> str:
    return f"{instant(micros).astimezone(PARIS):%d/%m/%Y %H:%M:%S}"
