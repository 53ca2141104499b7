import { createFairQueue, DocketError } from '@docket/runtime';
import type { Logger } from '@docket/runtime';
import { Worker } from 'node:worker_threads';

import { acceptQuickly, judgeBody, judgeThoroughly } from './judge-body.ts';
import type { JudgeContext, Judgement, KnownAmong } from './judge-body.ts';
import type { FromJudge, ToJudge } from './judge-protocol.ts';
import { isTooLate } from './judge-wait-policy.ts';
import { unpackJudgement } from './judgement-mapper.ts';

/** Those who judge bodies: small ones, and plainly good ones of common size, on the thread that asks, others on threads of their own. */
export interface Judges {
  start(): void;
  /** Ends the threads; what they judge is refused. */
  stop(): Promise<void>;
  /**
   * Judges a body, in the order of its owner's, and in turn of all owners. Throws overloaded when its turn does not come in time, or when its thread
   * ends. The body is gone afterwards.
   * @param elapsedMs since the request began; default 0
   */
  judge(owner: string, body: Buffer, context: JudgeContext, elapsedMs?: number): Promise<Judgement>;
}

export interface JudgesOptions {
  /** 0: everything is judged on the thread that asks. */
  readonly threads: number;
  /** Undefined: every tenant is known. */
  readonly knownAmong: KnownAmong | undefined;
  readonly logger: Logger;
  /** A thread cannot be started at all. */
  readonly onCrash: (error: Error) => void;
  /** Bytes of a body that is judged on the thread that asks, if it is plainly good. */
  readonly inPlaceBytesMax?: number;
  readonly waitMsMax?: number;
  /** The compiled program of a thread. */
  readonly threadFile?: URL;
}

/** A batch of 150 common events, which takes some 6 ms. What is larger waits for its turn among all that would hold up the others. */
const inPlaceBytesMax = 128 * 1024;
/** Of a body that is not plainly good: a byte of it may cost ten times as much, such as one of 9,000 keys. A millisecond at most. */
const inPlaceDoubtfulBytesMax = 8 * 1024;
/** So that a thread need not wait for the next body. */
const jobsOfThreadMax = 2;
/**
 * Of the heap of a thread: several times what the largest body becomes there. What a body becomes does not die young, and a larger young generation would stay
 * as large as the largest body has made it.
 */
const threadMemory = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 };

interface Job {
  readonly n: number;
  readonly body: Buffer;
  readonly context: JudgeContext;
  readonly queuedAtMs: number;
  readonly beganAtMs: number;
  readonly resolve: (judgement: Judgement) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  isReady: boolean;
}

const overloaded = (why: string): DocketError => new DocketError('overloaded', why, { retryAfterSeconds: 1 });

export function createJudges(options: JudgesOptions): Judges {
  const { threads: threadCount, knownAmong, logger } = options;
  const queue = createFairQueue<Job>();
  const threads = new Set<Thread>();
  let isStopped = false;
  let lastNumber = 0;

  const startThread = (): void => {
    const worker = new Worker(options.threadFile ?? new URL('judge-thread.js', import.meta.url), {
      resourceLimits: threadMemory,
    });
    const thread: Thread = { worker, jobs: new Map(), isReady: false };
    threads.add(thread);
    worker.on('message', (message: FromJudge) => hear(thread, message));
    worker.on('error', (error) => logger.error({ err: error, jobs: thread.jobs.size }, 'judging.thread_failed'));
    worker.once('exit', () => replace(thread));
  };

  /** A thread ends by itself only when a body takes more memory than it may, which no body should, or for a bug. */
  const replace = (thread: Thread): void => {
    threads.delete(thread);
    for (const job of thread.jobs.values()) job.reject(overloaded('The thread that judged the body has ended.'));
    if (isStopped) return;
    if (!thread.isReady) return options.onCrash(new Error('A judging thread ended before it began.'));
    startThread();
    handOut();
  };

  const hear = (thread: Thread, message: FromJudge): void => {
    if (message.type === 'ready') {
      thread.isReady = true;
      return;
    }
    const { n } = message;
    const job = thread.jobs.get(n);
    if (job === undefined) return;
    if (message.type === 'ask') {
      void answerTenants(thread, n, message.tenantIds);
      return;
    }
    thread.jobs.delete(n);
    if (message.type === 'judged') job.resolve(unpackJudgement(message.packed, job.context.passedHeaders));
    else job.reject(message.error);
    handOut();
  };

  const answerTenants = async (thread: Thread, n: number, asked: ReadonlySet<string>): Promise<void> => {
    tell(thread, { type: 'known', n, tenantIds: (await knownAmong?.(asked)) ?? asked });
  };

  const tell = ({ worker }: Thread, message: ToJudge, handedOver: ArrayBuffer[] = []): void =>
    worker.postMessage(message, handedOver);

  /** Gives threads what waits. Whoever has waited too long is told so, and costs nothing more. */
  const handOut = (): void => {
    for (const thread of threads) {
      while (thread.jobs.size < jobsOfThreadMax) {
        const job = queue.take();
        if (job === undefined) return;
        const nowMs = performance.now();
        if (isTooLate(nowMs - job.queuedAtMs, nowMs - job.beganAtMs, options.waitMsMax)) {
          job.reject(overloaded('Too many bodies wait to be read; nothing was published.'));
          continue;
        }
        thread.jobs.set(job.n, job);
        const { n, body, context } = job;
        const bytes = ownBytes(body);
        tell(thread, { type: 'judge', n, body: bytes, context, asksForTenants: knownAmong !== undefined }, [
          bytes.buffer,
        ]);
      }
    }
  };

  const judgeApart = (owner: string, body: Buffer, context: JudgeContext, elapsedMs: number): Promise<Judgement> =>
    new Promise((resolve, reject) => {
      lastNumber += 1;
      const queuedAtMs = performance.now();
      const beganAtMs = queuedAtMs - elapsedMs;
      queue.push(owner, { n: lastNumber, body, context, queuedAtMs, beganAtMs, resolve, reject });
      handOut();
    });

  return {
    start: () => {
      for (let n = 0; n < threadCount; n += 1) startThread();
    },
    stop: async () => {
      isStopped = true;
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
      for (let job = queue.take(); job !== undefined; job = queue.take())
        job.reject(overloaded('The service is stopping.'));
    },
    judge: async (owner, body, context, elapsedMs = 0) => {
      if (threadCount === 0) return judgeBody(body, context, knownAmong);
      if (body.length <= (options.inPlaceBytesMax ?? inPlaceBytesMax)) {
        const accepted = await acceptQuickly(body, context, knownAmong);
        if (accepted !== undefined) return accepted;
        if (body.length <= inPlaceDoubtfulBytesMax) return judgeThoroughly(body, context, knownAmong);
      }
      return judgeApart(owner, body, context, elapsedMs);
    },
  };
}

/** The bytes in memory that nobody else uses, which can be handed over: their memory is their own, but for the byte more that an unpacked body gets. */
function ownBytes(body: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = body;
  if (buffer instanceof ArrayBuffer && buffer.byteLength - byteLength <= 1)
    return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(body);
}
