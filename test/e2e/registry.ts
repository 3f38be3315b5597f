// A registry of images on a stack's host, Debian's own package; and images of busybox in it.
import assert from "node:assert/strict";
import { until } from "../until.ts";
import type { Stack } from "./harness.ts";

export interface Registry {
  /** Its host and port. */
  readonly at: string;
  /** Makes an image of busybox and sends it there; its name with its digest. Docker has it no more then. */
  published(name: string): Promise<string>;
  /** Starts it again with more of its configuration. */
  restart(more?: string): Promise<void>;
}

/** Sets it up on a host that has Docker. */
export async function registryOn(stack: Stack): Promise<Registry> {
  const at = "127.0.0.1:5000";
  await stack.on("apt-get install -y -qq docker-registry >/dev/null 2>&1");
  const restart = async (more = "") => {
    const config = `version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/docker-registry}}\nhttp: {addr: "${at}"}\n${more}`;
    await stack.on("cat >/etc/docker/registry/config.yml; systemctl restart docker-registry", {
      stdin: config,
    });
    await until("the registry to answer", async () =>
      /^[24]/.test(await stack.on(`curl -s -o /dev/null -w '%{http_code}' http://${at}/v2/ || true`)),
    );
  };
  const published = async (name: string) => {
    const image = `${at}/${name}`;
    const told = await stack.on(
      `d=$(mktemp -d); mkdir $d/bin $d/tmp; cp /usr/bin/busybox $d/bin/; for one in sh cat echo; do ln -s busybox $d/bin/$one; done; tar -C $d -c . | docker import - ${image} >/dev/null; rm -r $d; docker push ${image}`,
    );
    const [digest] = /sha256:[0-9a-f]{64}/.exec(told.split("\n").at(-1) ?? "") ?? [];
    assert.ok(digest, told);
    await stack.on(`docker rmi -f $(docker image inspect --format '{{.Id}}' ${image})`);
    return `${image}:latest@${digest}`;
  };
  await restart();
  return { at, published, restart };
}
