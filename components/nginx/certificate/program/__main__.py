"""Berth: the certificate of this host's site."""

import sys

from keeper import main

sys.exit(main(sys.argv[1:]))
