import subprocess
import sys


def test_the_module_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "proxy", "--help"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("Usage: joch [OPTIONS] COMMAND [ARGS]...")
    assert [line.split()[0] for line in ran.stdout.split("Commands:\n")[1].splitlines()] == [
        "serve",
        "validate",
        "models",
        "route",
        "describe",
        "keys",
        "providers",
        "doctor",
        "version",
    ]
