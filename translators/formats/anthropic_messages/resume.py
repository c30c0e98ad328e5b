"""Going on where a turn of the provider's own tools was paused: the answer so far goes back as the last turn, as it came.

Source: https://platform.claude.com/docs/en/api/handling-stop-reasons#pause-turn
"""

from __future__ import annotations

from translators.canonical import Request, Response, Transform
from translators.formats import Wire

from .caching import Marks
from .messages import Messages


def resume(body: Wire, response: Response) -> Wire:
    """The next body: `body` as it was first sent, with all that came so far as the assistant's turn at its end."""
    transforms: list[Transform] = []
    rendering = Messages(Request(messages=()), Marks(transforms), transforms)
    came = rendering.answer(response.choices[0].message.blocks, "answer")
    messages: list[Wire] = body["messages"]
    if messages[-1]["role"] == "assistant":  # the client began the answer itself
        turns = [*messages[:-1], {**messages[-1], "content": [*messages[-1]["content"], *came]}]
    else:
        turns = [*messages, {"role": "assistant", "content": came}]
    following: Wire = {**body, "messages": turns}
    container = response.extensions.get("container")
    if isinstance(container, dict) and isinstance(container.get("id"), str):
        following["container"] = container["id"]
    return following
