"""A package that nobody acknowledged in time is on the desk's first page, whatever else of its incident is done."""

import uuid

from rempart.foundation.clock import HOUR, paris_date
from rempart.foundation.vocabulary import Role
from rempart.incident import store_case
from rempart.incident.case import Verb
from rempart.incident.notices.templates import Templates
from tests.desk.conftest import Room
from tests.desk.test_door import Door


def test_a_package_that_nobody_acknowledged_in_time_is_loud_until_somebody_does(
    room: Room,
) -> None:
    door, dpo, now = Door(room), room.operator("dalia", Role.DPO), room.clock()
    with room.database.connect("operator") as c:
        number = store_case.open_incident(c, now, "dalia", "Session volée", now)
        for duty in Templates.read().clocks.duty:
            store_case.add_act(c, number, now, "dalia", Verb.WAIVE, duty.key, "essai")
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (77, '99000077', 'Mutuelle <du Guet>', 'a', 'b')"
        )
        owner.execute(
            "INSERT INTO incident.package (id, incident, insurer, issue, day, rows, content, parts, bytes, digest, made)"
            " VALUES (%s, %s, 77, 1, %s, 1, %s, 1, 1, %s, %s)",
            (uuid.uuid4(), number, paris_date(now), bytes(32), bytes(32), now),
        )
    quiet = door.act(dpo, "/desk/incidents").text
    assert "Session volée" not in quiet
    room.time.advance(25 * HOUR)
    # A session lasts twelve hours: it was signed for again.
    dpo.browser.sign_in(dpo.passkey)
    loud = door.act(dpo, "/desk/incidents").text
    assert "Session volée" in loud
    assert "1 dossier non acquitté" in loud
    assert "Mutuelle &lt;du Guet&gt; (99000077" in loud
    with room.database.connect() as owner:
        owner.execute("UPDATE incident.package SET acknowledged = %s", (room.clock(),))
    assert door.act(dpo, "/desk/incidents").text == quiet
