import { service } from "../service/service.ts";
import { Docker } from "./docker.ts";
import { dockerSchema } from "./schema.ts";

/** The setting of the application that an image is. */
export const imageSetting = (name: string): string => `DOCKER_IMAGE_${name.toUpperCase()}`;

/** Docker, as stacks have it. */
export const docker = service({
  name: "docker",
  schema: dockerSchema
    .prefault({})
    .describe(
      "Docker, for applications that start containers. Only processes and timers that say so may use it (`groups: [docker]`). See docs/docker.md.",
    ),
  secrets: {},
  steps: ["server", "images"],
  references: { plain: { socket: ({ pathname }) => pathname }, secret: {} },
  plan: ({ enabled, images, registries, users, disk, logs, network }) =>
    enabled
      ? {
          server: {
            packages: Docker.packages(),
            look: Docker.look(),
            units: ["docker.service"],
            settings: Object.fromEntries(
              Object.entries(images).map(([name, image]) => [imageSetting(name), image]),
            ),
            make: (name, { host, fill }, options) =>
              new Docker(
                name,
                {
                  ...{ host, images, users, disk, logs, network },
                  registries: Object.entries(registries).map(([at, { username, password }]) => ({
                    at,
                    username,
                    password: fill(password, `docker.registries.${at}.password`).value,
                  })),
                },
                options,
              ),
          },
        }
      : {},
});
