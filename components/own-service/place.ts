/** What of a service of one's own lies where on a host, by its name. The name of the application is in none of it. */
export const placeOf = (name: string) => {
  const account = `service-${name}`;
  return {
    account,
    unit: `${account}.service`,
    data: `/var/lib/${account}`,
    /** What is there while it runs. */
    runtime: `/run/${account}`,
    files: `/etc/berth/services/${name}`,
  };
};
