import { didYouMean } from "../service/did-you-mean.ts";

export type PostgresSettings = Readonly<Record<string, string | number | boolean>>;

/**
 * Those that a running PostgreSQL 17 does not take over: `SELECT name FROM pg_settings WHERE context = 'postmaster'`. A
 * test asks a real one.
 */
export const needRestart: readonly string[] = [
  "archive_mode",
  "autovacuum_freeze_max_age",
  "autovacuum_max_workers",
  "autovacuum_multixact_freeze_max_age",
  "bonjour",
  "bonjour_name",
  "cluster_name",
  "commit_timestamp_buffers",
  "config_file",
  "data_directory",
  "data_sync_retry",
  "debug_io_direct",
  "dynamic_shared_memory_type",
  "event_source",
  "external_pid_file",
  "hba_file",
  "hot_standby",
  "huge_page_size",
  "huge_pages",
  "ident_file",
  "ignore_invalid_pages",
  "jit_provider",
  "listen_addresses",
  "logging_collector",
  "max_connections",
  "max_files_per_process",
  "max_locks_per_transaction",
  "max_logical_replication_workers",
  "max_notify_queue_pages",
  "max_pred_locks_per_transaction",
  "max_prepared_transactions",
  "max_replication_slots",
  "max_wal_senders",
  "max_worker_processes",
  "min_dynamic_shared_memory",
  "multixact_member_buffers",
  "multixact_offset_buffers",
  "notify_buffers",
  "port",
  "recovery_target",
  "recovery_target_action",
  "recovery_target_inclusive",
  "recovery_target_lsn",
  "recovery_target_name",
  "recovery_target_time",
  "recovery_target_timeline",
  "recovery_target_xid",
  "reserved_connections",
  "serializable_buffers",
  "shared_buffers",
  "shared_memory_type",
  "shared_preload_libraries",
  "subtransaction_buffers",
  "superuser_reserved_connections",
  "trace_connection_negotiation",
  "track_activity_query_size",
  "track_commit_timestamp",
  "transaction_buffers",
  "unix_socket_directories",
  "unix_socket_group",
  "unix_socket_permissions",
  "wal_buffers",
  "wal_decode_buffer_size",
  "wal_level",
  "wal_log_hints",
];

/** What Berth itself sets, or relies on. A name, or what it begins with. */
const ours: Readonly<Record<string, string>> = {
  listen_addresses: "who reaches the database is Berth's to say, by hosts",
  port: "Berth reaches it at 5432",
  hba_file: "Berth writes who may log in",
  ident_file: "Berth writes who may log in",
  data_directory: "Berth knows where the data is",
  config_file: "Berth writes the configuration",
  external_pid_file: "Debian's own units know it",
  unix_socket_: "Berth and Debian reach it there",
  password_encryption: "Berth's passwords are of one kind",
  ssl: "Berth makes the certificate",
  archive_: "backups set it: backup",
  restore_command: "a restore sets it: npm run restore",
  recovery_target: "a restore sets it: npm run restore",
  logging_collector: "npm run logs reads the log where Debian has it",
  log_destination: "npm run logs reads the log where Debian has it",
  log_directory: "npm run logs reads the log where Debian has it",
  log_filename: "npm run logs reads the log where Debian has it",
  include: "Berth writes the configuration",
  local_preload_libraries: "it takes what an account may put in place",
  cluster_name: "Debian's own programs read it",
};

const form = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$/;

/** What is wrong with the name of a setting; undefined where nothing is. */
export function faultOfSetting(name: string): string | undefined {
  if (!form.test(name)) {
    const small = name.toLowerCase();
    return `expected the name of a setting of PostgreSQL, in small letters, such as work_mem.${form.test(small) ? didYouMean(name, [small]) : ""}`;
  }
  const found = Object.entries(ours).find(
    ([one]) => name === one || (/^(ssl|include)$|_$|target$/.test(one) && name.startsWith(one)),
  );
  return found === undefined ? undefined : `expected another setting: ${found[1]}`;
}

/** The settings as a file that PostgreSQL reads; those that it takes over only by a restart stand apart. */
export function settingsFile(settings: PostgresSettings): string {
  const lines = Object.entries(settings)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => ({ restarts: needRestart.includes(name), line: `${name} = ${quoted(value)}` }));
  if (lines.length === 0) return "";
  const group = (title: string, restarts: boolean) => {
    const own = lines.filter((one) => one.restarts === restarts).map(({ line }) => line);
    return own.length === 0 ? [] : [title, ...own];
  };
  return [
    "# Berth: the stack's own settings (postgres.settings), which win over Berth's.",
    ...group("# A change of these is taken over as PostgreSQL runs.", false),
    ...group("# A CHANGE OF THESE RESTARTS POSTGRESQL: the site is away from it for a few seconds.", true),
    "",
  ].join("\n");
}

/** https://www.postgresql.org/docs/17/config-setting.html: a backslash in a quoted value begins an escape. */
function quoted(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return `'${`${value}`.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
