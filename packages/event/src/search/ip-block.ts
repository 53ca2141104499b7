import { isIP } from 'node:net';

/** An address as IPv6 in 32 hexadecimal digits (IPv4 mapped, ::ffff:a.b.c.d): their order is the order of addresses. */
export type AddressDigits = string;

/** Both ends included. */
export interface AddressRange {
  readonly first: AddressDigits;
  readonly last: AddressDigits;
}

const mappedPrefix = '0'.repeat(20) + 'ffff';
const addressBits = 128;
/** Bits before the 32 of a mapped IPv4 address. */
const mappedBits = 96;

/** The digits of an IPv4 or IPv6 address as an event can have it, or null when the text is none (or has a zone). */
export function addressDigits(text: string): AddressDigits | null {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 0) return null;
  return version === 4 ? mappedPrefix + ipv4Digits(text) : ipv6Digits(text);
}

function ipv4Digits(text: string): string {
  return text
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('');
}

function ipv6Digits(text: string): string {
  const [left = '', right] = text.toLowerCase().split('::');
  const head = groupDigits(left);
  const tail = groupDigits(right ?? '');
  return head + '0'.repeat(addressBits / 4 - head.length - tail.length) + tail;
}

function groupDigits(groups: string): string {
  if (groups === '') return '';
  return groups
    .split(':')
    .map((group) => (group.includes('.') ? ipv4Digits(group) : group.padStart(4, '0')))
    .join('');
}

/**
 * An address or a CIDR block in the one form in which searches hold it: bits behind the prefix are zero, IPv4 mapped into
 * IPv6 is IPv4, a block of one address is that address. Null when the text is neither.
 */
export function canonicalBlock(text: string): string | null {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const digits = addressDigits(address);
  if (digits === null) return null;
  const unused = address.includes(':') ? 0 : mappedBits;
  const length = slash < 0 ? String(addressBits - unused) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length)) return null;
  const prefixBits = Number(length) + unused;
  return prefixBits > addressBits ? null : blockText(filled(digits, prefixBits, 0), prefixBits);
}

/** The addresses of a block that `canonicalBlock` wrote. */
export function blockRange(block: string): AddressRange {
  const slash = block.indexOf('/');
  const address = slash < 0 ? block : block.slice(0, slash);
  const digits = addressDigits(address);
  if (digits === null) throw new Error(`${block} is not a block of addresses`);
  const unused = address.includes(':') ? 0 : mappedBits;
  const prefixBits = slash < 0 ? addressBits : Number(block.slice(slash + 1)) + unused;
  return { first: filled(digits, prefixBits, 0), last: filled(digits, prefixBits, 0xf) };
}

/**
 * How the texts begin that an event can have for an address of a block: IPv4 addresses with `prefix` (null: the block has none), all
 * others have a colon. Null: nothing can be said, because the block begins between two dots or holds both kinds.
 */
export function textsOfBlock(block: string): { readonly prefix: string | null } | null {
  const { first, last } = blockRange(block);
  const [from, to] = [mappedText(first), mappedText(last)];
  if (from === null || to === null) {
    const hasIpv4 = from !== null || to !== null || (first < mappedPrefix && last > mappedPrefix);
    return hasIpv4 ? null : { prefix: null };
  }
  if (from === to) return { prefix: from };
  const [parts, others] = [from.split('.'), to.split('.')];
  const same = parts.slice(
    0,
    parts.findIndex((part, index) => part !== others[index]),
  );
  return same.length === 0 ? null : { prefix: `${same.join('.')}.` };
}

/** As IPv4; null for an address that is none. */
function mappedText(digits: AddressDigits): string | null {
  return digits.startsWith(mappedPrefix) ? ipv4Text(digits.slice(-8)) : null;
}

/** The IPv6 text of an address, as ClickHouse reads it. */
export function ipv6Text(digits: AddressDigits): string {
  return (digits.match(/.{4}/g) ?? []).join(':');
}

function filled(digits: AddressDigits, prefixBits: number, filler: number): AddressDigits {
  return Array.from(digits, (digit, index) => {
    const fixedBits = Math.min(4, Math.max(0, prefixBits - index * 4));
    const mask = (0xf << (4 - fixedBits)) & 0xf;
    return ((Number.parseInt(digit, 16) & mask) | (filler & ~mask & 0xf)).toString(16);
  }).join('');
}

function blockText(digits: AddressDigits, prefixBits: number): string {
  const isIpv4 = digits.startsWith(mappedPrefix) && prefixBits >= mappedBits;
  const address = isIpv4 ? ipv4Text(digits.slice(-8)) : compressed(digits);
  if (prefixBits === addressBits) return address;
  return `${address}/${isIpv4 ? prefixBits - mappedBits : prefixBits}`;
}

function ipv4Text(digits: string): string {
  return (digits.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).join('.');
}

/** The text of RFC 5952: no leading zeros, the first longest run of zero groups (two at least) left out. */
function compressed(digits: AddressDigits): string {
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ''));
  let best = { at: 0, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === '0') length += 1;
    if (length > best.length) best = { at, length };
  }
  if (best.length === 1) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}
