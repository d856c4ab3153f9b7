"""Who is exposed, exactly: the scope is what looking at every answer gives, its proofs verify alone, and the negative statement holds.

The ledger's rows are written as `vault.disclose` writes them; the last tests go through a real vault. Attackers own the database.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rempart.evidence.errors import LeafMissing, LeafRewritten, LedgerBroken, NoteRefused, RootMismatch
from rempart.evidence.opening import Outcome, commit, encode_opening
from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.errors import RempartError
from rempart.foundation.vocabulary import Lane
from rempart.incident import scope_report as report
from rempart.incident.errors import AskedTooFarBack, CountBroken, IntervalEmpty, LedgerMoved, NobodyAsked
from rempart.incident.exposure import Question, Scope
from rempart.incident.scope import scope
from rempart.incident.scope_negative import Depth, Negative, state_negative
from rempart.incident.scope_proofs import prove_answers, read_published, verify_shown
from tests.conftest import Database, TestCluster
from tests.incident.scope_ledger import ACCOUNTS, DEVICES, EDITORS, HOUSES, NIL, START, ScopeLedger

SIZE = 1_100
"""Four full tiles and a part of one."""


@pytest.fixture(scope="module")
def filled(cluster: TestCluster) -> Iterator[tuple[ScopeLedger, Database]]:
    """One ledger for the tests that only read."""
    database = cluster.fresh_database()
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        ledger = ScopeLedger(owner)
        ledger.fill(SIZE)
        ledger.sign()
        ledger.count()
        owner.execute("SELECT brin_summarize_new_values('evidence.entry_by_party')")
        yield ledger, database
    cluster.drop(database)


@pytest.fixture(scope="module")
def ledger(filled: tuple[ScopeLedger, Database]) -> ScopeLedger:
    return filled[0]


@pytest.fixture(scope="module")
def operator(filled: tuple[ScopeLedger, Database]) -> Iterator["psycopg.Connection[Any]"]:
    with filled[1].connect("operator") as c:
        # So few rows would be read from end to end: what a long ledger's questions use is to be shown.
        c.execute("SET enable_seqscan = off")
        yield c


@pytest.fixture
def attacked(filled: tuple[ScopeLedger, Database]) -> Iterator[ScopeLedger]:
    """The same ledger, restored afterwards: what its owner did to it is one transaction that is rolled back.

    The operator's commands would not see it; here the owner's connection asks, which the rows do not know.
    """
    kept = filled[0]
    with kept.owner.transaction(force_rollback=True):
        yield kept


def negative(c: "psycopg.Connection[Any]", found: Scope, ledger: ScopeLedger, **more: Any) -> Negative:
    return state_negative(c, found, read_published(c, ledger.key, [ledger.witness_key]), **more)


def indexes(found: Scope) -> list[int]:
    return sorted(told.index for person in found.exposed for told in person.answers)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def some_of(keys: list[Any]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(keys), max_size=2)


QUESTIONS = st.builds(
    lambda since, length, **parties: Question(START + since * SECOND, START + (since + length) * SECOND, **parties),
    since=st.integers(-100, SIZE * 20),
    length=st.integers(1, SIZE * 20),
    accounts=some_of(ACCOUNTS), devices=some_of(DEVICES), establishments=some_of(HOUSES), editors=some_of(EDITORS),
    lanes=some_of(list(Lane)), insurers=some_of([1, 2, 3, 4]),
)  # fmt: skip


@given(question=QUESTIONS)
@settings(max_examples=60, deadline=None)
def test_the_scope_is_what_looking_at_every_answer_gives(
    ledger: ScopeLedger, operator: "psycopg.Connection[Any]", question: Question
) -> None:
    found = scope(operator, question)
    expected = ledger.matching(question)
    told = [n for n in expected if ledger.answers[n].opening.outcome == Outcome.TOLD]
    assert indexes(found) == told
    assert found.absences == len(expected) - len(told)
    persons = [(person.insurer, person.subject) for person in found.exposed]
    assert len(set(persons)) == len(persons)
    assert set(persons) == {
        (ledger.answers[n].opening.insurer, ledger.answers[n].opening.subject) for n in told
    }
    for person in found.exposed:
        for answer in person.answers:
            opening = ledger.answers[answer.index].opening
            assert (opening.subject, opening.insurer) == (person.subject, person.insurer)
            assert (answer.at, answer.lane, answer.domain, answer.answer_class) == (
                opening.at, opening.lane, opening.domain, opening.answer_class,
            )  # fmt: skip
            assert (answer.account, answer.device, answer.establishment) == (
                opening.account,
                opening.device,
                opening.establishment,
            )
            assert answer.editor == (opening.editor or NIL)
        assert [answer.index for answer in person.answers] == sorted(
            answer.index for answer in person.answers
        )
    said = negative(operator, found, ledger)
    assert (said.told, said.absent) == (len(told), found.absences)
    assert all(said.first <= n < said.until for n in expected)


def test_a_person_of_two_insurers_is_one_for_each(
    operator: "psycopg.Connection[Any]", ledger: ScopeLedger
) -> None:
    found = scope(operator, ledger.question(0, SIZE - 1))
    assert [person.insurer for person in found.exposed] == sorted(person.insurer for person in found.exposed)
    assert len(found.exposed) == 60


@given(question=QUESTIONS)
def test_a_question_written_is_the_question_read(question: Question) -> None:
    import json

    assert report.read_question(json.dumps(report.question_as_json(question)).encode()) == question


def test_the_day_beside_the_interval_is_counted_and_not_in_question(
    operator: "psycopg.Connection[Any]", ledger: ScopeLedger
) -> None:
    question = ledger.question(400, 500, accounts=ACCOUNTS[:1])
    found = scope(operator, question)
    day = Question(question.since - DAY, question.since, accounts=question.accounts)
    assert found.before == len(
        [n for n in ledger.matching(day) if ledger.answers[n].opening.outcome == Outcome.TOLD]
    )
    assert found.before > 0
    assert found.after > 0
    everybody = scope(operator, ledger.question(400, 500))
    assert (everybody.before, everybody.after) == (0, 0)


def test_an_empty_interval_and_the_nil_party_are_refused(operator: "psycopg.Connection[Any]") -> None:
    with pytest.raises(IntervalEmpty):
        scope(operator, Question(START, START))
    # Every browser's editor is nil: it would be everybody.
    with pytest.raises(NobodyAsked):
        scope(operator, Question(START, START + 1, editors=frozenset({NIL})))


# ── proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_proof_verifies_alone(operator: "psycopg.Connection[Any]", ledger: ScopeLedger) -> None:
    found = scope(operator, ledger.question(0, SIZE - 1, devices=DEVICES[:3]))
    published = read_published(operator, ledger.key, [ledger.witness_key])
    assert [each.witness.name for each in published.cosignatures] == [ledger.witness.name]
    shown = prove_answers(operator, published, indexes(found))
    assert [each.index for each in shown] == indexes(found)
    for each in shown:
        assert verify_shown(each, ledger.key, [ledger.witness_key]) == ledger.answers[each.index].opening


@pytest.mark.parametrize("at_once", [1, 2, 3, 5])
def test_proofs_are_the_same_however_few_tiles_are_held(
    operator: "psycopg.Connection[Any]", ledger: ScopeLedger, at_once: int
) -> None:
    published, wanted = read_published(operator, ledger.key), [0, 255, 256, 300, 600, 1023, 1024, SIZE - 1]
    whole = prove_answers(operator, published, wanted)
    assert [each.index for each in whole] == wanted
    assert prove_answers(operator, published, reversed(wanted), at_once=at_once) == whole
    assert prove_answers(operator, published, []) == []


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700])
def test_proofs_are_made_at_every_shape_of_the_trees_edge(database: Database, size: int) -> None:
    with database.connect() as owner, database.connect("operator") as c:
        ledger = ScopeLedger(owner)
        ledger.fill(size)
        ledger.sign()
        published = read_published(c, ledger.key)
        for each in prove_answers(c, published, range(size)):
            assert verify_shown(each, ledger.key) == ledger.answers[each.index].opening
        found = scope(c, Question(START, START + DAY))
        assert (negative(c, found, ledger).until, negative(c, found, ledger, whole=True).first) == (size, 0)


def test_a_proof_of_another_answer_or_of_another_log_is_refused(
    operator: "psycopg.Connection[Any]", ledger: ScopeLedger
) -> None:
    published = read_published(operator, ledger.key)
    one, two = prove_answers(operator, published, [300, 301])
    import msgspec

    for wrong in (
        msgspec.structs.replace(one, opening=two.opening),
        msgspec.structs.replace(one, salt=two.salt),
        msgspec.structs.replace(one, index=two.index),
        msgspec.structs.replace(one, proof=two.proof),
        msgspec.structs.replace(one, opening="é"),
    ):
        with pytest.raises(RempartError):
            verify_shown(wrong, ledger.key)
    other = dataclasses.replace(ledger.key, public=ledger.witness_key.public)
    with pytest.raises(NoteRefused):
        verify_shown(one, other)


def test_what_is_not_signed_yet_is_in_the_scope_and_waits_for_its_proof(attacked: ScopeLedger) -> None:
    attacked.fill(3, seed=7)
    try:
        found = scope(attacked.owner, Question(START, START + SIZE * 30 * SECOND))
        assert found.size == SIZE + 3
        published = read_published(attacked.owner, attacked.key)
        assert len(prove_answers(attacked.owner, published, indexes(found))) == len(
            [n for n in indexes(found) if n < SIZE]
        )
        said = negative(attacked.owner, found, attacked)
        assert (said.size, said.signed) == (SIZE + 3, SIZE)
        assert any("not signed yet" in line for line in report.assumptions_of(said))
    finally:
        del attacked.answers[SIZE:]


def test_a_proof_is_the_same_whether_its_tile_is_read_in_parts_or_whole(attacked: ScopeLedger) -> None:
    published = read_published(attacked.owner, attacked.key)
    in_parts = prove_answers(attacked.owner, published, range(SIZE))
    attacked.owner.execute("UPDATE evidence.node SET parts = NULL WHERE index % 2 = 0")
    assert prove_answers(attacked.owner, published, range(SIZE)) == in_parts


def test_a_tile_filled_since_proves_what_an_older_checkpoint_covers(attacked: ScopeLedger) -> None:
    published = read_published(attacked.owner, attacked.key)
    wanted = [1023, 1024, SIZE - 1]
    before = prove_answers(attacked.owner, published, wanted)
    attacked.fill(256, seed=8)
    try:
        attacked.sign()
        assert prove_answers(attacked.owner, published, wanted) == before
    finally:
        del attacked.answers[SIZE:]


# ── nobody else ──────────────────────────────────────────────────────────────────────────────────────────────────────

IN_QUESTION, SINCE, UNTIL = 600, 500, 700
"""An answer, and the interval around it."""


def ask(ledger: ScopeLedger) -> Question:
    """About whoever asked that answer."""
    return ledger.question(SINCE, UNTIL, accounts=[ledger.answers[IN_QUESTION].opening.account])


def test_the_statement_says_what_was_read_and_what_it_rests_on(
    operator: "psycopg.Connection[Any]", ledger: ScopeLedger
) -> None:
    found = scope(operator, ask(ledger))
    said = negative(operator, found, ledger)
    assert said.depth is Depth.RECOMPUTED
    # An hour more on each side (an answer every twenty seconds), and the first surely outside.
    assert said.first == pytest.approx(SINCE - 180, abs=2)
    assert said.until == pytest.approx(UNTIL + 180, abs=2)
    assert said.operations is not None
    assert said.operations.made == said.operations.disclosed == said.operations.leaves
    assert said.operations.uncounted == 0
    text = " ".join(report.statement_of(said))
    assert "Nobody else was told of" in text
    assert ledger.witness.name in text
    assumptions = " ".join(report.assumptions_of(said))
    assert "turned back" in assumptions
    assert "crash over-counts" in assumptions
    counted = negative(operator, found, ledger, depth=Depth.COUNTED)
    assert "were counted, not recomputed" in " ".join(report.assumptions_of(counted))
    whole = negative(operator, found, ledger, whole=True)
    assert (whole.first, whole.until) == (0, SIZE)
    assert "turned back" not in " ".join(report.assumptions_of(whole))


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("index", [SINCE, IN_QUESTION, UNTIL - 1])
def test_an_entry_deleted_by_the_operator_is_missed_by_no_negative_statement(
    attacked: ScopeLedger, depth: Depth, index: int
) -> None:
    attacked.owner.execute("DELETE FROM evidence.entry WHERE index = %s", (index,))
    found = scope(attacked.owner, ask(attacked))
    assert index not in indexes(found)
    with pytest.raises(LeafMissing) as refused:
        negative(attacked.owner, found, attacked, depth=depth)
    assert refused.value.index == index


@pytest.mark.parametrize(
    "lie",
    [
        "account = '00000000-0000-0000-0000-00000000beef'",
        "at = at - 90000000000",
        "at = at + 90000000000",
        "at = at - 7200000001",
        "outcome = 3 - outcome",
        "insurer = insurer + 1",
        "subject = '00000000-0000-0000-0000-00000000beef'",
        "domain = 13 - domain",
    ],
)
@pytest.mark.parametrize("index", [SINCE, IN_QUESTION])
def test_an_entry_rewritten_to_look_like_somebody_elses_is_found(
    attacked: ScopeLedger, lie: str, index: int
) -> None:
    attacked.owner.execute(f"UPDATE evidence.entry SET {lie} WHERE index = %s", (index,))  # type: ignore[call-overload]
    question = attacked.question(SINCE, UNTIL)
    with pytest.raises(LeafRewritten) as refused:
        negative(attacked.owner, scope(attacked.owner, question), attacked)
    assert refused.value.index == index


def test_an_answer_in_question_that_was_rewritten_is_not_proved(attacked: ScopeLedger) -> None:
    attacked.owner.execute("UPDATE evidence.entry SET domain = 13 - domain WHERE index = %s", (IN_QUESTION,))
    published = read_published(attacked.owner, attacked.key)
    with pytest.raises(LeafRewritten):
        prove_answers(attacked.owner, published, [IN_QUESTION])


def test_an_entry_rewritten_with_its_leaf_does_not_hash_to_the_signed_root(attacked: ScopeLedger) -> None:
    forged = dataclasses.replace(attacked.answers[IN_QUESTION].opening, account=UUID(int=0xBEEF))
    commitment = commit(attacked.salt(IN_QUESTION), encode_opening(forged))
    attacked.owner.execute(
        "UPDATE evidence.entry SET account = %s WHERE index = %s", (forged.account, IN_QUESTION)
    )
    attacked.owner.execute(
        "UPDATE evidence.leaf SET commitment = %s WHERE index = %s", (commitment, IN_QUESTION)
    )
    found = scope(attacked.owner, ask(attacked))
    assert IN_QUESTION not in indexes(found)
    with pytest.raises(RootMismatch):
        negative(attacked.owner, found, attacked)
    # A neighbour in the same tile is not proved by it either.
    with pytest.raises(RootMismatch):
        prove_answers(attacked.owner, read_published(attacked.owner, attacked.key), [IN_QUESTION + 1])


def test_inner_hashes_are_not_believed(attacked: ScopeLedger) -> None:
    found = scope(attacked.owner, ask(attacked))
    attacked.owner.execute("UPDATE evidence.node SET hash = sha256(hash) WHERE level = 1 AND index = 0")
    with pytest.raises(RootMismatch):
        negative(attacked.owner, found, attacked)
    with pytest.raises(RootMismatch):
        prove_answers(attacked.owner, read_published(attacked.owner, attacked.key), [IN_QUESTION])
    attacked.owner.execute("DELETE FROM evidence.node WHERE level = 1 AND index = 0")
    with pytest.raises(LeafMissing):
        negative(attacked.owner, found, attacked)


@pytest.mark.parametrize("part", range(16))
def test_a_rewritten_part_of_a_tile_proves_nothing(attacked: ScopeLedger, part: int) -> None:
    attacked.owner.execute(
        "UPDATE evidence.node SET parts = overlay(parts PLACING sha256('x') FROM %s) WHERE level = 1 AND index = %s",
        (part * 32 + 1, IN_QUESTION // 256),
    )
    published = read_published(attacked.owner, attacked.key)
    # Of the two parts under one node only the other's answers need this root: its own are proved by their leaves, truly.
    for index in (IN_QUESTION // 256 * 256 + 16 * other for other in range(16)):
        if index // 16 % 16 == part:
            [shown] = prove_answers(attacked.owner, published, [index])
            assert verify_shown(shown, attacked.key) == attacked.answers[index].opening
        else:
            with pytest.raises(RootMismatch):
                prove_answers(attacked.owner, published, [index])


def test_a_leaf_missing_from_its_part_leaves_no_proof(attacked: ScopeLedger) -> None:
    attacked.owner.execute("DELETE FROM evidence.leaf WHERE index = %s", (IN_QUESTION + 1,))
    published = read_published(attacked.owner, attacked.key)
    with pytest.raises(LeafMissing):
        prove_answers(attacked.owner, published, [IN_QUESTION])


def test_the_ledgers_end_cut_off_is_found(attacked: ScopeLedger) -> None:
    found = scope(attacked.owner, ask(attacked))
    attacked.owner.execute("DELETE FROM evidence.entry WHERE index >= %s", (SIZE - 10,))
    attacked.owner.execute("DELETE FROM evidence.leaf WHERE index >= %s", (SIZE - 10,))
    attacked.owner.execute("UPDATE evidence.log SET size = %s", (SIZE - 10,))
    with pytest.raises(LeafMissing):
        negative(attacked.owner, found, attacked)


def test_a_clock_that_was_turned_back_makes_the_statement_ask_for_the_whole_ledger(
    attacked: ScopeLedger,
) -> None:
    late = dataclasses.replace(attacked.answers[IN_QUESTION].opening, at=attacked.at(IN_QUESTION) + 1)
    index = attacked.add(late, b"ref")
    try:
        found = scope(attacked.owner, ask(attacked))
        # The list is exact all the same.
        assert index in indexes(found)
        with pytest.raises(LedgerMoved):
            negative(attacked.owner, found, attacked)
        assert negative(attacked.owner, found, attacked, whole=True).told == len(indexes(found))
    finally:
        del attacked.answers[SIZE:]


@pytest.mark.parametrize("depth", list(Depth))
def test_operations_that_no_rights_check_asked_for_leave_no_statement(
    attacked: ScopeLedger, depth: Depth
) -> None:
    attacked.owner.execute("DELETE FROM evidence.operations")
    attacked.count(beyond=1)
    with pytest.raises(CountBroken):
        negative(attacked.owner, scope(attacked.owner, ask(attacked)), attacked, depth=depth)


def test_without_a_count_the_statement_says_so(attacked: ScopeLedger) -> None:
    attacked.owner.execute("DELETE FROM evidence.operations")
    said = negative(attacked.owner, scope(attacked.owner, ask(attacked)), attacked)
    assert said.operations is None
    assert any("count is not there" in line for line in report.assumptions_of(said))


def test_what_was_pruned_cannot_be_denied(attacked: ScopeLedger) -> None:
    cutoff = attacked.at(SINCE) + HOUR
    attacked.owner.execute(
        "INSERT INTO evidence.horizon (index, cutoff, at, actor, removed) VALUES (%s, %s, %s, 'anne', %s)",
        (SINCE, cutoff, cutoff + 94_694_400_000_000, SINCE),
    )
    found = scope(attacked.owner, ask(attacked))
    assert found.pruned_before == cutoff
    with pytest.raises(AskedTooFarBack):
        negative(attacked.owner, found, attacked)


def test_the_operators_role_writes_nothing_of_the_ledger(operator: "psycopg.Connection[Any]") -> None:
    for statement in (
        "DELETE FROM evidence.entry",
        "UPDATE evidence.node SET hash = hash",
        "SELECT token_hash FROM vault.session",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            operator.execute(statement)  # type: ignore[call-overload]


assert issubclass(LeafMissing, LedgerBroken)
