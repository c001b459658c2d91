"""Tools from an MCP server: it is asked for them once, through the `mcp` package's client."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.new.description import Description, Tool, checked, tool_name

TIMEOUT_S = 60.0
# An option such as --api-key with its value, unless that is a $VARIABLE.
SECRET_OPTION = re.compile(
    r"""(?i)((?:--?[\w-]*|\b\w+_)(?:key|token|secret|password))(?:=|\s+)['"]?(?!['"]?\$)\S"""
)
REQUIREMENT = "mcp>=2.3,<3"


def from_mcp(server: str, folder: Path) -> Description:
    """Tools of the server at an HTTP address, or of the one that a command starts.

    `folder` is the project's: files that the command names are written relative to it. $MCP_TOKEN
    is sent to an address as its bearer token. Raises WorkshopError with the fix.
    """
    check_address(server)
    try:
        listed = asyncio.run(_list(server))
    except ModuleNotFoundError as error:
        raise WorkshopError(
            f"--mcp needs the package mcp: {sys.executable} -m pip install '{REQUIREMENT}'"
        ) from error
    except BaseExceptionGroup as group:
        raise _unreachable(server, group) from group
    except Exception as error:
        raise _unreachable(server, error) from error
    names = {tool_name(one.name): one.name for one in listed}
    tools = [
        Tool(tool_name(one.name), one.description or "", _object(one.input_schema), _output(one))
        for one in listed
    ]
    about = {
        "server": _from(folder, server),
        "names": {name: own for name, own in names.items() if name != own},
    }
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    return Description("mcp", checked(tools, server), {"mcp.json": text})


def check_address(server: str) -> None:
    """Raises WorkshopError for what is empty, or contains a secret: it would get into a file."""
    if not server.strip():
        raise WorkshopError("--mcp: is empty; give an address or a command")
    if not is_address(server) and (found := SECRET_OPTION.search(server)):
        raise WorkshopError(
            f"--mcp: {found[1]} is followed by what looks like a secret, "
            "which would be written to a file; give it as '$NAME', an environment variable"
        )
    if is_address(server):
        parts = urlsplit(server)
        if parts.username or parts.password or parts.query:
            raise WorkshopError(
                "--mcp: the address contains a password or a query, which would be written to a "
                "file; leave it out and give the key in $MCP_TOKEN"
            )


def is_address(server: str) -> bool:
    return server.startswith(("http://", "https://"))


async def _list(server: str) -> list[Any]:
    """All tools, page by page."""
    tools, cursor = list[Any](), None
    async with asyncio.timeout(TIMEOUT_S), _client(server) as client:
        while True:
            page = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return tools


@asynccontextmanager
async def _client(server: str) -> AsyncIterator[Any]:
    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamable_http_client

    if is_address(server):
        token = os.environ.get("MCP_TOKEN")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_S) as http,
            Client(streamable_http_client(server, http_client=http)) as client,
        ):
            yield client
        return
    command, *arguments = (os.path.expandvars(word) for word in shlex.split(server))
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    process = StdioServerParameters(command=command, args=arguments, env=env)
    # A program that reads what this one prints may have put something without a file number there.
    log = sys.__stderr__ or sys.stderr
    async with Client(stdio_client(process, errlog=log)) as client:
        yield client


def _unreachable(server: str, error: BaseException) -> WorkshopError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = " ".join(str(error).split()) or type(error).__name__
    return WorkshopError(
        f"--mcp {server}: gives no tools ({said}); start it, or correct the command"
    )


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of parameters as a service wants it: with properties, and without `$schema`."""
    return {"properties": {}, **{k: v for k, v in schema.items() if k not in ("$schema", "title")}}


def _output(tool: Any) -> dict[str, Any] | None:
    schema: dict[str, Any] | None = tool.output_schema
    return schema


def _from(folder: Path, server: str) -> str:
    """The server as the project finds it: a command's files relative to the project's folder."""
    if is_address(server):
        return server
    words = shlex.split(server)
    for number, word in enumerate(words):
        if Path(word).is_file() and not Path(word).is_absolute():
            words[number] = os.path.relpath(word, folder)
    return shlex.join(words)
