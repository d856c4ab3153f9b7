"""Settings: default closed. Each test differs from a file that is accepted by one line."""

import dataclasses
from pathlib import Path

import pytest

from rempart.foundation.settings import (
    ALL,
    DEVELOPMENT_MARKER,
    BadSettings,
    DevelopmentSecret,
    FrontSettings,
    SupervisorSettings,
    VaultSettings,
    load_settings,
    write_settings,
)

GOOD = {
    "mode": '"production"',
    "dsn": '"postgresql://rempart_vault@/rempart?host=/run/postgresql&passfile={folder}/vault.pgpass"',
    "run_folder": '"run"',
    "key_store": '"keys/store.json"',
    "origin": '"https://rempart.example"',
    "rp_id": '"rempart.example"',
    "log_origin": '"rempart.example/ledger"',
    "claims_key": '"/elsewhere/claims.key"',
    "passphrase_file": '"passphrase"',
    "allowed_uids": "{ door = 1001 }",
    "breached_passwords_file": '"breached"',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("vault.pgpass", "passphrase"):
        (tmp_path / name).write_text("something secret\n")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "breached").write_text(f"{'0' * 39}1:7\r\n{'F' * 40}:1\r\n")
    return tmp_path


def load(folder: Path, **changes: str | None) -> VaultSettings:
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changes}.items() if value is not None]
    (folder / "vault.toml").write_text("\n".join(lines).replace("{folder}", str(folder)))
    return load_settings(VaultSettings, folder / "vault.toml")


def test_a_good_file_is_read_and_paths_start_from_its_folder(folder):
    settings = load(folder)
    assert settings.mode == "production"
    assert settings.run_folder == folder / "run"
    assert settings.claims_key == Path("/elsewhere/claims.key")
    assert settings.allowed_uids == {"door": 1001}
    assert settings.pkcs11_module is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("colour", '"blue"', "unknown key colour"),
        ("origin", None, "origin"),
        ("origin", "8000", "origin"),
        ("mode", '"prodution"', "mode"),
        ("allowed_uids", '{ door = "root" }', "allowed_uids"),
        ("run_folder", "7", "run_folder"),
        ("dsn", '"postgresql://rempart_vault:hunter2@/rempart"', "dsn holds a password"),
        ("dsn", '"postgresql://rempart_vault@/rempart?password=hunter2"', "dsn holds a password"),
        ("dsn", '"host=/run user=rempart_vault password=hunter2"', "no postgresql:// URL"),
        ("dsn", '"postgresql://rempart_vault@/rempart?passfile=/nowhere/x"', "/nowhere/x"),
        ("passphrase_file", '"absent"', "absent"),
    ],
)
def test_anything_unusual_is_refused_and_no_value_is_repeated(folder, key, value, said):
    with pytest.raises(BadSettings, match=said) as refused:
        load(folder, **{key: value})
    assert "hunter2" not in str(refused.value)


def test_a_file_nested_beyond_reading_is_refused(tmp_path):
    deep = tmp_path / "deep.toml"
    deep.write_text(f"mode = {'[' * 5_000}")
    with pytest.raises(BadSettings, match="not TOML"):
        load_settings(SupervisorSettings, deep)


def test_a_file_that_is_no_toml_or_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadSettings, match="No such file"):
        load_settings(VaultSettings, tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("mode: demo")
    with pytest.raises(BadSettings, match="not TOML"):
        load_settings(VaultSettings, tmp_path / "bad.toml")


@pytest.mark.parametrize("name", ["passphrase", "vault.pgpass"])
def test_a_development_secret_is_refused_in_production_only(folder, name):
    (folder / name).write_text(f"{DEVELOPMENT_MARKER}\nsomething secret\n")
    assert load(folder, mode='"demo"').mode == "demo"
    with pytest.raises(DevelopmentSecret, match=name):
        load(folder)


@pytest.mark.parametrize("name", ["passphrase", "vault.pgpass"])
def test_a_secret_that_others_may_read_is_refused(folder, name):
    (folder / name).chmod(0o640)
    with pytest.raises(BadSettings, match="chmod 600"):
        load(folder)


def test_production_refuses_to_start_without_the_list_of_breached_passwords(folder):
    assert load(folder).breached_passwords_file == folder / "breached"
    with pytest.raises(
        BadSettings, match="breached_passwords_file is missing: production refuses breached passwords"
    ):
        load(folder, breached_passwords_file=None)
    assert load(folder, breached_passwords_file=None, mode='"demo"').breached_passwords_file is None
    (folder / "supervisor.toml").write_text('mode = "production"\n')
    with pytest.raises(BadSettings, match="breached_passwords_file is missing"):
        load_settings(SupervisorSettings, folder / "supervisor.toml")


@pytest.mark.parametrize("content", [None, b"", b"password\n", b"f" * 40 + b"\n"])
def test_a_list_of_breached_passwords_that_is_none_is_refused_at_start(folder, content):
    (folder / "breached").unlink()
    if content is not None:
        (folder / "breached").write_bytes(content)
    with pytest.raises(BadSettings, match="breached"):
        load(folder, mode='"demo"')


def test_what_is_written_is_read_back(folder):
    settings = load(folder)
    write_settings(settings, folder / "again.toml")
    assert load_settings(VaultSettings, folder / "again.toml") == settings
    front = FrontSettings(
        mode="demo", dsn='postgresql://d"quoted"@/x', run_folder=folder, origin="o", spool_folder=folder, port=1,
        trusted_proxies=("10.0.0.1", "::1"),
    )  # fmt: skip
    write_settings(front, folder / "front.toml")
    assert load_settings(FrontSettings, folder / "front.toml") == front
    supervisor = SupervisorSettings(mode="demo", drain_seconds=2.5)
    write_settings(supervisor, folder / "supervisor.toml")
    assert load_settings(SupervisorSettings, folder / "supervisor.toml") == supervisor


def test_every_setting_has_a_reason_and_cannot_be_changed(folder):
    for kind in ALL:
        assert kind.__doc__
        for field in dataclasses.fields(kind):
            assert field.metadata["reason"], f"{kind.__name__}.{field.name}"
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(folder).mode = "demo"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("where", "taken"),
    [
        ("?host=/run/postgresql&", True),
        ("localhost/x?", True),
        ("db.example/x?sslmode=verify-full&", True),
        ("db.example/x?", False),
        ("db.example/x?sslmode=require&", False),
        ("?host=/run/postgresql,db.example&", False),
    ],
)
def test_in_production_the_database_is_near_or_its_certificate_is_verified(folder, where, taken):
    dsn = f'"postgresql://rempart_vault@{where}passfile={{folder}}/vault.pgpass"'
    load(folder, dsn=dsn, mode='"demo"')
    if taken:
        load(folder, dsn=dsn)
    else:
        with pytest.raises(BadSettings, match="verify-full"):
            load(folder, dsn=dsn)
