/** `make demo` and `make smoke`: node main.js demo|smoke. Exit code 1 when a check failed, with its name. */
import { runDemo } from './demo.ts';
import { createReport, reasonOf } from './report.ts';
import { runSmoke } from './smoke.ts';

/** A smoke run takes two to three minutes on two cores; one that hangs must not hang whoever called it. */
const smokeDeadlineMs = 15 * 60_000;

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second request means now: guards of the stack and of each service kill what is left.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort();
  });
}

const report = createReport((text) => process.stdout.write(text));
const [mode] = process.argv.slice(2);
try {
  if (mode === 'demo') await runDemo(report, interrupt.signal);
  else if (mode === 'smoke') await smoke();
  else throw new Error('usage: node main.js demo|smoke');
} catch (error) {
  report.say(`FAIL ${mode}: ${reasonOf(error)}`);
  process.exitCode = 1;
}
if (report.failures().length > 0) process.exitCode = 1;

async function smoke(): Promise<void> {
  const overdue = setTimeout(() => {
    report.say(`FAIL smoke: not done after ${smokeDeadlineMs / 60_000} minutes`);
    process.exit(1);
  }, smokeDeadlineMs);
  // It must not keep a run that has ended from exiting.
  overdue.unref();
  await runSmoke(report, interrupt.signal);
  const failures = report.failures();
  report.say(failures.length === 0 ? 'PASS smoke' : `FAIL smoke: ${failures.join(', ')}`);
}
