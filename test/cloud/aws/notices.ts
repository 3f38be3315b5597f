// Topics, alarms and DNS records: kept as state only. No mail is sent, nothing is measured, no name is resolved.
import { randomUUID } from "node:crypto";
import type { Properties } from "../../../engine/plugins/values.ts";
import { AwsError, arn, called, drop, find, locked, need, put } from "./cloud.ts";
import { type Behaviour, list, requiredName, text } from "./resource.ts";

function kept(
  kind: string,
  operations: { put: string; delete: string },
  make: (inputs: Properties) => { id: string; outputs: Properties },
  more: Partial<Behaviour> = {},
): Behaviour {
  return {
    create: (inputs) =>
      locked(() => {
        called(operations.put);
        const { id, outputs } = make(inputs);
        put(kind, { ...inputs, ...outputs, id });
        return { id, outputs };
      }),
    async update(id, inputs) {
      called(operations.put);
      put(kind, { ...find(kind, id), ...inputs, id });
      return {};
    },
    async delete(id) {
      called(operations.delete);
      drop(kind, id);
    },
    async read(id) {
      const now = find(kind, id);
      if (!now) return undefined;
      const { id: _, ...properties } = now;
      return properties;
    },
    ...more,
  };
}

export const topic = kept(
  "topics",
  { put: "sns:CreateTopic", delete: "sns:DeleteTopic" },
  (inputs) => {
    const id = arn("sns", text(inputs.name));
    return { id, outputs: { arn: id, owner: id.split(":")[4] ?? "" } };
  },
  { required: ["name"], valid: requiredName("name", /^[\w-]{1,256}$/, "name for a topic") },
);

export const subscription = kept(
  "subscriptions",
  { put: "sns:Subscribe", delete: "sns:Unsubscribe" },
  (inputs) => {
    need("topics", inputs.topic, "Subscribe", "NotFound");
    const id = `${text(inputs.topic)}:${randomUUID()}`;
    // Mail is to be confirmed by whoever gets it.
    return { id, outputs: { arn: id, pendingConfirmation: inputs.protocol === "email" } };
  },
);

export const alarm = kept(
  "alarms",
  { put: "cloudwatch:PutMetricAlarm", delete: "cloudwatch:DeleteAlarms" },
  (inputs) => ({ id: text(inputs.name), outputs: { arn: arn("cloudwatch", `alarm:${text(inputs.name)}`) } }),
  {
    defaults: { actionsEnabled: true, treatMissingData: "missing" },
    required: ["name", "comparisonOperator", "evaluationPeriods"],
    valid: requiredName("name", /^[^\0]{1,255}$/, "name for an alarm"),
  },
);

export const record = kept(
  "records",
  { put: "route53:ChangeResourceRecordSets", delete: "route53:ChangeResourceRecordSets" },
  (inputs) => {
    const zone = need("zones", inputs.zoneId, "ChangeResourceRecordSets", "NoSuchHostedZone");
    const name = text(inputs.name).replace(/\.$/, "");
    if (name !== zone.name && !name.endsWith(`.${zone.name}`)) {
      const message = `RRSet with DNS name ${name}. is not permitted in zone ${zone.name}.`;
      throw new AwsError("ChangeResourceRecordSets", "InvalidChangeBatch", message);
    }
    const id = `${zone.id}_${name}_${text(inputs.type)}`;
    if (find("records", id) && inputs.allowOverwrite !== true) {
      const message = `[Tried to create resource record set [name='${name}.', type='${inputs.type}'] but it already exists]`;
      throw new AwsError("ChangeResourceRecordSets", "InvalidChangeBatch", message);
    }
    return { id, outputs: { fqdn: name, records: list(inputs.records) } };
  },
  { required: ["name"] },
);
