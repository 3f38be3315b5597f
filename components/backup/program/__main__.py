"""'berth-backup VERB' and 'berth-copy VERB': Python runs this directory."""

import sys

import copying
import verbs

words = sys.argv[1:]
sys.exit(copying.main(words) if words[:1] in (["copy-here"], ["copy-clean"]) else verbs.main(words))
