"""What is told: from facts and the scope alone, in both languages, as PDF and for machines; templates that an operator changes."""

import io
import itertools
import json
import re
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from rempart.evidence.errors import LeafMissing
from rempart.evidence.opening import ANSWER_CLASSES
from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.errors import RempartError
from rempart.foundation.vocabulary import Domain, Lane
from rempart.incident import scope_store
from rempart.incident.case import Incident
from rempart.incident.exposure import Exposed, Question, Scope, Told
from rempart.incident.facts import (
    UNKNOWN,
    BadFact,
    FactKind,
    FactList,
    Facts,
    Kind,
    Language,
    check,
    moment,
    number,
    read_instant,
)
from rempart.incident.nobody_else import UNCHECKED, NobodyElse, NotChecked, NotOver
from rempart.incident.notices.blocks import Mark, guard, read_blocks
from rempart.incident.notices.errors import BadTemplate
from rempart.incident.notices.figures import (
    CONFIRMED,
    FIELDS,
    by_establishment,
    figures_of,
    plain_figures,
    words,
)
from rempart.incident.notices.rendering import (
    Insurer,
    Place,
    Rendered,
    Telling,
    check_templates,
    render,
    render_for_insurer,
    render_for_place,
)
from rempart.incident.notices.templates import Templates, shipped
from rempart.incident.scope_professionals import SENTENCES, ProfessionalsSeen, Seen
from rempart.incident.scope_professionals import Kind as Own

TEMPLATES = Templates.read()
KINDS = FactList((*TEMPLATES.facts.fact, FactKind("calls", Kind.COUNT, "Appels reçus", "Calls received")))
"""With a count, as an operator may add one."""
AWARE = read_instant("2026-11-28T03:10")
HOUSE, OTHER_HOUSE = uuid.UUID(int=71), uuid.UUID(int=72)
INSURERS = (
    Insurer(1, "99000001", "Mutuelle fictive du Tilleul"),
    Insurer(2, "99000002", "Caisse d'opérette des Bulles"),
)
PLACE = Place(str(HOUSE), "010000602", "Pharmacie des Tilleuls", "Lyon")


def told(index: int, domain: Domain = Domain.PHAR, house: uuid.UUID = HOUSE) -> Told:
    at = AWARE - HOUR + index * MINUTE
    return Told(index, at, Lane.CARD, domain.code, 1, house, house, house, uuid.UUID(int=0))


def a_scope(first: int, second: int) -> Scope:
    """`first` persons of one insurer, `second` of the other, one answer each, and one more of the first."""
    indexes = itertools.count(100)
    exposed = [
        Exposed(
            insurer, uuid.UUID(int=1000 * insurer + n), b"\0\0\0\x07" + bytes(20), 7, (told(next(indexes)),)
        )
        for insurer, many in ((1, first), (2, second))
        for n in range(many)
    ]
    one = exposed[0]
    exposed[0] = Exposed(
        1, one.subject, one.notice_ref, 7, (*one.answers, told(next(indexes), Domain.OPTI, OTHER_HOUSE))
    )
    return Scope(Question(AWARE - 6 * HOUR, AWARE), 98_765, tuple(exposed), 6)


FACTS = {
    "nature": "Une session volée a interrogé la plateforme.",
    "nature:en": "A stolen session asked the platform.",
    "contained": str(read_instant("2026-11-28T04:44")),
    "severity": "limited",
    "malicious": "yes",
    "dpo": "dpo@rempart.example",
}


def telling(
    facts: dict[str, str] | None = None,
    scope: Scope | None = None,
    templates: Templates = TEMPLATES,
    stated: NobodyElse = UNCHECKED,
) -> Telling:
    incident = Incident(7, "Session volée", AWARE, AWARE, FACTS if facts is None else facts)
    return Telling.of(incident, scope, INSURERS, "Rempart", AWARE + 3 * HOUR, templates, None, stated)


def everything(of: Telling) -> list[Rendered]:
    """Every document, one of each kind."""
    made = []
    for document in of.templates.documents:
        if document.per == "insurer":
            made.append(render_for_insurer(of, document, INSURERS[0]))
        elif document.per == "establishment":
            parts = {} if of.scope is None else by_establishment(of.scope)
            made.append(render_for_place(of, document, PLACE, parts.get(HOUSE)))
        else:
            made.append(render(of, document))
    return made


def pdf_text(rendered: Rendered) -> str:
    pages = (page.extract_text() for page in PdfReader(io.BytesIO(rendered.pdf())).pages)
    return re.sub(r"\s+", " ", " ".join(pages))


# ── nothing invented ─────────────────────────────────────────────────────────────────────────────────────────────────

LAW = {
    "2", "3", "4", "5", "19", "23", "33", "34", "72", "24", "226", "18", "323", "1",
}  # fmt: skip
"""Every number that a shipped template may write by itself: articles, paragraphs, terms of the law."""


def test_no_template_writes_a_number_that_is_not_the_laws() -> None:
    for name, text in shipped().items():
        if name.endswith(".txt"):
            literal = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", " ", text, flags=re.DOTALL)
            assert set(re.findall(r"\d+", literal)) <= LAW, name


DENIALS = (
    "aucune réponse en cause", "no answer in question", "exacts :", "exact:", "exact de personnes", "exact number",
    "lettre de son assureur n'est pas concerné", "their insurer is not concerned", "établi par le registre", "of answers shows it",
    "établissement n'est pas concerné", "establishment is not concerned",
)  # fmt: skip
"""What says of whoever is not counted that they are not concerned."""


@pytest.mark.parametrize("why_not", [LeafMissing("the entry of leaf 7 is missing"), NotOver(), NotChecked()])
def test_no_document_denies_what_could_not_be_stated(why_not: RempartError) -> None:
    scope = a_scope(3, 2)
    for each in everything(telling(scope=scope, stated=NobodyElse(why_not))):
        said = each.text(Language.FRENCH) + each.text(Language.ENGLISH)
        assert not [denial for denial in DENIALS if denial in said], each.document.key
        assert json.loads(each.json())["nobody_else"] == why_not.code
    notice = render(telling(scope=scope, stated=NobodyElse(why_not)), TEMPLATES.document("cnil-initial"))
    over = "peut encore grandir" not in notice.text(Language.FRENCH)
    assert over is (why_not.french in notice.text(Language.FRENCH)) is not isinstance(why_not, NotOver)
    # Stated, it is said; every one of these words is somebody's.
    stated = "".join(
        each.text(language)
        for each in everything(telling(scope=scope, stated=NobodyElse(None)))
        for language in Language
    )
    assert [denial for denial in DENIALS if denial not in stated] == []


@pytest.mark.parametrize("language", list(Language))
def test_every_figure_that_is_told_comes_from_a_fact_or_from_the_scope(language: Language) -> None:
    """Two incidents that differ in every figure: whatever both documents say alike is the law's or the incident's own."""
    one = telling(scope=a_scope(31, 47))
    shifted = a_scope(58, 66)
    facts = FACTS | {"contained": str(read_instant("2026-11-29T21:19"))}
    other = telling(
        facts, Scope(Question(AWARE - 9 * HOUR - 17 * MINUTE, AWARE - 7 * MINUTE), 54_321, shifted.exposed, 9)
    )
    for document in ("cnil-final", "insurer-notification", "public-statement", "professionals-concerned"):
        first, second = (
            next(each.text(language) for each in everything(of) if each.document.key == document)
            for of in (one, other)
        )
        given_one, given_other = figures_given(one, language), figures_given(other, language)
        assert numbers(first) <= given_one | LAW, document
        assert numbers(second) <= given_other | LAW, document
        assert numbers(first) != numbers(second), document


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", re.sub(r"(?<=\d)[\u00a0,](?=\d{3})", "", text)))


def figures_given(of: Telling, language: Language) -> set[str]:
    """All that was put in: the facts in words, the scope's figures, the instants, who it is told to."""
    assert of.scope is not None
    put_in = [of.facts.shown(kind.key, language) for kind in TEMPLATES.facts.fact]
    for figures in (of.whole, *of.parts.values(), figures_of(by_establishment(of.scope)[HOUSE])):
        put_in += words(figures, language).values()
    question = of.scope.question
    put_in += [moment(at, language) for at in (of.incident.aware, of.at, question.since, question.until)]
    put_in += [number(of.scope.size, language), number(of.scope.absences, language), str(of.incident.id)]
    put_in += [each.amc for each in INSURERS] + [PLACE.finess]
    return numbers(" ; ".join(put_in))


def test_what_nobody_said_is_unknown_and_never_a_number() -> None:
    for each in everything(telling({})):
        for language in Language:
            text = each.text(language)
            if each.document.fields:
                assert UNKNOWN[language] in text, each.document.key
        said = json.loads(each.json())
        assert said["figures"] is None
        assert all(value == {"fr": None, "en": None} for value in said["facts"].values())
    statement = render(telling({}), TEMPLATES.document("public-statement"))
    assert "inconnu à ce stade" in statement.text(Language.FRENCH)
    assert not numbers(statement.text(Language.FRENCH)) - numbers("28/11/2026 à 3 h 10")


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_pdf_says_the_facts_french_first_english_second_and_is_archival() -> None:
    for each in everything(telling(scope=a_scope(3, 2))):
        text = pdf_text(each)
        assert "Session volée" in text or each.document.key == "insurer-letter", each.document.key
        if "nature" in each.document.fields:
            french, english = text.index(FACTS["nature"]), text.index(FACTS["nature:en"])
            assert french < english
        reader = PdfReader(io.BytesIO(each.pdf()))
        xmp = reader.trailer["/Root"]["/Metadata"].get_data()  # type: ignore[index]
        assert b"pdfaid:part>2" in xmp
        assert b"pdfuaid:part>1" in xmp
        assert all(
            "/FontFile" in key for font in fonts(reader) for key in font if key.startswith("/FontFile")
        )
        assert fonts(reader)


def fonts(reader: PdfReader) -> list[set[str]]:
    """The descriptors of every font: each holds its own glyphs."""
    found = []
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            keys = set(descendant["/FontDescriptor"].get_object())
            assert any(key.startswith("/FontFile") for key in keys)
            found.append(keys)
    return found


def test_an_insurers_document_counts_its_own_members_only() -> None:
    of = telling(scope=a_scope(31, 47))
    document = TEMPLATES.document("insurer-notification")
    first, second = (render_for_insurer(of, document, insurer) for insurer in INSURERS)
    assert "Vos assurés dont une réponse a parlé : 31\n" in first.text(Language.FRENCH)
    assert "Vos assurés dont une réponse a parlé : 47\n" in second.text(Language.FRENCH)
    assert INSURERS[1].name not in first.text(Language.FRENCH) + first.json().decode()
    assert json.loads(first.json())["figures"]["answers"] == 32
    assert "et confirmé : numéro d'adhérent et date de naissance\n" in first.text(Language.FRENCH)
    spared = render_for_insurer(of, document, Insurer(3, "99000003", "Prévoyance"))
    assert "Vos assurés dont une réponse a parlé : 0\n" in spared.text(Language.FRENCH)


def test_a_professionals_letter_counts_what_left_by_that_house() -> None:
    of = telling(scope=a_scope(31, 47))
    assert of.scope is not None
    parts = by_establishment(of.scope)
    assert {house: figures_of(mine).persons for house, mine in parts.items()} == {HOUSE: 78, OTHER_HOUSE: 1}
    letter = render_for_place(of, TEMPLATES.document("professionals-concerned"), PLACE, parts[OTHER_HOUSE])
    assert "Assurés dont une réponse a parlé : 1\n" in letter.text(Language.FRENCH)


def test_whose_own_data_may_have_been_seen_is_told_as_an_upper_bound() -> None:
    scope = a_scope(2, 1)
    house = scope_store.Place(HOUSE, PLACE.finess, "pharmacy", None, None)
    seen = ProfessionalsSeen(frozenset(), (Seen(house, (Own.SELF, Own.RIB_STATE), 1, 37),), 37)
    of = Telling.of(
        Incident(7, "Session volée", AWARE, AWARE, FACTS), scope, INSURERS, "Rempart", AWARE, TEMPLATES, seen
    )
    notice = render(of, TEMPLATES.document("cnil-initial"))
    assert "dont les propres données ont pu être vues, au plus : 37\n" in notice.text(Language.FRENCH)
    assert json.loads(notice.json())["professionals"] == 37
    document = TEMPLATES.document("professionals-concerned")
    here = render_for_place(of, document, PLACE, by_establishment(scope)[HOUSE])
    assert f"{SENTENCES[Own.SELF][0]}; {SENTENCES[Own.RIB_STATE][0]}" in here.text(Language.FRENCH)
    # Somebody else's: nothing of its own could be seen, and no insured person's answer left by it.
    spared = render_for_place(of, document, Place(str(OTHER_HOUSE), "", "Autre", "Lyon"), [])
    assert "Ont pu être vus, au plus : aucun." in spared.text(Language.FRENCH)
    # Without the question answered, unknown: never none.
    unknown = render_for_place(telling(), document, PLACE, None)
    assert "Ont pu être vus, au plus : inconnu à ce stade." in unknown.text(Language.FRENCH)


def test_the_cnils_form_asks_what_the_form_asks() -> None:
    asked = {
        "discovery", "began", "ended", "ongoing", "origin", "cause", "confidentiality_lost", "integrity_lost", "availability_lost",
        "nir_concerned", "categories_people", "categories_data", "measures_before", "consequences", "severity", "measures_taken",
        "people_informed", "people_informed_on", "people_informed_how", "other_authorities", "processors", "cross_border", "dpo",
    }  # fmt: skip
    for stage, word in (("initial", "initiale"), ("complementary", "complémentaire"), ("final", "finale")):
        document = TEMPLATES.document(f"cnil-{stage}")
        assert asked <= set(document.fields)
        text = render(telling(scope=a_scope(1, 1)), document).text(Language.FRENCH)
        assert f"Type de notification : {word}" in text
        assert all(name in text for name in (insurer.name for insurer in INSURERS))


def test_every_field_that_an_answer_can_hold_has_words() -> None:
    assert {name for fields in ANSWER_CLASSES.values() for name in fields} == set(FIELDS)
    assert set(CONFIRMED) == set(Lane)
    figures = plain_figures(figures_of(a_scope(1, 1).exposed))
    assert figures is not None
    assert figures["fields"] == list(ANSWER_CLASSES[1])


# ── facts are data ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_no_fact_becomes_a_mark(said: str) -> None:
    rendered = f"# Titre\n{guard(said)}\n| {guard(said)} | fin\n- {guard(said)}\n"
    blocks = read_blocks(rendered, [])
    assert [block.mark for block in blocks if block.mark is not Mark.PARAGRAPH] == [
        Mark.TITLE,
        Mark.ROW,
        Mark.ITEM,
    ]
    [row] = [block for block in blocks if block.mark is Mark.ROW]
    assert len(row.texts) == 2


def test_the_fact_that_would_be_markup_is_shown_as_it_is() -> None:
    """Typst and template code in a fact: letters on the paper, nothing else."""
    hostile = '#read("/etc/passwd") $x$ *gras* {{ 7*7 }} {% raw %}\n# Titre | cellule\n@fields'
    each = render(telling({"nature": hostile}), TEMPLATES.document("register"))
    assert '#read("/etc/passwd") $x$ *gras* {{ 7*7 }} {% raw %} # Titre | cellule @fields' in pdf_text(each)
    assert sum(block.mark is Mark.TITLE for block in each.french) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("natures", "x"), ("nature", ""), ("nature", "vu : 2 95 10 99 126 111 93"), ("nature", "x" * 4_001), ("nature", "cloche\x07"),
        ("began", "hier"),
        ("calls", "-1"), ("calls", "douze"), ("severity", "grave"), ("malicious", "peut-être"), ("severity:en", "limited"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_kind_is_refused(key: str, value: str) -> None:
    with pytest.raises(BadFact):
        check(KINDS, key, value)


def test_facts_are_kept_in_one_form_and_shown_in_words() -> None:
    said = {
        key: check(KINDS, key, value)
        for key, value in (
            ("malicious", "oui"),
            ("began", "2026-11-27T22:05"),
            ("calls", "001207"),
            ("severity", "limited"),
        )
    }
    facts = Facts(KINDS, said)
    assert [facts.shown(key, Language.FRENCH) for key in said] == [
        "oui",
        "27/11/2026 à 22\xa0h\xa005 (Paris)",
        "1\xa0207",
        "limitée",
    ]
    assert [facts.shown(key, Language.ENGLISH) for key in said] == [
        "yes",
        "2026-11-27 22:05 (Paris)",
        "1,207",
        "limited",
    ]


# ── the operator's own templates ─────────────────────────────────────────────────────────────────────────────────────


def overlay(folder: Path, **files: str) -> Templates:
    for name, text in files.items():
        (folder / name.replace("__", ".").replace("_", "-")).write_text(text)
    return Templates.read(folder)


def test_an_operators_template_replaces_the_shipped_one_without_code(tmp_path: Path) -> None:
    changed = overlay(
        tmp_path, status__fr__txt="# Incident n° {{ incident.number }}\n{{ fact.public_contact }}\n"
    )
    assert changed.digest != TEMPLATES.digest
    text = render(
        telling({"public_contact": "0 800 000 000"}, templates=changed), changed.document("status")
    ).text(Language.FRENCH)
    assert text == "Incident n° 7\n\n0 800 000 000\n"


def test_an_operator_adds_a_fact_and_a_document(tmp_path: Path) -> None:
    facts = (
        shipped()["facts.toml"]
        + '\n[[fact]]\nkey = "hotline"\nkind = "text"\nfrench = "Numéro vert"\nenglish = "Hotline"\n'
    )
    documents = shipped()["documents.toml"] + (
        '\n[[document]]\nkey = "staff"\nto = "personnel"\nfrench = "Note"\nenglish = "Note"\nfields = ["hotline"]\n'
    )
    for name, text in (
        ("facts.toml", facts),
        ("documents.toml", documents),
        ("staff.fr.txt", "# Note\n@fields\n"),
        ("staff.en.txt", "# Note\n@fields\n"),
    ):
        (tmp_path / name).write_text(text)
    changed = Templates.read(tmp_path)
    assert check_templates(telling(templates=changed)) == len(TEMPLATES.documents) + 1
    text = render(telling({"hotline": "3939"}, templates=changed), changed.document("staff")).text(
        Language.FRENCH
    )
    assert "Numéro vert : 3939" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# T\n{{ fact.natur }}\n", "natur"),
        ("# T\n{{ victims }}\n", "victims"),
        ("# T\n{% for x in insurers %}\n", "line"),
        ("# T\n{{ scope.persons + 1 }}\n", "status.fr.txt"),
        ("# T\n{{ known.nature }}\n", "bool"),
        ("pas de titre\n", "title"),
        ("# T\n# U\n", "one title"),
        ("# T\n@champs\n", "mark"),
        ("# T\n{{ ''.__class__ }}\n", "__class__"),
        ("# T\n{% include 'ailleurs.txt' %}\n", "ailleurs"),
        ("# T\n{{ 1 // 0 }}\n", "zero"),
    ],
)
def test_a_broken_template_is_an_error_before_anything_is_made(tmp_path: Path, text: str, says: str) -> None:
    changed = overlay(tmp_path, status__fr__txt=text)
    with pytest.raises(BadTemplate, match=re.escape(says)):
        check_templates(telling(templates=changed))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("statu.fr.txt", "# T\n"), ("clocks.toml", "remind_after_hours = 0\nduty = []\n"), ("clocks.toml", "duty = ["),
        ("facts.toml", 'fact = [{key = "A", kind = "text", french = "a", english = "a"}]\n'),
        ("documents.toml", 'document = [{key = "x", to = "x", french = "x", english = "x"}]\n'),
        ("documents.toml", 'document = [{key = "status", to = "x", french = "x", english = "x", fields = ["age"]}]\n'),
    ],
)  # fmt: skip
def test_a_list_or_a_name_that_fits_nothing_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadTemplate):
        check_templates(telling(templates=(found := Templates.read(tmp_path)))), found.clocks
