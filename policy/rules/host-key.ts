import type { Rule, StackResource } from "../rule.ts";
import { hostKeys, userDataOf } from "../user-data.ts";
import { group } from "../values.ts";

/**
 * The private key in user-data is there for the first contact. Whoever reads it later could pose as the host for as
 * long as it is trusted; so nothing of the stack may go on trusting it.
 */
export const hostKeyReplaced: Rule = {
  name: "user-data-host-key",
  description: "The host key in user-data serves for the first contact only.",
  comply:
    "replace the host key in the first, verified step, and pin the new one in every step after it, as Ec2Host does",
  checkStack(resources) {
    const carriers = new Map(
      resources.flatMap((resource) =>
        userDataOf(resource).flatMap(({ text }) =>
          hostKeys(text).map((key): [string, StackResource] => [key, resource]),
        ),
      ),
    );
    return resources
      .filter(({ type }) => type.startsWith("command:remote:"))
      .flatMap((resource) => {
        const connection = group(resource.props.connection);
        const pins = [connection.hostKey, group(connection.proxy).hostKey];
        return pins.flatMap((pin) => {
          const key = typeof pin === "string" ? /AAAA[A-Za-z0-9+/=]+/.exec(pin)?.[0] : undefined;
          const carrier = key === undefined ? undefined : carriers.get(key);
          return carrier === undefined
            ? []
            : [{ resource, fault: `it trusts the host key that stands in the user-data of ${carrier.name}` }];
        });
      });
  },
};
