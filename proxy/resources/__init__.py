"""What configuration means: frozen records, whole and resolved. No YAML, no defaults to look up, no I/O.

`config` makes them, everything else reads them. A call keeps the `Snapshot` it started with, so a reload is all old or
all new to it. Fields and defaults follow the configuration reference in docs/.
"""

from .identities import EFFECTS, Agent, ClientKey, Environment, Team, Tool
from .models import ZONES, Auth, Clocks, Model, Pricing, Rates, SecretRef, SecretSource, Tier, Zone
from .routes import Access, Constraints, Failover, ModelRoute, Retry, RouteEntry
from .settings import (
    RESIDENCY_RULES,
    ContextField,
    Estimation,
    HealthSettings,
    ProviderSettings,
    Residency,
    ResidencyRule,
    Settings,
    ToolGateway,
)
from .snapshot import Snapshot

__all__ = [
    "EFFECTS",
    "RESIDENCY_RULES",
    "ZONES",
    "Access",
    "Agent",
    "Auth",
    "ClientKey",
    "Clocks",
    "Constraints",
    "ContextField",
    "Environment",
    "Estimation",
    "Failover",
    "HealthSettings",
    "Model",
    "ModelRoute",
    "Pricing",
    "ProviderSettings",
    "Rates",
    "Residency",
    "ResidencyRule",
    "Retry",
    "RouteEntry",
    "SecretRef",
    "SecretSource",
    "Settings",
    "Snapshot",
    "Team",
    "Tier",
    "Tool",
    "ToolGateway",
    "Zone",
]
