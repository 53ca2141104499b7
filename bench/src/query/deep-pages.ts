import type { Reader } from './reader.ts';
import type { Subject } from './questions.ts';

const pageEvents = 1_000;
/** How many pages of 1,000 events lie before the one that is asked for, where the log has so many. */
const pagesMax = 20;

/**
 * Paths of pages of 100 events far behind the first one of their logs, half of the log or 20,000 events deep: their cursors were found by
 * following the pages, as a caller does.
 */
export async function findDeepPages(reader: Reader, subjects: readonly Subject[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { tenantId, rows } of subjects) {
    let cursor = '';
    for (let page = 0; page < Math.min(pagesMax, Math.floor(rows / 2 / pageEvents)); page += 1) {
      cursor = await nextCursor(reader, `/v1/events?tenant_id=${tenantId}&limit=${pageEvents}&cursor=${cursor}`);
    }
    paths.push(`/v1/events?tenant_id=${tenantId}&cursor=${cursor}`);
  }
  return paths;
}

async function nextCursor(reader: Reader, path: string): Promise<string> {
  const page = await reader.read(path);
  if (typeof page !== 'object' || page === null || !('next_cursor' in page) || typeof page.next_cursor !== 'string') {
    throw new Error(`${path} has no next page`);
  }
  return encodeURIComponent(page.next_cursor);
}
