"""The table of Fetch cases: every row of every source, joined.

``CASES`` are requests with their answers; ``LOAD_CASES`` are policies with what is said of them.
"""

from tests.cases.fetch_attacks import ATTACKS
from tests.cases.fetch_attacks_load import ATTACKS_LOAD
from tests.cases.fetch_case import Case, LoadCase, Stage
from tests.cases.fetch_gateway_api import GATEWAY_API
from tests.cases.fetch_kong import KONG, KONG_LOAD
from tests.cases.fetch_lists import LISTS
from tests.cases.fetch_load import LOAD
from tests.cases.fetch_modes import MODES
from tests.cases.fetch_policy import POLICY

__all__ = ["CASES", "LOAD_CASES", "Case", "LoadCase", "Stage"]

CASES: tuple[Case, ...] = (*GATEWAY_API, *KONG, *ATTACKS, *POLICY, *LISTS, *MODES)
LOAD_CASES: tuple[LoadCase, ...] = (*KONG_LOAD, *ATTACKS_LOAD, *LOAD)
