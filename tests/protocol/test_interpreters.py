"""The protocol runs on every Python that a host brings, with msgpack in pure Python as well as in C."""

import os
import shutil
import subprocess
from pathlib import Path

import msgpack
import pytest

from tests.interpreters import interpreters

ROOT = Path(__file__).resolve().parents[2]

EXERCISE = """
import sys, random
from bridge.protocol.errors import ProtocolError
from bridge.protocol.frames import decode_frame, encode_frame
from bridge.protocol.messages import Submit
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage
from bridge.protocol.wire import decode_message, encode_message
import msgpack
assert msgpack.Unpacker.__module__.endswith("fallback"), msgpack.Unpacker
message = Submit(request_id=1, job_id="a", task=ImageToImage(image=Picture(2, 2, PixelFormat.RGBA8, bytes(16))))
data = encode_message(message)
assert decode_message(data) == message
rng = random.Random(5)
for _ in range(3000):
    broken = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    for candidate in (bytes(broken), bytes(broken[: rng.randrange(len(broken))])):
        try:
            decode_message(candidate)
        except ProtocolError:
            pass
import struct, zlib
for packed in (b"\\x91" * 100000, b"\\x81" * 100000, b"\\xdd\\xff\\xff\\xff\\xff", b"\\xc1", bytes(range(256))):
    checked = struct.pack("<4sHHI", b"LtBr", 1, 0, len(packed))
    try:
        decode_frame(checked + struct.pack("<I", zlib.crc32(packed, zlib.crc32(checked))) + packed)
    except ProtocolError:
        continue
    raise SystemExit("a hostile header was accepted")
assert not {"numpy", "PIL", "torch"} & set(sys.modules)
print("ok", sys.version.split()[0])
"""


@pytest.fixture(scope="module")
def pure_msgpack(tmp_path_factory):
    """A folder with msgpack's Python files and nothing compiled."""
    folder = tmp_path_factory.mktemp("pure")
    source = Path(msgpack.__file__).parent
    shutil.copytree(source, folder / "msgpack", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    return folder


@pytest.mark.parametrize("python", interpreters())
def test_the_codec_is_as_safe_on_pure_python(python, pure_msgpack):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(pure_msgpack), str(ROOT)])}
    environment.pop("COVERAGE_PROCESS_START", None)
    # -S: nothing but the standard library and the two folders above, as in a host program.
    answer = subprocess.run(
        [python, "-S", "-c", EXERCISE], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("ok")
