"""The host that the bench has made, and what is deployed to it."""

import json
import os
from pathlib import Path

hosts = [tuple(json.loads(Path(os.environ["BENCH_INVENTORY"]).read_text()))]
