"""The privileges in the database are those of docs/trust-zones.md: no more, no fewer."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

PAGE = Path(__file__).parents[2] / "docs" / "trust-zones.md"

# Whatever somebody other than its owner may do with an object of ours. An object without an access list has PostgreSQL's default,
# which for functions is EXECUTE for everybody.
GRANTED = """
WITH ours AS (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
listed AS (
  SELECT 'schema ' || nspname AS object, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl FROM ours
  UNION ALL
  SELECT nspname || '.' || relname, relowner,
      coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, relowner))
    FROM pg_class JOIN ours ON ours.oid = relnamespace WHERE relkind IN ('r', 'v', 'm', 'S', 'f', 'p')
  UNION ALL
  SELECT nspname || '.' || relname || '.' || attname, relowner, attacl
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN ours ON ours.oid = relnamespace WHERE attacl IS NOT NULL
  UNION ALL
  SELECT nspname || '.' || proname || '()', proowner, coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc JOIN ours ON ours.oid = pronamespace
  UNION ALL
  SELECT 'database', datdba, coalesce(datacl, acldefault('d', datdba)) FROM pg_database WHERE datname = current_database()
  UNION ALL
  SELECT 'any new ' || CASE defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' ELSE 'object' END
      || ' in ' || coalesce(nspname, 'any schema'), defaclrole, defaclacl
    FROM pg_default_acl LEFT JOIN pg_namespace ON pg_namespace.oid = defaclnamespace
)
SELECT coalesce(rolname, 'PUBLIC'), object, privilege_type
  FROM listed, aclexplode(acl) AS entry LEFT JOIN pg_roles ON pg_roles.oid = entry.grantee
  WHERE entry.grantee <> owner
"""
POLICIES = (
    "SELECT schemaname || '.' || tablename, policyname, array_to_string(roles, ', '), cmd FROM pg_policies"
)
PROTECTED = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity
"""


def table_under(heading: str) -> set[tuple[str, ...]]:
    """The rows of the page's table under a heading, without code marks; header and rule left out."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {tuple(cell.strip().replace("`", "") for cell in row) for row in rows[2:]}


def granted(connection: Connection) -> set[tuple[str, str, str]]:
    """(role, object, privileges in alphabetical order) of everything in the database."""
    privileges: dict[tuple[str, str], set[str]] = defaultdict(set)
    for role, thing, privilege in connection.execute(GRANTED):
        privileges[role, thing].add(privilege)
    return {(role, thing, ", ".join(sorted(held))) for (role, thing), held in privileges.items()}


def test_the_grants_are_those_of_the_page(module_database):
    with module_database.connect() as connection:
        in_database = granted(connection)
    on_page = table_under("Grants")
    assert in_database - on_page == set(), "granted, and not on the page"
    assert on_page - in_database == set(), "on the page, and not granted"


def test_row_security_is_that_of_the_page(module_database):
    with module_database.connect() as connection:
        policies = set(connection.execute(POLICIES))
        protected = {row[0] for row in connection.execute(PROTECTED)}
    assert policies == table_under("Row security")
    assert {row[0] for row in policies} == protected, (
        "a policy without row security, or row security that lets nobody in"
    )


def test_the_sealer_moves_an_insurers_generation_and_never_its_keys(database):
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (1, '99000001', 'M', 'a', 'b')"
        )
    with database.connect("sealer") as sealer:
        assert (
            sealer.execute("UPDATE vault.insurer SET generation = 1, epoch = 1, sequence = 1").rowcount == 1
        )
        for column in ("amc", "name", "signing_key", "notice_key", "number", "vitale_open"):
            with pytest.raises(InsufficientPrivilege):
                sealer.execute(f"UPDATE vault.insurer SET {column} = {column}")


def test_nothing_is_granted_to_everybody(module_database):
    with module_database.connect() as connection:
        assert {row for row in granted(connection) if row[0] == "PUBLIC"} == set()


def test_a_function_made_tomorrow_is_closed_to_everybody(database):
    with database.connect() as connection:
        connection.execute("SET ROLE rempart_owner")
        connection.execute("CREATE FUNCTION vault.tomorrow() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert [row for row in granted(connection) if "tomorrow" in row[1]] == []


def test_no_login_owns_anything_but_the_sealer_its_schema(module_database):
    with module_database.connect() as connection:
        owners = set(
            connection.execute("""
                SELECT r.rolname, 'schema ' || n.nspname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname !~ '^pg_'
                UNION SELECT r.rolname, c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
                UNION SELECT r.rolname, p.proname FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
            """)
        )
        logins = {
            row[0]
            for row in connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname ~ '^rempart_' AND rolcanlogin"
            )
        }
    assert {row for row in owners if row[0] in logins} == {("rempart_sealer", "schema capsule")}


def test_no_role_is_above_the_grants(module_database):
    with module_database.connect() as connection:
        above = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^rempart_' AND"
            " (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"
        ).fetchall()
        memberships = connection.execute(
            "SELECT g.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
            " WHERE m.rolname ~ '^rempart_'"
        ).fetchall()
    assert above == []
    # The owner logs in nowhere: it acts as the sealer only to give it its schema.
    assert memberships == [("rempart_sealer", "rempart_owner")]


def test_a_table_that_the_sealer_makes_is_read_by_the_vault_and_by_nobody_else(database):
    with database.connect("sealer") as sealer:
        sealer.execute("CREATE TABLE capsule.i1_g1 (tag uuid PRIMARY KEY)")
    with database.connect() as connection:
        assert {row for row in granted(connection) if row[1] == "capsule.i1_g1"} == {
            ("rempart_vault", "capsule.i1_g1", "SELECT")
        }


def test_the_page_names_every_role(module_database):
    with module_database.connect() as connection:
        roles = {
            row[0] for row in connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^rempart_'")
        }
    assert roles == set(
        re.findall(r"^\| `(rempart_\w+)` \|[^|]*\|[^|]*\|[^|]*\|$", PAGE.read_text(), re.MULTILINE)
    )
