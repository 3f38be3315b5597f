import type * as pulumi from "@pulumi/pulumi";
import type { OrganizationConfig } from "./organization-schema.ts";

/** The kinds of things that AWS lets a permissions boundary hold. */
const principals = ["aws:iam/role:Role", "aws:iam/user:User"];

/**
 * Gives everything below a component what the account's organization asks of it: its tags, on whatever has tags, and its
 * permissions boundary. Here once for all, so that no component can forget it.
 */
export function asOrganizationAsks(config: OrganizationConfig): pulumi.ResourceTransformation {
  const { permissionsBoundary } = config;
  return ({ type, props, opts }) => {
    const { rootBlockDevice } = props;
    const tagged = {
      ...(props.tags && { tags: { ...config.tags, ...props.tags } }),
      // An instance's disk has tags of its own.
      ...(rootBlockDevice && {
        rootBlockDevice: { ...rootBlockDevice, tags: { ...config.tags, ...rootBlockDevice.tags } },
      }),
    };
    const bound = principals.includes(type) && permissionsBoundary !== undefined && { permissionsBoundary };
    return { props: { ...props, ...tagged, ...bound }, opts };
  };
}
