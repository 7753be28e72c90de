"""The environment of the article, made as a user would: by AWS API calls only."""

import json
from collections.abc import Callable
from typing import Any

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
MESH = "example"
VIRTUAL_GATEWAY = "examplegw"
VIRTUAL_SERVICE = "example.example.internal"
NAMESPACE = "example.internal"
SIDES = {"example1": 2, "example2": 0}

PROFILE: dict[str, Any] = {
    "cluster": "example",
    "primary": "example1",
    "canary": "example2",
    "traffic": [
        {
            "router": "appmesh",
            "mesh": MESH,
            "virtual_router": "example",
            "route": "example",
            "primary_node": "example1",
            "canary_node": "example2",
            # The sandbox's one Envoy follows at once.
            "settle_seconds": 1,
        }
    ],
    "steps": [
        {"weight": 5, "bake_seconds": 5},
        {"weight": 25, "bake_seconds": 4},
        {"weight": 50, "bake_seconds": 4},
        {"weight": 100, "bake_seconds": 4},
    ],
    "alarms": ["example2-5xx"],
    "deployment": {"deadline_seconds": 60, "check_seconds": 1},
}


def image(tag: str) -> str:
    return f"{REGISTRY}/shop:{tag}"


def route_spec(primary: int, canary: int) -> dict[str, Any]:
    """A route with more in it than weights, so that an edit that loses something shows."""
    return {
        "priority": 10,
        "httpRoute": {
            "match": {"prefix": "/"},
            "action": {
                "weightedTargets": [
                    {"virtualNode": "example1", "weight": primary, "port": 8080},
                    {"virtualNode": "example2", "weight": canary, "port": 8080},
                ]
            },
            "timeout": {
                "perRequest": {"unit": "s", "value": 10},
                "idle": {"unit": "s", "value": 60},
            },
            # No server-error: a retry of a 500 would hide the canary's faults from the alarm.
            "retryPolicy": {
                "maxRetries": 2,
                "perRetryTimeout": {"unit": "s", "value": 2},
                "httpRetryEvents": ["gateway-error"],
                "tcpRetryEvents": ["connection-error"],
            },
        },
    }


def create(client: Callable[[str], Any], gateway_port: int = 8080, *, tag: str = "v1") -> None:
    """Make everything; `client` makes the boto3 client of a named AWS service."""
    registries = _cloud_map(client("servicediscovery"))
    _mesh(client("appmesh"), gateway_port)
    _services(client("ecs"), _network(client("ec2")), registries, tag)
    _alarm(client("cloudwatch"))
    client("ssm").put_parameter(
        Name="/stepcanary/profiles/checkout", Type="String", Value=json.dumps(PROFILE)
    )


def _network(ec2: Any) -> dict[str, Any]:
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    groups = [group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"][:1]]
    return {
        "awsvpcConfiguration": {
            "subnets": subnets,
            "securityGroups": groups,
            "assignPublicIp": "DISABLED",
        }
    }


def _cloud_map(cloud_map: Any) -> dict[str, str]:
    operation = cloud_map.create_private_dns_namespace(Name=NAMESPACE, Vpc="vpc-example")
    answer = cloud_map.get_operation(OperationId=operation["OperationId"])
    namespace = answer["Operation"]["Targets"]["NAMESPACE"]
    return {
        name: cloud_map.create_service(
            Name=name,
            NamespaceId=namespace,
            DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}], "RoutingPolicy": "MULTIVALUE"},
            HealthCheckCustomConfig={"FailureThreshold": 1},
        )["Service"]["Arn"]
        for name in (VIRTUAL_GATEWAY, *SIDES)
    }


def _mesh(app_mesh: Any, gateway_port: int) -> None:
    listener = {"portMapping": {"port": 8080, "protocol": "http"}}
    app_mesh.create_mesh(meshName=MESH, spec={"egressFilter": {"type": "ALLOW_ALL"}})
    for name in SIDES:
        app_mesh.create_virtual_node(
            meshName=MESH,
            virtualNodeName=name,
            spec={
                "listeners": [listener],
                "serviceDiscovery": {
                    # moto demands the attributes, which are optional on AWS.
                    "awsCloudMap": {
                        "namespaceName": NAMESPACE,
                        "serviceName": name,
                        "attributes": [],
                    }
                },
            },
        )
    app_mesh.create_virtual_router(
        meshName=MESH, virtualRouterName="example", spec={"listeners": [listener]}
    )
    app_mesh.create_route(
        meshName=MESH, virtualRouterName="example", routeName="example", spec=route_spec(100, 0)
    )
    app_mesh.create_virtual_service(
        meshName=MESH,
        virtualServiceName=VIRTUAL_SERVICE,
        spec={"provider": {"virtualRouter": {"virtualRouterName": "example"}}},
    )
    app_mesh.create_virtual_gateway(
        meshName=MESH,
        virtualGatewayName=VIRTUAL_GATEWAY,
        spec={"listeners": [{"portMapping": {"port": gateway_port, "protocol": "http"}}]},
    )
    app_mesh.create_gateway_route(
        meshName=MESH,
        virtualGatewayName=VIRTUAL_GATEWAY,
        gatewayRouteName="example",
        spec={
            "httpRoute": {
                "match": {"prefix": "/"},
                "action": {"target": {"virtualService": {"virtualServiceName": VIRTUAL_SERVICE}}},
            }
        },
    )


def _services(ecs: Any, network: dict[str, Any], registries: dict[str, str], tag: str) -> None:
    ecs.create_cluster(clusterName="example")
    for name, desired in SIDES.items():
        definition = ecs.register_task_definition(
            family=name,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=_containers(name, tag),
        )["taskDefinition"]["taskDefinitionArn"]
        ecs.create_service(
            cluster="example",
            serviceName=name,
            taskDefinition=definition,
            desiredCount=desired,
            launchType="FARGATE",
            networkConfiguration=network,
            serviceRegistries=[{"registryArn": registries[name]}],
            deploymentConfiguration={
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": True, "rollback": False},
            },
        )


def _containers(name: str, tag: str) -> list[dict[str, Any]]:
    node = f"arn:aws:appmesh:us-east-1:123456789012:mesh/{MESH}/virtualNode/{name}"
    return [
        {
            "name": "app",
            "image": image(tag),
            "essential": True,
            "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
            "dependsOn": [{"containerName": "envoy", "condition": "HEALTHY"}],
        },
        {
            "name": "envoy",
            "image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.29.12.1-prod",
            "essential": True,
            "user": "1337",
            "environment": [{"name": "APPMESH_RESOURCE_ARN", "value": node}],
        },
    ]


def _alarm(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName="example2-5xx",
        Namespace="Envoy",
        MetricName="HTTPCode_Target_5XX_Count",
        Dimensions=[
            {"Name": "Mesh", "Value": MESH},
            {"Name": "TargetVirtualNode", "Value": "example2"},
        ],
        Statistic="Sum",
        Period=60,
        # M of N, so that a fault seen early in a bake still counts at its end.
        EvaluationPeriods=5,
        DatapointsToAlarm=2,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
