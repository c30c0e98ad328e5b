"""Each of the endpoints at which a machine on Azure gets its tokens."""

from pathlib import Path

import pytest

from proxy.secrets.managed_identity import managed_identity
from proxy.secrets.token_endpoint import TokenEndpoints, TokenError
from tests.support.scripted import Received, ScriptedServer, Step, whole

from .services import SCOPE, granting, query, refusing

RESOURCE = "https://ai.azure.com"


class Asking:
    """`managed_identity` with waits that are only counted."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def __call__(self, env: dict[str, str], client_id: str | None = None, **options) -> str:
        async def sleep(seconds: float) -> None:
            self.waited.append(seconds)

        endpoints = TokenEndpoints()
        try:
            return (await managed_identity(endpoints, env, client_id, SCOPE, sleep=sleep, **options)).token
        finally:
            await endpoints.close()


@pytest.fixture
def ask() -> Asking:
    return Asking()


def imds(services: ScriptedServer, name: str, *scripts) -> dict[str, str]:
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": services.script(name, *scripts)}


async def test_imds_answers_with_numbers_that_are_text(services: ScriptedServer) -> None:
    env = imds(services, "imds", granting(expires_in="86399", expires_on="1795500000", resource=RESOURCE))
    endpoints = TokenEndpoints()
    got = await managed_identity(endpoints, env, "of-the-user", SCOPE)
    await endpoints.close()
    assert (got.token, got.lifetime) == ("token-1", 86399.0)
    (request,) = services.of("imds")
    assert request.path.startswith("/imds/metadata/identity/oauth2/token?")
    assert query(request) == {"api-version": "2018-02-01", "resource": RESOURCE, "client_id": "of-the-user"}
    assert request.headers["metadata"] == "true"


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        (404, [0.8, 1.6, 3.2, 6.4]),
        (429, [0.8, 1.6, 3.2, 6.4]),
        (500, [0.8, 1.6, 3.2, 6.4]),
        (410, [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 25.6]),
    ],
)
async def test_imds_is_given_time(services: ScriptedServer, ask: Asking, status: int, waits: list[float]) -> None:
    passing = refusing(status, "unknown")
    assert await ask(imds(services, f"busy{status}", passing, passing, granting())) == "token-1"
    assert ask.waited == waits[:2]
    ask.waited.clear()
    with pytest.raises(TokenError, match=f"status {status}"):
        await ask(imds(services, f"gone{status}", passing))
    assert ask.waited == waits
    assert sum(waits) >= 70 or status != 410


@pytest.mark.parametrize(
    ("script", "words", "fault"),
    [
        (refusing(400, "invalid_request", "Identity not found"), "has no managed identity", "not_set_up"),
        (refusing(400, "invalid_resource", "AADSTS500011: …"), "AADSTS500011", "refused"),
        (
            refusing(403, "x", "A socket operation was attempted to an unreachable network"),
            "from this container",
            "not_set_up",
        ),
        ([whole(200, {"expires_in": "1"})], "without a token", "unreachable"),
    ],
)
async def test_what_imds_refuses(services: ScriptedServer, ask: Asking, script, words: str, fault: str) -> None:
    with pytest.raises(TokenError, match=words) as caught:
        await ask(imds(services, f"no-{fault}-{len(words)}", script))
    assert caught.value.fault == fault
    assert ask.waited == []


async def test_a_machine_that_is_not_on_azure_says_so(ask: Asking) -> None:
    with pytest.raises(TokenError, match="This machine has no managed identity") as caught:
        await ask({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"})
    assert caught.value.fault == "not_set_up"


async def test_app_service_and_container_apps(services: ScriptedServer, ask: Asking) -> None:
    url = services.script("app", granting(expires_in=None, expires_on="9999999999"))
    env = {"IDENTITY_ENDPOINT": f"{url}/msi/token", "IDENTITY_HEADER": "proof"}
    assert await ask(env, "of-the-user") == "token-1"
    (request,) = services.of("app")
    assert query(request) == {"api-version": "2019-08-01", "resource": RESOURCE, "client_id": "of-the-user"}
    assert request.headers["x-identity-header"] == "proof"
    assert "metadata" not in request.headers


async def test_machine_learning(services: ScriptedServer, ask: Asking) -> None:
    url = services.script("ml", granting())
    assert await ask({"MSI_ENDPOINT": f"{url}/token", "MSI_SECRET": "proof"}, "of-the-user") == "token-1"
    (request,) = services.of("ml")
    assert query(request) == {"api-version": "2017-09-01", "resource": RESOURCE, "clientid": "of-the-user"}
    assert request.headers["secret"] == "proof"


async def test_service_fabric_is_said_to_be_missing(ask: Asking) -> None:
    env = {"IDENTITY_ENDPOINT": "https://x", "IDENTITY_HEADER": "h", "IDENTITY_SERVER_THUMBPRINT": "t"}
    with pytest.raises(TokenError, match="Service Fabric is not supported"):
        await ask(env)


# --- Azure Arc --------------------------------------------------------------------------------------------------------


def challenging(realm: str):
    """Arc's two steps: a challenge with the name of a file, then a token for its content."""

    def answer(request: Received) -> list[Step]:
        if request.headers.get("authorization") == "Basic proof-of-root":
            return granting()(request)
        return [whole(401, {}, WWW_Authenticate=f"Basic realm={realm}")]

    return answer


async def test_arc_proves_that_it_may_read_a_file(services: ScriptedServer, ask: Asking, tmp_path: Path) -> None:
    (tmp_path / "one.key").write_text("proof-of-root")
    url = services.script("arc", challenging(str(tmp_path / "one.key")))
    env = {"IDENTITY_ENDPOINT": f"{url}/token", "IMDS_ENDPOINT": "http://x"}
    assert await ask(env, arc_keys=tmp_path) == "token-1"
    first, second = services.of("arc")
    assert query(first) == query(second) == {"api-version": "2020-06-01", "resource": RESOURCE}
    assert first.headers["metadata"] == second.headers["metadata"] == "true"
    with pytest.raises(TokenError, match="no user-assigned identities"):
        await ask(env, "of-the-user", arc_keys=tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/passwd", "where none may be"),
        ("{keys}/../stolen.key", "where none may be"),
        ("{keys}/sub/one.key", "where none may be"),
        ("{keys}/one.txt", "where none may be"),
        ("", "where none may be"),
        ("{keys}/absent.key", "cannot be read"),
        ("{keys}/large.key", "too large"),
        ("{keys}/lines.key", "holds no key"),
    ],
)
async def test_arc_cannot_have_just_any_file_read(
    services: ScriptedServer, ask: Asking, tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "stolen.key").write_text("proof-of-root")
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "large.key").write_text("x" * 5000)
    (keys / "lines.key").write_text("a\nb: c")
    url = services.script("thief", challenging(name.format(keys=keys)))
    services.requests.clear()
    with pytest.raises(TokenError, match=words):
        await ask({"IDENTITY_ENDPOINT": f"{url}/t", "IMDS_ENDPOINT": "http://x"}, arc_keys=keys)
    assert len(services.of("thief")) == 1
