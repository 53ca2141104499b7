/**
 * The URL of a sink's endpoint: `base`, which may have a path of its own, and the path that the sink's protocol prescribes, unless the base ends with it
 * already. What is no URL comes back as it is, to be refused by the guard.
 */
export function endpointUrl(base: string, path: string, query: Readonly<Record<string, string>> = {}): string {
  if (!URL.canParse(base)) return base;
  const url = new URL(base);
  const prefix = url.pathname.replace(/\/+$/, '');
  url.pathname = prefix.endsWith(path) ? prefix : `${prefix}${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}
