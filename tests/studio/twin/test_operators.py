"""The table of operators against the specification: every operator of every opset from 6 on, with all of its attributes."""

from __future__ import annotations

import inspect
from collections import defaultdict

import onnx.defs
import pytest

from studio.twin.operators import find, known

OLDEST = 6
_TEXT = "torch has no type for text"

#: Operators of ai.onnx that the twin does not have, and why.
MISSING = {
    **dict.fromkeys(("RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit"), _TEXT),
    "ImageDecoder": "torch decodes no image files",
}


def schemas() -> dict[str, list[onnx.defs.OpSchema]]:
    """The schemas of each operator of ai.onnx that hold at some opset from the oldest on, by name, oldest first."""
    by_name: defaultdict[str, list[onnx.defs.OpSchema]] = defaultdict(list)
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            by_name[schema.name].append(schema)
    found = {}
    for name, versions in by_name.items():
        versions.sort(key=lambda one: one.since_version)
        first = max((n for n, one in enumerate(versions) if one.since_version <= OLDEST), default=0)
        found[name] = [one for one in versions[first:] if not one.deprecated]
    return found


SCHEMAS = schemas()


def test_the_twin_has_all_operators_but_those_that_are_listed_with_a_reason() -> None:
    names = {name for domain, name in known() if domain == ""}
    assert {name for name, versions in SCHEMAS.items() if versions} - names == set(MISSING)


@pytest.mark.parametrize("name", sorted(set(SCHEMAS) - set(MISSING)))
def test_every_opset_has_a_form_that_takes_its_inputs_and_attributes(name: str) -> None:
    for schema in SCHEMAS[name]:
        form = find("", name, max(schema.since_version, OLDEST))
        assert form is not None, schema.since_version
        if form.attributes is not None:
            unknown = set(schema.attributes) - form.attributes
            assert not unknown, f"opset {schema.since_version}: {sorted(unknown)}"
        parameters = inspect.signature(form.function).parameters.values()
        positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        if not any(one.kind is one.VAR_POSITIONAL for one in parameters):
            assert len(positional) >= schema.max_input, f"opset {schema.since_version} has {schema.max_input} inputs"
        assert sum(one.default is one.empty for one in positional) <= schema.min_input, f"opset {schema.since_version}"
        assert all(place < schema.max_input for place in form.host), f"opset {schema.since_version}"
