import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { eventFields, eventLists, eventStatuses, listSearchFields, parseSearch } from '@docket/event';
import { describeSettings, errorCatalogue } from '@docket/runtime';
import { Registry } from 'prom-client';
import { makeApps } from './apps-without-servers.ts';
import { codeBlocks } from './code-blocks-mapper.ts';
import { createHttpMetrics } from '../../packages/runtime/src/http/http-metrics.ts';
import { settings as admin } from '../../services/admin/src/config.ts';
import { newSubscriptionBody } from '../../services/admin/src/request-schemas.ts';
import { clientSettings } from '../../services/cli/src/client/client-settings.ts';
import { operatorSettings } from '../../services/cli/src/program.ts';
import { settings as delivery } from '../../services/delivery/src/config.ts';
import { settings as gateway } from '../../services/gateway/src/config.ts';
import { settings as ingestor } from '../../services/ingestor/src/config.ts';
import { settings as query } from '../../services/query/src/config.ts';
import { openApiTexts } from './openapi-documents.ts';
import {
  errorsDocument,
  eventDocument,
  type MetricRow,
  metricsDocument,
  settingsDocument,
  withBodyTable,
  withFieldTable,
} from './docs-table-mapper.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** `docket`: the operator commands migrate and verify. */
const docket = { ...operatorSettings, ...clientSettings };
const declared = { gateway, ingestor, query, delivery, admin, docket };

const documents = {
  'docs/event.md': eventDocument(eventFields(), eventLists()),
  'docs/settings.md': settingsDocument(
    Object.fromEntries(Object.entries(declared).map(([name, settings]) => [name, describeSettings(settings)])),
  ),
  'docs/errors.md': errorsDocument(errorCatalogue),
  'docs/metrics.md': metricsDocument(declaredMetrics()),
  ...openApiTexts(makeApps(new Registry())),
  'docs/delivery.md': withBodyTable(read('docs/delivery.md'), newSubscriptionBody),
  'docs/query-language.md': withFieldTable(read('docs/query-language.md'), listSearchFields()),
};

/** `make docs` runs this file with WRITE_DOCS=1: what the test compares is what it writes. */
test.each(Object.entries(documents))('%s is what the declarations say (make docs writes it)', (path, expected) => {
  const file = new URL(`../../${path}`, import.meta.url);
  if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, expected);
  expect(read(path)).toBe(expected);
});

test('every search that docs/query-language.md shows can be read', () => {
  const shown = codeBlocks(read('docs/query-language.md'), 'q').flatMap((block) => block.trimEnd().split('\n'));
  const examples = listSearchFields().map(({ example }) => example);
  expect(shown.length).toBeGreaterThan(5);
  for (const q of [...shown, ...examples]) {
    expect([q, parseSearch(q, { nowMicros: Date.now() * 1_000, statuses: eventStatuses })]).toEqual([
      q,
      expect.objectContaining({ ok: true }),
    ]);
  }
});

/** What the apps register when they are made. */
function declaredMetrics(): MetricRow[] {
  const metrics = new Registry();
  createHttpMetrics(metrics);
  makeApps(metrics);
  return metrics.getMetricsAsArray().map((metric) => {
    const labels: unknown = Reflect.get(metric, 'labelNames');
    const kind = Reflect.get(metric, 'constructor').name;
    return {
      name: metric.name,
      type: String(kind).toLowerCase(),
      labels: Array.isArray(labels) ? labels.map(String) : [],
      help: metric.help,
    };
  });
}
