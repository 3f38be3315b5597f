import { z } from "zod";
import { isCidr } from "../service/forms.ts";

/** Names of images: what settings of the application are called after. */
const imageName = z.string().regex(/^[a-z][a-z0-9_]{0,30}$/, {
  error: "expected a lower-case letter, then letters, digits or underscores, 31 at most",
});

/** An image by its digest; see https://pkg.go.dev/github.com/distribution/reference. */
const image = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][\w.-]{0,127})?@sha256:[0-9a-f]{64}$/,
    {
      error:
        "expected an image with its digest, such as debian:trixie-slim@sha256: and 64 digits; 'docker pull NAME' on any computer prints the digest",
    },
  );

/** Host and port of a registry. */
const registryName = z.string().regex(/^[a-z0-9][a-z0-9.-]*(:\d+)?$/, {
  error: "expected the host of a registry, with its port if it has one, such as registry.example.org:5000",
});

const registrySchema = z
  .strictObject({
    username: z
      .string()
      .regex(/^[^:\s]+$/, { error: "expected a name without colons and spaces" })
      .describe("The account there."),
    password: z
      .string()
      .regex(/^\$\{secrets\.[^}]+\}$/, {
        error: "expected one of the application's secrets, such as $" + "{secrets.REGISTRY_TOKEN}",
      })
      .describe("Its password or token, as a reference to one of `app.secrets`."),
  })
  .describe("A registry that asks who you are.");

/** Docker's networks: an IPv4 network of 12 to 22 bits that ends in `.0`. */
const network = z.string().refine(
  (value) => {
    const [address = "", bits = ""] = value.split("/");
    return isCidr(value) && address.endsWith(".0") && Number(bits) >= 12 && Number(bits) <= 22;
  },
  { error: "expected an IPv4 network with 12 to 22 bits, such as 172.17.0.0/16" },
);

export const dockerSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe("Whether the first host has Docker, for processes and timers that start containers."),
  images: z
    .record(imageName, image)
    .default({})
    .describe(
      "Images by names of your own, each with its digest. They are fetched before a release goes live, and the application finds each as the setting `DOCKER_IMAGE_NAME`.",
    ),
  registries: z
    .record(registryName, registrySchema)
    .default({})
    .describe(
      "Registries that ask who you are, by their host. Only Berth itself logs in there, for `images`.",
    ),
  users: z
    .enum(["host", "remapped"])
    .default("host")
    .describe(
      "Who root in a container is: root of the `host`, shut in, or `remapped` to an account without rights (`userns-remap`). A change fetches all images again, and containers of before are not seen any more.",
    ),
  disk: z
    .int()
    .min(1)
    .default(10)
    .describe(
      "How much of the disk Docker may keep, in GiB. Above it, what nothing uses goes, the oldest first: containers that have ended and are older than an hour, images that are not in `images`, volumes without a name. What is in use stays; `npm run status` says so.",
    ),
  logs: z.int().min(2).default(30).describe("How much is kept of what each container prints, in MiB."),
  network: network
    .default("172.17.0.0/16")
    .describe(
      "The addresses of containers. Choose others where the network that the host is in has these, or a network that containers must reach.",
    ),
});
