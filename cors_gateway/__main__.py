"""``python -m cors_gateway``: the command, wherever its script was not installed."""

import sys

from cors_gateway.cli.main import main

sys.exit(main())
