import { MetricAlarm, type MetricAlarmArgs } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { TopicSubscription } from "@pulumi/aws/sns/topicSubscription.js";
import * as pulumi from "@pulumi/pulumi";
import { cloudName, limits, tagsOf } from "./naming.ts";

export interface AlarmsArgs {
  /** The instance that is watched. */
  readonly instanceId: pulumi.Input<string>;
  /** Who is written to; AWS asks that address for its consent first. @default nobody: others subscribe to the topic */
  readonly email?: string | undefined;
}

type What = Pick<
  MetricAlarmArgs,
  | "alarmDescription"
  | "metricName"
  | "statistic"
  | "period"
  | "evaluationPeriods"
  | "threshold"
  | "treatMissingData"
>;

/**
 * Alarms for an instance, told to a topic when they begin and when they end. They tell people; what AWS can mend by
 * itself, its auto-recovery mends without them. What AWS sees from outside only: disk and memory are not in it.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
 */
export class Alarms extends pulumi.ComponentResource {
  readonly topicArn: pulumi.Output<string>;

  constructor(name: string, args: AlarmsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:Alarms", name, {}, options);
    // Not encrypted by the key alias/aws/sns, which CloudWatch may not use; what is said here is no secret:
    // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    const topic = new Topic(
      `${name}-topic`,
      { name: cloudName(name, limits.topic), tags: tagsOf("alarms") },
      { parent: this, deleteBeforeReplace: true },
    );
    if (args.email !== undefined) {
      new TopicSubscription(
        `${name}-email`,
        { topic: topic.arn, protocol: "email", endpoint: args.email },
        { parent: this },
      );
    }
    const alarm = (what: string, metric: What) =>
      new MetricAlarm(
        `${name}-${what}`,
        {
          ...metric,
          name: cloudName(`${name}-${what}`, limits.alarm),
          namespace: "AWS/EC2",
          dimensions: { InstanceId: args.instanceId },
          comparisonOperator: "GreaterThanOrEqualToThreshold",
          alarmActions: [topic.arn],
          okActions: [topic.arn],
          tags: tagsOf("alarms"),
        },
        { parent: this, deleteBeforeReplace: true },
      );
    alarm("status", {
      alarmDescription:
        "The instance fails a status check (its system, its hardware or its disks), or it does not run.",
      metricName: "StatusCheckFailed",
      statistic: "Maximum",
      period: 60,
      evaluationPeriods: 3,
      threshold: 1,
      // A machine that was stopped says nothing at all.
      treatMissingData: "breaching",
    });
    alarm("cpu", {
      alarmDescription: "The instance has used 90 % of its CPU or more for 15 minutes.",
      metricName: "CPUUtilization",
      statistic: "Average",
      period: 300,
      evaluationPeriods: 3,
      threshold: 90,
      treatMissingData: "missing",
    });
    this.topicArn = topic.arn;
    this.registerOutputs();
  }
}
