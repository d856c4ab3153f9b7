"""A ledger of many parties for the tests of scope, written as the vault writes it: entries, leaves, inner hashes, a signed checkpoint."""

import base64
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.cosignature import Cosigner, WitnessKey
from rempart.evidence.merkle import Frontier, leaf_hash, root
from rempart.evidence.note import Checkpoint, SignerKey, VerifierKey, sign_checkpoint
from rempart.evidence.opening import Opening, Outcome, commit, encode_opening
from rempart.evidence.operations import VERSION, Record, hash_of, sign_line
from rempart.evidence.tiles import part_roots
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Lane
from rempart.incident.exposure import Question

START = 1_767_225_600 * SECOND
NIL = UUID(int=0)
ACCOUNTS = [UUID(int=0xA0 + n) for n in range(6)]
DEVICES = [UUID(int=0xD0 + n) for n in range(8)]
HOUSES = [UUID(int=0xE0 + n) for n in range(4)]
EDITORS = [UUID(int=0xF0 + n) for n in range(2)]
COUNT_KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)


@dataclass(frozen=True)
class Answer:
    """One leaf."""

    opening: Opening
    notice_ref: bytes
    generation: int


@dataclass
class ScopeLedger:
    """What is in the database, and who signs it."""

    owner: psycopg.Connection[Any]
    log: SignerKey = field(
        default_factory=lambda: SignerKey(
            "rempart.example/scope", Ed25519PrivateKey.from_private_bytes(b"l" * 32)
        )
    )
    witness: Cosigner = field(
        default_factory=lambda: Cosigner("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    )
    answers: list[Answer] = field(default_factory=list, repr=False)

    @property
    def key(self) -> VerifierKey:
        return self.log.verifier()

    @property
    def witness_key(self) -> WitnessKey:
        return self.witness.key()

    def add(self, opening: Opening, notice_ref: bytes = b"", generation: int = 1) -> int:
        """Append one answer; its index."""
        index = len(self.answers)
        self.answers.append(Answer(opening, notice_ref, generation))
        salt = self.salt(index)
        o = opening
        self.owner.execute("UPDATE evidence.log SET size = %s", (index + 1,))
        self.owner.execute(
            "INSERT INTO evidence.leaf (index, commitment) VALUES (%s, %s)",
            (index, commit(salt, encode_opening(o))),
        )
        self.owner.execute(
            "INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome,"
            " cost, subject, notice_ref, generation, editor) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (index, o.at, salt, o.account, o.device, o.establishment, o.insurer, o.lane, o.domain, o.answer_class, o.outcome, o.cost,
             o.subject or NIL, notice_ref or None, generation, o.editor or NIL),
        )  # fmt: skip
        return index

    def salt(self, index: int) -> bytes:
        return index.to_bytes(16, "big")

    def fill(self, count: int, seed: int = 1) -> None:
        """So many answers, one every twenty seconds or so, of everybody."""
        chance = random.Random(seed)
        with self.owner.transaction():
            for _ in range(count):
                at = START + len(self.answers) * 20 * SECOND + chance.randrange(3 * SECOND)
                absent = chance.random() < 0.2
                person = chance.randrange(60)
                self.add(
                    Opening(
                        at=at, account=chance.choice(ACCOUNTS), device=chance.choice(DEVICES),
                        establishment=chance.choice(HOUSES), insurer=person % 3 + 1,
                        lane=chance.choice(list(Lane)), domain=chance.randrange(1, 13), answer_class=1,
                        outcome=Outcome.ABSENT if absent else Outcome.TOLD, cost=5 if absent else 1,
                        subject=None if absent else UUID(int=0x5000 + person), editor=chance.choice([None, None, *EDITORS]),
                    ),
                    b"" if absent else bytes([0, 0, 0, 1]) + person.to_bytes(30, "big"),
                )  # fmt: skip

    def sign(self, size: int | None = None) -> None:
        """Inner hashes, and a checkpoint that a witness cosigned."""
        size = len(self.answers) if size is None else size
        hashes = [
            leaf_hash(commit(self.salt(n), encode_opening(a.opening)))
            for n, a in enumerate(self.answers[:size])
        ]
        frontier = Frontier()
        frontier.extend(hashes)
        level, floor = 1, hashes
        while len(floor) >= 256:
            tiles = [part_roots(floor[at : at + 256]) for at in range(0, len(floor) - len(floor) % 256, 256)]
            floor = [root(parts) for parts in tiles]
            for index, (each, parts) in enumerate(zip(floor, tiles, strict=True)):
                self.owner.execute(
                    "INSERT INTO evidence.node (level, index, hash, parts) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (level, index, each, b"".join(parts)),
                )
            level += 1
        note = sign_checkpoint(Checkpoint(self.log.name, size, frontier.root()), self.log).decode()
        self.owner.execute(
            "INSERT INTO evidence.checkpoint (size, root, at, frontier, note) VALUES (%s, %s, %s, %s, %s)",
            (size, frontier.root(), START, frontier.serialise(), note),
        )
        line = self.witness.cosign(note.partition("\n\n")[0] + "\n", START // SECOND)
        self.owner.execute(
            "INSERT INTO evidence.cosignature (size, witness, at, line) VALUES (%s, 'w', %s, %s)",
            (size, START, line),
        )

    def count(self, *, beyond: int = 0, key: Ed25519PrivateKey = COUNT_KEY) -> None:
        """The key store's count, a record each hundred leaves. `beyond`: derivations by nobody, in the middle."""
        size, line = len(self.answers), b""
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        for sequence, at in enumerate([*range(0, size, 100), size], start=1):
            made = at + (beyond if at > size // 2 else 0)
            record = Record(
                VERSION, sequence, START + at * 20 * SECOND, "aa", "count", {"capsule-1": made, "codes": 7}, {"capsule-1": at}, at, at,
                0, 0, at, 0, 0, at, hash_of(line) if line else "", public,
            )  # fmt: skip
            line = sign_line(record, key)
            self.owner.execute(
                "INSERT INTO evidence.operations (sequence, line) VALUES (%s, %s)", (sequence, line.decode())
            )

    def at(self, index: int) -> int:
        return self.answers[index].opening.at

    def question(self, first: int, last: int, **parties: Any) -> Question:
        """From one answer's instant to another's, which is not in it."""
        return Question(
            self.at(first), self.at(last), **{name: frozenset(keys) for name, keys in parties.items()}
        )

    def matching(self, question: Question) -> list[int]:
        """The indexes in question, by looking at each answer: what a scope is compared with."""
        parties = (
            (question.accounts, "account"), (question.devices, "device"), (question.establishments, "establishment"),
            (question.editors, "editor"),
        )  # fmt: skip
        named = any(keys for keys, _ in parties)
        return [
            index
            for index, answer in enumerate(self.answers)
            if question.since <= answer.opening.at < question.until
            and (not question.lanes or answer.opening.lane in question.lanes)
            and (not question.insurers or answer.opening.insurer in question.insurers)
            and (not named or any(getattr(answer.opening, name) in keys for keys, name in parties))
        ]


__all__ = ["ACCOUNTS", "DAY", "DEVICES", "EDITORS", "HOUR", "HOUSES", "MINUTE", "START", "ScopeLedger"]
