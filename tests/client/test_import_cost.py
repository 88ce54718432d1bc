"""The client is light, and runs where hosts run it: any Python from 3.10, nothing compiled."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest
import websockets

from tests.interpreters import interpreters

ROOT = Path(__file__).resolve().parents[2]

HEAVY = {"numpy", "PIL", "torch", "click", "rich", "bridge.daemon", "bridge.engine", "bridge.cli", "asyncio"}

LOOK = """
import json, sys
import bridge.client
print(json.dumps(sorted(sys.modules)))
"""

CONVERSE = """
import sys
sys.path[:0] = sys.argv[1:3]
import msgpack
assert msgpack.Unpacker.__module__.endswith("fallback"), msgpack.Unpacker
try:
    import websockets.speedups
except ImportError:
    pass
else:
    raise SystemExit("compiled speedups are there")
from bridge.client import connect
with connect(sys.argv[3], token=sys.argv[4]) as bridge:
    pixels = bytes(range(256)) * 4096
    layer = bridge.edit((pixels, 512, 512, "rgba8"), "moss", timeout=60)
    assert bytes(layer.picture.pixels) == pixels, "the picture came back changed"
assert not {"numpy", "PIL", "torch"} & set(sys.modules)
print("ok", "%d.%d" % sys.version_info[:2])
"""


def test_importing_the_client_brings_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, cwd=ROOT)
    modules = set(json.loads(done.stdout))
    assert "websockets.sync.client" in modules
    assert not HEAVY & modules


@pytest.fixture(scope="module")
def pure(tmp_path_factory) -> Path:
    """A folder with the client's two dependencies, without anything compiled, as plugins carry them."""
    folder = tmp_path_factory.mktemp("pure")
    for module in (msgpack, websockets):
        source = Path(module.__file__).parent
        ignored = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "*.pyi", "__pycache__")
        shutil.copytree(source, folder / source.name, ignore=ignored)
    return folder


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: Path(path).name)
def test_a_job_runs_on_every_python_with_nothing_compiled(python, pure, scripted, token, make_layer):
    from bridge.protocol.messages import JobFinished, JobResult
    from bridge.protocol.tasks import Layer

    # `-I -S`: no site packages, so that only what is in `pure` can be found.
    command = [python, "-I", "-S", "-c", CONVERSE, str(pure), str(ROOT), scripted.address, token]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    daemon = scripted.accept()
    submit = daemon.accept_job()
    daemon.send(JobResult(job_id=submit.job_id, seq=1, layer=Layer(picture=submit.task.image)))
    daemon.send(JobFinished(job_id=submit.job_id, seq=2))
    out, error = process.communicate(timeout=60)
    assert out.startswith("ok"), error
