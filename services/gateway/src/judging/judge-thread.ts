/** A thread that reads, checks and encodes bodies, so that none of them holds up the thread that serves everybody (I7). */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

import { leftBytesMax } from '../limits.ts';
import { createLeftoverMemory } from '../leftover-memory.ts';
import { judgeBody } from './judge-body.ts';
import type { FromJudge, ToJudge } from './judge-protocol.ts';
import { packJudgement } from './judgement-mapper.ts';

/** Of three turns the serving thread gets two or more, and bodies are judged in time on a busy machine, too. */
const niceness = 5;
const leastPriority = 19;

if (parentPort === null) throw new Error('judge-thread is a thread, not a program');
const port = parentPort;
comeSecond();
/** Jobs that wait to hear which tenants are known. */
const asking = new Map<number, (known: ReadonlySet<string>) => void>();

/** Of a body its bytes are left, and the text that was parsed. */
const leftovers = createLeftoverMemory('all', leftBytesMax);

port.on('message', (message: ToJudge) => {
  if (message.type === 'judge') {
    const { length } = message.body;
    void judge(message).then(() => leftovers.leave(2 * length));
  } else {
    asking.get(message.n)?.(message.tenantIds);
    asking.delete(message.n);
  }
});

say({ type: 'ready' });

/** I7: where processors are scarce the serving thread comes first. Of this thread alone, which only Linux can; elsewhere it would be the process's. */
function comeSecond(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.min(getPriority() + niceness, leastPriority));
  } catch {
    // A sandbox may forbid it, and nothing but comfort depends on it.
  }
}

async function judge({ n, body, context, asksForTenants }: Extract<ToJudge, { type: 'judge' }>): Promise<void> {
  const ask = (tenantIds: ReadonlySet<string>): Promise<ReadonlySet<string>> =>
    new Promise((resolve) => {
      asking.set(n, resolve);
      say({ type: 'ask', n, tenantIds });
    });
  try {
    const packed = packJudgement(await judgeBody(body, context, asksForTenants ? ask : undefined));
    say({ type: 'judged', n, packed }, packed.ok ? [packed.values.buffer] : []);
  } catch (error) {
    say({ type: 'failed', n, error: error instanceof Error ? error : new Error(String(error)) });
  }
}

function say(message: FromJudge, handedOver: readonly ArrayBufferLike[] = []): void {
  port.postMessage(
    message,
    handedOver.filter((buffer) => buffer instanceof ArrayBuffer),
  );
}
