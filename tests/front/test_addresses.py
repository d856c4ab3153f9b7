"""Whom a request counts for: what a client writes about itself is believed from nobody but a trusted proxy, and then from the right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.api.places import Places
from rempart.foundation.settings import BadSettings
from rempart.front.addresses import Addresses

PROXY, OUTER = "10.0.0.1", "192.0.2.7"
BEHIND = Addresses((PROXY, "192.0.2.0/24", "::1"))


def by(addresses: Addresses, peer: str, *forwarded: str) -> str:
    headers = [(b"host", b"h"), *((b"x-forwarded-for", each.encode("latin-1")) for each in forwarded)]
    return addresses.client(peer, headers)


CASES = [
    pytest.param(PROXY, ("203.0.113.9",), "203.0.113.9", id="one hop"),
    pytest.param(PROXY, ("198.51.100.1, 203.0.113.9",), "203.0.113.9", id="the client wrote a hop itself"),
    pytest.param(PROXY, ("203.0.113.9, 192.0.2.7",), "203.0.113.9", id="two trusted proxies"),
    pytest.param(PROXY, ("198.51.100.1", "203.0.113.9"), "203.0.113.9", id="two lines are one list"),
    pytest.param(PROXY, ("203.0.113.9", "192.0.2.7"), "203.0.113.9", id="two lines, two proxies"),
    pytest.param(PROXY, (), PROXY, id="the proxy for itself"),
    pytest.param(PROXY, ("",), PROXY, id="an empty list"),
    pytest.param(PROXY, ("203.0.113.9, unknown",), PROXY, id="a hop that nobody knows"),
    pytest.param(PROXY, ("10.0.0.1, 192.0.2.7",), PROXY, id="proxies all the way"),
    pytest.param(PROXY, ("203.0.113.9:4711",), "203.0.113.9", id="with a port"),
    pytest.param(PROXY, ("[2001:db8:1:2::9]:4711",), "2001:db8:1:2::/64", id="bracketed, with a port"),
    pytest.param(PROXY, ("::ffff:203.0.113.9",), "203.0.113.9", id="mapped"),
    pytest.param("::ffff:10.0.0.1", ("203.0.113.9",), "203.0.113.9", id="a mapped proxy"),
    pytest.param("203.0.113.9", ("198.51.100.1",), "203.0.113.9", id="not a proxy of ours"),
    pytest.param("2001:db8:1:2:3:4:5:6", ("198.51.100.1",), "2001:db8:1:2::/64", id="not ours, IPv6"),
    pytest.param("fe80::1%eth0", (), "fe80::/64", id="with a scope"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), CASES)
def test_the_client_is_the_rightmost_hop_that_no_trusted_proxy_is(
    peer: str, forwarded: tuple[str, ...], client: str
) -> None:
    assert by(BEHIND, peer, *forwarded) == client


def test_without_a_trusted_proxy_nobody_is_believed() -> None:
    assert by(Addresses(()), PROXY, "203.0.113.9") == PROXY


@given(st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore").decode("latin-1")))
def test_whatever_a_stranger_writes_it_counts_as_itself(forwarded: str) -> None:
    assert by(BEHIND, "203.0.113.9", forwarded) == "203.0.113.9"


@given(st.text(alphabet="0123456789abcdef.:,[]% \xff", max_size=300))
def test_whatever_a_client_writes_left_of_the_proxys_word_changes_nothing(forged: str) -> None:
    assert by(BEHIND, PROXY, f"{forged}, 203.0.113.9") == "203.0.113.9"
    assert by(BEHIND, PROXY, forged, "203.0.113.9, 192.0.2.7") == "203.0.113.9"


@pytest.mark.parametrize("wrong", ["nginx", "10.0.0.1:80", "10.0.0.0/33", ""])
def test_a_trusted_proxy_that_is_no_address_refuses_to_start(wrong: str) -> None:
    with pytest.raises(BadSettings, match="trusted_proxies"):
        Addresses((wrong,))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcde")), max_size=60))
def test_places_come_back_and_addresses_are_forgotten(moves: list[tuple[bool, str]]) -> None:
    places, held = Places(6, 3), dict.fromkeys("abcde", 0)
    for comes, who in moves:
        if comes:
            refused = places.take(who)
            expected = "crowded" if held[who] == 3 else "saturated" if sum(held.values()) == 6 else None
            assert (refused.code if refused else None) == expected
            held[who] += refused is None
        elif held[who]:
            places.leave(who)
            held[who] -= 1
        assert places.in_flight == sum(held.values()) <= 6
        assert places.addresses == sum(1 for count in held.values() if count)
