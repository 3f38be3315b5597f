/** Directories and files of Berth's own, next to those of the application: `/etc/berth/NAME`, `/usr/local/lib/berth/NAME`. */
const ofBerth = [
  "backup",
  "backup-archive",
  "certificate",
  "copy",
  "credentials",
  "data-volume",
  "ferretdb",
  "logs",
  "metrics",
  "mongodb",
  "nginx",
  "notices",
  "pgbackrest-archive",
  "postgres-end-logins",
  "postgresql",
  "private",
  "reboot",
  "reboots",
  "redis",
  "redis-passwords",
  "services",
  "space",
  "syslog",
  "undo",
  "valkey",
];

/** The system's own directories in `/run`, where the application's sockets have a directory of its name. */
const ofTheSystem = [
  "blkid",
  "chrony",
  "cloud-init",
  "console-setup",
  "cryptsetup",
  "dbus",
  "docker",
  "initctl",
  "initramfs",
  "lock",
  "log",
  "lvm",
  "mount",
  "network",
  "screen",
  "sendsigs",
  "shm",
  "sshd",
  "sudo",
  "systemd",
  "udev",
  "user",
  "uuidd",
];

const reserved = new Set([...ofBerth, ...ofTheSystem, "postgres", "service"]);

/** Whether an application may have a name. Accounts that the host has already are refused there. */
export const isFree = (name: string): boolean => !reserved.has(name) && !/^(berth|service)-/.test(name);
