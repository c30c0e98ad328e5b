"""The fault suite: what an unmodified OpenAI SDK sees, and what the event log says, when things go wrong.

Faults are numbered as in the catalogue of the reliability design, sections 2.2 to 2.5 and 2.7: A connecting, B before the
response's headers, C whole bodies, D streams, F requests. Every fault is a row of a table or a test marked with its id;
`python -m tests.faults` counts them. A fault is survived when every test that carries its id passes.

Real sockets on both sides; joch runs in this process; time limits are made short by the configuration, never by waiting.
"""
