import type { KnownHead, StoredLog } from '../../../services/delivery/src/log/clickhouse-log.ts';
import { storedTextOf } from '../../../services/delivery/test/log-for-tests.ts';
import type { Call, DeliveryWorld, ModelProcess } from './delivery-model.ts';
import type { LogPlace } from './sample-logs.ts';
import { generation, tenants } from './sample-logs.ts';

/** ClickHouse, as a process sees it: every question is answered, or fails, when the scheduler says so. */
export function storedLogOf(world: DeliveryWorld, process: ModelProcess): StoredLog {
  let position: number | undefined;
  /** Of that moment, by log. */
  let heads = new Map<string, KnownHead>();
  const prefix = (): readonly LogPlace[] => world.log.slice(0, world.stored);
  const headOf = (tenantId: string): number => prefix().findLast((place) => place.tenantId === tenantId)?.seq ?? 0;
  /** What retention has left. */
  const logOf = (tenantId: string): LogPlace[] =>
    prefix().filter((place, index) => place.tenantId === tenantId && index >= world.cut);

  const headsNow = (): Map<string, KnownHead> =>
    new Map(
      tenants.map((tenantId) => {
        const last = prefix().findLast((place) => place.tenantId === tenantId);
        return [tenantId, { firstSeq: 1, headSeq: last?.seq ?? 0, headOffset: last?.offset ?? -1 }];
      }),
    );

  const ask = <Answer>(kind: Call['kind'], compute: () => Answer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      let answer: { readonly value: Answer } | undefined;
      const away = (): void => {
        world.isAwaited = true;
        reject(new Error('ClickHouse is away'));
      };
      const tell = (): void => {
        world.isAwaited = true;
        if (answer === undefined) away();
        else resolve(answer.value);
      };
      process.calls.push({
        kind,
        isDone: false,
        act: () => {
          world.coverage.hit(world.isClickHouseDown ? 'ClickHouse down' : 'ClickHouse up', kind);
          if (!world.isClickHouseDown) answer = { value: compute() };
        },
        answer: tell,
        fail: away,
      });
    });

  const readThrough = async (): Promise<void> => {
    const read = await ask('position', () => ({ through: prefix().at(-1)?.offset ?? -1, heads: headsNow() }));
    if (read.through < (position ?? -1)) return;
    position = read.through;
    heads = read.heads;
  };

  const rowsOf: StoredLog['rows'] = (tenantId, afterSeq, limit) =>
    ask('rows', () => {
      const rows = logOf(tenantId).filter(({ seq }) => seq > afterSeq && seq <= afterSeq + limit);
      return (rows[0]?.seq ?? 0) === afterSeq + 1 ? rows.map(({ row }) => row) : [];
    });

  return {
    rows: rowsOf,
    texts: async (...asked) => (await rowsOf(...asked)).map(storedTextOf),
    bounds: (tenantId) =>
      ask('bounds', () => {
        const headSeq = headOf(tenantId);
        return { firstSeq: logOf(tenantId)[0]?.seq ?? headSeq + 1, headSeq };
      }),
    place: (tenantId, seq) =>
      ask('place', () => {
        const place = logOf(tenantId).find((one) => one.seq === seq);
        return place === undefined ? undefined : { generation, partition: 0, offset: place.offset };
      }),
    seqBefore: (tenantId, timeMs) =>
      ask('bounds', () => {
        const isEarlier = (place: LogPlace): boolean =>
          place.tenantId === tenantId && place.record.timestampMs < timeMs;
        const seq = prefix().findLast(isEarlier)?.seq ?? 0;
        world.oracle.located(tenantId, seq);
        return seq;
      }),
    firstAt: (tenantId, at) =>
      ask('bounds', () => {
        const first = prefix().find((place) => place.tenantId === tenantId && place.offset >= at.offset);
        if (first !== undefined) world.oracle.located(tenantId, first.seq - 1);
        return first?.seq;
      }),
    // Nothing is ever lost here: nobody has to ask.
    seqAt: () => Promise.reject(new Error('a log is taken for another')),
    through: () => position,
    head: (_partition, log) => heads.get(log),
    watch: () => undefined,
    readThrough,
    refresh: () => void readThrough().catch(() => undefined),
  };
}
