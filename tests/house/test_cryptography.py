"""docs/cryptography.md names every primitive that the code uses, and where; and nothing weak is used anywhere."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/rempart"
TOOLS = {
    "cli",
    "drill",
    "front",
    "population",
    "supervisor",
    "cashier",
    "witness",
    "sentinel",
    "worker",
}
"""Packages that only hold, hand on or make keys for demonstrations."""
PRIMITIVES = {
    "AESGCM": "AES-256-GCM",
    "Suite": "HPKE",
    "pyrage": "age",
    "ec.ECDSA": "ECDSA P-256",
    "Ed25519PrivateKey": "Ed25519",
    "Ed25519PublicKey": "Ed25519",
    "ed25519.Ed25519PrivateKey": "Ed25519",
    "ed25519.Ed25519PublicKey": "Ed25519",
    "hmac.HMAC": "HMAC-SHA-256",
    "HKDFExpand": "HKDF-SHA-256",
    "Argon2id": "Argon2id",
    "argon2": "Argon2id",
    "TOTP": "TOTP",
    "hashlib.sha256": "SHA-256",
    "hashlib.sha1": "SHA-1",
    "webauthn": "WebAuthn",
    "pkcs11": "PKCS#11",
    "ssl": "TLS",
}
PARTS = re.compile(
    r"AEAD|KDF|KEM|ec|hashes|hmac|serialization|x25519|ed25519|X25519\w+|Invalid\w+|(en|de)code_dss_signature"
    r"|hashlib|(hashes\.SHA(1|256))|AEAD\.AES_256_GCM|KDF\.HKDF_SHA256|KEM\.X25519|hashlib\.file_digest|joserfc.*"
    r"|hmac\.compare_digest|serialization\.\w+|load_\w+_key"
)
"""What goes with a primitive and is none."""
LIBRARIES = {"hashlib", "pyrage", "argon2", "webauthn", "pkcs11", "ssl", "joserfc"}


def uses(tree: ast.AST) -> Iterator[str]:
    """`name` or `module.name` of everything cryptographic that a module names."""
    names = dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cryptography.hazmat"):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in LIBRARIES:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Import):
            names |= {a.asname or a.name: a.name for a in node.names if a.name in LIBRARIES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{names[node.value.id]}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]


def algorithm(used: str) -> str | None:
    """The row of the page; None for what goes with a primitive. Raises LookupError for what the page has no row for."""
    stem = used.partition(".")[0]
    for known in (used, stem):
        if known in PRIMITIVES:
            return PRIMITIVES[known]
    if PARTS.fullmatch(used) or used.startswith(("ec.", "x25519.", "X25519", "ed25519.", "AESGCM.")):
        return None
    raise LookupError(f"{used}: no row in docs/cryptography.md knows it")


def found() -> dict[str, set[str]]:
    where = defaultdict[str, set[str]](set)
    for path in SOURCE.rglob("*.py"):
        package = path.relative_to(SOURCE).parts[0]
        for used in uses(ast.parse(path.read_text())) if package not in TOOLS else ():
            row = algorithm(used)
            if row is not None:
                where[row].add(package)
    return where


def test_the_inventory_is_what_the_code_uses() -> None:
    section = (ROOT / "docs/cryptography.md").read_text().split("## Algorithms\n")[1].split("\n## ")[0]
    page = {
        name.split(" (")[0].split(",")[0]: set(packages.split(", "))
        for name, packages in re.findall(r"^\| ([^|]+?) \| ([a-z, ]+?) \|", section, re.MULTILINE)
        if packages != "used in"
    }
    assert page == found()


def test_nothing_weak_is_named_anywhere() -> None:
    weak = re.compile(
        r"\b(MD5|md5|ARC4|TripleDES|Blowfish|modes\.(ECB|CBC)|PKCS1v15|RSAPrivateKey|_create_unverified_context|verify=False|CERT_NONE)\b"
    )
    assert [
        (path.name, hit[0]) for path in SOURCE.rglob("*.py") if (hit := weak.search(path.read_text()))
    ] == []


def test_chance_that_protects_comes_from_the_system() -> None:
    # `random` makes synthetic towns and picks whom a bench asks for.
    playful = {"population", "cli", "drill"}
    users = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if re.search(r"^\s*(import random|from random)\b", path.read_text(), re.MULTILINE)
    }
    assert users <= playful
