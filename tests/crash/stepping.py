"""The steps of a run that one dies at: each in turn, or with EVPOP_STRIDE one in
so many, beginning anywhere, so that runs differ.
"""

import os
import random

STRIDE = int(os.environ.get("EVPOP_STRIDE", "1"))


def numbers(first, end):
    return range(first + random.randrange(STRIDE), end, STRIDE)
