import type { References } from "./references.ts";

/** Stands for the id of the release, which the host fills in when it makes an instance (release/settings.py). */
const id = "@@berth:release.id@@";

const those = (root: string) => ({ "release.id": id, "paths.static": `${root}/static/${id}` });

/** What only the application may refer to, because it differs with each release. */
export const releaseNames: readonly string[] = Object.keys(those(""));

/** @param root the application's directory on the host */
export const releaseReferences = (root: string): References => ({ plain: those(root), secret: {} });
