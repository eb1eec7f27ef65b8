"""deploy/cloudformation.yaml as Python values: !Ref x is {"Ref": x}, !Sub x is {"Fn::Sub": x}, and so on."""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy/cloudformation.yaml"


class Loader(yaml.SafeLoader):
    """With the short forms of CloudFormation."""


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


def load(text=None):
    return yaml.load(PATH.read_text() if text is None else text, Loader)


def container(template):
    return template["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]


def secrets(template):
    """{setting: key of the secret} a task gets, the one of a page token too."""
    listed = [one["Fn::If"][1] if "Fn::If" in one else one for one in container(template)["Secrets"]]
    return {one["Name"]: re.search(r":(\w+)::$", one["ValueFrom"]["Fn::Sub"]).group(1) for one in listed}


def environment(template):
    """LINKD_ settings a task gets; values that are no plain text as they are."""
    return {one["Name"]: one["Value"] for one in container(template)["Environment"]}
