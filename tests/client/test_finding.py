"""Which daemon the client talks to, with which token, and what it says when that does not work."""

from __future__ import annotations

import json
import socket
import threading
import time
from http import HTTPStatus

import pytest
from websockets.server import ServerProtocol

from bridge.client import ConnectionState, LinkSettings, connect
from bridge.client.finding import Wanted, normalised
from bridge.client.link import retry_pauses
from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import Limits, Welcome
from bridge.protocol.session import DaemonSession
from tests.ports import free_port


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in (locations.TOKEN_VARIABLE, locations.TOKEN_FILE_VARIABLE, "LATENT_BRIDGE_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    (tmp_path / "config").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("8001", "ws://127.0.0.1:8001/v1"),
        ("localhost:8001", "ws://localhost:8001/v1"),
        ("127.0.0.1", "ws://127.0.0.1:47860/v1"),
        ("http://127.0.0.1:8001/", "ws://127.0.0.1:8001/v1"),
        ("ws://[::1]:8001", "ws://[::1]:8001/v1"),
        ("https://example.org:443", "wss://example.org:443/v1"),
        ("wss://example.org:8001/behind/proxy", "wss://example.org:8001/behind/proxy"),
    ],
)
def test_addresses_may_be_written_short(written, meant):
    assert normalised(written) == meant


@pytest.mark.parametrize(
    "written", ["", "ftp://127.0.0.1", "127.0.0.1:99999", "ws://", "ws://user:word@127.0.0.1", "wss://[::1:5"]
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(BridgeError) as caught:
        normalised(written)
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID_FIELD, "address")


@pytest.mark.parametrize(
    "written", ["example.org:80", "ws://192.168.0.7:8001", "http://10.0.0.1", "127.0.0.1.evil.org"]
)
def test_the_token_never_crosses_a_network_unencrypted(written):
    with pytest.raises(BridgeError) as caught:
        normalised(written)
    assert caught.value.code is ErrorCode.FORBIDDEN
    assert "wss://" in caught.value.hint


def test_the_running_daemon_is_found_through_its_discovery_file(home):
    token_file = home / "elsewhere"
    token_file.write_text("secret\n")
    locations.Discovery("ws://127.0.0.1:5/v1", 1, str(token_file)).write(locations.discovery_file())
    endpoint = Wanted().find()
    assert (endpoint.url, endpoint.token) == ("ws://127.0.0.1:5/v1", "secret")
    assert "secret" not in repr(endpoint)


def test_without_a_discovery_file_the_default_port_is_tried():
    assert Wanted().find().url == f"ws://127.0.0.1:{locations.DEFAULT_PORT}/v1"


@pytest.mark.parametrize("damaged", ["", "{", "[]", "3", '{"url": 1}', json.dumps({"pid": 4})])
def test_a_damaged_discovery_file_is_passed_over(home, damaged):
    locations.discovery_file().parent.mkdir()
    locations.discovery_file().write_text(damaged)
    assert Wanted().find().url == f"ws://127.0.0.1:{locations.DEFAULT_PORT}/v1"


def test_tokens_are_taken_from_the_nearest_source(home, monkeypatch):
    (home / "config" / "token").write_text("usual\n")
    assert Wanted().find().token == "usual"
    (home / "named").write_text("named\n")
    monkeypatch.setenv(locations.TOKEN_FILE_VARIABLE, str(home / "named"))
    assert Wanted().find().token == "named"
    (home / "argument").write_text("argument")
    assert Wanted(token_file=home / "argument").find().token == "argument"
    monkeypatch.setenv(locations.TOKEN_VARIABLE, "variable")
    assert Wanted(token_file=home / "argument").find().token == "variable"
    assert Wanted(token="given", token_file=home / "argument").find().token == "given"


def test_a_named_token_file_that_is_missing_is_an_error_and_the_usual_one_is_not(home):
    assert Wanted().find().token == ""
    with pytest.raises(BridgeError) as caught:
        Wanted(token_file=home / "nowhere").find()
    assert caught.value.code is ErrorCode.UNAUTHORISED


def test_no_daemon_is_said_with_the_way_to_start_one():
    with pytest.raises(BridgeError) as caught:
        connect(str(free_port()))
    assert caught.value.code is ErrorCode.NOT_CONNECTED
    assert "latent-bridge serve" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (HTTPStatus.UNAUTHORIZED, ErrorCode.UNAUTHORISED),
        (HTTPStatus.FORBIDDEN, ErrorCode.FORBIDDEN),
        (HTTPStatus.NOT_FOUND, ErrorCode.NOT_CONNECTED),
    ],
)
def test_a_refusal_at_the_door_is_told_by_its_name(scripted, token, status, code):
    scripted.refuse_with = status
    with pytest.raises(BridgeError) as caught:
        connect(scripted.address, token=token)
    assert caught.value.code is code
    assert caught.value.hint


def test_a_wrong_token_is_unauthorised(scripted):
    with pytest.raises(BridgeError) as caught:
        connect(scripted.address, token="wrong")
    assert caught.value.code is ErrorCode.UNAUTHORISED
    assert scripted.tokens == ["Bearer wrong"]


def test_a_program_that_is_no_web_server_is_told_from_a_daemon():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            peer, _ = server.accept()
            peer.sendall(b"220 mail.example.org ESMTP\r\n")
            peer.close()

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(BridgeError) as caught:
            connect(f"127.0.0.1:{server.getsockname()[1]}")
    assert caught.value.code is ErrorCode.NOT_CONNECTED
    assert "not a daemon" in caught.value.message


def test_the_token_and_the_port_are_looked_up_again_at_every_attempt(scripted, token, home):
    """After a restart the daemon may listen elsewhere with another token."""
    told: list[ErrorCode] = []
    refused = threading.Event()

    def note(connection) -> None:
        if connection.error is not None:
            told.append(connection.error.code)
            refused.set()

    settings = LinkSettings(first_retry=0.01, last_retry=0.05)
    with connect(wait=False, on_connection=note, settings=settings):
        assert refused.wait(10)
        (home / "config" / "token").write_text(token)
        locations.Discovery(f"ws://{scripted.address}/v1", 1).write(locations.discovery_file())
        assert scripted.accept().hello.versions == (1,)
    assert set(told) == {ErrorCode.NOT_CONNECTED}


def test_a_peer_that_went_silent_is_noticed_by_pings():
    """A half-open connection: the handshake is done and then nothing is ever read or answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers: list[socket.socket] = []

        def answer() -> None:
            peer, _ = server.accept()
            peers.append(peer)
            protocol, session = ServerProtocol(), DaemonSession(Limits())
            welcomed = False
            while not welcomed:
                protocol.receive_data(peer.recv(65536))
                for event in protocol.events_received():
                    if hasattr(event, "headers"):
                        protocol.send_response(protocol.accept(event))
                    else:
                        hello = session.receive(event.data)
                        welcome = Welcome(request_id=hello.request_id, version=1, daemon="silent")
                        protocol.send_binary(session.send(welcome))
                        welcomed = True
                for data in protocol.data_to_send():
                    peer.sendall(data)

        threading.Thread(target=answer, daemon=True).start()
        lost = threading.Event()
        settings = LinkSettings(ping_interval=0.1, ping_timeout=0.2, open_timeout=5)
        began = time.monotonic()
        with connect(
            f"127.0.0.1:{server.getsockname()[1]}",
            settings=settings,
            on_connection=lambda c: c.state is ConnectionState.DISCONNECTED and lost.set(),
        ):
            assert lost.wait(10)
        assert time.monotonic() - began >= 0.2
        peers[0].close()


def test_pauses_between_attempts_double_up_to_a_limit():
    pauses = retry_pauses(0.1, 5.0)
    drawn = [next(pauses) for _ in range(10)]
    for pause, longest in zip(drawn, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0], strict=True):
        assert 0.75 * longest <= pause <= longest
