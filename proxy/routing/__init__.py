"""Which route a name means and which candidates a request may use, in which order and why.

Decisions are pure: configuration, needs and the state of candidates in; a route or a plan with every rejection's reason out.
The state itself is kept here too, by machines without a clock or I/O of their own.
"""

from .affinity import Affinity
from .condition import WELL, Condition
from .health import Health
from .plan import Moment, Plan, Size, Spent, again, decide, plan
from .quotas import Quotas
from .resolve import Resolver
from .retries import RetryShare
from .survey import GATES, Candidate, Skip, Survey, Terms, survey

__all__ = [
    "GATES",
    "WELL",
    "Affinity",
    "Candidate",
    "Condition",
    "Health",
    "Moment",
    "Plan",
    "Quotas",
    "Resolver",
    "RetryShare",
    "Size",
    "Skip",
    "Spent",
    "Survey",
    "Terms",
    "again",
    "decide",
    "plan",
    "survey",
]
