"""A third party's provider package, as a wheel: what somebody else would publish, made here without any build tool.

It offers two providers in the entry-point group `joch.providers`: `parrot` answers in canonical terms by itself,
`parrot-http` is a record for a server that speaks chat completions. Nothing in this repository knows either of them.
"""

import base64
import hashlib
import zipfile
from pathlib import Path

PACKAGE = "joch_parrot"
VERSION = "1.0"

_MODULE = '''
"""A provider made by somebody else."""

from translators.canonical import CapabilitySet, Choice, Finish, HealthSignal, Message, Response, Text, Usage, unfold
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.providers.provider import AdapterProvider, Provider

CAPABILITIES = CapabilitySet(flags={"text": True, "streaming": True})


class Parrot:
    def __init__(self, facts):
        self.model = facts.model

    def capabilities(self):
        return CAPABILITIES

    async def respond(self, request):
        said = "".join(block.text for block in request.messages[-1].blocks if isinstance(block, Text))
        message = Message("assistant", (Text(f"{said} {said}"),))
        return Response(
            id="",
            model=self.model,
            choices=(Choice(index=0, message=message, finish=Finish.STOP),),
            usage=Usage(input=1, output=2),
        )

    async def stream(self, request):
        for chunk in unfold(await self.respond(request)):
            yield chunk

    async def health(self):
        return HealthSignal(status="healthy")


PARROT = AdapterProvider(name="parrot", capabilities=CAPABILITIES, build=Parrot, models=("grey",))

PARROT_HTTP = Provider(
    name="parrot-http",
    formats=(CHAT,),
    paths={"openai_chat": "/chat/completions", "models": "/models"},
    capabilities=CAPABILITIES,
    key_env=("PARROT_API_KEY",),
)
'''

_FILES = {
    f"{PACKAGE}/__init__.py": _MODULE.lstrip(),
    f"{PACKAGE}-{VERSION}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: joch-parrot\nVersion: {VERSION}\n",
    f"{PACKAGE}-{VERSION}.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: joch-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    f"{PACKAGE}-{VERSION}.dist-info/entry_points.txt": (
        f"[joch.providers]\nparrot = {PACKAGE}:PARROT\nparrot-http = {PACKAGE}:PARROT_HTTP\n"
    ),
}


def build_wheel(folder: Path) -> Path:
    """Writes the wheel into `folder` (https://packaging.python.org/specifications/binary-distribution-format/)."""
    wheel = folder / f"{PACKAGE}-{VERSION}-py3-none-any.whl"
    record = f"{PACKAGE}-{VERSION}.dist-info/RECORD"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in _FILES.items():
            archive.writestr(name, text)
        lines = [f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in _FILES.items()]
        archive.writestr(record, "\n".join([*lines, f"{record},,"]) + "\n")
    return wheel


def install_wheel(folder: Path) -> Path:
    """Builds the wheel and unpacks it as an installer would. What is returned belongs on PYTHONPATH."""
    site = folder / "site"
    with zipfile.ZipFile(build_wheel(folder)) as archive:
        archive.extractall(site)
    return site


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
