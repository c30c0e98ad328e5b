"""What the answer must look like, as members of `generationConfig`.

`responseJsonSchema` is understood by both of Google's endpoints; its successor `responseFormat` by Vertex alone (google-genai 3.6:
"not supported in Gemini API"). Source: https://ai.google.dev/gemini-api/docs/structured-output
"""

from __future__ import annotations

from translators.canonical import OutputSpec, Transform
from translators.formats import Wire

from .refusing import unsupported
from .schema import normalise


def render_output(output: OutputSpec, transforms: list[Transform]) -> Wire:
    """The members that ask for `output`; none for plain text. Raises `UpstreamError(UNSUPPORTED)` for grammars."""
    if output.kind == "text":
        return {}
    if output.kind == "grammar":
        raise unsupported("a grammar", "response_format")
    wire: Wire = {"responseMimeType": "application/json"}
    if output.schema is not None:
        found = normalise(output.schema, "output.schema")
        schema = found.schema
        transforms += found.changes
        if output.description is not None and "description" not in schema:
            schema = {**schema, "description": output.description}
            transforms.append(Transform("output.description", "mapped", "it became the description of the schema"))
        elif output.description is not None:
            transforms.append(Transform("output.description", "dropped", "the schema describes itself"))
        wire["responseJsonSchema"] = schema
    elif output.description is not None:
        transforms.append(Transform("output.description", "dropped", "there is no schema to describe"))
    if output.name is not None:
        transforms.append(Transform("output.name", "dropped", "the schema alone constrains the answer"))
    if output.strict is not None:
        transforms.append(Transform("output.strict", "dropped", "a schema is always kept to, and checked afterwards"))
    return wire
