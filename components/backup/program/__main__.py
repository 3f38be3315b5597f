"""'berth-backup VERB': Python runs this directory."""

import sys

from verbs import main

sys.exit(main(sys.argv[1:]))
