"""Bytes and values in, bytes and values out.

No I/O, no clock, no randomness, no decisions about where a call goes. Time, ids and keys are arguments. The layers,
lowest first (an import may only point down; `.importlinter` holds it):

    canonical   the hub: what a request, a response and a streamed chunk mean, whatever the wire
    formats     wire formats: how a request is spelled (openai_chat, openai_responses, ollama_chat, ...)
    providers   who serves it: base URL, formats, path, auth, capability upper bound, quirks
    exchange    how the bytes of one attempt cross: Verbatim, Patched, Translated

A wire format is not a provider, and formats do not know each other: every pair meets in `canonical`.
"""
