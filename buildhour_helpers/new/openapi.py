"""Tools from an OpenAPI 3 document: each operation becomes one.

https://spec.openapis.org/oas/v3.1.1.html. Parameters in path, query and header become properties, a
JSON body the property `body`; cookies and other bodies are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.new.description import Description, Json, Tool, checked, tool_name

METHODS = ("get", "put", "post", "delete", "patch")
PLACES = ("path", "query", "header")
NOT_FOR_THE_MODEL = ("accept", "authorization", "content-type")
SCHEMAS = "#/components/schemas/"
# Names of a schema object's own, not of JSON Schema.
NOT_IN_SCHEMAS = ("example", "xml", "externalDocs", "discriminator", "nullable", "readOnly",
                  "writeOnly", "deprecated")  # fmt: skip


def from_openapi(document: Mapping[str, Any], file: Path) -> Description:
    """Tools from a document. Raises WorkshopError naming the operation and the fix."""
    if not str(document.get("openapi", "")).startswith("3."):
        raise WorkshopError(f"{file}: is not OpenAPI 3; convert it to OpenAPI 3.0 or 3.1")
    tools, operations = list[Tool](), dict[str, Json]()
    for where, path, method, operation, shared in _operations(document, file):
        tool, call = _tool(document, f"{file}: {where}", path, method, operation, shared)
        tools.append(tool)
        operations[tool.name] = call
    text = json.dumps(operations, indent=2, ensure_ascii=False) + "\n"
    settings = {"default_url": _server(document, file)}
    return Description("openapi", checked(tools, str(file)), {"operations.json": text}, settings)


def _operations(
    document: Mapping[str, Any], file: Path
) -> Iterator[tuple[str, str, str, Json, list[Any]]]:
    """Each operation: its name in messages, path, method, and the parameters of its whole path."""
    paths = document.get("paths")
    if not isinstance(paths, dict):
        raise WorkshopError(f"{file}: has no paths; an OpenAPI document lists its operations there")
    for path, item in paths.items():
        for method in METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                yield f"{method} {path}", path, method, operation, item.get("parameters") or []


def _tool(
    document: Mapping[str, Any],
    where: str,
    path: str,
    method: str,
    operation: Json,
    shared: list[Any],
) -> tuple[Tool, Json]:
    """An operation as a tool, and how it is called."""
    properties, required, places = dict[str, Any](), list[str](), dict[str, str]()
    parameters = dict[tuple[str, str], Json]()
    for written in [*shared, *(operation.get("parameters") or [])]:
        parameter = _resolved(document, written, where)
        parameters[parameter.get("name", ""), parameter.get("in", "")] = parameter
    for (name, place), parameter in parameters.items():
        if place not in PLACES or (place == "header" and name.lower() in NOT_FOR_THE_MODEL):
            continue
        if name in properties:
            raise WorkshopError(f"{where}: two parameters are called {name!r}; rename one")
        schema = dict(_schema(parameter.get("schema") or {"type": "string"}))
        if about := parameter.get("description"):
            schema.setdefault("description", about)
        properties[name], places[name] = schema, place
        required += [name] if parameter.get("required") or place == "path" else []
    body = _json_of(_resolved(document, operation.get("requestBody") or {}, where))
    if body is not None:
        if "body" in properties:
            raise WorkshopError(f"{where}: a parameter is called 'body' beside a body; rename it")
        properties["body"] = _schema(body)
        # The specification's default is false, but few documents that leave it out mean that.
        required += ["body"] if operation["requestBody"].get("required", True) else []
    undeclared = set(re.findall(r"\{([^}]+)\}", path)) - set(properties)
    if undeclared:
        raise WorkshopError(
            f"{where}: {min(undeclared)!r} in the path is not a parameter; declare it"
        )
    about = [operation.get("summary"), operation.get("description")]
    tool = Tool(
        tool_name(operation.get("operationId") or f"{method}{path}"),
        " ".join(text.strip() for text in about if text) or f"{method.upper()} {path}",
        _with_definitions(
            document,
            {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
        ),
        _output(document, operation, where),
    )
    call = {"method": method.upper(), "path": path, "parameters": places, "body": body is not None}
    return tool, call


def _output(document: Mapping[str, Any], operation: Json, where: str) -> Json | None:
    """The schema of a successful answer, if there is one in JSON."""
    for status, response in sorted((operation.get("responses") or {}).items(), key=str):
        if str(status).startswith("2"):
            schema = _json_of(_resolved(document, response, where))
            return None if schema is None else _with_definitions(document, _schema(schema))
    return None


def _json_of(content: Mapping[str, Any]) -> Json | None:
    """The schema of a JSON body; its example becomes the schema's."""
    for media, about in (content.get("content") or {}).items():
        if "json" in media:
            schema = dict(about.get("schema") or {})
            return schema | {"examples": [about["example"]]} if "example" in about else schema
    return None


def _resolved(document: Mapping[str, Any], written: Any, where: str) -> Json:
    """What a `$ref` to a component names, or the object itself."""
    for _ in range(10):
        if not isinstance(written, dict):
            break
        if "$ref" not in written:
            return written
        found: Any = document
        for step in str(written["$ref"]).removeprefix("#/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            break
        written = found
    raise WorkshopError(f"{where}: {written} leads nowhere; refer to what is in the same document")


def _schema(written: Any) -> Any:
    """A schema object as JSON Schema 2020-12, in which components are `$defs`."""
    if isinstance(written, list):
        return [_schema(part) for part in written]
    if not isinstance(written, dict):
        return written
    schema = {key: _schema(part) for key, part in written.items() if key not in NOT_IN_SCHEMAS}
    if isinstance(properties := written.get("properties"), dict):
        schema["properties"] = {name: _schema(part) for name, part in properties.items()}
    if isinstance(reference := written.get("$ref"), str):
        schema["$ref"] = reference.replace(SCHEMAS, "#/$defs/")
    if "example" in written:
        schema["examples"] = [written["example"]]
    if written.get("nullable") and isinstance(schema.get("type"), str):  # OpenAPI 3.0
        schema["type"] = [schema["type"], "null"]
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(bound), bool) and schema.pop(bound):  # OpenAPI 3.0
            schema[bound] = schema.pop(limit)
    return schema


def _with_definitions(document: Mapping[str, Any], schema: Json) -> Json:
    """The schema with the components that it refers to, directly or through others."""
    components = (document.get("components") or {}).get("schemas") or {}
    definitions, waiting = dict[str, Any](), [schema]
    while waiting:
        for name in re.findall(r'"\$ref": "#/\$defs/([^"/]+)"', json.dumps(waiting.pop())):
            if name not in definitions and name in components:
                definitions[name] = _schema(components[name])
                waiting.append(definitions[name])
    return {**schema, "$defs": definitions} if definitions else schema


def _server(document: Mapping[str, Any], file: Path) -> str:
    """The address of the first server, or "" if the document gives none that is absolute."""
    servers: list[Json] = document.get("servers") or [{}]
    server = servers[0]
    url = str(server.get("url", ""))
    for name, variable in (server.get("variables") or {}).items():
        url = url.replace("{" + name + "}", str(variable.get("default", "")))
    if "@" in url.partition("//")[2].partition("/")[0]:
        raise WorkshopError(f"{file}: servers: an address contains a password; take it out")
    return url if url.startswith(("http://", "https://")) else ""
