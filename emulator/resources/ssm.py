"""Parameters of SSM."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call


def parameter(wanted: Wanted) -> Made:
    ssm = wanted.client("ssm")
    wanted.properties.setdefault("Name", wanted.name)
    name = wanted.properties["Name"]
    call(ssm, "put_parameter", wanted.properties)
    return Made(
        name,
        {"Value": str(wanted.properties["Value"])},
        (partial(ssm.delete_parameter, Name=name),),
    )


TABLE: dict[str, Make] = {"AWS::SSM::Parameter": parameter}
