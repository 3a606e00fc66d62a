"""Callers' schemas: what is refused by name, and what the engine may then write."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley.segments import ANSWER_SCHEMA
from medley_server.extraction.conforming import conforms
from medley_server.extraction.errors import SchemaUnsupported
from medley_server.extraction.grammar import grammar_of
from medley_server.extraction.image_pages import PAGE_SCHEMA
from medley_server.extraction.schema_subset import bounded

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8).filter(
    str.isprintable
)
LETTERS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=6)
PLAIN = st.one_of(LETTERS, st.integers(-999, 999), st.booleans(), st.none())


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    @st.composite
    def made(draw: st.DrawFn) -> dict[str, Any]:
        properties = draw(st.dictionaries(NAMES, inner, max_size=4))
        required = [name for name in properties if draw(st.booleans())]
        return {"type": "object", "properties": properties, "required": required}

    return made()


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda items, least, more: {
            "type": "array",
            "items": items,
            "minItems": least,
            "maxItems": least + more,
        },
        inner,
        st.integers(0, 2),
        st.integers(0, 2),
    )


LEAVES = st.one_of(
    st.sampled_from([{"type": "integer"}, {"type": "number"}, {"type": ["boolean", "null"]}]),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 3),
        st.integers(0, 6),
    ),
    st.builds(lambda values: {"enum": values}, st.lists(PLAIN, min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, PLAIN),
)
SCHEMAS = _objects(
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            _objects(inner),
            _arrays(inner),
            inner.map(lambda one: {"anyOf": [one, {"type": "null"}]}),
        ),
        max_leaves=6,
    )
)


def validator(schema: Any) -> Any:
    import jsonschema  # type: ignore[import-untyped]

    return jsonschema.Draft202012Validator(schema)


def accepts(grammar: Any, text: str) -> bool:
    from xgrammar.testing import _is_grammar_accept_string

    return bool(_is_grammar_accept_string(grammar, text))


def compiled(schema: Any) -> Any:
    import xgrammar

    return xgrammar.Grammar.from_ebnf(grammar_of(schema))


def without_lengths(schema: Any) -> Any:
    """The grammar counts letters roughly; everything else it holds to the letter."""
    if isinstance(schema, dict):
        lengths = {"minLength": 0, "maxLength": 4096}
        own = {name: without_lengths(each) for name, each in schema.items()}
        return own | {name: lengths[name] for name in own if name in lengths}
    return [without_lengths(each) for each in schema] if isinstance(schema, list) else schema


def shortest(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@st.composite
def _instance(draw: st.DrawFn, schema: Any) -> Any:
    """A value of a bounded schema, whose names are in the schema's order."""
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "anyOf" in schema:
        return draw(_instance(draw(st.sampled_from(schema["anyOf"]))))
    match schema["type"]:
        case "object":
            return {
                name: draw(_instance(each))
                for name, each in schema["properties"].items()
                if name in schema["required"] or draw(st.booleans())
            }
        case "array":
            count = draw(st.integers(schema["minItems"], min(schema["maxItems"], 4)))
            return [draw(_instance(schema["items"])) for _ in range(count)]
        case "string":
            # What has to be escaped cannot be the first of letters that have to be there.
            escaped = '"\\' if schema["minLength"] else ""
            alphabet = st.characters(
                exclude_categories=["Cs"], min_codepoint=32, exclude_characters=escaped
            )
            return draw(
                st.text(
                    alphabet, min_size=schema["minLength"], max_size=min(schema["maxLength"], 8)
                )
            )
    plain = {
        "integer": st.integers(-(10**9), 10**9),
        "number": st.decimals(-999, 999, places=2).map(float),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return draw(plain[schema["type"]])


@given(st.data())
def test_what_keeps_to_an_accepted_schema_can_be_written_and_nothing_is_looser(
    data: st.DataObject,
) -> None:
    given_schema = data.draw(SCHEMAS)
    schema = bounded(given_schema)
    value = data.draw(_instance(schema))

    grammar = compiled(schema)

    validator(given_schema).validate(value)
    validator(schema).validate(value)
    assert conforms(value, schema)
    assert accepts(grammar, shortest(value))


@given(SCHEMAS, st.recursive(PLAIN, lambda inner: st.dictionaries(NAMES, inner, max_size=3)))
def test_what_does_not_keep_to_a_schema_cannot_be_written(given_schema: Any, value: Any) -> None:
    schema = bounded(given_schema)
    is_valid = validator(schema).is_valid(value)

    assert conforms(value, schema) == is_valid
    if not is_valid and not conforms(value, without_lengths(schema)):
        assert not accepts(compiled(schema), shortest(value))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "x"}',
        '{"a":"x" }',
        ' {"a":"x"}',
        '{"a":"x",\n"b":1}',
        '{"a":"x\ny"}',
        '{"a":"\\u0041"}',
        '{"a":"x","b":' + "1" * 30 + "}",
        '{"a":"' + "x" * 600 + '"}',
    ],
)
def test_no_white_space_and_nothing_endless_can_be_written(text: str) -> None:
    schema = bounded(
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}
    )

    assert not accepts(compiled(schema), text)


@pytest.mark.parametrize("schema", [ANSWER_SCHEMA, PAGE_SCHEMA])
def test_our_own_schemas_compile_and_take_their_answers(schema: Any) -> None:
    grammar = compiled(schema)

    assert accepts(grammar, "{}")
    assert accepts(
        grammar, '{"labs":[{"name":"K","value":"5.9"}],"vitals":[{"name":"HR","value":"8"}]}'
    )
    assert not accepts(grammar, '{"labs":[]}')
    assert not accepts(grammar, '{"labs":[{"value":"5.9"}]}')


def test_a_value_of_a_page_may_have_a_box() -> None:
    said = '{"labs":[{"name":{"text":"K","bbox_2d":[1,2,30,4]},"value":"5.9"}]}'

    assert accepts(compiled(PAGE_SCHEMA), said)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"a": {"type": "string", "pattern": "x"}}, "pattern", "/properties/a/pattern"),
    ({"a": {"type": "string", "format": "date"}}, "format", "/properties/a/format"),
    ({"a": {"type": "integer", "minimum": 1}}, "minimum", "/properties/a/minimum"),
    ({"a/b": {"oneOf": []}}, "type", "/properties/a~1b/type"),
    ({"a": {"allOf": [], "type": "object"}}, "allOf", "/properties/a/allOf"),
    ({"a": {"type": "array", "items": {}}}, "type", "/properties/a/items/type"),
    ({"a": {"type": "array"}}, "items", "/properties/a/items"),
    ({"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}, "anyOf", "/properties/a/anyOf"),
    ({"a": {"type": ["string", "integer"]}}, "type", "/properties/a/type"),
    ({"a": {"$ref": "#/$defs/b"}}, "$ref", "/properties/a/$ref"),
    ({"a": {"$ref": "https://example.org/s"}}, "$ref", "/properties/a/$ref"),
    ({"a": {"enum": []}}, "enum", "/properties/a/enum"),
    ({"a": {"enum": [{}]}}, "enum", "/properties/a/enum"),
    ({"a": {"type": "string", "maxLength": 10**9}}, "maxLength", "/properties/a/maxLength"),
    (
        {"a": {"type": "object", "additionalProperties": True}},
        "additionalProperties",
        "/properties/a/additionalProperties",
    ),
    ({"a": True}, "a", "/properties/a"),
]


@pytest.mark.parametrize(("properties", "keyword", "pointer"), REFUSED)
def test_what_is_not_supported_is_refused_by_name_and_place(
    properties: dict[str, Any], keyword: str, pointer: str
) -> None:
    with pytest.raises(SchemaUnsupported) as refused:
        bounded({"type": "object", "properties": properties})

    assert refused.value.details == {"keyword": keyword, "pointer": pointer}
    assert keyword in str(refused.value)
    assert refused.value.status == 422


def test_the_outermost_value_has_to_be_an_object() -> None:
    with pytest.raises(SchemaUnsupported):
        bounded({"type": "array", "items": {"type": "string"}})


def test_a_definition_is_put_in_the_place_of_its_reference() -> None:
    schema = bounded(
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/b"}},
            "$defs": {"b": {"type": "boolean"}},
        }
    )

    assert schema["properties"] == {"a": {"type": "boolean"}}


@pytest.mark.parametrize("keyword", ["properties", "items"])
def test_a_definition_that_holds_itself_is_refused(keyword: str) -> None:
    inner = {"$ref": "#/$defs/b"}
    holding: dict[str, Any] = {
        "properties": {"type": "object", "properties": {"c": inner}},
        "items": {"type": "array", "items": inner},
    }[keyword]

    with pytest.raises(SchemaUnsupported, match="holds itself"):
        bounded({"type": "object", "properties": {"a": inner}, "$defs": {"b": holding}})


def test_references_that_multiply_are_refused() -> None:
    definitions: dict[str, Any] = {"d0": {"type": "boolean"}}
    for n in range(1, 6):
        before = {"$ref": f"#/$defs/d{n - 1}"}
        definitions[f"d{n}"] = {"type": "object", "properties": {str(i): before for i in range(9)}}

    with pytest.raises(SchemaUnsupported):
        bounded(
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/d5"}}, "$defs": definitions}
        )


def test_a_schema_that_is_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(30):
        schema = {"type": "object", "properties": {"a": schema}}

    with pytest.raises(SchemaUnsupported, match="deeper"):
        bounded(schema)


def test_what_people_read_is_allowed_everywhere() -> None:
    schema = bounded(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Invoice",
            "type": "object",
            "properties": {"a": {"type": "string", "description": "The number."}},
        }
    )

    assert schema["properties"]["a"] == {"type": "string", "minLength": 0, "maxLength": 512}
