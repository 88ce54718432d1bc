"""Messages survive the way there and back; bad ones are refused by name, and the connection may live on."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.protocol import planes
from bridge.protocol.errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from bridge.protocol.frames import decode_frame, encode_frame
from bridge.protocol.messages import Ping, Submit
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, TextToImage
from bridge.protocol.vocabulary import MESSAGE_TYPES
from bridge.protocol.wire import decode_message, encode_message, may_be_packed

from .strategies import instances, messages, plain_values

relaxed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


@pytest.mark.parametrize("cls", MESSAGE_TYPES.values(), ids=lambda cls: cls.type)
def test_every_message_survives_the_wire(cls):
    @given(instances(cls))
    @settings(relaxed, max_examples=15)
    def survives(message):
        assert decode_message(encode_message(message)) == message

    survives()


@given(messages(), st.data())
@relaxed
def test_a_truncated_message_is_a_typed_error(message, data):
    whole = encode_message(message)
    with pytest.raises(ProtocolError):
        decode_message(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(messages(), st.data())
@relaxed
def test_a_flipped_bit_gives_a_typed_error_or_other_pixels_and_nothing_else(message, data):
    whole = bytearray(encode_message(message))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(ProtocolError):
        assert type(decode_message(bytes(whole))) is type(message)


@given(st.sampled_from(sorted(MESSAGE_TYPES)), plain_values)
@relaxed
def test_any_body_gives_a_message_or_a_typed_error(name, body):
    data = encode_frame({"type": name, "body": body})
    try:
        assert decode_message(data).type == name
    except InvalidMessage as error:
        assert error.message


@given(messages(), st.data())
@relaxed
def test_a_value_of_another_type_in_any_field_is_a_typed_error_or_harmless(message, data):
    frame = decode_frame(encode_message(message))
    body = dict(frame.header["body"])
    if not body:
        return
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(plain_values)
    try:
        decode_message(encode_frame({**frame.header, "body": body}, frame.blobs))
    except InvalidMessage as error:
        assert error.code in (ErrorCode.INVALID_FIELD, ErrorCode.BAD_MESSAGE)


def submit(**fields):
    task = {"kind": "text-to-image", "prompt": "moss", **fields}
    return encode_frame({"type": "submit", "body": {"request_id": 7, "job_id": "a", "task": task}})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"steps": 0}, "task.steps"),
        ({"steps": 2.5}, "task.steps"),
        ({"steps": True}, "task.steps"),
        ({"guidance_scale": float("nan")}, "task.guidance_scale"),
        ({"guidance_scale": float("inf")}, "task.guidance_scale"),
        ({"seed": -1}, "task.seed"),
        ({"seed": 2**32}, "task.seed"),
        ({"prompt": 5}, "task.prompt"),
        ({"prompt": "x" * 9000}, "task.prompt"),
        ({"width": 1}, "task.width"),
        ({"result_format": "jpeg"}, "task.result_format"),
        ({"kind": "make-coffee"}, "task.kind"),
        ({"kind": ["inpaint"]}, "task.kind"),
        ({"kind": "image-to-image"}, "task.image"),
        ({"kind": "image-to-image", "image": {"blob": 0, "width": 1, "height": 1, "format": "gray8"}}, "task.image"),
    ],
)
def test_a_refusal_names_the_field_and_the_request(fields, field):
    with pytest.raises(InvalidMessage) as caught:
        decode_message(submit(**fields))
    assert caught.value.field == field
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert caught.value.request_id == 7


def test_unknown_fields_are_ignored_so_that_newer_peers_may_say_more():
    message = decode_message(submit(sparkle=11))
    assert message == Submit(request_id=7, job_id="a", task=TextToImage(prompt="moss"))


def test_an_unknown_message_is_refused_and_not_fatal():
    with pytest.raises(InvalidMessage) as caught:
        decode_message(encode_frame({"type": "dance", "body": {"request_id": 3}}))
    assert (caught.value.code, caught.value.request_id) == (ErrorCode.BAD_MESSAGE, 3)


@pytest.mark.parametrize(
    ("width", "height", "nbytes"), [(2, 2, 15), (2, 2, 17), (0, 2, 0), (65537, 1, 65537 * 4), (2**40, 2**40, 4)]
)
def test_a_picture_whose_size_does_not_fit_its_pixels_is_refused(width, height, nbytes):
    description = {"width": width, "height": height, "format": "rgba8", "blob": 0}
    body = {"request_id": 1, "job_id": "a", "task": {"kind": "image-to-image", "image": description}}
    with pytest.raises(InvalidMessage) as caught:
        decode_message(encode_frame({"type": "submit", "body": body}, [bytes(nbytes)]))
    assert caught.value.field == "task.image"


def test_pixels_are_not_copied_on_arrival():
    pixels = bytes(range(256)) * 4
    task = ImageToImage(image=Picture(16, 16, PixelFormat.RGBA8, pixels))
    data = encode_message(Submit(request_id=1, job_id="a", task=task))
    assert decode_message(data).task.image.pixels.obj is data


def test_what_has_no_plain_form_is_refused_before_it_is_sent():
    with pytest.raises(BridgeError):
        encode_message(Ping(request_id=object()))


class AlwaysPacking:
    """Packs whatever there is, as on the slowest of links."""

    def pack(self, picture):
        return planes.packed(picture)


def damaged(message, change):
    """A message with packed pixels whose frame was changed by `change(header body, blobs)`."""
    frame = decode_frame(encode_message(message, packing=AlwaysPacking()))
    header, blobs = dict(frame.header), [bytes(blob) for blob in frame.blobs]
    change(header["body"]["task"]["image"], blobs)
    return encode_frame(header, blobs)


PACKED = Submit(
    request_id=7,
    job_id="a",
    task=ImageToImage(prompt="moss", image=Picture(20, 10, PixelFormat.RGB8, bytes(range(200)) * 3)),
)


@given(messages())
@relaxed
def test_every_message_survives_packing(message):
    assert decode_message(encode_message(message, packing=AlwaysPacking())) == message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda picture, blobs: blobs.__setitem__(0, blobs[0][:-3]), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: blobs.__setitem__(0, blobs[0] + b"!"), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: blobs.__setitem__(0, b"moss"), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(height=11), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(height=9), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(width=0), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(width="wide"), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(format="cmyk8"), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(encoding="zstd"), ErrorCode.INVALID_FIELD),
        (lambda picture, blobs: picture.update(width=65536, height=65536), ErrorCode.MESSAGE_TOO_LARGE),
    ],
)
def test_packed_pixels_that_make_no_sense_cost_that_message_alone(change, code):
    with pytest.raises(InvalidMessage) as caught:
        decode_message(damaged(PACKED, change))
    assert (caught.value.code, caught.value.field, caught.value.request_id) == (code, "task.image", 7)


def test_packed_pictures_may_together_only_have_so_many_bytes():
    data = encode_message(PACKED, packing=AlwaysPacking())
    assert decode_message(data, most_unpacked=600) == PACKED
    with pytest.raises(InvalidMessage) as caught:
        decode_message(data, most_unpacked=599)
    assert caught.value.code is ErrorCode.MESSAGE_TOO_LARGE


def test_packed_pixels_are_seen_in_a_message_before_it_is_read():
    assert may_be_packed(encode_message(PACKED, packing=AlwaysPacking()))
    assert not may_be_packed(encode_message(PACKED))
    assert not may_be_packed(b"short")
