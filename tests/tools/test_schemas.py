"""What the model is told agrees with what the tools take."""

from __future__ import annotations

import inspect

import pytest

from buildhour_helpers.reports import Reports
from buildhour_helpers.tools import DEFINITIONS, ReportTools, for_responses
from buildhour_helpers.tools.schemas import Definition


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda tool: tool["function"]["name"])
def test_a_definition_names_the_parameters_of_its_function(
    definition: Definition, reports: Reports
) -> None:
    told = definition["function"]
    taken = inspect.signature(ReportTools(reports).functions()[told["name"]]).parameters
    defaults = {
        name: schema["default"]
        for name, schema in told["parameters"]["properties"].items()
        if "default" in schema
    }
    assert list(told["parameters"]["properties"]) == list(taken)
    assert defaults == {
        name: parameter.default
        for name, parameter in taken.items()
        if parameter.default is not inspect.Parameter.empty
    }
    assert told["parameters"]["required"] == [name for name in taken if name not in defaults]


def test_the_responses_form_is_flat() -> None:
    search, *_ = for_responses()
    assert (search["type"], search["name"], search["strict"]) == ("function", "search", False)
    assert search["parameters"] == DEFINITIONS[0]["function"]["parameters"]
