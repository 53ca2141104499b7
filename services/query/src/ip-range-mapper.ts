import ipaddr from 'ipaddr.js';
import type { IpRange } from './event-filter.ts';

type Address = ReturnType<typeof ipaddr.parse>;

/** An address or a CIDR block as a range, or null when the text is neither. Bits behind a block's prefix are ignored. */
export function parseIpRange(text: string): IpRange | null {
  const slash = text.indexOf('/');
  if (slash < 0) {
    const address = parseAddress(text);
    return address === null ? null : rangeOf(address, address.toByteArray().length * 8);
  }
  const address = parseAddress(text.slice(0, slash));
  const prefix = text.slice(slash + 1);
  if (address === null || !/^\d{1,3}$/.test(prefix)) return null;
  const bits = Number(prefix);
  return bits > address.toByteArray().length * 8 ? null : rangeOf(address, bits);
}

/** Only the usual forms: four decimal parts, or IPv6 without a zone. */
function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return !text.includes('%') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null;
}

function rangeOf(address: Address, prefixBits: number): IpRange {
  const bytes = address.toByteArray();
  const bound = (filler: number): number[] =>
    bytes.map((byte, index) => {
      const fixedBits = Math.min(8, Math.max(0, prefixBits - index * 8));
      const mask = (0xff << (8 - fixedBits)) & 0xff;
      return (byte & mask) | (filler & ~mask & 0xff);
    });
  return { from: ipv6Text(bound(0)), to: ipv6Text(bound(0xff)) };
}

function ipv6Text(bytes: number[]): string {
  const address = ipaddr.fromByteArray(bytes);
  return address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress().toString() : address.toString();
}
