import { kafkaProgram } from '@docket/local-stack';
import type { World } from '@docket/testkit';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createWorkload, recordOf } from './workload.ts';

const source = fileURLToPath(new URL('../../java/SteadyLoad.java', import.meta.url));
const templates = 5_000;

export interface Load {
  readonly acknowledgedPerSecond: number;
  readonly refused: number;
}

/** Begins to publish at this rate for so many seconds; resolves when the first record is about to go. See SteadyLoad.java. */
export async function startLoad(
  world: World,
  options: { readonly tenants: number; readonly eventsPerSecond: number; readonly seconds: number },
): Promise<{ readonly ended: Promise<Load> }> {
  const next = createWorkload(options.tenants, 7);
  const lines = Array.from({ length: templates }, () => recordOf(world, next())).map(
    ({ key, value }) => `${String(key)} ${value?.toString('base64') ?? ''}`,
  );
  const directory = await mkdtemp(join(tmpdir(), 'docket-load-'));
  const file = join(directory, 'records');
  await writeFile(file, lines.join('\n'));
  const { command, args } = kafkaProgram(source, [
    world.env['KAFKA_BROKERS'] ?? '',
    world.kafka.topics.events.name,
    file,
    String(options.eventsPerSecond),
    String(options.seconds),
  ]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const closed = once(child, 'close');
  const word = async (): Promise<string> => {
    const { value, done } = await said.next();
    if (done === true) throw new Error('the load ended before its time');
    return value;
  };
  const clean = async (): Promise<void> => {
    child.kill();
    await closed;
    await rm(directory, { recursive: true });
  };
  try {
    if ((await word()) !== 'loading') throw new Error('the load did not begin');
  } catch (error) {
    await clean();
    throw error;
  }
  const end = async (): Promise<Load> => {
    try {
      const [acknowledged = 0, refused = 0, seconds = 0] = (await word()).split(' ').map(Number);
      return { acknowledgedPerSecond: acknowledged / seconds, refused };
    } finally {
      await clean();
    }
  };
  return { ended: end() };
}
