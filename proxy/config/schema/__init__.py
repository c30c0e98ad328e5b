"""What each kind's `spec` may hold, as pydantic models. The only place that imports pydantic.

A field that this version reads and checks but does not act on carries a `Mark`; taking the mark away is part of making
the field work, so these files always say what is true.
"""
