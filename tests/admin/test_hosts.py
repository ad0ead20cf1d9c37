import pytest

from cors_gateway.admin.hosts import HostError, check_host
from tests.admin.admin_rig import FILE, Admin, Seen, sees_answer
from tests.admin.conftest import StartAdmin
from tests.explain.asking import configured

LISTED = frozenset({"admin.example.com"})


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1:9901", id="an address and a port"),
        pytest.param("10.0.0.7", id="an address"),
        pytest.param("[::1]:9901", id="an IPv6 address"),
        pytest.param("localhost:9901", id="localhost"),
        pytest.param("LocalHost", id="in any case"),
        pytest.param("gateway.localhost", id="a name below localhost"),
        pytest.param("gateway:9901", id="a name without dots"),
        pytest.param("admin.example.com:9901", id="a listed name"),
        pytest.param("ADMIN.example.com.", id="a listed name in another spelling"),
    ],
)
def test_a_name_that_no_stranger_can_own_passes(host: str) -> None:
    check_host([host], LISTED)


@pytest.mark.parametrize(
    "hosts, status",
    [
        pytest.param(["evil.example"], 403, id="a stranger's name"),
        pytest.param(["127.0.0.1.nip.io:9901"], 403, id="a name that begins like an address"),
        pytest.param(["localhost.evil.example"], 403, id="a name that begins like localhost"),
        pytest.param(["evillocalhost.com"], 403, id="a name that holds localhost"),
        pytest.param(["www.evillocalhost"], 403, id="a name that ends like localhost"),
        pytest.param(["sub.admin.example.com"], 403, id="a name below a listed one"),
        pytest.param(["1.2.3"], 403, id="what is no whole address"),
        pytest.param([], 400, id="none"),
        pytest.param(["localhost", "localhost"], 400, id="two"),
        pytest.param([""], 400, id="an empty one"),
        pytest.param(["localhost:99999"], 400, id="no port"),
        pytest.param(["evil.example@localhost"], 400, id="user information"),
        pytest.param(["localhost, evil.example"], 400, id="a list"),
        pytest.param(["löcalhost"], 400, id="not ASCII"),
        pytest.param(["localhost\udcff"], 400, id="not UTF-8"),
    ],
)
def test_any_other_does_not(hosts: list[str], status: int) -> None:
    with pytest.raises(HostError) as refused:
        check_host(hosts, LISTED)

    assert refused.value.status == status


async def test_the_refusal_names_the_key_and_repeats_nothing(admin: Admin) -> None:
    answer = await admin.answers("/config", host="evil.example")

    assert answer.status == 403
    assert "admin.hosts" in answer.text
    assert "evil" not in answer.text


async def test_a_listed_name_is_that_of_the_configuration(start_admin: StartAdmin) -> None:
    listed = configured(FILE + "admin: {hosts: [Admin.Example.com]}\n")
    admin = await start_admin(Seen(loaded=listed))

    assert (await admin.answers("/livez", host="admin.example.com:9901")).status == 200
    assert (await admin.answers("/livez", host="other.example.com:9901")).status == 403


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"GET /livez HTTP/1.1\r\n\r\n", id="no Host"),
        pytest.param(b"GET /livez HTTP/1.0\r\n\r\n", id="no Host in HTTP/1.0"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", id="two Hosts"),
        pytest.param(b"GET http://h/livez HTTP/1.1\r\nHost: h\r\n\r\n", id="a whole URL"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n", id="a Host with a space"),
    ],
)
async def test_a_request_that_does_not_say_clearly_whom_it_asks_gets_400(
    admin: Admin, lines: bytes
) -> None:
    client = await admin.connects()

    await client.sends(lines)

    assert (await sees_answer(client))[0] == 400
