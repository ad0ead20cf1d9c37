"""``python -m cors_gateway``: the command, wherever its script was not installed."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs it from its source was not asked by pip
    sys.exit("cors-gateway: Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2])  # noqa: UP031

from cors_gateway.cli.main import main

sys.exit(main())
