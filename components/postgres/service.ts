import { service } from "../service/service.ts";
import { login, place } from "../service/url-parts.ts";
import { Postgres } from "./postgres.ts";
import { postgresSchema } from "./schema.ts";

/** Names of the database and of its owner. */
const namesOf = (
  given: { readonly database?: string | undefined; readonly role?: string | undefined },
  application: string,
) => ({ database: given.database ?? application, role: given.role ?? application });

/** PostgreSQL, as stacks have it. */
export const postgres = service({
  name: "postgres",
  schema: postgresSchema.prefault({}).describe("The database, PostgreSQL."),
  secrets: { database: "the database's password" },
  steps: ["certificate", "database", "logins", "server"],
  output: "databaseUrl",
  setting: "DATABASE_URL",
  references: {
    plain: { ...place, user: ({ username }) => username, database: ({ pathname }) => pathname.slice(1) },
    secret: login,
  },
  plan: ({ enabled, version, extensions, settings, ...names }, stack) => ({
    clients: enabled || stack.dumps ? Postgres.clientPackages(version) : undefined,
    server: enabled
      ? {
          packages: Postgres.packages(version, extensions),
          look: Postgres.look(version),
          listener: Postgres.listener(),
          privatePorts: { postgres: Postgres.privatePort },
          data: Postgres.data(),
          backup: Postgres.backup(version, namesOf(names, stack.application)),
          units: ["postgresql.service"],
          make: (name, { host, others, secret }, options) =>
            new Postgres(
              name,
              {
                host,
                version,
                locale: stack.locale,
                ...namesOf(names, stack.application),
                extensions,
                settings,
                archived: stack.backups,
                password: secret("database"),
                others,
              },
              options,
            ),
        }
      : undefined,
  }),
});
