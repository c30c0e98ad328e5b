"""What chat and Responses share on their way in: media in data URLs, names of tools, schemas of strict mode."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from proxy.conformance.simulators import schemas
from proxy.conformance.simulators.fields import fields

from .saying_no import No

Wire = dict[str, Any]
_MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}
_FUNCTION = fields("type name description parameters strict defer_loading allowed_callers output_schema async")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def check_image(url: Any, at: str, no: No, *, fetches: bool = True) -> None:
    """An image by URL or data URL. `fetches`: whether the server fetches addresses itself."""
    if not isinstance(url, str):
        raise no.refuse(f"Invalid type for '{at}': expected a string.", param=at, code="invalid_type")
    if not url.startswith("data:"):
        if not fetches or not url.startswith(("http://", "https://")):
            raise no.refuse(f"Invalid '{at}': expected a base64-encoded data URL with an image MIME type.", param=at)
        return
    mime, raw = _decoded(url, at, no)
    magic = _MAGIC.get(mime)
    if magic is None or not raw.startswith(magic):
        raise no.refuse(
            "You uploaded an unsupported image. Please make sure your image is valid and has of one the following formats: "
            "['png', 'jpeg', 'gif', 'webp'].",
            param=at,
            code="image_parse_error",
        )


def check_file(data: Any, filename: Any, at: str, no: No) -> None:
    """A file in a data URL."""
    if not isinstance(data, str) or not data.startswith("data:"):
        raise no.refuse(
            f"Invalid file data: '{at}'. Expected a base64-encoded data URL with a valid file MIME type (e.g. "
            "'data:text/plain;base64,SGVsbG8sIFdvcmxkIQ==').",
            param=at,
            code="invalid_value",
        )
    if not filename:
        raise no.refuse(
            f"Missing required parameter: '{at.rpartition('.')[0]}.filename'.", code="missing_required_parameter"
        )
    mime, raw = _decoded(data, at, no)
    if mime == "application/pdf" and not raw.startswith(b"%PDF"):
        raise no.refuse("The file could not be read as a PDF.", param=at, code="invalid_value")


def _decoded(url: str, at: str, no: No) -> tuple[str, bytes]:
    head, comma, data = url.removeprefix("data:").partition(",")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not comma or not head.endswith(";base64") or not raw:
        raise no.refuse(f"Invalid '{at}': expected a base64-encoded data URL.", param=at, code="invalid_base64")
    return head.removesuffix(";base64"), raw


def check_function(function: Wire, at: str, no: No, *, strict: bool) -> None:
    """The declaration of a function, in either API."""
    if not NAME.match(str(function.get("name", ""))):
        raise no.refuse(
            f"Invalid '{at}.name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            param=f"{at}.name",
            code="invalid_value",
        )
    extra = set(function) - _FUNCTION
    if extra:
        raise no.unknown(f"{at}.{min(extra)}")
    parameters = function.get("parameters")
    if parameters is None:
        return
    found = schemas.openai_strict(parameters) if strict else None
    if found is None and parameters.get("type") != "object":
        found = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{parameters.get('type')}\"'."
    if found is not None:
        raise no.refuse(
            f"Invalid schema for function '{function['name']}': {found}",
            param=f"{at}.parameters",
            code="invalid_function_parameters",
        )


def check_format(form: Wire, at: str, no: No) -> None:
    """A json_schema as `response_format.json_schema` or `text.format`."""
    if not NAME.match(str(form.get("name", ""))):
        raise no.refuse(
            f"Invalid '{at}.name': string does not match pattern.", param=f"{at}.name", code="invalid_value"
        )
    extra = set(form) - {"type", "name", "description", "schema", "strict"}
    if extra:
        raise no.unknown(f"{at}.{min(extra)}")
    found = schemas.openai_strict(form.get("schema")) if form.get("strict") else None
    if found is not None:
        raise no.refuse(f"Invalid schema for response_format '{form['name']}': {found}", param=at.partition(".")[0])
