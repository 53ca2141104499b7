import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { judgeJava } from './java-policy.ts';
import { StackError } from './problem-policy.ts';

const javaDeadlineMs = 20_000;

/** The Java program: JAVA_HOME's if set, else the one on the PATH. */
export function javaCommand(): string {
  const home = process.env['JAVA_HOME'];
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
}

/** The Java program, checked to be new enough; throws StackError `java-missing` or `java-too-old`. */
export async function requireJava(): Promise<string> {
  const command = javaCommand();
  const output = await new Promise<string | null>((resolve) => {
    execFile(command, ['-version'], { timeout: javaDeadlineMs }, (error, stdout, stderr) =>
      resolve(error === null ? stdout + stderr : null),
    );
  });
  const problem = judgeJava(output);
  if (problem !== null) throw new StackError(problem);
  return command;
}
