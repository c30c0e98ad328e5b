"""What answers: a Model record bound to its provider, its key and the upstream client.

The gateway knows one thing only, a `Binding`: `prepare` an attempt, `send` it, read the `Answer`. `WireBinding` serves every
provider reached over HTTP, with the byte lanes of `translators.exchange`; `DirectBinding` serves adapters that answer in
canonical terms themselves. `WireAdapter` is the four-member `ProviderAdapter` over a wire binding, for whoever wants
canonical answers (the conformance runner, tests, other Python code). None of them retries.
"""

from .binding import Answer, Asked, Binding, Prepared
from .bindings import Bindings
from .direct import DirectBinding
from .wire import WireAdapter, WireBinding

__all__ = ["Answer", "Asked", "Binding", "Bindings", "DirectBinding", "Prepared", "WireAdapter", "WireBinding"]
