import { service } from "../service/service.ts";
import { login, place } from "../service/url-parts.ts";
import { MongoDb } from "./mongodb.ts";
import { mongodbSchema } from "./schema.ts";

/** MongoDB, as stacks have it: FerretDB, which keeps the data in the stack's PostgreSQL. */
export const mongodb = service({
  name: "mongodb",
  schema: mongodbSchema
    .prefault({})
    .describe(
      "The document database: MongoDB's protocol, by FerretDB. The data is in the host's PostgreSQL. What FerretDB does not do is in docs/mongodb.md.",
    ),
  secrets: { mongodb: "MongoDB's password" },
  steps: ["certificate", "database", "logins", "program", "server"],
  output: "mongodbUrl",
  setting: "MONGODB_URL",
  furtherSettings: { MONGO_URI: (url) => url },
  references: {
    plain: { ...place, user: ({ username }) => username, database: ({ pathname }) => pathname.slice(1) },
    secret: login,
  },
  plan: ({ enabled, memory, cpu, program }, { application, postgres }) =>
    enabled && postgres !== undefined
      ? {
          clients: MongoDb.clientPackages(),
          server: {
            packages: MongoDb.clientPackages(),
            look: MongoDb.look(),
            listener: MongoDb.listener(),
            privatePorts: { mongodb: MongoDb.privatePort },
            units: ["ferretdb.service"],
            ownerUnits: ["ferretdb"],
            make: (name, { host, others, secret }, options) =>
              new MongoDb(
                name,
                { host, application, memory, cpu, program, postgres, password: secret("mongodb"), others },
                options,
              ),
          },
        }
      : {},
});
