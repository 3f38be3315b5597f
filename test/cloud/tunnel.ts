import net from "node:net";
import type { Thing } from "./aws/cloud.ts";
import type { Cloud } from "./harness.ts";

/**
 * Stands in for `aws ec2-instance-connect open-tunnel --local-port PORT`: a port of this computer that leads to SSH of the
 * account's instance, as long as there is an endpoint in its VPC and the rules of both let that through.
 *
 * @returns the port
 */
export async function openTunnel(scope: { after(clean: () => void): void }, cloud: Cloud): Promise<number> {
  const server = net.createServer((incoming) => {
    const address = reached(cloud);
    if (address === undefined) return incoming.destroy();
    const outgoing = net.connect(22, address);
    const end = () => [incoming, outgoing].map((socket) => socket.destroy());
    incoming
      .on("error", end)
      .on("close", end)
      .pipe(outgoing)
      .on("error", end)
      .on("close", end)
      .pipe(incoming);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.after(() => void server.close());
  return (server.address() as net.AddressInfo).port;
}

const idsIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Address of the instance, when an endpoint reaches it. */
function reached(cloud: Cloud): string | undefined {
  const instance = cloud.things("instances").find(({ instanceState }) => instanceState === "running");
  const subnet = cloud.things("subnets").find(({ id }) => id === instance?.subnetId);
  const endpoint = cloud.things("connect-endpoints").find(({ vpcId }) => vpcId === subnet?.vpcId);
  if (instance === undefined || endpoint === undefined) return undefined;
  const theirs = idsIn(instance.vpcSecurityGroupIds);
  const own = idsIn(endpoint.securityGroupIds);
  const ssh = (rule: Thing) => rule.ipProtocol === "tcp" && rule.fromPort === 22 && rule.toPort === 22;
  const rules = cloud.things("rules").filter(ssh);
  const open = (direction: string, of: readonly unknown[], to: readonly unknown[]) =>
    rules.some(
      (rule) =>
        rule.direction === direction &&
        of.includes(rule.securityGroupId) &&
        to.includes(rule.referencedSecurityGroupId),
    );
  return open("egress", own, theirs) && open("ingress", theirs, own) ? `${instance.privateIp}` : undefined;
}
