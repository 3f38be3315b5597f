import { z } from "zod";
import { cidr } from "../service/forms.ts";

const network = cidr.refine((value) => Number(value.split("/")[1]) > 0, {
  error:
    "expected private networks alone, such as 10.0.0.0/8: the exporters speak plain HTTP and ask nobody for a password",
});

export const metricsSchema = z.strictObject({
  from: z
    .array(network)
    .min(1)
    .optional()
    .describe(
      "Private networks from which Prometheus may read, such as `[10.0.0.0/8]`: the hosts' firewalls, and security groups on EC2, let in these alone. The exporters speak plain HTTP and ask nobody for a password. Without this key they listen on the loopback address.",
    ),
});

export type MetricsConfig = z.output<typeof metricsSchema>;
