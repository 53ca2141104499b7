import type { Stack } from '@docket/local-stack';
import type { Drain } from './drain.ts';
import type { Proxies } from './phases.ts';

/** An outage, and what of it an operator can see. */
export interface Pressure {
  readonly name: string;
  readonly target: string;
  /** Without it nothing can be published while it lasts. */
  readonly isKafkaUp: boolean;
  readonly cause: (stack: Stack, drain: Drain, proxies: Proxies) => Promise<void>;
  /** Undoes it; without a drain, what of it outlives the drain. */
  readonly heal: (stack: Stack, drain?: Drain, proxies?: Proxies) => Promise<void>;
  /** The metric that shows it, by labels, from this value on; 0: it falls to 0. */
  readonly metric: string;
  readonly labels: string;
  readonly metricMin: number;
  /** Rows are stored while it lasts, at the latest after this time. */
  readonly goesOnWithinMs?: number;
}

const stalled = { metric: 'docket_ingestor_stalled_seconds', labels: '', metricMin: 15 };
const failing = (code: number) => ({
  metric: 'docket_ingestor_insert_failures_total',
  labels: `code="${code}"`,
  metricMin: 1,
});

/** A change of the table, and its undoing. */
function ofTable(name: string, code: number, cause: readonly string[], heal: readonly string[]): Pressure {
  const run = async (drain: Drain | undefined, statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await drain?.world.clickhouse.command(statement);
  };
  return {
    name,
    target: 'ClickHouse',
    isKafkaUp: true,
    cause: (_stack, drain) => run(drain, cause),
    heal: (_stack, drain) => run(drain, heal),
    ...failing(code),
  };
}

/** A setting of every request, as a user's profile would set it. */
function ofProfile(
  name: string,
  parameters: Readonly<Record<string, string>>,
  shown: Pick<Pressure, 'metric' | 'labels' | 'metricMin'>,
): Pressure {
  return {
    name,
    target: 'ClickHouse',
    isKafkaUp: true,
    cause: async (_stack, _drain, { clickhouse }) => clickhouse.override(parameters),
    heal: async (_stack, _drain, proxies) => proxies?.clickhouse.override({}),
    ...shown,
  };
}

/** Half a block in the time after which an insert is given up: whole blocks can never be stored. */
const slowBytesPerSecond = 40_000;

const asleep: Pressure = {
  name: 'hangs: connections open, no answer',
  target: 'ClickHouse',
  isKafkaUp: true,
  // Its proxy must not be asleep with it: the count of rows needs it awake, so it sleeps between two of them.
  cause: async ({ clickhouse }) => clickhouse.suspend(),
  heal: async ({ clickhouse }) => clickhouse.resume(),
  ...stalled,
};

export const pressures: readonly Pressure[] = [
  {
    name: 'down',
    target: 'ClickHouse',
    isKafkaUp: true,
    cause: ({ clickhouse }) => clickhouse.kill('SIGKILL'),
    heal: async ({ clickhouse }) => {
      if (clickhouse.pid() === null) await clickhouse.start();
    },
    ...stalled,
  },
  asleep,
  {
    name: 'slow: 40 kB/s into it',
    target: 'ClickHouse',
    isKafkaUp: true,
    cause: async (_stack, _drain, { clickhouse }) => clickhouse.throttle(slowBytesPerSecond),
    heal: async (_stack, _drain, proxies) => proxies?.clickhouse.throttle(undefined),
    ...stalled,
    goesOnWithinMs: 180_000,
  },
  ofProfile('read-only user (code 164)', { readonly: '1' }, failing(164)),
  ofTable(
    'read-only table (code 774)',
    774,
    ['ALTER TABLE audit_events MODIFY SETTING table_readonly = 1'],
    ['ALTER TABLE audit_events RESET SETTING table_readonly'],
  ),
  ofTable(
    'too many parts (code 252)',
    252,
    [
      'SYSTEM STOP MERGES audit_events',
      'ALTER TABLE audit_events MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1',
    ],
    [
      'ALTER TABLE audit_events RESET SETTING parts_to_throw_insert, parts_to_delay_insert',
      'SYSTEM START MERGES audit_events',
    ],
  ),
  ofTable(
    'too little space (code 243)',
    243,
    ['ALTER TABLE audit_events MODIFY SETTING min_free_disk_ratio_to_perform_insert = 1'],
    ['ALTER TABLE audit_events RESET SETTING min_free_disk_ratio_to_perform_insert'],
  ),
  ofProfile('memory limit (code 241)', { max_memory_usage: '4000000' }, failing(241)),
  {
    name: 'down',
    target: 'Kafka',
    isKafkaUp: false,
    cause: ({ kafka }) => kafka.kill('SIGKILL'),
    heal: async ({ kafka }) => {
      if (kafka.pid() === null) await kafka.start();
    },
    metric: 'docket_ingestor_open_partitions',
    labels: '',
    metricMin: 0,
  },
];
