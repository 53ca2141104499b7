import { eventually, type ServiceProcess } from '@docket/testkit';
import type { Deliveries } from './deliveries.ts';
import { expectThat } from './fault-case.ts';
import { startHttpProxy, untilHeld, type HttpProxy } from './http-proxy.ts';

/** A place in the work of delivery, and how to bring one exactly there. */
export interface DeliveryPhase {
  readonly name: string;
  /** Starts a delivery process and resolves when it is in this phase; `afterDeath` mends what was done to bring it there. */
  reach(
    deliveries: Deliveries,
    clickhouse: HttpProxy,
  ): Promise<{ readonly delivery: ServiceProcess; afterDeath: () => void }>;
}

const reachedDeadlineMs = 60_000;
/** Of a partition's records hardly any stay in memory, so that what waits comes from ClickHouse. */
const littleTail = { DELIVERY_TAIL_BYTES_MAX: '65536' };

/** What delivery asks ClickHouse for. */
export function deliveryStepOf(url: string, body: Buffer): 'log' | 'other' {
  const sql = new URL(url, 'http://clickhouse').searchParams.get('query') ?? body.toString('utf8');
  return /AND seq > \{\w+:UInt64\} AND seq <= /.test(sql) ? 'log' : 'other';
}

export async function startClickHouseProxy({ world }: Deliveries): Promise<HttpProxy> {
  return startHttpProxy(world.env['CLICKHOUSE_URL'] ?? '', deliveryStepOf);
}

async function until(holds: () => boolean, what: string): Promise<void> {
  await eventually(holds, { what, deadlineMs: reachedDeadlineMs, intervalMs: 1 });
}

/** In the order of its work. */
export const deliveryPhases: readonly DeliveryPhase[] = [
  {
    name: 'assigned, cursors being read',
    async reach(deliveries) {
      const delivery = await deliveries.startUnready();
      await until(() => delivery.logs.some((line) => line.includes('"consumer.assigned"')), 'an assignment');
      expectThat(!delivery.logs.some((line) => line.includes('"delivery.prepared"')), 'it was prepared already');
      return { delivery, afterDeath: () => undefined };
    },
  },
  {
    name: 'catch-up is read from ClickHouse',
    async reach(deliveries, clickhouse) {
      await deliveries.publish(150);
      const held = clickhouse.hold('log', 'answer');
      const delivery = await deliveries.startUnready({ ...littleTail, CLICKHOUSE_URL: clickhouse.url });
      await untilHeld(held, 'a read of the log in ClickHouse');
      return { delivery, afterDeath: () => held.release() };
    },
  },
  {
    name: 'requests are under way, not answered',
    async reach(deliveries) {
      const { receivers } = deliveries;
      for (const receiver of receivers) receiver.answer({ kind: 'hang' });
      const hanging = (): number => receivers.filter(({ requests }) => requests.at(-1)?.status === null).length;
      const delivery = await deliveries.startDelivery();
      await until(() => hanging() >= receivers.length / 2, 'requests under way');
      return {
        delivery,
        afterDeath: () => {
          for (const receiver of receivers) receiver.answer({ kind: 'ok' });
        },
      };
    },
  },
  {
    name: 'acknowledged, cursor not yet written',
    async reach(deliveries) {
      const delivery = await deliveries.startDelivery();
      const before = deliveries.acknowledged();
      await until(() => deliveries.acknowledged() > before, 'an acknowledgement');
      return { delivery, afterDeath: () => undefined };
    },
  },
  {
    name: 'receivers fail, batches wait for their next try',
    async reach(deliveries) {
      const { receivers } = deliveries;
      for (const receiver of receivers) receiver.answer({ kind: 'status', status: 503 });
      const refused = (): number => receivers.filter(({ requests }) => requests.at(-1)?.status === 503).length;
      const delivery = await deliveries.startDelivery();
      await until(() => refused() >= receivers.length / 2, 'refusals');
      return {
        delivery,
        afterDeath: () => {
          for (const receiver of receivers) receiver.answer({ kind: 'ok' });
        },
      };
    },
  },
];
