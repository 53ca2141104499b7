import { isIP } from 'node:net';
import { isAllowedHost } from '@docket/directory';
import ipaddr from 'ipaddr.js';

/**
 * Whether an address is globally routable. Everything with another meaning is refused: loopback, private, link-local (cloud metadata), carrier-grade NAT,
 * multicast, documentation, and the IPv6 forms that hide an IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  // ::ffff:a.b.c.d connects to a.b.c.d, so `process` judges that.
  // isIP: ipaddr.js also reads short and octal forms, which nothing here should ever see.
  if (isIP(address) === 0) return false;
  const judged = ipaddr.process(address);
  // 2000::/3 is all that has been given out; ::127.0.0.1 and the like are outside of it, and no range of their own to ipaddr.js.
  const isGivenOut = judged instanceof ipaddr.IPv4 || judged.match(ipaddr.IPv6.parse('2000::'), 3);
  return isGivenOut && judged.range() === 'unicast';
}

/** Ports below 1024 belong to protocols that a request body could be mistaken for. */
const wellKnownPortsMax = 1023;

export type Target =
  /** `isVetted`: the operator has named this host, so its addresses are not judged. */
  | { readonly ok: true; readonly url: URL; readonly isVetted: boolean }
  | { readonly ok: false; readonly reason: 'invalid_url' | 'address_not_allowed' };

/**
 * Judges what can be judged of a sink's URL before its name is resolved: https, no credentials, a port of the web, and an address written as such in any
 * spelling. Admin refuses such URLs too; this holds also for what is in the directory already.
 */
export function vetUrl(text: string, allowedHosts: readonly string[]): Target {
  if (!URL.canParse(text)) return { ok: false, reason: 'invalid_url' };
  const url = new URL(text);
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '') {
    return { ok: false, reason: 'invalid_url' };
  }
  if (isAllowedHost(allowedHosts, url)) return { ok: true, url, isVetted: true };
  if (url.protocol !== 'https:') return { ok: false, reason: 'invalid_url' };
  const port = url.port === '' ? 443 : Number(url.port);
  if (port !== 443 && port <= wellKnownPortsMax) return { ok: false, reason: 'address_not_allowed' };
  // The URL parser has already turned 0x7f.1 and 2130706433 into 127.0.0.1.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) return { ok: false, reason: 'address_not_allowed' };
  return { ok: true, url, isVetted: false };
}
