"""Transactions are whole, in order, and not disturbed by whoever stops waiting."""

import asyncio
import sqlite3
import time

import pytest

from bridge.daemon.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY)"


def insert(*words):
    def write(connection):
        for word in words:
            connection.execute("INSERT INTO words VALUES (?)", (word,))

    return write


def all_words(connection):
    return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY rowid")]


@pytest.fixture
async def database(tmp_path):
    opened = await Database.open(tmp_path / "a.sqlite", SCHEMA)
    yield opened
    await opened.close()


async def test_work_runs_in_the_order_in_which_it_was_asked_for(database):
    await asyncio.gather(*(database.run(insert(f"{number}")) for number in range(50)))
    assert await database.run(all_words) == [f"{number}" for number in range(50)]


async def test_an_error_undoes_the_whole_transaction_and_the_next_one_works(database):
    with pytest.raises(sqlite3.IntegrityError):
        await database.run(insert("moss", "brick", "moss"))
    await database.run(insert("sand"))
    assert await database.run(all_words) == ["sand"]


async def test_work_whose_caller_was_cancelled_is_done_as_a_whole_though_it_had_not_begun(database):
    before = asyncio.ensure_future(database.run(lambda _: time.sleep(0.05)))
    waiting = asyncio.ensure_future(database.run(insert("moss", "brick")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(before, waiting, return_exceptions=True)
    assert await database.run(all_words) == ["moss", "brick"]


async def test_a_second_process_cannot_open_it(database, tmp_path):
    await database.run(insert("moss"))
    with pytest.raises(sqlite3.OperationalError):
        await Database.open(tmp_path / "a.sqlite", SCHEMA)


async def test_what_is_no_database_is_an_error(tmp_path):
    (tmp_path / "b.sqlite").write_bytes(b"moss" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        await Database.open(tmp_path / "b.sqlite", SCHEMA)
