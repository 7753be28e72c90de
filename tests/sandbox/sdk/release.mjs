// A release as a program in Node makes it and looks at it: what the SDK cannot parse, it throws at.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { AppMesh } from "@aws-sdk/client-app-mesh";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { ECS } from "@aws-sdk/client-ecs";
import { ElasticLoadBalancingV2 } from "@aws-sdk/client-elastic-load-balancing-v2";
import { SFN } from "@aws-sdk/client-sfn";
import { VPCLattice } from "@aws-sdk/client-vpc-lattice";

const { table, cluster, service, primary, image, traffic } = JSON.parse(process.env.WORLD);
const stateMachineArn = process.env.STATE_MACHINE;
const sfn = new SFN();

const isTime = (value) => assert(value instanceof Date && !Number.isNaN(value.getTime()), `no time: ${value}`);

async function until(found) {
  for (let tries = 0; tries < 300; tries++) {
    const value = await found();
    if (value) return value;
    await sleep(200);
  }
  throw new Error(`not in a minute: ${found}`);
}

const weights = {
  async appmesh() {
    const mesh = new AppMesh();
    const { mesh: meshName, virtual_router: virtualRouterName, route: routeName } = traffic;
    const { route } = await mesh.describeRoute({ meshName, virtualRouterName, routeName });
    isTime(route.metadata.createdAt);
    isTime(route.metadata.lastUpdatedAt);
    isTime((await mesh.describeMesh({ meshName })).mesh.metadata.createdAt);
    for (const listed of (await mesh.listRoutes({ meshName, virtualRouterName })).routes) isTime(listed.createdAt);
    return Object.fromEntries(route.spec.httpRoute.action.weightedTargets.map((target) => [target.virtualNode, target.weight]));
  },
  async alb() {
    const { Rules } = await new ElasticLoadBalancingV2().describeRules({ RuleArns: [traffic.listener_rule] });
    return Object.fromEntries(Rules[0].Actions[0].ForwardConfig.TargetGroups.map((group) => [group.TargetGroupArn, group.Weight]));
  },
  async lattice() {
    const { service: serviceIdentifier, listener: listenerIdentifier, rule: ruleIdentifier } = traffic;
    const rule = await new VPCLattice().getRule({ serviceIdentifier, listenerIdentifier, ruleIdentifier });
    isTime(rule.createdAt);
    return Object.fromEntries(rule.action.forward.targetGroups.map((group) => [group.targetGroupIdentifier, group.weight]));
  },
};
const canary = traffic.canary_node ?? traffic.canary_target_group;

const input = JSON.stringify({ service, images: { app: image } });
const { executionArn, startDate } = await sfn.startExecution({ stateMachineArn, input });
isTime(startDate);
const shifted = await until(async () => {
  const now = await weights[traffic.router]();
  return now[canary] > 0 && now;
});
assert.equal(Object.values(shifted).reduce((sum, weight) => sum + weight), 100);

const { services } = await new ECS().describeServices({ cluster, services: [primary] });
isTime(services[0].createdAt);
isTime(services[0].deployments[0].updatedAt);

const held = await new DynamoDB().query({
  TableName: table,
  KeyConditionExpression: "pk = :held",
  ExpressionAttributeValues: { ":held": { S: "held" } },
});
assert.equal(held.Items.length, 1);

isTime((await sfn.stopExecution({ executionArn, error: "Drill", cause: "to see it return" })).stopDate);
const ended = await until(async () => {
  const execution = await sfn.describeExecution({ executionArn });
  return execution.status !== "RUNNING" && execution;
});
assert.deepEqual([ended.status, ended.error, ended.cause], ["ABORTED", "Drill", "to see it return"]);
isTime(ended.startDate);
isTime(ended.stopDate);

const { events } = await sfn.getExecutionHistory({ executionArn, reverseOrder: true, maxResults: 1000 });
events.forEach((event) => isTime(event.timestamp));
assert.equal(events[0].type, "ExecutionAborted");
assert.deepEqual(events[0].executionAbortedEventDetails, { error: "Drill", cause: "to see it return" });
assert.equal(events.at(-1).type, "ExecutionStarted");
isTime((await sfn.listExecutions({ stateMachineArn })).executions[0].stopDate);

await until(async () => (await weights[traffic.router]())[canary] === 0);

const logs = new CloudWatchLogs();
const { logGroups } = await logs.describeLogGroups();
const logGroupName = logGroups.find((group) => group.logGroupName.startsWith("/aws/lambda/")).logGroupName;
const swept = await until(async () => {
  const found = await logs.filterLogEvents({ logGroupName, filterPattern: "swept" });
  return found.events.length && found.events[0];
});
assert.equal(JSON.parse(swept.message).message, "swept");
isTime(new Date(swept.timestamp));
