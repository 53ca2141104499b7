import { isIP } from 'node:net';

/**
 * Decides which address a request was received from: the connection's, or behind `trustedHops` load balancers the one that the outermost of them saw.
 * Addresses that a client itself put into X-Forwarded-For are further left and never reached.
 */
export function receivedFrom(
  connection: string | undefined,
  forwardedFor: string | undefined,
  trustedHops: number,
): string {
  const seen = (forwardedFor ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const chain = [...seen, connection ?? ''];
  const address = plain(chain[Math.max(0, chain.length - 1 - trustedHops)] ?? '');
  return isIP(address) === 0 ? plain(connection ?? '') : address;
}

/** IPv4 as a dual-stack socket shows it. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
