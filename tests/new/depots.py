"""An MCP server as a user has it. With a port it serves HTTP, otherwise standard input."""

import sys

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("depots")


@server.tool()
def stock(depot: str) -> dict[str, int]:
    """How many items a depot has."""
    if not depot:
        raise ToolError("depot is empty")
    return {"count": len(depot)}


@server.tool(name="last.rollout")
def last_rollout(ctx: Context) -> str:
    """The rollout that this call belongs to."""
    return str((ctx.request_context.meta or {}).get("rollout_id"))


if __name__ == "__main__":
    if sys.argv[1:]:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
