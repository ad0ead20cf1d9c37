"""Paths of an API as its clients have them."""

import pytest

from cors_gateway.messages.path_map import PathMap


@pytest.mark.parametrize(
    "prefix, base_path, path, expected",
    [
        pytest.param(b"/api", b"", b"/", b"/api/", id="the root of an API"),
        pytest.param(b"/api", b"", b"/a/b", b"/api/a/b", id="the prefix comes in front"),
        pytest.param(b"/api", b"", b"/api/a", b"/api/a", id="but not twice"),
        pytest.param(b"/api", b"", b"/api", b"/api", id="nor in front of itself"),
        pytest.param(b"/api", b"", b"/apix", b"/api/apix", id="a prefix is whole segments"),
        pytest.param(b"/api", b"", b"/API/a", b"/api/API/a", id="paths have a case"),
        pytest.param(b"/api", b"", b"//evil", b"/api//evil", id="slashes stay"),
        pytest.param(b"", b"/v1", b"/v1/a", b"/a", id="the base path is cut off"),
        pytest.param(b"", b"/v1", b"/v1", b"", id="nothing may be left"),
        pytest.param(b"", b"/v1", b"/v1//evil", b"//evil", id="what is left may begin with two slashes"),
        pytest.param(b"", b"/v1", b"/v10/a", b"/v10/a", id="a base path is whole segments"),
        pytest.param(b"", b"/v1", b"/a", b"/a", id="what is beside the base path stays"),
        pytest.param(b"/api", b"/v1", b"/v1/a", b"/api/a", id="one for the other"),
        pytest.param(b"/api", b"/v1", b"/v1", b"/api", id="one for the other, alone"),
        pytest.param(b"/api", b"/v1", b"/a", b"/api/a", id="the prefix without a base path"),
        pytest.param(
            b"/api", b"/v1", b"/v1/api/a", b"/api/api/a", id="below the base path nothing is the client's"
        ),
        pytest.param(b"/api", b"/api", b"/api/a", b"/api/a", id="the same on both sides"),
        pytest.param(b"/api", b"/api", b"/a", b"/a", id="the same on both sides, beside it"),
        pytest.param(b"", b"", b"/a", b"/a", id="nothing on either side"),
    ],
)  # fmt: skip
def test_how_a_path_of_the_api_begins_for_a_client(
    prefix: bytes, base_path: bytes, path: bytes, expected: bytes
) -> None:
    assert PathMap(prefix, base_path).to_client(path) == expected


@pytest.mark.parametrize(
    "prefix, base_path, expected",
    [
        (b"", b"", True),
        (b"/a", b"/a", True),
        (b"/a", b"", False),
        (b"", b"/a", False),
    ],
)
def test_whether_paths_change_at_all(prefix: bytes, base_path: bytes, expected: bool) -> None:
    assert PathMap(prefix, base_path).is_identity is expected
