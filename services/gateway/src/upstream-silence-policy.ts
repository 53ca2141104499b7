/** An upstream that sends nothing for so long is taken for dead: longer than any long poll, and streams send keep-alives. */
const silenceMs = 120_000;
/**
 * An export says nothing while it searches, and none of its formats has room for a keep-alive: its digest is of all its bytes.
 * The query service ends it after EXPORT_TIMEOUT_MS, of which this is the maximum; an upstream that dies closes the connection.
 */
const exportSilenceMs = 21_600_000;

/** How long an upstream may be silent within a request to this path. */
export function upstreamSilenceMsMax(path: string): number {
  return /^\/v1\/export\/?$/i.test(path) ? exportSilenceMs : silenceMs;
}
