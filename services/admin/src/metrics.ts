import { countedFromZero, type Registry } from '@docket/runtime';
import { Counter, Gauge } from 'prom-client';

const kinds = ['tenant', 'key', 'subscription'] as const;
const outcomes = ['done', 'refused', 'failed'] as const;

export interface AdminMetrics {
  /** A change of the directory: what was changed, and how it ended. */
  changed(kind: (typeof kinds)[number], outcome: (typeof outcomes)[number]): void;
}

export function createAdminMetrics(
  registry: Registry,
  counts: {
    tenants(): number;
    keys(): number;
    subscriptions(): number;
    changes(): { readonly waiting: number; readonly waitingMax: number };
  },
): AdminMetrics {
  const changes = countedFromZero(
    new Counter({
      name: 'docket_admin_changes_total',
      help: 'Changes of the directory by kind; refused: the caller’s error, failed: Kafka’s or ours.',
      labelNames: ['kind', 'outcome'],
      registers: [registry],
    }),
    kinds.flatMap((kind) => outcomes.map((outcome) => ({ kind, outcome }))),
  );
  const entities = new Gauge({
    name: 'docket_admin_entities',
    help: 'Entities in the directory by kind.',
    labelNames: ['kind'],
    registers: [registry],
    collect: () => {
      entities.set({ kind: 'tenant' }, counts.tenants());
      entities.set({ kind: 'key' }, counts.keys());
      entities.set({ kind: 'subscription' }, counts.subscriptions());
    },
  });
  const waiting: Gauge = new Gauge({
    name: 'docket_admin_waiting_changes',
    help: 'Changes of the directory that wait for their turn or their answer.',
    registers: [registry],
    collect: () => waiting.set(counts.changes().waiting),
  });
  const waitingMax: Gauge = new Gauge({
    name: 'docket_admin_waiting_changes_max',
    help: 'The limit of docket_admin_waiting_changes; a quarter of it is what one key may have waiting.',
    registers: [registry],
    collect: () => waitingMax.set(counts.changes().waitingMax),
  });
  return { changed: (kind, outcome) => changes.inc({ kind, outcome }) };
}
