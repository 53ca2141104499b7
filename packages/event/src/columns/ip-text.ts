import { isIP } from 'node:net';

const dot = 0x2e;
/** The longest text of an IPv6 address has 45 characters. */
const ipBytesMax = 45;

/** Whether ASCII bytes are an IPv4 or IPv6 address without a zone, as validateEvent means it. */
export function isIpText(view: DataView, from: number, to: number): boolean {
  if (isIpv4Text(view, from, to)) return true;
  if (to - from > ipBytesMax) return false;
  let text = '';
  for (let at = from; at < to; at += 1) text += String.fromCharCode(view.getUint8(at));
  return !text.includes('%') && isIP(text) !== 0;
}

/** Four decimal numbers up to 255 without leading zeros. */
function isIpv4Text(view: DataView, from: number, to: number): boolean {
  let parts = 0;
  let digits = 0;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const byte = view.getUint8(at);
    if (byte === dot) {
      if (digits === 0) return false;
      parts += 1;
      digits = 0;
      value = 0;
    } else if (byte >= 0x30 && byte <= 0x39 && (digits === 0 || value !== 0)) {
      value = value * 10 + byte - 0x30;
      digits += 1;
      if (value > 255) return false;
    } else {
      return false;
    }
  }
  return parts === 3 && digits > 0;
}
