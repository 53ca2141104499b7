import type { Env } from './installation.ts';

/** Asks ClickHouse itself, past all of Docket's code: the rows of a SELECT. Rejects with ClickHouse's message. */
export async function clickhouseRows<Row>(
  env: Env,
  select: string,
  parameters: Record<string, string> = {},
): Promise<Row[]> {
  const url = new URL(env['CLICKHOUSE_URL'] ?? '');
  url.searchParams.set('database', env['CLICKHOUSE_DATABASE'] ?? 'docket');
  url.searchParams.set('output_format_json_quote_64bit_integers', '0');
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(`param_${name}`, value);
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'x-clickhouse-user': env['CLICKHOUSE_USER'] ?? 'default',
      'x-clickhouse-key': env['CLICKHOUSE_PASSWORD'] ?? '',
    },
    body: `${select} FORMAT JSON`,
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text.slice(0, 500));
  const answer: { data: Row[] } = JSON.parse(text);
  return answer.data;
}
