"""The add-on's worker thread: whatever breaks on it, what comes later still runs. Without Blender and daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blender_addon.connection import Answered, Connection, ConnectionChanged, Happening, SubmitFailed
from blender_addon.daemon_choice import DaemonChoice


@pytest.fixture
def connection(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """One that never reaches a daemon."""
    monkeypatch.setenv("LATENT_BRIDGE_HOME", str(tmp_path))
    connection = Connection("test", "secret")
    connection.open(DaemonChoice())
    yield connection
    connection.close()


def next_of(connection: Connection, kind: type) -> Happening:
    """The next happening of a kind."""
    while not isinstance(happening := connection.inbox.get(timeout=20), kind):
        pass
    return happening


def breaks() -> None:
    """As a rasteriser does that has too little memory."""
    raise MemoryError("rasteriser")


def test_a_task_that_cannot_be_built_fails_its_job_and_no_other(connection: Connection):
    connection.submit("a", breaks)
    failed = next_of(connection, SubmitFailed)
    assert (failed.job_id, failed.error.message) == ("a", "There is not enough memory for this.")
    connection.submit("b", lambda: {}["no such key"])
    failed = next_of(connection, SubmitFailed)
    assert failed.job_id == "b"
    assert "KeyError" in failed.error.message


def test_a_picture_that_cannot_be_prepared_fails_its_job(connection: Connection):
    connection._on_event(type("Job", (), {"id": "a"}), _broken_result())
    assert next_of(connection, SubmitFailed).job_id == "a"


def _broken_result():
    from blender_addon.vendored import messages

    return object.__new__(messages.JobResult)  # without any field: worse than what a daemon can send


def test_what_breaks_in_the_background_is_answered_and_what_is_unguarded_passes_by(connection: Connection):
    connection._work.put(breaks)
    connection.in_background(breaks, print, "j")
    answered = next_of(connection, Answered)
    assert (answered.job_id, answered.error.message) == ("j", "There is not enough memory for this.")
    connection.in_background(lambda: 3, print)
    assert next_of(connection, Answered).value == 3


def test_an_address_that_breaks_the_client_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("blender_addon.connection.load_client", breaks)
    connection = Connection("test", "secret")
    connection.open(DaemonChoice())
    try:
        assert next_of(connection, ConnectionChanged).error is not None
        connection.in_background(lambda: 3, print)
        assert next_of(connection, Answered).value == 3
    finally:
        connection.close()
