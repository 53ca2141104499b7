import {
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  runDocket,
  startService,
} from '@docket/testkit';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';
import { makeKey } from '../make-key.ts';

type World = Awaited<ReturnType<typeof createWorld>>;

const spoolBytesMax = 32 * 1024;
const readDeadlineMs = 60_000;

/** Kafka is away while people read: SIGKILL of the query service loses and doubles nothing, and a tenant that has filled its share of the spool reads no more. */
export const trail: FaultCase = {
  name: 'trail',
  promise: 'with Kafka stopped every reading is kept or refused, and told exactly once, also after SIGKILL',
  async run({ stack, row, say }: FaultContext) {
    const world = await createWorld();
    const authorization = `Bearer ${await makeKey(world, { scopes: ['events:read'], tenants: ['acme'] })}`;
    await publishRecords(world, [eventRecord(world, eventInput('acme'))]);
    const env = { ...world.env, TRUSTED_PROXY_HOPS: '0', TRAIL_SPOOL_BYTES_MAX: String(spoolBytesMax) };
    const ingestor = await startService('ingestor', world.env);
    let query = await startService('query', env);
    const read = async (n: number): Promise<number> => {
      const response = await fetch(`${query.url}/v1/events?actor_id=u_${n}`, { headers: { authorization } });
      await response.arrayBuffer();
      return response.status;
    };
    await eventually(async () => (await read(0)) === 200 || undefined, { what: 'the first reading' });
    let answered = 1;

    await stack.kafka.stop();
    for (; answered < 10; answered += 1) expectThat((await read(answered)) === 200, 'a reading failed without Kafka');
    let status = 200;
    while (status === 200 && answered < 1_000) {
      status = await read(answered);
      if (status === 200) answered += 1;
    }
    // Of one tenant: it can fill half of the spool, and is refused for itself (I7).
    expectThat(status === 429, `a reading with a full share of the spool has status ${status}`);
    say(`${answered} readings were answered; with ${spoolBytesMax} bytes of spool the next was 429`);
    await query.kill('SIGKILL');
    await stack.kafka.start();
    query = await startService('query', env);
    await eventually(async () => (await read(0)) === 200 || undefined, {
      what: 'readings again',
      deadlineMs: readDeadlineMs,
    });
    await query.stop();
    const told = await eventually(async () => ((await toldOf(world)) > answered ? toldOf(world) : undefined), {
      what: `the telling of ${answered + 1} readings`,
      deadlineMs: readDeadlineMs,
    });
    expectThat(told === answered + 1, `${told} readings are told, ${answered + 1} were answered`);
    await ingestor.stop();
    const { output } = await runDocket(['verify'], world.env);
    expectThat(output.endsWith('I2, I3, I4 hold'), output);
    row({
      fault: 'stop, then SIGKILL',
      target: 'Kafka, then the query service',
      times: 1,
      figures: `${told} readings answered and told once each, the next 429`,
    });
    await world.close();
  },
};

/** Readings that the trail stands for. */
async function toldOf(world: World): Promise<number> {
  const rows = await world.clickhouse.query<{ reads: number }>(
    `SELECT sum(toUInt32OrZero(metadata['reads'])) AS reads FROM audit_events
     WHERE tenant_id = 'acme' AND action = 'docket.log.searched' AND status = 'accepted'`,
  );
  return rows[0]?.reads ?? 0;
}
