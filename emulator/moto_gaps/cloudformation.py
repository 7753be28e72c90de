"""CloudFormation: stacks whose resources are made by calls of the API, or refused by name.

moto reads templates (parameters, conditions, intrinsic functions), keeps stacks and change sets,
and makes resources in its own way, past its API; of a type that it does not know it makes nothing.
Here the tables of `emulator.resources` make them. A stack is made and deleted; none is updated.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import (
    CloudFormationBackend,
    Event,
    Stack,
    cloudformation_backends,
)
from moto.cloudformation.parsing import OutputMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.common_models import CloudFormationModel

from emulator import declared
from emulator.resources.making import ClientOf, Json, Made, Wanted, undoing
from emulator.resources.table import TABLE

Settle = Callable[[str, str], object]
"""Waits until a resource of this type, known by its `Ref`, is as its stack's creation needs it."""

STANDING = "/standing"
"""How the ids of stacks end that somebody else has made."""
UNCHANGED = (
    "The submitted information didn't contain changes."
    " Submit different information to create a change set."
)


class Resource(CloudFormationModel):
    """A resource of a stack, as moto's tables of stacks keep it."""

    def __init__(self, type: str, made: Made) -> None:
        self.cf_resource_type, self.made = type, made
        self.physical_resource_id = made.ref
        self.logical_resource_id = ""

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """One for all types, which no template names."""
        return "Emulator::Every::Resource"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003 - each has what it was made with
        return True

    def is_created(self) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name not in self.made.attributes:
            raise ValidationError(
                message=f"{self.cf_resource_type} has no attribute {attribute_name}"
            )
        return self.made.attributes[attribute_name]


@contextmanager
def filled(client: ClientOf, settle: Settle = lambda *_: None) -> Iterator[None]:
    """`client` makes the clients with which resources are made."""
    review, clean = CloudFormationBackend.create_change_set, parsing.clean_json
    respond_stack = CloudFormationResponse.create_stack
    respond_change_set = CloudFormationResponse.create_change_set

    class Known(Resource):
        @classmethod
        def create_from_cloudformation_json(
            cls,
            resource_name: str,
            cloudformation_json: Json,
            account_id: str,
            region_name: str,
            **kwargs: Any,
        ) -> Resource:
            """AWS: makes the resource, or says which one failed and why."""
            type, logical_id = kwargs["ResourceType"], kwargs["LogicalId"]
            stack = cloudformation_backends[account_id][region_name].stacks[kwargs["StackId"]]
            properties = _without_none(cloudformation_json.get("Properties") or {})
            try:
                made = TABLE[type](Wanted(client, resource_name, properties))
                with undoing(*made.undo):
                    settle(type, made.ref)
            except Exception as error:
                _report(stack, "CREATE_FAILED", logical_id, type, "", str(error))
                raise ValidationError(message=f"{type} {logical_id}: {error}") from error
            _report(stack, "CREATE_COMPLETE", logical_id, type, made.ref)
            return Resource(type, made)  # type: ignore[abstract]

    def class_of(resource_type: str) -> type[CloudFormationModel]:
        if resource_type not in TABLE:
            raise ValidationError(message=f"nothing is known of the type {resource_type}")
        return Known

    def clean_json(resource_json: Any, resources_map: Any) -> Any:
        """AWS: the name of an attribute may have dots, and a Region may be a reference. moto: takes
        what is before the first dot, and the reference for a name.
        """
        if isinstance(resource_json, dict) and "Fn::GetAZs" in resource_json:
            region = clean(resource_json["Fn::GetAZs"], resources_map)
            resource_json = {"Fn::GetAZs": region}
        if isinstance(resource_json, dict) and isinstance(resource_json.get("Ref"), str):
            _require_there(resource_json["Ref"], resources_map)
        if isinstance(resource_json, dict) and "Fn::GetAtt" in resource_json:
            place = resource_json["Fn::GetAtt"]
            name, _, attribute = (place if isinstance(place, str) else ".".join(place)).partition(
                "."
            )
            _require_there(name, resources_map)
            resource_json = {"Fn::GetAtt": [name, attribute]}
        return clean(resource_json, resources_map)

    def create_stack(
        self: CloudFormationBackend, name: str, template: str, parameters: Json, **more: Any
    ) -> Stack:
        if any(stack.name == name for stack in self.stacks.values()):
            raise ValidationError(message=f"Stack [{name}] already exists")
        of_stack = {key: more.get(key) for key in ("notification_arns", "tags", "role_arn")}
        before = set(self.stacks)
        try:
            self.create_change_set(name, "create", template, parameters, "", "CREATE", **of_stack)
        except Exception:
            # What was refused is no stack: its name can be given again.
            for refused in self.stacks.keys() - before:
                del self.stacks[refused]
            raise
        change_set = next(reversed(self.change_sets.values()))
        self.execute_change_set(change_set.change_set_id)
        return self.stacks[change_set.stack_id]

    def create_change_set(
        self: CloudFormationBackend,
        stack_name: str,
        change_set_name: str,
        template: str,
        parameters: dict[str, str],
        description: str,
        change_set_type: str,
        **more: Any,
    ) -> tuple[str, str]:
        """AWS: refuses types and parameters that it does not know. moto: leaves them out.

        AWS updates stacks as well. Nothing here does, so it is refused.
        """
        document = _read(template)
        _check_types(document)
        with _refusals():
            declared.require_parameters(document, parameters)
            if change_set_type == "CREATE":
                declared.require_all_parameters(document, parameters)
        named = (stack_name, change_set_name, template, parameters, description, change_set_type)
        if change_set_type == "CREATE":
            return review(self, *named, **more)
        if _differs(self.get_stack(stack_name), document, parameters):
            raise ValidationError(
                message=f"no stack is updated here: delete {stack_name} and create it anew"
            )
        ids = review(self, *named, **more)
        change_set = self.change_sets[ids[0]]
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.status_reason = UNCHANGED
        return ids

    def execute_change_set(self: CloudFormationBackend, change_set_name: str, **_: Any) -> None:
        """AWS: makes resources in the order of what they need, and removes them all again where one
        fails. moto: does not keep to DependsOn, and leaves what it has made.
        """
        change_set = self.describe_change_set(change_set_name)
        assert change_set is not None
        stack = self.stacks[change_set.stack_id]
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack._parse_template()
        stack.resource_map = stack._create_resource_map()
        stack.output_map = stack._create_output_map()
        stack.status = "CREATE_IN_PROGRESS"
        stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
        change_set.execution_status = "EXECUTE_COMPLETE"
        try:
            stack.resource_map.create(stack.template_dict)
            # An output of what is not there is found now.
            list(stack.outputs or ())
        except Exception as error:
            stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=str(error))
            stack.output_map = OutputMap(stack.resource_map, {}, stack.stack_id)
            stack.status = "ROLLBACK_COMPLETE" if _remove(stack) else "ROLLBACK_FAILED"
        else:
            stack.status = "CREATE_COMPLETE"
        stack._add_stack_event(stack.status)

    def update_stack(_: CloudFormationBackend, name: str, **__: Any) -> Stack:
        raise ValidationError(message=f"no stack is updated here: delete {name} and create it anew")

    def delete_stack(self: CloudFormationBackend, name_or_stack_id: str) -> None:
        """AWS: removes what was made last first, and keeps a stack of which something stays.

        moto: tries in any order, again and again.
        """
        for stack in list(self.stacks.values()):
            if name_or_stack_id not in (stack.name, stack.stack_id):
                continue
            if stack.stack_id.endswith(STANDING):
                raise ValidationError(
                    message=f"{stack.name} was not made by CloudFormation here, and stays"
                )
            stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")
            stack.status = "DELETE_COMPLETE" if _remove(stack) else "DELETE_FAILED"
            stack._add_stack_event(stack.status)
            if stack.status == "DELETE_COMPLETE":
                self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)

    def checked(respond: Any) -> Any:
        def check(self: CloudFormationResponse) -> Any:
            """AWS: wants to be told that a template may make roles. moto: does not ask."""
            template = self._get_param("TemplateBody")
            if not template:
                raise ValidationError(message="give the template as TemplateBody: no URL is read")
            _check_capabilities(_read(template), self._get_param("Capabilities") or [])
            return respond(self)

        return check

    with (
        patch.multiple(parsing, resource_class_from_type=class_of, clean_json=clean_json),
        patch.multiple(
            CloudFormationBackend,
            create_stack=create_stack,
            create_change_set=create_change_set,
            execute_change_set=execute_change_set,
            update_stack=update_stack,
            delete_stack=delete_stack,
        ),
        patch.multiple(
            CloudFormationResponse,
            # It is compared where the change set is made, as on AWS.
            _validate_different_update=lambda *_: None,
            create_stack=checked(respond_stack),
            create_change_set=checked(respond_change_set),
        ),
    ):
        yield


def stand(
    backend: CloudFormationBackend,
    name: str,
    *,
    parameters: Mapping[str, str],
    resources: Mapping[str, tuple[str, str]],
    outputs: Mapping[str, Json],
) -> None:
    """Put up a stack whose resources somebody else has made: logical id to type and `Ref`."""
    place = (backend.account_id, backend.region_name)
    id = f"arn:aws:cloudformation:{place[1]}:{place[0]}:stack/{name}{STANDING}"
    stack = Stack(id, name, {}, dict(parameters), *place)  # type: ignore[abstract]
    stack.resource_map.resolved_parameters.update(parameters)
    for logical_id, (type, ref) in resources.items():
        resource = Resource(type, Made(ref))  # type: ignore[abstract]
        resource.logical_resource_id = logical_id
        stack.resource_map._resource_json_map[logical_id] = {"Type": type}
        stack.resource_map._parsed_resources[logical_id] = resource
        _report(stack, "CREATE_COMPLETE", logical_id, type, ref)
    stack.output_map = OutputMap(stack.resource_map, {"Outputs": dict(outputs)}, id)
    stack.status = "CREATE_COMPLETE"
    stack._add_stack_event("CREATE_COMPLETE")
    backend.stacks[id] = stack


def _require_there(name: str, resources_map: Any) -> None:
    """AWS: refuses to name a resource that a condition has left out. moto: has nothing there."""
    # Where conditions are evaluated there are no resources yet.
    declared_there = getattr(resources_map, "_resource_json_map", {})
    if name in declared_there and resources_map[name] is None:
        raise ValidationError(
            message=f"Unresolved resource dependencies [{name}]: its condition leaves it out"
        )


def _remove(stack: Stack) -> bool:
    """Remove what was made, last first; False if something stays."""
    made = stack.resource_map._parsed_resources
    templates = stack.resource_map._resource_json_map
    gone = True
    for logical_id, resource in reversed(list(made.items())):
        if not isinstance(resource, Resource):
            continue
        if templates[logical_id].get("DeletionPolicy") == "Retain":
            continue
        type, ref = resource.cf_resource_type, resource.physical_resource_id
        try:
            for undo in resource.made.undo:
                undo()
        except Exception as error:
            _report(stack, "DELETE_FAILED", logical_id, type, ref, str(error))
            gone = False
            continue
        del made[logical_id]
        _report(stack, "DELETE_COMPLETE", logical_id, type, ref)
    return gone


def _report(
    stack: Stack, status: str, logical_id: str, type: str, ref: str, reason: str | None = None
) -> None:
    event = Event(stack.stack_id, stack.name, logical_id, ref, type, status, reason, None)
    stack.events.append(event)


def _differs(stack: Stack, document: Json, given: Mapping[str, str]) -> bool:
    # What moto has parsed before has been changed since, where it was made of it.
    before, known = Stack.parse_template(str(stack.template)), stack.stack_parameters
    return document != before or any(str(known[name]) != str(given[name]) for name in given)


def _check_types(document: Json) -> None:
    unknown = [
        f"{resource['Type']} ({logical_id})"
        for logical_id, resource in document.get("Resources", {}).items()
        if resource["Type"] not in TABLE
    ]
    if unknown:
        raise ValidationError(
            message=f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        )


def _read(text: str) -> Json:
    """AWS: refuses what is no template. moto: fails, or leaves out what it cannot find."""
    try:
        document = Stack.parse_template(text)
    except Exception as error:
        raise ValidationError(message=f"Template format error: {_line(error)}") from error
    with _refusals():
        declared.require_valid(document)
    return dict(document)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except declared.Wrong as wrong:
        raise ValidationError(message=str(wrong)) from wrong


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _check_capabilities(document: Json, given: list[str]) -> None:
    roles = [r for r in document.get("Resources", {}).values() if r["Type"] == "AWS::IAM::Role"]
    named = any("RoleName" in role.get("Properties", {}) for role in roles)
    needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
    if roles and not {needed, "CAPABILITY_NAMED_IAM"} & set(given):
        raise InsufficientCapabilities(f"Requires capabilities : [{needed}]")


class InsufficientCapabilities(ValidationError):
    code = "InsufficientCapabilitiesException"

    def __init__(self, message: str) -> None:
        super().__init__(message=message)


def _without_none(value: Any) -> Any:
    """Without the elements of lists that a condition has left out."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_none(inner) for inner in value if inner is not None]
    return value
