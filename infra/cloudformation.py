"""Reading CloudFormation templates; short tags become mappings (`!Ref X` → `{"Ref": "X"}`)."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent

# libyaml is ten times as fast, but PyYAML's wheels for some platforms do not contain it.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_SafeLoader):  # type: ignore[misc]
    """A safe loader that accepts CloudFormation's tags."""


def _tagged(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    return {tag: dict(loader.construct_pairs(node, deep=True))}


Loader.add_multi_constructor("!", _tagged)


@cache
def read(path: Path) -> dict[str, Any]:
    """Return the template in the file. It is cached, so callers must not change it."""
    template: dict[str, Any] = yaml.load(path.read_text(), Loader)  # noqa: S506  a subclass of SafeLoader
    return template


def template_paths() -> dict[str, Path]:
    """Return the repository's templates: "" → template.yaml, the logical id of each stack → its file."""
    main = ROOT / "template.yaml"
    stacks = {
        name: ROOT / resource["Properties"]["TemplateURL"]
        for name, resource in read(main)["Resources"].items()
        if resource["Type"] == "AWS::CloudFormation::Stack"
    }
    return {"": main, **stacks}


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the Lambda functions of a SAM template: logical id → properties."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def environment(template: dict[str, Any], properties: dict[str, Any]) -> dict[str, str]:
    """Return a function's variables as they are without a deployment.

    A parameter has its default; a value that only a deployment knows is `unset`.
    """
    found: dict[str, str] = {}
    for part in (template["Globals"]["Function"], properties):
        for variable, value in part.get("Environment", {}).get("Variables", {}).items():
            found[variable] = value if isinstance(value, str) else _by_default(template, value)
    return found


def _by_default(template: dict[str, Any], value: dict[str, Any]) -> str:
    """Return a `!Ref` or `!Sub` with the defaults of its parameters; `unset` if it needs anything else."""
    text = f"${{{value['Ref']}}}" if "Ref" in value else value.get("Sub")
    if not isinstance(text, str):
        return "unset"
    defaults = {name: each.get("Default") for name, each in template["Parameters"].items()}
    named = re.findall(r"\${([^}]+)}", text)
    if any(defaults.get(name) is None for name in named):
        return "unset"
    return re.sub(r"\${([^}]+)}", lambda match: str(defaults[match[1]]), text)


def listed(value: Any) -> list[Any]:
    """Return the value as a list: templates may write a list of one as its only element."""
    return value if isinstance(value, list) else [value]
