"""Frames survive the way there and back; anything else is a typed error."""

import struct
import zlib

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.errors import ErrorCode, ProtocolError
from bridge.protocol.frames import ALIGNMENT, MAX_BLOBS, MAX_HEADER_BYTES, decode_frame, encode_frame

from .strategies import plain_values

headers = st.dictionaries(st.text(max_size=5).filter(lambda key: key != "blobs"), plain_values, max_size=3)
blob_lists = st.lists(st.binary(max_size=200), max_size=4)


def framed(packed_header: bytes) -> bytes:
    """A frame with a correct checksum around any header bytes."""
    checked = struct.pack("<4sHHI", b"LtBr", 1, 0, len(packed_header))
    return checked + struct.pack("<I", zlib.crc32(packed_header, zlib.crc32(checked))) + packed_header


@given(headers, blob_lists)
def test_what_is_encoded_is_decoded(header, blobs):
    frame = decode_frame(encode_frame(header, blobs))
    assert frame.header == header
    assert [bytes(blob) for blob in frame.blobs] == blobs


@given(headers, blob_lists)
def test_every_blob_starts_at_a_multiple_of_the_alignment(header, blobs):
    data = encode_frame(header, blobs)
    whole = np.frombuffer(data, np.uint8)
    for view in decode_frame(data).blobs:
        if view.nbytes:
            offset = np.frombuffer(view, np.uint8).ctypes.data - whole.ctypes.data
            assert offset % ALIGNMENT == 0


@given(headers, blob_lists, st.data())
def test_any_truncation_is_a_typed_error(header, blobs, data):
    whole = encode_frame(header, blobs)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ProtocolError):
        decode_frame(whole[:cut])


@given(headers, blob_lists, st.data())
def test_a_flipped_bit_outside_the_pixels_is_a_typed_error(header, blobs, data):
    whole = bytearray(encode_frame(header, blobs))
    (length,) = struct.unpack_from("<I", whole, 8)
    bit = data.draw(st.integers(0, (16 + length) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProtocolError):
        decode_frame(bytes(whole))


@given(headers, blob_lists, st.data())
def test_a_flipped_bit_anywhere_never_changes_the_header(header, blobs, data):
    whole = bytearray(encode_frame(header, blobs))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    try:
        frame = decode_frame(bytes(whole))
    except ProtocolError:
        return
    assert frame.header == header
    assert sum(bytes(a) != b for a, b in zip(frame.blobs, blobs, strict=True)) == 1


@given(st.binary(max_size=300))
def test_random_bytes_are_a_typed_error(data):
    with pytest.raises(ProtocolError):
        decode_frame(data)


@given(st.binary(max_size=300))
def test_random_headers_with_a_right_checksum_give_a_frame_or_a_typed_error(packed):
    try:
        frame = decode_frame(framed(packed))
    except ProtocolError as error:
        assert error.code is ErrorCode.BAD_FRAME
    else:
        assert all(isinstance(key, str) for key in frame.header)


@pytest.mark.parametrize(
    "packed",
    [
        b"\x81" * 100_000,  # maps in maps
        b"\x91" * 100_000,  # lists in lists
        b"\xdd\xff\xff\xff\xff",  # a list that says it has four thousand million items
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        (b"\xdc\x0f\xff" * 5000),  # lists of 4095 items, each the first item of the one before
        msgpack.packb({1: "number as key", "blobs": []}),
        msgpack.packb([]),
        msgpack.packb({"no": "blobs"}),
        msgpack.packb({"blobs": [-1]}),
        msgpack.packb({"blobs": [True]}),
        msgpack.packb({"blobs": [2**63]}),
        msgpack.packb({"blobs": [0] * (MAX_BLOBS + 1)}),
        msgpack.packb({"x": msgpack.ExtType(5, b"x"), "blobs": []}),
        msgpack.packb({"x": msgpack.Timestamp(0), "blobs": []}),
    ],
)
def test_hostile_headers_are_a_typed_error(packed):
    with pytest.raises(ProtocolError):
        decode_frame(framed(packed))


def test_a_header_that_is_too_large_is_refused_on_both_sides():
    with pytest.raises(ProtocolError):
        encode_frame({"text": "x" * MAX_HEADER_BYTES})
    with pytest.raises(ProtocolError):
        decode_frame(framed(msgpack.packb({"text": "x" * MAX_HEADER_BYTES, "blobs": []})))


def test_a_newer_layout_is_named_as_such():
    data = bytearray(encode_frame({}))
    data[4] = 2
    with pytest.raises(ProtocolError) as caught:
        decode_frame(bytes(data))
    assert caught.value.code is ErrorCode.UNSUPPORTED_VERSION


def test_blobs_are_views_of_the_received_bytes():
    data = encode_frame({}, [b"pixels"])
    assert decode_frame(data).blobs[0].obj is data
