import { isAllowedHost } from '@docket/directory';

const urlBytesMax = 2048;

/**
 * Decides whether a URL may be a webhook's; gives what is wrong with it, or undefined. It judges the text only: which addresses the name
 * resolves to is judged by delivery at each connection, because names change.
 */
export function sinkUrlProblem(text: string, allowedHosts: readonly string[]): string | undefined {
  if (Buffer.byteLength(text) > urlBytesMax) return `has more than ${urlBytesMax} bytes`;
  // URL drops tabs, newlines and surrounding spaces silently; what is stored must be what is called.
  if (!/^[\u0021-\u007e]+$/.test(text)) return 'has characters other than printable ASCII; percent-encode them';
  if (!URL.canParse(text)) return 'is not an absolute URL';
  // Nor does URL mind `https:host` and backslashes, which other readers take for something else.
  if (!/^https?:\/\/[^\\]+$/i.test(text)) return 'does not begin with https://, or has a backslash';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'holds credentials; receivers verify the signature instead';
  if (url.hash !== '') return 'has a fragment, which is never sent';
  if (url.protocol === 'http:' && !isAllowedHost(allowedHosts, url)) {
    return 'is plain http; only hosts in SINK_ALLOWED_HOSTS may be delivered to without TLS';
  }
  return undefined;
}
