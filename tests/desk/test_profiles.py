"""Who may hold a party to less, alone; and that nothing is widened by one person, whatever hand they use."""

from rempart.foundation.clock import SECOND
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import ListProfiles, Profiles, ProfileView, Proposals, Proposed, SetProfile
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.vault.accounts.conftest import activated


def test_a_single_administrator_widens_no_profile(room: Room, duty: Operator) -> None:
    place = room.establishment()
    activated(room, "claire", place)
    lead = room.operator("sami", Role.SECURITY_LEAD)
    # Stricter with one establishment: at once. Wider, even in one word of four: not by one hand.
    expect(ProfileView, room.operate(SetProfile("establishment", place, "weak", "passkey", ["card"], 50)))
    (narrow,) = expect(Profiles, room.operate(ListProfiles())).profiles
    wider = SetProfile("establishment", place, "they asked", lanes=["card", "vitale"], percent=20)
    number = expect(Proposed, room.operate(wider)).id
    assert expect(Profiles, room.operate(ListProfiles())).profiles == [narrow]
    (shown,) = lead.expect(Proposals, "proposals").proposals
    assert (shown.act, shown.told["lanes"], shown.effect.accounts) == ("SetProfile", "card, vitale", 1)
    room.time.advance(SECOND)
    duty.touch()
    duty.expect(Proposed, "proposal/approve", id=number)
    lead.touch()
    done = lead.expect(ProfileView, "proposal/approve", id=number)
    assert (done.assurance, done.lanes, done.percent) == ("passkey", ["card", "vitale"], 20)
    assert '"act":"profile:set"' in room.journal().replace(" ", "")


def test_an_editors_profile_takes_two_people_even_to_narrow_it(
    room: Room, lead: Operator, duty: Operator
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from rempart.vaultdoor.messages import Enrolled, RegisterEditor

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    expect(Enrolled, room.operate(RegisterEditor("Logis", point)))
    expect(Proposed, room.operate(SetProfile("editor", "Logis", "weak", percent=10)))
    assert expect(Profiles, room.operate(ListProfiles())).profiles == []
