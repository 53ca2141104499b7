import type { MasterKey } from './master-key.ts';
import { openSecret } from './sealed-secret.ts';
import { parseObject } from './stored-json.ts';

/** What the owner of a webhook has sent with each request, by names in lower case: for gateways in front of a receiver that know nothing of signatures. */
export type CustomHeaders = Readonly<Record<string, string>>;

/** Values are secrets as often as not, so all are sealed: `sealed` is their JSON, for the subscription's id. */
export interface SealedHeaders {
  readonly names: string[];
  readonly sealed: string;
}

export const customHeadersMax = 16;

/** What frames a request, says where it goes, or says who sends it. */
const ours =
  /^(?:host|content-.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|user-agent|webhook-.*)$/;
/** A token (RFC 9110 §5.6.2), in lower case. */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/;
const headerValue = /^[!-~](?:[ -~]{0,1022}[!-~])?$/;

/** Decides whether a header may be a webhook's own; gives what is wrong with it, or undefined. */
export function customHeaderProblem(name: string, value: string): string | undefined {
  if (!headerName.test(name)) return 'is no name of a header: a token of at most 64 characters';
  if (ours.test(name)) return 'is a header that only Docket may set';
  return headerValue.test(value) ? undefined : 'has a value other than printable ASCII, at most 1 KiB';
}

/** @param seal seals a text for the subscription's id. */
export function sealHeaders(headers: CustomHeaders, seal: (text: string) => string): SealedHeaders {
  return { names: Object.keys(headers), sealed: seal(JSON.stringify(headers)) };
}

/** Undefined when they cannot be opened, or one of them may not be sent. */
export function openHeaders(
  masterKey: MasterKey,
  subscriptionId: string,
  { sealed }: SealedHeaders,
): CustomHeaders | undefined {
  const opened = openSecret(masterKey, subscriptionId, sealed);
  const stored = opened.ok ? parseObject(Buffer.from(opened.secret)) : undefined;
  if (stored === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(stored)) {
    if (typeof value !== 'string' || customHeaderProblem(name, value) !== undefined) return undefined;
    headers.set(name, value);
  }
  return Object.fromEntries(headers);
}
