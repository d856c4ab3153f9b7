"""*Référencement*: the operator enters an establishment, and the people who work there. The caller commits.

The vault opens the account and gives its id (`EnrolEstablishment`, `EnrolProfessional`); the names stay here.
"""

from typing import Any, NamedTuple

import psycopg

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import (
    check_adeli,
    check_amc_number,
    check_finess,
    check_rpps,
    rpps_warning,
)
from rempart.foundation.vocabulary import Profession
from rempart.identity import store, store_dossiers
from rempart.identity.application import Application, check_application
from rempart.identity.checks import NOWHERE, Elsewhere, Known
from rempart.identity.model import Establishment, Professional
from rempart.identity.naming import check_name


class Referenced(NamedTuple):
    """A person was entered. `warning` is a French sentence for the operator, or ""; it refuses nothing."""

    professional: Professional
    warning: str


def enrol_establishment(
    connection: psycopg.Connection[Any],
    establishment: str,
    finess: str,
    name: str,
    town: str,
    profession: Profession,
) -> Establishment:
    """Enter an establishment under the vault's id (`establishment`), or correct it. Raises BadFiness, BadName."""
    place = Establishment(
        establishment, check_finess(finess), check_name(name), check_name(town), profession.value
    )
    store.enter_establishment(connection, place)
    return place


def enrol_insurers_seat(
    connection: psycopg.Connection[Any], establishment: str, amc: str, name: str, town: str
) -> Establishment:
    """Enter an insurer's seat under the vault's id (`establishment`), or correct it. Raises BadAmcNumber, BadName."""
    place = Establishment(
        establishment, "", check_name(name), check_name(town), Profession.INSURER, check_amc_number(amc)
    )
    store.enter_establishment(connection, place)
    return place


def enrol_professional(
    connection: psycopg.Connection[Any],
    account: str,
    establishment: str,
    name: str,
    rpps: str = "",
    adeli: str = "",
) -> Referenced:
    """Enter a person in an establishment. Raises BadRpps, BadAdeli, BadName; an RPPS whose Luhn key fails only warns."""
    number = check_rpps(rpps) if rpps else None
    person = Professional(
        account, establishment, check_name(name), number or "", check_adeli(adeli) if adeli else ""
    )
    store.enter_professional(connection, person)
    return Referenced(person, rpps_warning(number) if number else "")


def known_of(
    connection: psycopg.Connection[Any],
    application: Application,
    elsewhere: Elsewhere = NOWHERE,
) -> Known:
    """What is known already that an application may be held against; `elsewhere`: of a dossier."""
    return Known(
        finess=store.is_referenced(connection, application.finess),
        rpps_elsewhere=bool(application.rpps)
        and store.works_elsewhere(connection, application.rpps, application.finess),
        login=store.is_login_known(connection, application.login),
        elsewhere=elsewhere,
    )


def known_of_paper(connection: psycopg.Connection[Any], application: Application) -> Known:
    """The same of a clerk's file, which has neither account nor SIRET: any dossier of its FINESS is somebody's who applied besides."""
    twice = store_dossiers.finess_waits(connection, application.finess)
    return known_of(connection, application, NOWHERE._replace(finess=twice))


def enter_place(
    connection: psycopg.Connection[Any], establishment: str, application: Application, now: int
) -> None:
    """The establishment of an application that is enrolled, new under the vault's id, and where its letters go. Raises BadInput."""
    a = check_application(application)
    place = Establishment(establishment, a.finess, a.name, a.town, a.profession)
    store.add_place(connection, place, a.address, now)


def enter_holder(
    connection: psycopg.Connection[Any], account: str, establishment: str, application: Application
) -> None:
    """Its titulaire, once the vault has given the account. Raises BadInput."""
    a = check_application(application)
    store.add_holder(connection, Professional(account, establishment, a.holder, a.rpps, a.adeli))


def replace_contact(connection: psycopg.Connection[Any], establishment: str, contact: str, now: int) -> None:
    """Where an establishment's letters go; the former one is kept, with its end. Raises BadInput."""
    if not 3 <= len(contact) <= 300 or not contact.isprintable():
        raise BadInput("contact: 3 to 300 characters on one line")
    store.put_contact(connection, establishment, contact, now)
