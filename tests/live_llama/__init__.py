"""A real engine behind joch: llama.cpp's server with a tiny model of random weights, spoken to with the openai SDK.

`make live-llama` runs it; pytest does not collect it. The model says nothing sensible, but its answers have real tokens,
real grammars, real usage and real errors.

    __main__     starts everything, runs the checks, prints the report
    engine       finds llama-server or builds it, writes the model, starts and ends servers
    tiny_model   writes the model; runs in an environment of its own that has gguf and numpy
    checks       what is asked through joch, and what must be true of the answers
"""
