"""The device is lent for a time, and comes back by itself."""

import asyncio

import pytest

from bridge.daemon.loan import Loan


async def test_nothing_is_lent_at_first():
    loan = Loan()
    assert loan.remaining == 0
    await asyncio.wait_for(loan.over(), 1)


async def test_a_loan_ends_by_itself():
    loan = Loan()
    loan.begin(0.05)
    assert 0 < loan.remaining <= 0.05
    await asyncio.wait_for(loan.over(), 5)
    assert loan.remaining == 0


async def test_the_newest_word_counts():
    loan = Loan()
    loan.begin(0.02)
    loan.begin(60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(loan.over(), 0.1)
    assert loan.remaining > 50
    loan.begin(0)
    await asyncio.wait_for(loan.over(), 1)
