"""`joch route`: where the calls of an execution went, and why."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click

from proxy.explain import as_text, table
from proxy.explain.text import HEADERS

from . import output
from .asking import NOT_FOUND, ask
from .flags import output_option, server_option

_NUMBERS = ("ATTEMPTS", "STATUS", "COST USD", "MS")


@click.command("route")
@click.argument("execution", metavar="EXECUTION")
@click.option("--explain", is_flag=True, help="every candidate with its verdict, instead of a table of calls")
@click.option("--call", "call_id", metavar="ID", help="one call, by the id in its x-request-id header")
@click.option("--last", type=click.IntRange(1, 1000), default=10, show_default=True, help="so many calls, newest first")
@click.option("--route", "route", default="-", metavar="NAME", help="only calls of this route")
@click.option("--failed", is_flag=True, help="only calls that failed")
@click.option("--why-not", metavar="REF", help="only the candidate REF, with what would have picked it")
@server_option
@output_option
def command(
    execution: str,
    call_id: str | None,
    last: int,
    route: str,
    why_not: str | None,
    server: str | None,
    style: str,
    *,
    explain: bool,
    failed: bool,
) -> None:
    """Show the calls of EXECUTION ("-" for any), or with --explain why each went where it went."""
    wanted = {
        "last": str(last),
        **({"execution": execution} if execution != "-" else {}),
        **({"call": call_id} if call_id else {}),
        **({"failed": "true"} if failed else {}),
    }
    found = ask(server, f"/v1/route/{quote(route, safe='')}/explain", wanted)
    documents: list[dict[str, Any]] = found["data"] if found.get("object") == "list" else [found]
    if why_not is not None:
        documents = [made for made in documents if any(row["ref"] == why_not for row in made["candidates"])]
        if not documents:
            output.failure(f"{why_not} is a candidate of none of these calls")
            sys.exit(NOT_FOUND)
    if style != "table":
        output.document(documents if len(documents) > 1 else documents[0], style)
    elif explain or why_not or call_id:
        click.echo("\n".join(as_text(made, why_not=why_not) for made in documents), nl=False)
    else:
        output.columns(HEADERS, table(documents), right=_NUMBERS)
