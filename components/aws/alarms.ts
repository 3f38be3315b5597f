import { MetricAlarm, type MetricAlarmArgs } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import { Topic } from "@pulumi/aws/sns/topic.js";
import { TopicSubscription } from "@pulumi/aws/sns/topicSubscription.js";
import * as pulumi from "@pulumi/pulumi";
import { allDisks, disks, metrics } from "../ec2/host-metrics.ts";
import { cloudName, limits, tagsOf } from "./naming.ts";

export interface AlarmsArgs {
  /** The instance that is watched. */
  readonly instanceId: pulumi.Input<string>;
  /** What becomes of it when it has used up its CPU credits. @default it has none */
  readonly credits?: "standard" | "unlimited" | undefined;
  /** Whom the alarms tell. @default a topic of their own */
  readonly topicArn?: pulumi.Input<string> | undefined;
  /** Who is written to by that topic; AWS asks for consent first. @default nobody: others subscribe to it */
  readonly email?: string | undefined;
  /** What the instance measures of itself ({@link HostMetrics}), for alarms on its disks and memory. @default nothing */
  readonly measured?:
    | {
        /** CloudWatch's namespace for it. */
        readonly namespace: string;
        /** What has begun to send it: an alarm that is there before would go off. */
        readonly by: pulumi.Resource;
        /** Its disks, by their names in {@link disks}. @default all of these */
        readonly disks?: readonly (keyof typeof disks)[] | undefined;
      }
    | undefined;
}

type What = Pick<
  MetricAlarmArgs,
  | "alarmDescription"
  | "namespace"
  | "metricName"
  | "dimensions"
  | "statistic"
  | "period"
  | "evaluationPeriods"
  | "threshold"
  | "treatMissingData"
> & { readonly comparisonOperator?: string };

/** How much of it may be used, in percent: there is time to see to it, and no alarm over what passes by itself. */
const full = { disk: 85, memory: 90 } as const;

/**
 * Of a burstable instance: that it is about to be slow, or that it costs more than its price. A machine at rest earns credits.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-monitoring-cpu-credits.html
 */
const creditAlarms: Readonly<Record<"standard" | "unlimited", What>> = {
  standard: {
    alarmDescription:
      "The instance has CPU credits for less than ten minutes of one processor. Without any, AWS slows it down.",
    metricName: "CPUCreditBalance",
    comparisonOperator: "LessThanThreshold",
    statistic: "Minimum",
    period: 300,
    evaluationPeriods: 2,
    threshold: 10,
    treatMissingData: "missing",
  },
  unlimited: {
    alarmDescription:
      "The instance has used more of its CPU than its price includes, for 15 minutes. AWS charges for what is above.",
    metricName: "CPUSurplusCreditsCharged",
    statistic: "Maximum",
    period: 300,
    evaluationPeriods: 3,
    threshold: 1,
    treatMissingData: "missing",
  },
};

/**
 * Alarms for an instance, told to a topic when they begin and when they end. They tell people; what AWS can mend by
 * itself, its auto-recovery mends without them. What AWS sees from outside has neither disks nor memory in it: those the
 * instance measures itself, where it is asked to.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
 */
export class Alarms extends pulumi.ComponentResource {
  readonly topicArn: pulumi.Output<string>;

  constructor(name: string, args: AlarmsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:Alarms", name, {}, options);
    const topicArn = pulumi.output(args.topicArn ?? this.#topic(name, args.email));
    const alarm = (what: string, metric: What, dependsOn: pulumi.Resource[] = []) =>
      new MetricAlarm(
        `${name}-${what}`,
        {
          namespace: "AWS/EC2",
          dimensions: { InstanceId: args.instanceId },
          comparisonOperator: "GreaterThanOrEqualToThreshold",
          ...metric,
          name: cloudName(`${name}-${what}`, limits.alarm),
          alarmActions: [topicArn],
          okActions: [topicArn],
          tags: tagsOf("alarms"),
        },
        { parent: this, deleteBeforeReplace: true, dependsOn },
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
    if (args.credits !== undefined) alarm("credits", creditAlarms[args.credits]);
    const { measured } = args;
    if (measured !== undefined) {
      // What says nothing any more may be full.
      const measure = { namespace: measured.namespace, period: 60, treatMissingData: "breaching" };
      for (const disk of measured.disks ?? allDisks) {
        const directory = disks[disk];
        alarm(
          `${disk}-disk`,
          {
            ...measure,
            alarmDescription: `The ${disk} disk of the instance, at ${directory}, is ${full.disk} % full or more, or nothing has been heard of it for 5 minutes.`,
            metricName: metrics.disk,
            dimensions: { InstanceId: args.instanceId, Directory: directory },
            statistic: "Maximum",
            evaluationPeriods: 5,
            threshold: full.disk,
          },
          [measured.by],
        );
      }
      alarm(
        "memory",
        {
          ...measure,
          alarmDescription: `The instance has used ${full.memory} % of its memory or more for 15 minutes, or nothing has been heard of it for so long.`,
          metricName: metrics.memory,
          statistic: "Average",
          evaluationPeriods: 15,
          threshold: full.memory,
        },
        [measured.by],
      );
    }
    this.topicArn = topicArn;
    this.registerOutputs();
  }

  #topic(name: string, email: string | undefined): pulumi.Output<string> {
    // Not encrypted by the key alias/aws/sns, which CloudWatch may not use; what is said here is no secret:
    // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    const topic = new Topic(
      `${name}-topic`,
      { name: cloudName(name, limits.topic), tags: tagsOf("alarms") },
      { parent: this, deleteBeforeReplace: true },
    );
    if (email !== undefined) {
      new TopicSubscription(
        `${name}-email`,
        { topic: topic.arn, protocol: "email", endpoint: email },
        { parent: this },
      );
    }
    return topic.arn;
  }
}
