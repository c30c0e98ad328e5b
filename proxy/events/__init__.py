"""What happened, as records: the envelope, the payloads of the model-call events, and the sinks they go to.

Events never carry prompts, outputs, keys or URLs with credentials. Emitting costs an append; writing happens elsewhere.
"""

from .envelope import Event, Scope, process_event
from .sinks import EventLog, JsonLines, Sink

__all__ = ["Event", "EventLog", "JsonLines", "Scope", "Sink", "process_event"]
