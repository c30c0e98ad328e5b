"""Who calls, in which execution, and what it may name. Decides from headers, records and keyed hashes; does no I/O.

No prompt and no key is kept. The server asks; routing, budgets and explanations read the `Identity`.
"""

from .access import default_route, route_name, visible
from .context import Callers, split_path
from .executions import Executions
from .identity import ANONYMOUS, Identity
from .keys import bearer, digest_of, key_id, missing_key, recognise, wrong_key

__all__ = [
    "ANONYMOUS",
    "Callers",
    "Executions",
    "Identity",
    "bearer",
    "default_route",
    "digest_of",
    "key_id",
    "missing_key",
    "recognise",
    "route_name",
    "split_path",
    "visible",
    "wrong_key",
]
