"""Which route a name means and which candidates a request may use, in which order and why.

Pure decisions: configuration, needs and the state of candidates in; a route or a plan with every rejection's reason out.
"""

from .plan import Candidate, Plan, Skip, plan
from .resolve import Resolver
from .rests import Rests

__all__ = ["Candidate", "Plan", "Resolver", "Rests", "Skip", "plan"]
