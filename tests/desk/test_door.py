"""The desk's door itself: its pages and headers, from where it is reached, what it relays; the public doors know nothing of it."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from rempart.desk.__main__ import require_own_origin
from rempart.desk.application import app
from rempart.desk.dossiers import Dossiers
from rempart.desk.errands import Errands
from rempart.desk.fragments import Fragments, environment, key_of
from rempart.desk.pages import PAGES
from rempart.foundation.clock import DAY, SECOND
from rempart.foundation.settings import (
    BadSettings,
    DeskSettings,
    SupervisorSettings,
    load_settings,
    write_settings,
)
from rempart.foundation.vocabulary import Role
from rempart.incident import store_case
from rempart.portal import PortalSettings
from rempart.portal import app as portal_app
from rempart.vault import desk_acts, store_desk
from rempart.vault.desk_acts import DESK, ERRANDS, TABLE
from rempart.vault.errors import NoSuchAct
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import Done, Proposed, RegisterInsurer, Switches, ThrowSwitch
from tests.authenticator import expect
from tests.desk.conftest import DESK_ORIGIN, Operator, Room
from tests.vault.accounts.conftest import activated


def settings(room_folder: Path, dsn: str = "", **more: Any) -> DeskSettings:
    return DeskSettings(mode="demo", dsn=dsn, run_folder=room_folder, origin=DESK_ORIGIN, **more)


class Door:
    """The desk's application, asked as from an address."""

    def __init__(self, room: Room, address: str = "127.0.0.1", **more: Any) -> None:
        self._room = room
        configured = settings(Path("/nowhere"), room.database.dsn("desk"), **more)
        self._app = app(configured, room.desk, room.clock)
        self._address = address

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._room.runner.run(self._once(method, path, **more))

    def act(self, who: Operator, path: str, html: bool = True, **body: Any) -> httpx.Response:
        return self.ask("POST", path, **_signed(who, path, body, html=html))

    def together(self, acts: Sequence[tuple[Operator, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Several at the same instant."""

        async def all_at_once() -> list[httpx.Response]:
            asked = [self._once("POST", path, **_signed(who, path, body)) for who, path, body in acts]
            return list(await asyncio.gather(*asked))

        return self._room.runner.run(all_at_once())

    async def _once(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, client=(self._address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=DESK_ORIGIN, trust_env=False) as client:
            return await client.request(method, path, **more)


def _signed(who: Operator, path: str, body: dict[str, Any], *, html: bool = True) -> dict[str, Any]:
    act = who.browser.signed(path, body)
    headers = {
        "Content-Type": "application/json", "Content-Digest": act.content_digest, "Signature-Input": act.signature_input,
        "Signature": act.signature, "Cookie": f"__Host-rempart-desk={act.session}", "Origin": DESK_ORIGIN,
        "Accept": "text/html" if html else "application/json",
    }  # fmt: skip
    return {"content": act.body, "headers": headers}


@pytest.fixture
def door(room: Room) -> Door:
    return Door(room)


def test_every_page_is_a_shell_with_the_strict_headers_and_no_act_without_a_signature(door: Door) -> None:
    for page in PAGES:
        response = door.ask("GET", page.path)
        assert response.status_code == (303 if page.signed_in else 200), page.path
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(r"\son[a-z]+=|style=|javascript:", response.text)
    response = door.ask("POST", "/desk/contain", json={"scope": "platform", "reason": "x", "dry_run": False})
    assert (response.status_code, response.headers["rempart-code"]) == (401, "signature")


def test_whoever_comes_from_elsewhere_is_told_that_there_is_nothing_here(room: Room, duty: Operator) -> None:
    for address, known in (
        ("127.0.0.1", True),
        ("::1", True),
        ("192.0.2.7", False),
        ("10.0.0.8", False),
        ("", False),
    ):
        assert (Door(room, address).ask("GET", "/").status_code == 200) is known, address
    inside = Door(room, "10.0.0.8", allowed_networks=("10.0.0.0/24",))
    # No header is believed: a proxy speaks for nobody.
    outside = Door(room, "192.0.2.7", allowed_networks=("10.0.0.0/24",))
    assert inside.ask("GET", "/").status_code == 200
    assert outside.ask("GET", "/", headers={"X-Forwarded-For": "10.0.0.8"}).status_code == 404
    assert outside.act(duty, "/desk/switches").status_code == 404
    with pytest.raises(BadSettings):
        app(
            settings(Path(), allowed_networks=("everywhere",)), room.desk, room.clock
        ).build_middleware_stack()


def test_the_public_doors_know_no_desk(room: Room, duty: Operator) -> None:
    portal = portal_app(PortalSettings("http://localhost:8000"), room.door, room.door)

    async def once() -> httpx.Response:
        act = duty.browser.signed("/desk/switches", {})
        transport = httpx.ASGITransport(portal)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:8000", trust_env=False
        ) as client:
            return await client.post("/desk/switches", content=act.body)

    assert room.runner.run(once()).status_code == 404


def test_each_errand_is_an_errand_on_both_sides_and_every_act_has_its_roles() -> None:
    errands = Errands(
        settings(Path()), VaultClient("/nowhere"), Fragments(environment(DESK_ORIGIN, str)), lambda: 0
    )
    dossiers = Dossiers(
        settings(Path()), VaultClient("/nowhere"), Fragments(environment(DESK_ORIGIN, str)), lambda: 0
    )
    # What is done of a dossier besides, beside the vault's own act.
    beside = {
        "/desk/dossier/open", "/desk/dossiers/clear",
        "/desk/application/propose", "/desk/application/enrol", "/desk/application/refuse",
    }  # fmt: skip
    assert {path for path in DESK if dossiers.has(path)} - beside < ERRANDS
    assert {path for path in DESK if errands.has(path) or dossiers.has(path)} == ERRANDS | beside
    assert all(roles <= set(Role) and roles for roles, _ in DESK.values())
    assert {path for path in TABLE if path.startswith("/desk/")} == DESK.keys()
    # Nothing of passwords, codes or other people's devices is in the desk's table.
    assert not any(
        re.search("password|totp|recovery|members|software|approve$", path)
        for path in TABLE
        if path.startswith("/acts/")
    )


def alert_on(room: Room, place: str) -> int:
    """An alert of the sentinel's, which proposes to close this establishment."""
    with room.database.connect("sentinel") as c:
        row = c.execute(
            "INSERT INTO incident.alert (at, noted, rule, strength, figure, threshold, establishment, indexes, events, french, english,"
            " scope, key, hold, minutes, by_itself) VALUES (%s, %s, 'pace', 2, 74, 30, %s, '{4}', '{}', 'Trop <vite>', 'Too fast',"
            " 'establishment', %s, 'closed', 60, false) RETURNING id",
            (room.clock(), room.clock(), place, place),
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_an_alert_is_not_closed_by_containing_somebody_else(room: Room, duty: Operator, door: Door) -> None:
    place, other = room.establishment(), room.establishment(2)
    number = alert_on(room, place)
    activated(room, "claire", other)
    for scope, key in (("establishment", other), ("account", "claire")):
        contain = {"scope": scope, "key": key, "reason": "a decoy", "alert": number, "dry_run": False}
        assert door.act(duty, "/desk/contain", html=False, **contain).json()["type"] == "Done"
    assert contained_at(room, number) == (None, None)
    assert f"/alerte?n={number}" in door.act(duty, "/desk/alerts", open_only=True).text


def test_an_alert_is_read_seen_and_contained_as_it_proposes_each_in_its_table(
    room: Room, duty: Operator, door: Door
) -> None:
    place = room.establishment()
    number = alert_on(room, place)
    listed = door.act(duty, "/desk/alerts", open_only=True)
    assert "Trop &lt;vite&gt;" in listed.text
    assert f"/alerte?n={number}" in listed.text
    assert "999" in door.act(duty, "/desk/alert", id=999).text
    contain = {
        "scope": "establishment",
        "key": place,
        "hold": "closed",
        "minutes": 60,
        "reason": "pace",
        "alert": number,
    }
    room.time.advance(SECOND)
    assert door.act(duty, "/desk/contain", html=False, **contain).json()["type"] == "Effect"
    assert contained_at(room, number) == (None, None)
    assert door.act(duty, "/desk/contain", html=False, **contain, dry_run=False).json()["type"] == "Done"
    assert contained_at(room, number) == (room.clock(), room.clock())
    (held,) = duty.expect(Switches, "switches").switches
    assert held.reason == f"alert {number}: pace"


def test_who_may_only_read_acknowledges_nothing(room: Room, door: Door) -> None:
    with room.database.connect("sentinel") as c:
        c.execute(
            "INSERT INTO incident.alert (at, noted, rule, strength, figure, threshold, indexes, events, french, english, by_itself)"
            " VALUES (1, 1, 'spread', 1, 2, 1, '{}', '{}', 'f', 'e', false)"
        )
        number = c.execute("SELECT max(id) FROM incident.alert").fetchone()[0]  # type: ignore[index]
    auditor, officer = room.operator("rita", Role.AUDITOR), room.operator("diane")
    refused = door.act(auditor, "/desk/alert/acknowledge", id=number)
    assert refused.headers["rempart-code"] == "forbidden"
    assert contained_at(room, number) == (None, None)
    assert "vue le" in door.act(officer, "/desk/alert/acknowledge", id=number).text
    assert contained_at(room, number)[1] is not None
    assert f'"act": "alert:acknowledge", "object": "{number}"' in room.journal()


def contained_at(room: Room, number: int) -> tuple[int | None, int | None]:
    ((contained, acknowledged),) = room.rows(
        f"SELECT contained, acknowledged FROM incident.alert WHERE id = {int(number)}"
    )
    return contained, acknowledged


def test_every_scope_that_is_shown_as_held_can_be_lifted_by_what_is_shown(room: Room, duty: Operator) -> None:
    room.operate(RegisterInsurer("99999997", "Mutuelle des Remparts", b"\1" * 32, b"\2" * 32))
    place = room.establishment()
    room.operator("sami", Role.SECURITY_LEAD)
    thrown = [
        ("insurer", "99999997", "known-only"), ("lane", "vitale", "step-up"), ("profession", "pharmacy", "known-only"),
        ("establishment", place, "closed"), ("account", "sami", "step-up"),
    ]  # fmt: skip
    for scope, key, hold in thrown:
        duty.expect(Done, "contain", scope=scope, key=key, hold=hold, reason="to be lifted", dry_run=False)
    shown = duty.expect(Switches, "switches").switches
    assert len(shown) == len(thrown)
    for held in shown:
        lift = {"scope": held.scope, "key": key_of(held), "hold": held.hold, "reason": "lifted"}
        duty.expect(Done, "lift", **lift, dry_run=False)
    assert duty.expect(Switches, "switches").switches == []


def test_every_reach_is_counted_for_every_scope(room: Room, duty: Operator) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    keys = {"platform": "", "insurer": "1", "lane": "2", "profession": "pharmacy"}

    async def count() -> list[dict[str, int]]:
        async with room.zone.pool.acquire() as c:
            return [
                await store_desk.reach(c, scope, keys.get(scope, nobody), room.clock())
                for scope in store_desk._REACH
            ]

    for counted in room.runner.run(count()):
        assert counted["sessions"] == 0


def test_no_zero_and_no_silence_is_hidden_from_whoever_approves(
    room: Room, duty: Operator, lead: Operator, door: Door
) -> None:
    duty.expect(Proposed, "breaker", scope="platform", units=0, dry_run=False)
    duty.expect(Proposed, "contain", scope="platform", reason="a leak", dry_run=False)
    whole = ThrowSwitch("platform", "", "it is over", on=False, whole=True)
    expect(Proposed, room.operate(whole))
    shown = " ".join(door.act(lead, "/desk/proposals").text.split())
    breaker, close, lift = shown.split("<li ")[1:]
    assert "la part ordinaire reprend" in breaker
    assert "fermé : rien n&#39;est dit" in close
    assert "sans fin, jusqu&#39;à ce qu&#39;on le lève" in close
    assert "tout ce périmètre" in close
    assert "TOUS les effets" in lift
    assert "sans fin" not in lift
    # The journal keeps the same.
    for line in ("units=0", "hold=closed whole=False", "whole=True"):
        assert line in room.journal()


def test_each_of_two_people_reads_half_of_the_code_and_who_has_the_other(
    room: Room, lead: Operator, door: Door
) -> None:
    second = room.operator("noa", Role.SECURITY_LEAD)
    enrol = {"login": "eve", "role": "auditor", "dry_run": False}
    number = lead.expect(Proposed, "operator/enrol", **enrol).id
    room.time.advance(SECOND)
    for one in (lead, second):
        one.touch()
    approved = " ".join(door.act(second, "/desk/proposal/approve", id=number).text.split())
    assert "La première moitié du code de eve. sami a l&#39;autre." in approved
    waiting = door.act(lead, "/desk/proposals").text
    assert "voir ma moitié du code" in waiting
    assert "Retirer" not in waiting
    assert "noa a la première." in door.act(lead, "/desk/proposal/code", id=number).text


@pytest.mark.parametrize(
    ("mode", "origin"),
    [
        ("demo", "http://salle.exemple.fr"),
        ("demo", "https://salle.exemple.fr/x"),
        ("production", "http://desk.localhost:8010"),
        ("demo", ""),
    ],
)
def test_an_origin_that_browsers_would_not_sign_refuses_to_start(mode: Any, origin: str) -> None:
    with pytest.raises(BadSettings):
        require_own_origin(DeskSettings(mode=mode, dsn="", run_folder=Path(), origin=origin))


def test_a_desk_at_the_doors_own_origin_refuses_to_start(tmp_path: Path) -> None:
    for given in (
        SupervisorSettings(mode="demo", desk_origin="http://localhost:8000"),
        SupervisorSettings(mode="demo", desk_origin="http://desk.localhost:1", desk_rp_id=""),
    ):
        write_settings(given, tmp_path / "supervisor.toml")
        with pytest.raises(BadSettings):
            load_settings(SupervisorSettings, tmp_path / "supervisor.toml")


def test_without_a_desk_configured_nothing_is_relayed(room: Room, duty: Operator) -> None:
    with pytest.raises(NoSuchAct):
        room.runner.run(desk_acts.perform(duty.browser.signed("/desk/seat", {}), None))


def test_an_incidents_clocks_are_shown_and_the_late_ones_are_loud(room: Room, door: Door) -> None:
    dpo, clerk = room.operator("dora", Role.DPO), room.operator("ines", Role.ONBOARDING_CLERK)
    assert "Aucun incident" in door.act(dpo, "/desk/incidents").text
    aware = room.clock()
    with room.database.connect("operator") as c:
        store_case.open_incident(c, aware, "dora", "Fichier <en vente>", aware)
    assert door.act(clerk, "/desk/incidents").headers["rempart-code"] == "forbidden"
    running = door.act(dpo, "/desk/incidents").text
    assert "Fichier &lt;en vente&gt;" in running
    assert "court" in running
    assert "en retard" not in running
    room.time.advance(8 * DAY)
    # A session lasts twelve hours: it was signed for again.
    dpo.browser.sign_in(dpo.passkey)
    assert "en retard" in door.act(dpo, "/desk/incidents").text


def test_a_template_that_cannot_be_read_is_said_and_not_taken_for_no_deadline(
    room: Room, tmp_path: Path
) -> None:
    (tmp_path / "clocks.toml").write_text("duty = 3")
    broken = Door(room, templates_folder=tmp_path).act(room.operator("dora", Role.DPO), "/desk/incidents")
    assert broken.status_code == 200
    assert "un modèle de l&#39;exploitant est refusé" in broken.text
    assert "Aucun incident" not in broken.text
