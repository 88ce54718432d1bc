"""The generated documents are up to date and right."""

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from bridge.protocol.frames import decode_frame
from bridge.protocol.reference import DOCS, render_markdown, render_schema
from bridge.protocol.schema import protocol_schema, task_schemas
from bridge.protocol.vocabulary import MESSAGE_TYPES
from bridge.protocol.wire import encode_message

from .strategies import instances

VALIDATOR = jsonschema.Draft202012Validator(protocol_schema())


@pytest.mark.parametrize(
    ("name", "render"), [("protocol.md", render_markdown), ("protocol.schema.json", render_schema)]
)
def test_the_committed_document_is_what_the_code_says(name, render):
    assert (DOCS / name).read_text(encoding="utf-8") == render(), (
        "stale: run `python -m bridge.protocol.reference` and commit the result"
    )


def test_the_schema_is_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(protocol_schema())
    for schema in task_schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("cls", MESSAGE_TYPES.values(), ids=lambda cls: cls.type)
def test_every_message_that_the_code_writes_fits_the_schema(cls):
    @given(instances(cls))
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    def fits(message):
        header = dict(decode_frame(encode_message(message)).header)
        VALIDATOR.validate(json.loads(json.dumps(header)))

    fits()


def test_the_schema_refuses_what_the_code_refuses():
    body = {"request_id": 1, "job_id": "a", "task": {"kind": "text-to-image", "steps": 0}}
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"type": "submit", "body": body})


def test_every_message_and_task_is_described():
    text = render_markdown()
    for name in [*MESSAGE_TYPES, *task_schemas()]:
        assert f"### `{name}`" in text
