"""Set before anything of the product is imported."""

import os

os.environ["JOCH_FROZEN"] = "1"  # records are really immutable here, see translators/canonical/value.py
