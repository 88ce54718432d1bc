"""Each end refuses what the other may not say in the present state."""

import pytest

from bridge.protocol.errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from bridge.protocol.messages import (
    Error,
    ErrorInfo,
    Goodbye,
    Hello,
    Limits,
    Ping,
    Pong,
    Submit,
    Welcome,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.session import ClientSession, DaemonSession, State
from bridge.protocol.tasks import ImageToImage
from bridge.protocol.wire import encode_message

SECRET = "a-secret-of-the-client"
HELLO = Hello(request_id=0, versions=(1,), session=SECRET)
WELCOME = Welcome(request_id=0, version=1, daemon="test")


def opened(limits: Limits | None = None) -> tuple[ClientSession, DaemonSession]:
    """Two ends that have greeted each other."""
    client, daemon = ClientSession(), DaemonSession(limits or Limits())
    daemon.receive(client.send(HELLO))
    client.receive(daemon.send(Welcome(request_id=0, version=1, daemon="test", limits=daemon.limits)))
    return client, daemon


def test_a_greeting_opens_both_ends():
    client, daemon = opened()
    assert (client.state, daemon.state) == (State.OPEN, State.OPEN)
    assert daemon.secret == SECRET
    assert daemon.receive(client.send(Ping(request_id=1))) == Ping(request_id=1)
    assert client.receive(daemon.send(Pong(request_id=1))) == Pong(request_id=1)


@pytest.mark.parametrize("message", [Ping(request_id=1), WELCOME, Pong(request_id=1)])
def test_the_daemon_hears_nothing_before_hello(message):
    with pytest.raises(ProtocolError):
        DaemonSession(Limits()).receive(encode_message(message))


def test_a_second_hello_is_out_of_turn():
    _, daemon = opened()
    with pytest.raises(ProtocolError) as caught:
        daemon.receive(encode_message(HELLO))
    assert caught.value.code is ErrorCode.UNEXPECTED_MESSAGE


def test_an_unknown_version_is_refused_with_a_hint():
    daemon = DaemonSession(Limits())
    with pytest.raises(ProtocolError) as caught:
        daemon.receive(encode_message(Hello(request_id=0, versions=(99,), session=SECRET)))
    assert caught.value.code is ErrorCode.UNSUPPORTED_VERSION
    assert caught.value.hint


def test_a_newer_client_that_still_speaks_version_1_is_welcome():
    daemon = DaemonSession(Limits())
    daemon.receive(encode_message(Hello(request_id=0, versions=(2, 1), session=SECRET)))
    assert daemon.state is State.GREETED


def test_a_short_session_secret_is_refused():
    with pytest.raises(InvalidMessage):
        DaemonSession(Limits()).receive(encode_message(Hello(request_id=0, versions=(1,), session="short")))


def test_the_client_speaks_only_when_welcomed():
    client = ClientSession()
    with pytest.raises(ProtocolError):
        client.send(Ping(request_id=1))
    client.send(HELLO)
    with pytest.raises(ProtocolError):
        client.send(Ping(request_id=1))


def test_neither_end_accepts_its_own_kind_of_message():
    client, daemon = opened()
    with pytest.raises(ProtocolError):
        client.receive(encode_message(Ping(request_id=1)))
    with pytest.raises(ProtocolError):
        daemon.receive(encode_message(Pong(request_id=1)))


def test_a_message_beyond_the_limit_is_refused_and_the_conversation_goes_on():
    client, daemon = opened(Limits(message_bytes=1 << 16))
    image = Picture(200, 200, PixelFormat.RGBA8, bytes(160_000))
    large = Submit(request_id=5, job_id="a", task=ImageToImage(image=image))
    with pytest.raises(BridgeError) as told_before_sending:
        client.send(large)
    with pytest.raises(InvalidMessage) as told_by_the_daemon:
        daemon.receive(encode_message(large))
    assert told_before_sending.value.code is told_by_the_daemon.value.code is ErrorCode.MESSAGE_TOO_LARGE
    assert told_by_the_daemon.value.request_id == 5
    assert daemon.receive(client.send(Ping(request_id=6))) == Ping(request_id=6)


def test_a_goodbye_ends_the_conversation():
    client, daemon = opened()
    goodbye = Goodbye(error=ErrorInfo(ErrorCode.BAD_FRAME, "nonsense"))
    assert client.receive(daemon.send(goodbye)) == goodbye
    assert (client.state, daemon.state) == (State.CLOSED, State.CLOSED)
    with pytest.raises(ProtocolError):
        daemon.receive(encode_message(Ping(request_id=1)))


def test_an_error_may_answer_a_hello():
    client, daemon = ClientSession(), DaemonSession(Limits())
    client.send(HELLO)
    error = Error(request_id=0, error=ErrorInfo(ErrorCode.INVALID_FIELD, "no"))
    assert client.receive(daemon.send(error)) == error
