import { setting } from '@docket/runtime';

/** What sinks may be reached, beyond https on globally routable addresses. Admin refuses other URLs, delivery other connections. */
export const sinkSettings = {
  sinkAllowedHosts: setting.list({
    env: 'SINK_ALLOWED_HOSTS',
    description:
      'Hosts, or host:port, that may be delivered to by plain http and on addresses that are not globally routable, such as a SIEM inside the network; tenant@host for the subscriptions of one tenant only. Each is an exception to the guard against requests to internal addresses.',
    default: [],
    pattern: /^(?:[A-Za-z0-9._:-]{1,128}@)?(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/,
  }),
};

/** Of the operator's list, the hosts that subscriptions of a tenant may be delivered to: those for all, and those for it alone. */
export function hostsAllowedTo(tenantId: string, allowedHosts: readonly string[]): string[] {
  return allowedHosts.flatMap((allowed) => {
    const at = allowed.indexOf('@');
    return at < 0 || allowed.slice(0, at) === tenantId ? [allowed.slice(at + 1)] : [];
  });
}

/** Decides whether the host of a URL is among hosts that are allowed, with its port or with any. */
export function isAllowedHost(allowedHosts: readonly string[], url: URL): boolean {
  const port = url.port === '' ? { 'http:': '80', 'https:': '443' }[url.protocol] : url.port;
  const names = [url.hostname, `${url.hostname}:${port}`];
  return allowedHosts.some((allowed) => names.includes(allowed.toLowerCase()));
}
