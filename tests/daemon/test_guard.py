"""Whoever is not ours is turned away by the headers alone."""

import pytest

from bridge.daemon.guard import LOOPBACK_HOSTS, Policy

TOKEN = "t" * 43
POLICY = Policy(TOKEN, LOOPBACK_HOSTS, frozenset({"http://localhost:3000"}))


def headers(**given: str) -> list[tuple[bytes, bytes]]:
    merged = {"host": "127.0.0.1:47860", "authorization": f"Bearer {TOKEN}", **given}
    return [(name.encode(), value.encode("latin-1")) for name, value in merged.items() if value]


@pytest.mark.parametrize("host", ["127.0.0.1:47860", "localhost:47860", "LOCALHOST:47860", "[::1]:47860"])
def test_our_own_names_are_let_in(host):
    assert POLICY.judge("/v1", headers(host=host)).status == 0


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:80", "[::1]:8080", "localhost"])
def test_a_tunnel_may_begin_at_any_port_of_this_machine(host):
    assert POLICY.judge("/v1", headers(host=host)).status == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:47860", "localhost.evil.example:47860", "127.0.0.1@evil.example", "127.0.0.1:80:80",
     "[::1].evil.example", "::1", "localhost:port", ""],
)  # fmt: skip
def test_foreign_hosts_are_refused_even_with_the_token(host):
    assert POLICY.judge("/v1", headers(host=host)).status == 403
    assert POLICY.judge("/health", headers(host=host)).status == 403


def test_behind_a_certificate_any_host_is_let_in_and_still_nobody_without_the_token():
    policy = Policy(TOKEN, None)
    assert policy.judge("/v1", headers(host="studio.example:443")).status == 0
    assert policy.judge("/v1", headers(host="studio.example:443", authorization="")).status == 401
    assert policy.judge("/v1", headers(host="")).status == 403


def test_two_hosts_are_refused():
    assert POLICY.judge("/v1", [*headers(), (b"host", b"127.0.0.1:47860")]).status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost", "http://127.0.0.1:47860"])
def test_foreign_origins_are_refused_even_with_the_token(origin):
    assert POLICY.judge("/v1", headers(origin=origin)).status == 403


def test_an_origin_on_the_list_is_let_in():
    assert POLICY.judge("/v1", headers(origin="http://localhost:3000")).status == 0


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"]
)
def test_without_the_token_nobody_is_let_in(authorization):
    assert POLICY.judge("/v1", headers(authorization=authorization)).status == 401
    assert POLICY.judge("/anything", headers(authorization=authorization)).status == 401


def test_health_needs_no_token():
    assert POLICY.judge("/health", headers(authorization="")).status == 0
