"""`python -m chaos.mutant_worker`: a worker that is broken in the way that CHAOS_MUTATION names, and else the real one."""

import os
import sys

from chaos.mutations import MUTATIONS
from palier_tiers.__main__ import start

VARIABLE = "CHAOS_MUTATION"
COMMAND = [sys.executable, "-m", "chaos.mutant_worker"]

if __name__ == "__main__":
    MUTATIONS[os.environ[VARIABLE]]()
    start()
