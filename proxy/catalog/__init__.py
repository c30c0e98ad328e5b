"""What is known of models without asking anybody: capabilities, limits, prices, lifecycle. Vendored files and look-ups.

    data/        one JSON file per provider, each figure with its source and the day it was true; shipped with the package
    table        reading a file, and which of its rows an id means
    entry        a row as a frozen record
    informing    a Model record with what it leaves out filled in

A model that no row names is unknown, and unknown is not no. Nothing here decides, asks or fetches; a figure that an
operator writes always wins. Files are read when first needed.
"""

from .entry import Entry
from .informing import find, informed, priced
from .table import version

__all__ = ["Entry", "find", "informed", "priced", "version"]
