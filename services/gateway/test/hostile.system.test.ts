import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readTopic } from '@docket/kafka';
import {
  createAnswerCheck,
  createKeyring,
  createWorld,
  eventually,
  exchangeRaw,
  hostileRequests,
  residentBytesOf,
  startService,
} from '@docket/testkit';
import type { HostileRequest, Keyring, RawExchange, ServiceProcess, World } from '@docket/testkit';

const tenantId = 'acme';
const stormWorkers = 6;
const mebibyte = 1024 * 1024;
/** What is promised. Two bodies of 5 MiB a worker, read, unpacked and parsed, come to some 250 MiB. */
const rssBytesMax = 300_000_000;

let world: World;
let keyring: Keyring;
let gateway: ServiceProcess;
let authorization: string;

beforeAll(async () => {
  world = await createWorld();
  keyring = createKeyring(world);
  ({ authorization } = await keyring.make({ scopes: ['events:write'], tenants: '*' }));
  gateway = await startService('gateway', world.env);
  await eventually(async () => (await send()) === 422, { what: 'a known key' });
}, 120_000);

afterAll(async () => {
  await gateway.kill();
  await keyring.close();
  await world.close();
}, 60_000);

/** Without an action it is 422, and nothing is published. */
async function send(event: object = {}): Promise<number> {
  const response = await fetch(`${gateway.url}/v1/events`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ tenant_id: tenantId, actor: { type: 'user', id: 'u' }, ...event }),
  });
  return response.status;
}

const defaultDeadlineMs = 5_000;

function attack({ request, answers = 1, closes = false, withinMs }: HostileRequest): Promise<RawExchange> {
  const deadlineMs = withinMs ?? defaultDeadlineMs;
  return exchangeRaw(gateway.url, request, { answers, untilClosed: closes, deadlineMs });
}

/** What is wrong with the answers to a hostile request, or undefined. */
function wrongWith(
  { status, code, answers = 1, closes = false }: HostileRequest,
  given: RawExchange,
): string | undefined {
  if (given.answers.length !== answers) return `${given.answers.length} answers, not ${answers}`;
  if (closes && !given.isClosed) return 'the connection is still open';
  for (const answer of given.answers) {
    if (answer.status !== status || !answer.body.includes(`"code":"${code}"`)) return `${answer.status} ${answer.body}`;
    const path = '/v1/events';
    const contentType = answer.headers['content-type'] ?? null;
    const undeclared = checkAnswer({ method: 'POST', path, status, contentType, text: answer.body });
    // A tunnel is of no path.
    if (undeclared !== undefined && status !== 405) return undeclared;
  }
  return undefined;
}

const checkAnswer = createAnswerCheck();

async function gauge(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function publishedCount(): Promise<number> {
  let count = 0;
  await readTopic(world.kafka, {
    topic: world.kafka.topics.events.name,
    onRecords: (records) => {
      count += records.length;
    },
  });
  return count;
}

describe('hostile requests', () => {
  test('each gets its documented answer within its time, nothing of it reaches Kafka, memory stays flat', async () => {
    const all = hostileRequests({ authorization, tenantId });
    const slow = all.filter(({ request }) => request.drip !== undefined || request.isSilent === true);
    const quick = all.filter((one) => !slow.includes(one));
    const rows: string[][] = [];
    const findings: string[] = [];
    const judge = async (one: HostileRequest): Promise<void> => {
      const given = await attack(one).catch((error: unknown) => String(error));
      const wrong = typeof given === 'string' ? given : wrongWith(one, given);
      if (wrong !== undefined) findings.push(`${one.name}: ${wrong.slice(0, 300)}`);
      const elapsed = typeof given === 'string' ? '' : given.elapsedMs.toFixed(0);
      rows.push([one.name, String(one.status), one.code, elapsed, wrong === undefined ? 'yes' : 'NO']);
    };
    // These take up to a minute by design, so all the others run meanwhile.
    const waiting = Promise.all(slow.map(judge));
    for (const one of quick) await judge(one);
    const rssAfterOne = residentBytesOf(gateway, 'now');

    // Many at once: whoever takes too much of what all share is told so.
    await Promise.all(
      Array.from({ length: stormWorkers }, async (_, worker) => {
        for (const one of [...quick.slice(worker * 7), ...quick.slice(0, worker * 7)]) {
          const { answers } = await attack({ ...one, closes: false, withinMs: 30_000 });
          const statuses = new Set(answers.map(({ status }) => status));
          if (![...statuses].every((status) => [one.status, 429, 503].includes(status)) || statuses.size === 0) {
            findings.push(`${one.name}, beside others: ${[...statuses].join(' ')}`);
          }
        }
      }),
    );
    await waiting;

    const table = [['hostile request', 'status', 'code', 'ms', 'as documented'], ...rows];
    process.stdout.write(
      `${table.map((row) => row.map((cell, at) => cell.padEnd([58, 8, 26, 8][at] ?? 0)).join('')).join('\n')}\n`,
    );
    process.stdout.write(
      `RSS after one round ${(rssAfterOne / mebibyte).toFixed(0)} MiB, after ${stormWorkers} more at once ${(residentBytesOf(gateway, 'now') / mebibyte).toFixed(0)} MiB, highest ${(residentBytesOf(gateway, 'peak') / mebibyte).toFixed(0)} MiB\n`,
    );
    expect(findings).toEqual([]);
    expect(await publishedCount()).toBe(0);
    expect(await gauge('docket_gateway_in_flight_bytes')).toBe(0);
    expect(residentBytesOf(gateway, 'peak')).toBeLessThan(rssBytesMax);
    expect(await send({ action: 'user.created' })).toBe(202);
    expect(await publishedCount()).toBe(1);
  }, 180_000);
});
