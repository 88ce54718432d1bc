"""Interactive before batch, and sessions share the device by seconds."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.daemon.jobqueue import FairQueue


def filled(*entries: str) -> FairQueue[str]:
    """A queue of jobs written as `owner:priority-initial:name`."""
    queue: FairQueue[str] = FairQueue()
    for entry in entries:
        owner, priority, name = entry.split(":")
        queue.push(name, owner, {"i": "interactive", "b": "batch"}[priority], name)
    return queue


def drained(queue: FairQueue[str]) -> list[str]:
    """Everything in the order in which it comes out, nobody being charged."""
    out = []
    while (job := queue.pop()) is not None:
        out.append(job)
    return out


def test_one_session_is_served_in_order():
    assert drained(filled("ann:i:1", "ann:i:2", "ann:i:3")) == ["1", "2", "3"]


def test_interactive_jobs_go_first():
    assert drained(filled("ann:b:1", "bob:b:2", "ann:i:3")) == ["3", "1", "2"]


def test_a_session_that_has_used_more_waits():
    queue = filled("ann:i:a", "bob:i:b")
    queue.charge("ann", 5.0)
    assert drained(queue) == ["b", "a"]


def test_sharing_is_by_seconds_and_not_by_number_of_jobs():
    queue = filled(*[f"ann:i:large{n}" for n in range(4)], *[f"bob:i:small{n}" for n in range(40)])
    seconds = {"ann": 10.0, "bob": 1.0}
    order = []
    while (job := queue.pop()) is not None:
        owner = "ann" if job.startswith("large") else "bob"
        queue.charge(owner, seconds[owner])
        order.append(owner)
    between = "".join("A" if owner == "ann" else "b" for owner in order).strip("b").split("A")[1:-1]
    assert [len(run) for run in between] == [10, 10, 10]


def test_absence_earns_no_credit():
    queue = filled("ann:i:warm-up")
    queue.charge("ann", 50.0)
    queue.pop()
    for name in ("ann1", "ann2", "bob1", "bob2"):
        queue.push(name, name[:3], "interactive", name)
    order = []
    while (job := queue.pop()) is not None:
        queue.charge(job[:3], 1.0)
        order.append(job)
    assert order == ["ann1", "bob1", "ann2", "bob2"], "bob was away and may not catch up on ann's fifty seconds"


def test_the_order_is_known_before_anything_runs():
    queue = filled("ann:i:1", "ann:i:2", "bob:i:3", "bob:b:4")
    assert queue.in_order() == ["1", "3", "2", "4"]


def test_a_removed_job_does_not_come_out():
    queue = filled("ann:i:1", "ann:i:2")
    assert queue.remove("1") == "1"
    assert queue.remove("1") is None
    assert drained(queue) == ["2"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["interactive", "batch"]), st.floats(0, 9))))
def test_every_job_comes_out_once_and_nobody_overtakes_within_a_session(jobs):
    queue: FairQueue[int] = FairQueue()
    for number, (owner, priority, used) in enumerate(jobs):
        queue.push(str(number), owner, priority, number)
        queue.charge(owner, used)
    assert sorted(queue.in_order()) == list(range(len(jobs)))
    out = []
    while (job := queue.pop()) is not None:
        out.append(job)
    assert sorted(out) == list(range(len(jobs)))
    for owner in "abc":
        for priority in ("interactive", "batch"):
            own = [number for number in out if jobs[number][:2] == (owner, priority)]
            assert own == sorted(own)
