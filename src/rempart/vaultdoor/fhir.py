"""The rights check in FHIR R4: what a CoverageEligibilityRequest may hold, and what it means.

Strict: an element that is not in these structs is refused, by name. The request presents a card, its secret or a NIR, a birth date and a
domain of care; whatever else could identify a person (name, address, telephone, free text) is refused and never read (GDPR art. 5(1)(c)).
An error names the element and the reason, never a value; its sentences are in `REASONS`.
"""

import base64
import re
from datetime import date
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import BadNirForm, BadNirKey, check_nir
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vaultdoor.bodies import require_shallow

NIR_SYSTEM = "urn:oid:1.2.250.1.213.1.4.8"
AMC_SYSTEM = "urn:rempart:amc"
DOMAIN_SYSTEM = "urn:rempart:domain"
SECRET_SYSTEM = "urn:rempart:card-secret"  # noqa: S105 (a name, no secret)
MAX_BODY = 64 * 1024
"""Bytes of a request's body, at most."""


class Reason(NamedTuple):
    french: str
    english: str


REASONS: dict[str, Reason] = {
    "json": Reason("ce n'est pas du JSON valide", "this is not valid JSON"),
    "missing": Reason("cet élément est obligatoire", "this element is required"),
    "form": Reason("la valeur n'a pas la forme attendue", "the value does not have the expected form"),
    "unknown": Reason(
        "cet élément n'est pas utilisé ici : retirez-le", "this element is not used here: remove it"
    ),
    "minimisation": Reason(
        "cet élément désigne une personne et n'est pas nécessaire : retirez-le (minimisation des données)",
        "this element identifies a person and is not needed: remove it (data minimisation)",
    ),
    "narrative": Reason(
        "un texte libre peut contenir un nom : retirez-le (minimisation des données)",
        "free text may hold a name: remove it (data minimisation)",
    ),
    "once": Reason("il en faut un, et un seul", "exactly one is expected"),
    "contained": Reason(
        "il y faut un Patient et un Coverage, rien d'autre", "one Patient and one Coverage are expected there"
    ),
    "reference": Reason(
        "la référence ne désigne pas la ressource attendue de « contained »",
        "the reference does not designate the contained resource expected",
    ),
    "system": Reason(
        "le système de cet identifiant n'est pas le bon", "this identifier's system is not the one expected"
    ),
    "payor": Reason("le n° AMC n'est pas celui de « insurer »", "the AMC number is not that of `insurer`"),
    "amc": Reason(
        "un n° AMC comporte de 8 à 10 chiffres ou lettres majuscules",
        "an AMC number has 8 to 10 digits or capital letters",
    ),
    "adherent": Reason(
        "un n° adhérent comporte de 1 à 20 caractères", "a member number has 1 to 20 characters"
    ),
    "nir-form": Reason(BadNirForm.french.rstrip("."), BadNirForm.english.rstrip(".")),
    "nir-key": Reason(BadNirKey.french.rstrip("."), BadNirKey.english.rstrip(".")),
    "care-date": Reason(
        "la date des soins doit être dans les deux dernières années ou l'année à venir",
        "the care date must be within the last two years or the coming one",
    ),
    "domain": Reason("ce domaine de soins n'existe pas", "there is no such domain of care"),
    "secret": Reason(
        "le secret d'une carte comporte 26 caractères, A à Z et 2 à 7",
        "a card's secret has 26 characters, A to Z and 2 to 7",
    ),
    "lane-both": Reason(
        "présentez le secret de la carte, le n° adhérent ou le NIR, un seul des trois",
        "present the card's secret, the member number or the NIR, one of the three",
    ),
    "lane-neither": Reason(
        "présentez le secret de la carte, le n° adhérent ou le NIR",
        "present the card's secret, the member number or the NIR",
    ),
}
"""Why a request is malformed. No sentence holds a value."""

CLAIM_REASONS: dict[str, Reason] = {
    "medical": Reason(
        "cet élément est médical et n'est pas nécessaire : retirez-le (minimisation des données)",
        "this element is medical and is not needed: remove it (data minimisation)",
    ),
    "code": Reason("ce code n'existe pas dans sa liste", "there is no such code in its list"),
    "amount": Reason(
        "un montant est un nombre d'euros, de deux décimales au plus, sans signe",
        "an amount is a number of euros, of two decimals at most, without a sign",
    ),
    "sum": Reason("le total n'est pas la somme des lignes", "the total is not the sum of the lines"),
    "sequence": Reason(
        "numérotez les lignes 1, 2, 3… dans l'ordre", "number the lines 1, 2, 3… in their order"
    ),
    "one-date": Reason(
        "une facture porte une seule date de soins : faites une facture par date",
        "an invoice has one care date: send one invoice a date",
    ),
    "engaged-date": Reason(
        "la date est celle de la vérification des droits : retirez-la",
        "the date is that of the rights check: remove it",
    ),
    "finess": Reason(
        "ce n'est pas le FINESS de l'établissement qui signe",
        "this is not the FINESS number of the establishment that signs",
    ),
    "engaged-insurer": Reason(
        "ce n'est pas l'assureur de l'engagement", "this is not the insurer of the engagement"
    ),
    "use-other": Reason("ce critère ne va pas avec « use »", "this criterion does not go with `use`"),
}
"""Why a Claim or a search is malformed, beside REASONS."""
ALL_REASONS = REASONS | CLAIM_REASONS


class BadPresentation(BadInput):
    """`field` is a FHIR path, `reason` a key of REASONS; `detail` is both, as it travels in Refused.detail."""

    code = "bad-input"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}" if field else reason)
        self.field = field
        self.reason = reason


def explain(detail: str, language: str = "fr") -> str:
    """The sentence of a BadPresentation's detail, "field: reason"; any other detail comes back as it is."""
    field, _, key = detail.rpartition(" ")
    reason = ALL_REASONS.get(key)
    if reason is None:
        return detail
    sentence = reason.english if language == "en" else reason.french
    if not field:
        return f"{sentence[0].upper()}{sentence[1:]}."
    return f"{field}{': ' if language == 'en' else ' : '}{sentence}."


class Presentation(msgspec.Struct, frozen=True):
    """What a professional presents: a person's identifiers in one lane, and the question. It prints without any of them."""

    lane: Lane
    amc: str
    adherent: str
    """Of the card lane, else ""."""
    nir: str
    """Of the vitale lane, 15 characters, else ""."""
    birth_date: date
    rank: int
    domain: Domain
    care_date: date | None = None
    """None: today."""
    secret: bytes = b""
    """Of the secret lane, 16 bytes, else b""."""

    def __repr__(self) -> str:
        return f"Presentation(lane={self.lane.name}, domain={self.domain.value})"


# ── the request, element by element ──────────────────────────────────────────────────────────────────────────────────


class _Element(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel", gc=False
):
    """Anything unknown inside is refused."""


class _Identifier(_Element, frozen=True):
    system: str
    value: str


class _Reference(_Element, frozen=True):
    reference: str


class _Logical(_Element, frozen=True):
    identifier: _Identifier


class _Patient(_Element, frozen=True, tag_field="resourceType", tag="Patient"):
    id: str
    birth_date: date
    identifier: Annotated[list[_Identifier], Meta(min_length=1, max_length=1)] | None = None
    multiple_birth_integer: Annotated[int, Meta(ge=1, le=9)] = 1


class _Coverage(_Element, frozen=True, tag_field="resourceType", tag="Coverage"):
    id: str
    status: Literal["active"]
    beneficiary: _Reference
    payor: Annotated[list[_Logical], Meta(min_length=1, max_length=1)]
    identifier: Annotated[list[_Identifier], Meta(min_length=1, max_length=1)] | None = None
    subscriber_id: str | None = None


class _Insurance(_Element, frozen=True):
    coverage: _Reference
    focal: bool = True


class _Coding(_Element, frozen=True):
    system: str
    code: str


class _Concept(_Element, frozen=True):
    coding: Annotated[list[_Coding], Meta(min_length=1, max_length=1)]


class _Item(_Element, frozen=True):
    category: _Concept


_DateTime = Annotated[
    str, Meta(max_length=40, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$")
]


class _Request(_Element, frozen=True):
    resource_type: Literal["CoverageEligibilityRequest"]
    status: Literal["active"]
    purpose: Annotated[list[Literal["validation", "benefits"]], Meta(min_length=1, max_length=2)]
    contained: Annotated[list[_Patient | _Coverage], Meta(min_length=2, max_length=2)]
    patient: _Reference
    created: _DateTime
    insurer: _Logical
    insurance: Annotated[list[_Insurance], Meta(min_length=1, max_length=1)]
    item: Annotated[list[_Item], Meta(min_length=1, max_length=1)]
    serviced_date: date | None = None
    # Legal, of no use here, not read.
    id: msgspec.Raw = msgspec.Raw()
    meta: msgspec.Raw = msgspec.Raw()
    language: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder().encode
_DOMAINS = {domain.value: domain for domain in Domain}
_AMC = re.compile(r"[0-9A-Z]{8,10}").fullmatch
# 26 characters are 130 bits: the last one carries three of the 128, the two bits after them are zero.
_SECRET = re.compile(r"[A-Z2-7]{25}[AEIMQUY4]").fullmatch


def read_request(body: bytes) -> Presentation:
    """The presentation in a CoverageEligibilityRequest (docs/fhir.md), normalised: a NIR and a n° AMC without spaces, in capitals.

    Raises BadPresentation, which names the element and the reason and repeats no value.
    """
    try:
        require_shallow(body)
        request = _decode(body)
    except msgspec.ValidationError as error:
        raise refused_element(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadInput):
        raise BadPresentation("", "json") from None

    patient, coverage = _contained(request)
    _check_references(request, patient, coverage)
    amc = _insurer(request, coverage)
    domain = _domain(request)
    lane, adherent, nir, secret = _lane(patient, coverage)
    return Presentation(
        lane,
        amc,
        adherent,
        nir,
        patient.birth_date,
        patient.multiple_birth_integer,
        domain,
        request.serviced_date,
        secret,
    )


def _contained(request: _Request) -> tuple[_Patient, _Coverage]:
    first, second = request.contained
    if type(first) is _Coverage:
        first, second = second, first
    if type(first) is not _Patient:
        raise BadPresentation("contained", "contained")
    if type(second) is not _Coverage:
        raise BadPresentation("contained", "contained")
    return first, second


def _check_references(request: _Request, patient: _Patient, coverage: _Coverage) -> None:
    insurance = request.insurance[0]
    if request.patient.reference != "#" + patient.id:
        raise BadPresentation("patient.reference", "reference")
    if coverage.beneficiary.reference != "#" + patient.id:
        raise BadPresentation("Coverage.beneficiary.reference", "reference")
    if insurance.coverage.reference != "#" + coverage.id or patient.id == coverage.id:
        raise BadPresentation("insurance[0].coverage.reference", "reference")
    if not insurance.focal:
        raise BadPresentation("insurance[0].focal", "form")


def _insurer(request: _Request, coverage: _Coverage) -> str:
    insurer, payor = request.insurer.identifier, coverage.payor[0].identifier
    if insurer.system != AMC_SYSTEM:
        raise BadPresentation("insurer.identifier.system", "system")
    if payor.system != AMC_SYSTEM:
        raise BadPresentation("Coverage.payor[0].identifier.system", "system")
    if payor.value != insurer.value:
        raise BadPresentation("Coverage.payor[0].identifier.value", "payor")
    amc = insurer.value.replace(" ", "").upper()
    if _AMC(amc) is None:
        raise BadPresentation("insurer.identifier.value", "amc")
    return amc


def _domain(request: _Request) -> Domain:
    coding = request.item[0].category.coding[0]
    if coding.system != DOMAIN_SYSTEM:
        raise BadPresentation("item[0].category.coding[0].system", "system")
    domain = _DOMAINS.get(coding.code)
    if domain is None:
        raise BadPresentation("item[0].category.coding[0].code", "domain")
    return domain


def _lane(patient: _Patient, coverage: _Coverage) -> tuple[Lane, str, str, bytes]:
    """The lane, with the n° adhérent, the NIR or the secret that goes by it."""
    shown = [coverage.identifier, coverage.subscriber_id, patient.identifier]
    if shown.count(None) != len(shown) - 1:
        raise BadPresentation("contained", "lane-neither" if shown.count(None) == len(shown) else "lane-both")
    if coverage.identifier is not None:
        return Lane.SECRET, "", "", _secret(coverage.identifier[0])
    if coverage.subscriber_id is not None:
        return Lane.CARD, _adherent(coverage.subscriber_id), "", b""
    assert patient.identifier is not None
    return Lane.VITALE, "", _nir(patient.identifier[0]), b""


def _adherent(written: str) -> str:
    adherent = written.strip()
    if not 1 <= len(adherent) <= 20 or not adherent.isprintable():
        raise BadPresentation("Coverage.subscriberId", "adherent")
    return adherent


def _nir(identifier: _Identifier) -> str:
    if identifier.system != NIR_SYSTEM:
        raise BadPresentation("Patient.identifier[0].system", "system")
    try:
        return check_nir(identifier.value.replace(" ", "").upper())
    except BadNirForm:
        raise BadPresentation("Patient.identifier[0].value", "nir-form") from None
    except BadNirKey:
        raise BadPresentation("Patient.identifier[0].value", "nir-key") from None


def _secret(identifier: _Identifier) -> bytes:
    if identifier.system != SECRET_SYSTEM:
        raise BadPresentation("Coverage.identifier[0].system", "system")
    try:
        return read_secret(identifier.value.strip().upper())
    except ValueError:
        raise BadPresentation("Coverage.identifier[0].value", "secret") from None


def write_secret(secret: bytes) -> str:
    """A card's secret (16 bytes) in the 26 characters of base32 (RFC 4648, without padding) that its DataMatrix holds."""
    return base64.b32encode(secret).decode().rstrip("=")


def read_secret(text: str) -> bytes:
    """The 16 bytes again. Raises ValueError for any other text, even one that would decode alike, and repeats nothing of it."""
    if _SECRET(text) is None:
        raise ValueError("26 characters of base32 expected")
    return base64.b32decode(text + "======")


def write_request(presentation: Presentation, created: date | None = None) -> bytes:
    """The CoverageEligibilityRequest of a presentation, as a client writes it. `created` None: today, in Paris."""
    asker = presentation
    insurer = _Logical(_Identifier(AMC_SYSTEM, asker.amc))
    return _encode(
        _Request(
            resource_type="CoverageEligibilityRequest",
            status="active",
            purpose=["validation", "benefits"],
            contained=[
                _Patient(
                    "p",
                    asker.birth_date,
                    [_Identifier(NIR_SYSTEM, asker.nir)] if asker.lane is Lane.VITALE else None,
                    asker.rank,
                ),
                _Coverage(
                    "c",
                    "active",
                    _Reference("#p"),
                    [insurer],
                    [_Identifier(SECRET_SYSTEM, write_secret(asker.secret))]
                    if asker.lane is Lane.SECRET
                    else None,
                    asker.adherent if asker.lane is Lane.CARD else None,
                ),
            ],
            patient=_Reference("#p"),
            created=(created or paris_date(system_clock())).isoformat(),
            insurer=insurer,
            insurance=[_Insurance(_Reference("#c"))],
            item=[_Item(_Concept([_Coding(DOMAIN_SYSTEM, asker.domain.value)]))],
            serviced_date=asker.care_date,
        )
    )


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_MINIMISED = frozenset((
    "name", "telecom", "address", "photo", "gender", "contact", "maritalStatus", "communication", "generalPractitioner", "link",
    "deceasedBoolean", "deceasedDateTime", "managingOrganization", "policyHolder", "subscriber", "dependent", "_birthDate",
    "_name", "_subscriberId",
))  # fmt: skip
_NARRATIVE = frozenset(("text", "display"))
_MEDICAL = frozenset((
    "accident", "diagnosis", "diagnosisSequence", "prescription", "originalPrescription", "procedure", "procedureSequence", "referral",
))  # fmt: skip
_UNUSED = frozenset((
    "active", "assigner", "class", "contained", "costToBeneficiary", "contract", "created", "detail", "enterer",
    "extension", "facility", "fhir_comments", "id",
    "identifier", "implicitRules", "meta", "language", "modifierExtension", "multipleBirthBoolean",
    "network", "order", "period", "preAuthRef", "priority", "productOrService", "modifier", "provider", "quantity", "relationship",
    "servicedPeriod", "supportingInfo", "supportingInfoSequence", "subrogation", "type", "unitPrice", "use", "userSelected",
    "version", "businessArrangement", "billablePeriod", "careTeam", "careTeamSequence", "category", "claimResponse", "coverage",
    "encounter", "factor", "focal", "fundsReserve", "informationSequence", "item", "locationAddress", "locationCodeableConcept",
    "locationReference", "net", "payee", "programCode", "related", "revenue", "sequence", "servicedDate", "subDetail", "subSite", "subType",
    "total", "udi", "valueQuantity", "bodySite", "_created", "_servicedDate", "_status", "_purpose", "_id", "_value", "_system", "_code",
))  # fmt: skip
_PATH = re.compile(r" - at `(\$[^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `([A-Za-z_]{1,30})`")
_MISSING = re.compile(r"Object missing required field `([A-Za-z]+)`")
_LENGTH = "of length"


def refused_element(message: str) -> BadPresentation:
    """From msgspec's message about strict structs, of which only element names of this file may go on: a value, or a key a client made up,
    never does."""
    found = _PATH.search(message)
    path = found.group(1)[1:].lstrip(".") if found else ""
    unknown = _UNKNOWN.match(message)
    if unknown is not None or message.startswith("Object contains unknown field"):
        name = unknown.group(1) if unknown else ""
        for names, reason in (
            (_MINIMISED, "minimisation"),
            (_NARRATIVE, "narrative"),
            (_MEDICAL, "medical"),
            (_UNUSED, "unknown"),
        ):
            if name in names:
                return BadPresentation(f"{path}.{name}".lstrip("."), reason)
        return BadPresentation(path, "unknown")
    missing = _MISSING.match(message)
    if missing is not None:
        return BadPresentation(f"{path}.{missing.group(1)}".lstrip("."), "missing")
    if _LENGTH in message and message.startswith("Expected `array`"):
        return BadPresentation(path, "contained" if path == "contained" else "once")
    return BadPresentation(path, "form")
