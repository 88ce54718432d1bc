"""The daemon as a program: how it starts, whom it lets in, how it ends. None of this waits for the engine."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bridge.daemon.config import Settings
from bridge.daemon.server import open_listener
from bridge.protocol import locations
from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import Error, Ping, Submit
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage
from bridge.protocol.wire import encode_message
from tests.daemon.peer import Peer


def handshake_status(daemon, **headers: str) -> int:
    """The HTTP status with which the daemon answers a websocket handshake."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    upgrade = {
        "Host": f"127.0.0.1:{daemon.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    connection.putrequest("GET", locations.WEBSOCKET_PATH, skip_host=True)
    for name, value in upgrade.items():
        if value:
            connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_health_answers_without_a_token(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    connection.request("GET", "/health")
    answer = connection.getresponse()
    assert answer.status == 200
    assert json.loads(answer.read())["service"] == "latent-bridge"


def test_the_token_opens_the_door(daemon):
    assert handshake_status(daemon, Authorization=f"Bearer {daemon.token}") == 101


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer"])
def test_no_token_or_a_wrong_one_is_refused_at_the_handshake(daemon, authorization):
    assert handshake_status(daemon, Authorization=authorization) == 401


def test_a_refusal_is_logged_with_its_reason_and_without_alarm(daemon):
    assert handshake_status(daemon, Authorization="") == 401
    log = daemon.log_file.read_text()
    assert "The token is missing or wrong." in log
    assert "without completing handshake" not in log


def test_a_foreign_host_is_refused_at_the_handshake(daemon):
    headers = {"Authorization": f"Bearer {daemon.token}", "Host": f"evil.example:{daemon.port}"}
    assert handshake_status(daemon, **headers) == 403


def test_a_foreign_origin_is_refused_at_the_handshake(daemon):
    headers = {"Authorization": f"Bearer {daemon.token}", "Origin": "https://evil.example"}
    assert handshake_status(daemon, **headers) == 403


def test_an_origin_on_the_list_is_let_in(daemon_factory):
    daemon = daemon_factory("--allow-origin", "http://localhost:3000")
    headers = {"Authorization": f"Bearer {daemon.token}", "Origin": "http://localhost:3000"}
    assert handshake_status(daemon, **headers) == 101
    daemon.stop()


def test_nothing_but_the_two_paths_exists(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    connection.request("GET", "/", headers={"Authorization": f"Bearer {daemon.token}"})
    assert connection.getresponse().status == 404


def test_the_daemon_tells_what_it_can_do(daemon):
    with Peer(daemon.url, daemon.token) as peer:
        assert peer.welcome.models[0].id == "bridge-textures"
        assert set(peer.welcome.tasks) == {
            "text-to-image",
            "image-to-image",
            "inpaint",
            "outpaint",
            "upscale",
            "surface-maps",
        }
        assert peer.welcome.limits.steps == 150
        assert "euler" in peer.welcome.schedulers


def test_it_listens_before_torch_is_imported(daemon_factory):
    daemon = daemon_factory()
    with Peer(daemon.url, daemon.token):
        pass
    maps = f"/proc/{daemon.process.pid}/maps"
    if os.path.exists(maps):
        with open(maps) as file:
            assert not re.search(r"libtorch|numpy", file.read())
    daemon.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_its_engine(daemon_factory, number):
    daemon = daemon_factory()
    with Peer(daemon.url, daemon.token):
        log = daemon.log_file.read_text()
        assert daemon.stop(number) == 0
    pids = [int(pid) for pid in re.findall(r"engine started\s+pid=(\d+)", log + daemon.log_file.read_text())]
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert locations.read_discovery(daemon.home / "runtime" / locations.DISCOVERY_NAME) is None
    assert "Traceback" not in daemon.log_file.read_text()


def second_start(daemon, home, port):
    return subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", "serve", "--port", str(port)],
        env={**os.environ, "LATENT_BRIDGE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_start_on_the_same_port_says_who_is_there(daemon, tmp_path):
    answer = second_start(daemon, daemon.home, daemon.port)
    assert answer.returncode != 0
    assert "bridge daemon is there already" in answer.stderr
    assert str(daemon.process.pid) in answer.stderr
    assert "Traceback" not in answer.stderr


def test_another_program_on_the_port_is_named_as_such(daemon, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        answer = second_start(daemon, tmp_path, other.getsockname()[1])
    assert answer.returncode != 0
    assert "Cannot listen" in answer.stderr
    assert "--port" in answer.stderr


def test_it_refuses_to_listen_beyond_this_machine_without_tls(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", "serve", "--host", "0.0.0.0", "--port", "0"],
        env={**os.environ, "LATENT_BRIDGE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode != 0
    assert "TLS" in answer.stderr


def test_a_token_file_that_others_can_read_is_refused(tmp_path):
    token = tmp_path / "config" / "token"
    token.parent.mkdir()
    token.write_text("x" * 43)
    token.chmod(0o644)
    answer = second_start(None, tmp_path, 0)
    assert answer.returncode != 0
    assert "chmod 600" in answer.stderr


def test_a_client_that_sends_text_is_told_and_dropped(daemon):
    with connect(daemon.url, additional_headers={"Authorization": f"Bearer {daemon.token}"}, proxy=None) as socket_:
        socket_.send("hello?")
        assert b"bad_frame" in socket_.recv(timeout=10)


def test_a_silent_handshake_does_not_keep_anybody_waiting(daemon):
    silent = connect(daemon.url, additional_headers={"Authorization": f"Bearer {daemon.token}"}, proxy=None)
    began = time.monotonic()
    with Peer(daemon.url, daemon.token) as peer:
        assert peer.welcome
    assert time.monotonic() - began < 5
    silent.close()


def test_without_the_path_there_is_no_conversation(daemon):
    with pytest.raises(InvalidStatus):
        connect(
            daemon.url.replace("/v1", "/v2"), additional_headers={"Authorization": f"Bearer {daemon.token}"}, proxy=None
        )


def test_a_half_open_connection_is_noticed_by_ping(daemon_factory):
    daemon = daemon_factory("--ping-interval", "0.2")
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as silent:
        silent.sendall(
            f"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {daemon.token}\r\n\r\n".encode()
        )
        received = b""
        while chunk := silent.recv(65536):  # ends when the daemon gives up on a peer that never answers a ping
            received += chunk
    assert received.startswith(b"HTTP/1.1 101")
    assert b"keepalive ping timeout" in received
    daemon.stop()


def test_limits_are_configurable_and_announced(daemon_factory):
    daemon = daemon_factory("--max-steps", "7", "--max-megapixels", "1", "--max-queue", "2", "--max-images", "3")
    with Peer(daemon.url, daemon.token) as peer:
        limits = peer.welcome.limits
        assert (limits.steps, limits.pixels, limits.queued_jobs, limits.images) == (7, 1_000_000, 2, 3)
    daemon.stop()


def test_a_message_beyond_the_limit_is_refused_by_name_and_the_connection_lives_on(daemon_factory):
    daemon = daemon_factory("--max-message-mb", "1")
    with Peer(daemon.url, daemon.token) as peer:
        image = Picture(640, 640, PixelFormat.RGBA8, bytes(640 * 640 * 4))
        peer.socket.send(encode_message(Submit(request_id=9, job_id="large", task=ImageToImage(image=image))))
        refused = peer.receive()
        assert isinstance(refused, Error)
        assert (refused.request_id, refused.error.code) == (9, ErrorCode.MESSAGE_TOO_LARGE)
        assert peer.ask(Ping).engine
    daemon.stop()


def test_small_messages_do_not_wait_for_each_other():
    with open_listener(Settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "asyncio sets TCP_NODELAY on connections of such listeners only"
