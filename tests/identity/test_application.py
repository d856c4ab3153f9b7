"""Applications: what is refused, what is only to be looked at, and that two people mean the same one."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import rpps_key
from rempart.identity.application import digest_of, read_application
from rempart.identity.checks import NOWHERE, OLD, SENTENCES, Doubt, Known, doubts_of

TODAY = date(2026, 3, 2)
RPPS = "1010000000" + rpps_key("1010000000")
STATED: dict[str, Any] = {
    "finess": "010000602",
    "profession": "pharmacy",
    "name": "Pharmacie du Rempart",
    "town": "Lyon",
    "address": "12 rue de l'Église, 69001 Lyon",
    "stated_address": "12, RUE DE L'EGLISE 69001 LYON",
    "holder": "Claire Martin",
    "login": "claire.martin",
    "convention": "2026-1",
    "signed_by": "claire MARTIN",
    "signed_on": "2026-02-20",
    "rpps": RPPS,
}
NEW = Known(finess=False, rpps_elsewhere=False)


def written(**changes: Any) -> bytes:
    return json.dumps(STATED | changes).encode()


def test_the_example_of_the_documents_is_an_application_without_a_doubt() -> None:
    example = Path(__file__).parents[2] / "examples/application.json"
    assert doubts_of(read_application(example.read_bytes()), NEW, date(2026, 11, 29)) == []


def test_a_sound_application_raises_no_doubt() -> None:
    assert doubts_of(read_application(written()), NEW, TODAY) == []
    # A desk that died while it enrolled this very one.
    resumed = replace(NEW, login=True, elsewhere=NOWHERE._replace(enrolled=True))
    assert doubts_of(read_application(written()), resumed, TODAY) == []


@pytest.mark.parametrize(
    ("changes", "known", "doubt"),
    [
        ({}, replace(NEW, finess=True), Doubt.FINESS_KNOWN),
        ({"rpps": RPPS[:-1] + str((int(RPPS[-1]) + 1) % 10)}, NEW, Doubt.RPPS_KEY),
        ({}, replace(NEW, rpps_elsewhere=True), Doubt.RPPS_ELSEWHERE),
        ({"rpps": ""}, NEW, Doubt.NO_NUMBER),
        ({"stated_address": "14 rue de l'Église, 69001 Lyon"}, NEW, Doubt.ADDRESS),
        ({"signed_by": "Paul Martin"}, NEW, Doubt.SIGNATORY),
        ({"signed_on": str(TODAY - OLD - timedelta(1))}, NEW, Doubt.SIGNED_WHEN),
        ({"signed_on": str(TODAY + timedelta(1))}, NEW, Doubt.SIGNED_WHEN),
        ({}, replace(NEW, elsewhere=NOWHERE._replace(rib=True)), Doubt.RIB_ELSEWHERE),
        ({}, replace(NEW, elsewhere=NOWHERE._replace(siret=True)), Doubt.SIRET_ELSEWHERE),
        ({}, replace(NEW, elsewhere=NOWHERE._replace(finess=True)), Doubt.FINESS_TWICE),
        ({}, replace(NEW, login=True), Doubt.LOGIN_KNOWN),
    ],
)
def test_each_doubt_is_raised_alone_and_has_its_sentences(
    changes: dict[str, Any], known: Known, doubt: Doubt
) -> None:
    assert doubts_of(read_application(written(**changes)), known, TODAY) == [doubt]
    assert all(SENTENCES[doubt])


@pytest.mark.parametrize(
    "changes",
    [
        {"finess": "010000603"},
        {"rpps": "12"},
        {"adeli": "x"},
        {"profession": "insurer"},
        {"profession": "operator"},
        {"profession": "baker"},
        {"holder": ""},
        {"address": "x"},
        {"convention": "\u0000abc"},
        {"signed_on": "yesterday"},
        {"iban": "FR7630006000011234567890189"},
    ],
)
def test_what_is_no_application_is_refused_without_repeating_it(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        read_application(written(**changes))
    value = str(next(iter(changes.values())))
    assert not value or value not in str(refused.value)


def test_the_digest_is_of_what_is_said_and_of_every_word_of_it() -> None:
    one = read_application(written())
    spaced = json.dumps(dict(reversed(STATED.items())), indent=4).encode()
    assert digest_of(read_application(spaced)) == digest_of(one)
    others = {
        digest_of(msgspec.structs.replace(one, **{field: "autre"}))
        for field in ("name", "address", "holder", "login")
    }
    assert len(others | {digest_of(one)}) == 5
