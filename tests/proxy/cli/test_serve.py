import socket
import subprocess
import sys
from pathlib import Path

from .running import NOBODY, joch, write

CONFIG = """\
apiVersion: joch.dev/v1alpha1
kind: RouterSettings
metadata: { name: default }
spec: { listen: { port: 9123 }, aliases: { "gpt-*": main } }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: echo }
spec: { provider: demo }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: claude }
spec: { provider: anthropic, limits: { contextWindowTokens: 1 }, pricing: { inputPerMillionTokens: 1, outputPerMillionTokens: 1 } }
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: { name: main }
spec: { strategy: { primary: echo, fallback: [claude] } }
"""

SERVED = """\
listen  http://127.0.0.1:9124
route   main -> demo:echo, anthropic:claude
alias   gpt-* -> main
model   demo:echo -> echo
model   anthropic:claude -> claude  (cannot serve: ANTHROPIC_API_KEY is not set)
"""


def test_check_prints_what_would_be_served_and_leaves(folder: Path) -> None:
    write(folder / "c.yaml", CONFIG)
    ran = joch("serve", "-f", "c.yaml", "--check", "--port", "9124")
    assert (ran.exit_code, ran.stdout) == (0, SERVED)
    assert "W-SECRET-UNRESOLVED" in ran.stderr


def test_check_without_a_configuration_shows_what_was_found(folder: Path) -> None:
    ran = joch("serve", "--check", env={"OPENAI_API_KEY": "canary-value"})
    assert ran.exit_code == 0
    assert ran.stdout.startswith("listen  http://127.0.0.1:8083\nmodel   demo:echo -> echo\n")
    assert "\nmodels  openai:*  gpt-* " in ran.stdout
    assert "canary-value" not in ran.output


def test_a_broken_configuration_is_exit_code_2_with_its_lines(folder: Path) -> None:
    write(folder / "c.yaml", CONFIG.replace("primary: echo", "primary: ecko"))
    ran = joch("serve", "-f", "c.yaml", "--check")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "c.yaml:19:30  E-REF  ModelRoute/default/main  spec.strategy.primary" in ran.stderr
    assert "did you mean echo?" in ran.stderr


def test_a_port_in_use_is_one_line_and_exit_code_1(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "proxy", "serve", "--port", str(port)],
            cwd=folder,
            env={"OLLAMA_HOST": NOBODY, "PATH": "", "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ran.returncode == 1
    assert ran.stderr == f"joch: cannot listen on 127.0.0.1:{port}: the port is in use\n"


def test_local_takes_a_model_or_nothing(folder: Path) -> None:
    assert "alias   * -> demo:echo" in joch("serve", "--check", "--local", "demo:echo").stdout
    ran = joch("serve", "--check", "--local")
    assert ran.exit_code == 2
    assert "flag --local  E-REF" in ran.stderr


def test_the_start_waits_for_neither_rich_nor_pydantic() -> None:
    script = (
        "import sys; from proxy.cli import command; import proxy.cli.serve, proxy.serve; "
        "print([name for name in ('rich', 'httpx', 'pydantic', 'yaml') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
