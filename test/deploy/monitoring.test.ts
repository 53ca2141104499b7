import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { parse } from 'yaml';

import { describeSettings } from '@docket/runtime';
import { settings as adminSettings } from '../../services/admin/src/config.ts';
import { settings as deliverySettings } from '../../services/delivery/src/config.ts';
import { settings as gatewaySettings } from '../../services/gateway/src/config.ts';
import { settings as ingestorSettings } from '../../services/ingestor/src/config.ts';
import { settings as querySettings } from '../../services/query/src/config.ts';
import { repositoryRoot } from '../compose/compose-file.ts';
import { makeApps } from '../docs/apps-without-servers.ts';
import { type Matcher, readPromql } from './promql.ts';

const read = (path: string): string => readFileSync(`${repositoryRoot}/${path}`, 'utf8');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const rules: { groups: { name: string; rules: Alert[] }[] } = parse(read('deploy/prometheus/rules.yml'));
const alerts = rules.groups.flatMap((group) => group.rules);
const dashboard: { panels: Panel[] } = JSON.parse(read('deploy/grafana/docket.json'));
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

/** What docs/metrics.md says, which is generated from the declarations: type and labels by name. */
const declared = new Map(
  read('docs/metrics.md')
    .split('\n')
    .flatMap((line) => {
      const [, name, type, labels] = /^\| `(\w+)` \| (\w+) \| (.*?) \|/.exec(line) ?? [];
      if (name === undefined || type === undefined) return [];
      return [
        [name, { type, labels: [...(labels ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label ?? '') }],
      ] as const;
    }),
);

/** Prometheus puts these on every series. */
const ofTheTarget = ['job', 'instance'];

/** The declared metric that a series belongs to: a histogram has three. */
function declarationOf(series: string): { readonly type: string; readonly labels: readonly string[] } | undefined {
  if (series === 'up') return { type: 'gauge', labels: [] };
  const [, base = '', part = ''] = /^(.*)_(bucket|sum|count)$/.exec(series) ?? [];
  const histogram = declared.get(base);
  if (histogram?.type !== 'histogram') return declared.get(series);
  return { type: 'counter', labels: part === 'bucket' ? [...histogram.labels, 'le'] : histogram.labels };
}

/** What is wrong with an expression; empty: every series exists, has these labels, and is used as its type wants. */
function problemsOf(expr: string): string[] {
  const { errors, asked, groupedBy = [] } = readPromql(expr);
  if (errors.length > 0 || asked.length === 0) return ['is no expression', ...errors];
  return asked.flatMap(({ metric, matchers, inFunction }) => {
    const declaration = declarationOf(metric);
    if (declaration === undefined) return [`${metric} is not declared`];
    const known = [...declaration.labels, ...ofTheTarget];
    const isRated = ['rate', 'increase'].includes(inFunction);
    return [
      ...[...matchers.map(({ label }) => label), ...groupedBy]
        .filter((label) => !known.includes(label))
        .map((label) => `${metric} has no ${label}`),
      ...(isRated === (declaration.type === 'counter') ? [] : [`${metric} is a ${declaration.type}`]),
    ];
  });
}

describe('the reader of expressions', () => {
  test.each([
    ['sum by (nobody) (rate(docket_gateway_events_total[5m]))', 'docket_gateway_events_total has no nobody'],
    ['docket_gateway_events_total > 1', 'docket_gateway_events_total is a counter'],
    ['rate(docket_admin_entities[5m])', 'docket_admin_entities is a gauge'],
    ['docket_gateway_nothing', 'docket_gateway_nothing is not declared'],
    ['sum(rate(docket_gateway_events_total[5m])', 'is no expression'],
    ['docket_admin_entities{nobody="x"}', 'docket_admin_entities has no nobody'],
  ])('%s is wrong', (expr, problem) => {
    expect(problemsOf(expr)).toContain(problem);
  });
});

describe('deploy/prometheus', () => {
  test.each(alerts.map(({ alert, expr }) => [alert, expr]))('%s asks for what services have', (_alert, expr) => {
    expect(problemsOf(expr)).toEqual([]);
  });

  test.each(alerts.map((one) => [one.alert, one] as const))('%s names labels only that its result has', (_, alert) => {
    const { groupedBy, asked } = readPromql(alert.expr);
    const kept = groupedBy ?? [...ofTheTarget, ...asked.flatMap(({ metric }) => declarationOf(metric)?.labels ?? [])];
    const named = [...alert.annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? '');
    expect(named.filter((label) => !kept.includes(label))).toEqual([]);
  });

  /** Gauges whose labels come with what they measure, and answers: what lasts is seen a scrape later. */
  const comeLater = [
    'up',
    'docket_ingestor_lag_records',
    'docket_delivery_subscriptions',
    'docket_http_request_duration_seconds_count',
  ];

  test('every series that an alert selects is there from the start, so that its first increment is seen', async () => {
    const registry = new Registry();
    makeApps(registry);
    const series = (await registry.getMetricsAsJSON()).flatMap((metric) =>
      metric.values.map((value) => ({ name: 'metricName' in value ? value.metricName : metric.name, ...value })),
    );
    const selected = alerts.flatMap(({ expr }) => readPromql(expr).asked);
    const missing = selected.flatMap(({ metric, matchers }) => {
      const named = series.filter(({ name }) => name === metric);
      const isMissing = wantedOf(matchers).some(
        (wanted) =>
          !named.some(({ labels }) => Object.entries(wanted).every(([name, value]) => labels[name] === value)),
      );
      return named.length === 0 || isMissing ? [metric] : [];
    });
    expect([...new Set(missing)].toSorted()).toEqual(comeLater.toSorted());
  });

  test('each alert has a name of its own, a severity and a line of docs/monitoring.md, and no line is about another one', () => {
    const documented = [...read('docs/monitoring.md').matchAll(/^\| (Docket\w+) \| (\w+) \|/gm)];
    expect(documented.map(([, name, severity]) => [name, severity])).toEqual(
      alerts.map(({ alert, labels }) => [alert, labels.severity]),
    );
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    expect(alerts.filter(({ labels }) => !['page', 'ticket'].includes(labels.severity))).toEqual([]);
  });

  test('every service is scraped at the port that it has by default', () => {
    const services = {
      gateway: gatewaySettings,
      query: querySettings,
      admin: adminSettings,
      ingestor: ingestorSettings,
      delivery: deliverySettings,
    };
    const config: {
      rule_files: string[];
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    } = parse(read('deploy/prometheus/prometheus.yml'));
    const scraped = config.scrape_configs.map(({ job_name: job, static_configs: [first] }) => [job, first?.targets]);
    expect(scraped).toEqual(
      Object.entries(services).map(([name, settings]) => {
        const port = describeSettings(settings).find(({ env }) => env === 'HTTP_PORT')?.default;
        return [`docket-${name}`, [`${name}:${port}`]];
      }),
    );
    expect(config.rule_files).toEqual(['rules.yml']);
  });
});

/** The sets of labels that matchers name: each alternative of `a|b` has one. What they only exclude is none. */
function wantedOf(matchers: readonly Matcher[]): Readonly<Record<string, string>>[] {
  return matchers
    .filter(({ operator }) => !operator.startsWith('!'))
    .reduce<Record<string, string>[]>(
      (sets, { label, value }) => sets.flatMap((set) => value.split('|').map((one) => ({ ...set, [label]: one }))),
      [{}],
    );
}

describe('deploy/grafana/docket.json', () => {
  test.each(targets.map(({ expr }) => [expr]))('%s asks for what services have', (expr) => {
    expect(problemsOf(expr)).toEqual([]);
  });

  test.each(targets.map(({ expr, legendFormat }) => [legendFormat, expr]))(
    'the legend %s has labels of %s',
    (legend, expr) => {
      const { groupedBy = [] } = readPromql(expr);
      const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '');
      expect(named.filter((label) => !groupedBy.includes(label))).toEqual([]);
    },
  );

  test('panels have ids of their own, lie beside one another, and ask the data source that was chosen', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
    const sources = panels.flatMap(({ datasource }) => (datasource === undefined ? [] : [datasource.uid]));
    expect(new Set(sources)).toEqual(new Set(['${datasource}']));
  });
});
