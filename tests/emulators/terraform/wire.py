"""Terraform's plugin protocol, version 6, as far as a provider needs it that has resources and data sources.

Field numbers are the protocol's own (https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol). The
messages are built from the table below when this is loaded, so that nothing generated has to be kept.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tfplugin6"
SERVICE = f"{PACKAGE}.Provider"

_MESSAGES = """
DynamicValue: msgpack=1 bytes, json=2 bytes
Diagnostic: severity=1 int32, summary=2 string, detail=3 string
Step: attribute_name=1 string
AttributePath: steps=1 Step*
RawState: json=1 bytes
Attribute: name=1 string, type=2 bytes, required=4 bool, optional=5 bool, computed=6 bool, sensitive=7 bool
NestedBlock: type_name=1 string, block=2 Block, nesting=3 int32, min_items=4 int64, max_items=5 int64
Block: version=1 int64, attributes=2 Attribute*, block_types=3 NestedBlock*
Schema: version=1 int64, block=2 Block
NamedSchema: key=1 string, value=2 Schema
ServerCapabilities: plan_destroy=1 bool
Empty:
Schemas: provider=1 Schema, resource_schemas=2 NamedSchema*, data_source_schemas=3 NamedSchema*, \
server_capabilities=6 ServerCapabilities
Asked: type_name=1 string, config=2 DynamicValue
AskedOfConfig: config=1 DynamicValue
ConfigureAsked: terraform_version=1 string, config=2 DynamicValue
Told: diagnostics=1 Diagnostic*
ToldOfConfig: diagnostics=2 Diagnostic*
UpgradeAsked: type_name=1 string, version=2 int64, raw_state=3 RawState
Upgraded: upgraded_state=1 DynamicValue, diagnostics=2 Diagnostic*
ReadAsked: type_name=1 string, current_state=2 DynamicValue
ReadTold: new_state=1 DynamicValue, diagnostics=2 Diagnostic*
PlanAsked: type_name=1 string, prior_state=2 DynamicValue, proposed_new_state=3 DynamicValue, config=4 DynamicValue
Planned: planned_state=1 DynamicValue, requires_replace=2 AttributePath*, diagnostics=4 Diagnostic*
ApplyAsked: type_name=1 string, prior_state=2 DynamicValue, planned_state=3 DynamicValue, config=4 DynamicValue
Applied: new_state=1 DynamicValue, diagnostics=3 Diagnostic*
DataTold: state=1 DynamicValue, diagnostics=2 Diagnostic*
"""
_KINDS = {"string": 9, "bytes": 12, "bool": 8, "int32": 5, "int64": 3}
_MESSAGE, _ONE, _MANY = 11, 1, 3
METHODS = {
    "GetProviderSchema": ("Empty", "Schemas"),
    "ValidateProviderConfig": ("AskedOfConfig", "ToldOfConfig"),
    "ValidateResourceConfig": ("Asked", "Told"),
    "ValidateDataResourceConfig": ("Asked", "Told"),
    "UpgradeResourceState": ("UpgradeAsked", "Upgraded"),
    "ConfigureProvider": ("ConfigureAsked", "Told"),
    "ReadResource": ("ReadAsked", "ReadTold"),
    "PlanResourceChange": ("PlanAsked", "Planned"),
    "ApplyResourceChange": ("ApplyAsked", "Applied"),
    "ReadDataSource": ("Asked", "DataTold"),
    "StopProvider": ("Empty", "Empty"),
}
"""The methods that are called, each with its request and its answer."""


def _built() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="phoenix_tfplugin6.proto", package="phoenix_tfplugin6")
    file.syntax = "proto3"
    for line in _MESSAGES.strip().splitlines():
        name, _, fields = line.partition(":")
        message = file.message_type.add(name=name)
        for field in (each.strip() for each in fields.split(",") if each.strip()):
            (key, _, number), kind = field.split()[0].partition("="), field.split()[1]
            label, kind = (_MANY, kind[:-1]) if kind.endswith("*") else (_ONE, kind)
            added = message.field.add(name=key, number=int(number), label=label, type=_KINDS.get(kind, _MESSAGE))
            if kind not in _KINDS:
                added.type_name = f".{file.package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    there = (pool.FindMessageTypeByName(f"{file.package}.{each.name}") for each in file.message_type)
    return {each.name: message_factory.GetMessageClass(each) for each in there}


messages: dict[str, Any] = _built()
"""The classes of the messages, by their names in the table."""
