import { existsSync, renameSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './kafka-mapper.ts';
import type { ComponentName, RunLayout } from './layout.ts';
import type { ManagedProcess } from './managed-process.ts';
import { describeExit, launch } from './managed-process.ts';
import type { ProbeResult } from './probes.ts';
import { StackError } from './problem-policy.ts';
import type { ProcessGuard } from './process-guard.ts';

/** One server of the stack: what fault tests hold in their hands. */
export interface Component {
  readonly name: ComponentName;
  readonly port: number;
  readonly logFile: string;
  /** As the server itself says; '' before the first start. */
  version(): string;
  /** Process id while it runs, else null. */
  pid(): number | null;
  /** Starts it on the same port and data. Resolves when it answers; rejects with StackError when it dies first or stays silent. */
  start(): Promise<void>;
  /** Ends it with a signal, as a fault: nothing else of the stack is stopped. Resolves when the process is gone. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** SIGSTOP and SIGCONT: alive, silent within moments, its connections open. */
  suspend(): void;
  resume(): void;
  /** A clean stop, SIGKILL after a deadline. */
  stop(): Promise<void>;
}

export interface ComponentPlan {
  readonly name: ComponentName;
  readonly port: number;
  readonly command: Command;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly layout: RunLayout;
  readonly guard: ProcessGuard;
  readonly signal: AbortSignal;
  probe(): Promise<ProbeResult>;
  /** Called when it ends although nobody asked for it. */
  onDeath(error: StackError): void;
}

/** Generous: a cold page cache and two busy cores make a JVM start slow, and a wrong alarm costs more than the wait. */
const startDeadlineMs = 90_000;
const stopGraceMs = 15_000;
const probeIntervalMs = 50;

export function createComponent(plan: ComponentPlan): Component {
  const logFile = plan.layout.logFile(plan.name);
  let running: ManagedProcess | null = null;
  let version = '';

  const died = (how: string) => new StackError({ kind: 'component-died', name: plan.name, how, logFile });

  /** Forgets the process first, so that its end is not taken for a death. */
  async function end(how: (process: ManagedProcess) => Promise<unknown>): Promise<void> {
    const ending = running;
    running = null;
    if (ending !== null) await how(ending);
  }

  async function waitUntilReady(started: ManagedProcess): Promise<string> {
    const giveUpAt = Date.now() + startDeadlineMs;
    let detail = 'no answer yet';
    while (Date.now() < giveUpAt) {
      plan.signal.throwIfAborted();
      if (started.hasExited()) throw died(`${describeExit(await started.exited)} before it answered`);
      const result = await plan.probe();
      // An answer counts only while our process lives: a foreign server must not be taken for it.
      if (result.ready && !started.hasExited()) return result.version;
      detail = result.ready ? detail : result.detail;
      await delay(probeIntervalMs);
    }
    throw new StackError({ kind: 'component-silent', name: plan.name, deadlineMs: startDeadlineMs, detail, logFile });
  }

  async function watchForDeath(started: ManagedProcess): Promise<void> {
    const exit = await started.exited;
    if (running !== started) return;
    running = null;
    plan.onDeath(died(describeExit(exit)));
  }

  return {
    name: plan.name,
    port: plan.port,
    logFile,
    version: () => version,
    pid: () => running?.pid ?? null,
    async start() {
      if (running !== null) throw new Error(`${plan.name} is already running`);
      plan.signal.throwIfAborted();
      if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
      const { cwd, env, guard, layout } = plan;
      const started = await launch(plan.command, {
        guard,
        logFile,
        pidFile: layout.pidFile(plan.name),
        ...(cwd === undefined ? {} : { cwd }),
        ...(env === undefined ? {} : { env }),
      });
      running = started;
      try {
        version = await waitUntilReady(started);
      } catch (error) {
        await end((process) => process.stop(stopGraceMs));
        throw error;
      }
      void watchForDeath(started);
    },
    kill: (signal = 'SIGKILL') =>
      end(async (process) => {
        process.signal(signal);
        await process.exited;
      }),
    suspend: () => running?.signal('SIGSTOP'),
    resume: () => running?.signal('SIGCONT'),
    stop: () => end((process) => process.stop(stopGraceMs)),
  };
}
