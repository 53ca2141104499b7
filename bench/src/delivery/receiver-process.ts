import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Behaviour, Counts, Order } from './receiver-protocol.ts';

/** The process of the receivers (receiver.ts), as the bench directs it. */
export interface ReceiverProcess {
  readonly pid: number;
  /** Of its servers, one for each origin. */
  readonly ports: readonly number[];
  behave(from: number, to: number, behaviour: Behaviour): Promise<void>;
  /** Of endpoints `from` up to, but not including, `to`. Rejects when first receipts were out of order or incomplete, at any endpoint. */
  counts(from: number, to: number): Promise<Counts & { readonly bodies: number }>;
  /** Requests of each endpoint so far. */
  requests(): Promise<readonly number[]>;
  dump(file: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startReceiverProcess(origins: number, secretBase64: string): Promise<ReceiverProcess> {
  const child = fork(fileURLToPath(new URL('./receiver.js', import.meta.url)), { stdio: 'inherit' });
  const exited = once(child, 'exit');
  // Answers come in the order of the questions.
  let turn: Promise<unknown> = Promise.resolve();
  const ask = <T extends Answer['type']>(order: Order, type: T): Promise<Extract<Answer, { type: T }>> => {
    const asked = turn.then(async () => {
      const answered = once(child, 'message');
      child.send(order);
      const answer: unknown = await Promise.race([answered.then(([message]: unknown[]) => message), exited]);
      if (!isAnswer(answer, type)) throw new Error(`the receivers answered ${JSON.stringify(answer)} to ${order.type}`);
      return answer;
    });
    turn = asked.catch(() => undefined);
    return asked;
  };
  const { ports } = await ask({ type: 'open', origins, secretBase64 }, 'opened');
  return {
    pid: child.pid ?? 0,
    ports,
    behave: async (from, to, behaviour) => void (await ask({ type: 'behave', from, to, behaviour }, 'done')),
    counts: async (from, to) => {
      const counts = await ask({ type: 'counts', from, to }, 'counts');
      if (counts.problems > 0) throw new Error(`${counts.problems} problems of first receipts: ${counts.firstProblem}`);
      return counts;
    },
    requests: async () => (await ask({ type: 'requests' }, 'requests')).requests,
    dump: async (file) => void (await ask({ type: 'dump', file }, 'done')),
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}

function isAnswer<T extends Answer['type']>(value: unknown, type: T): value is Extract<Answer, { type: T }> {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === type;
}
