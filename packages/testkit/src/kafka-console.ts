import { spawn } from 'node:child_process';
import { kafkaProgram, kafkaTool } from '@docket/local-stack';
import type { Command } from '@docket/local-stack';

const toolDeadlineMs = 60_000;

/**
 * Runs one of Kafka's console tools and gives its standard output: a client that nobody here wrote.
 * Rejects with its error output when it fails or takes more than a minute.
 * @param tool such as ConsoleProducer; @param input what it reads from standard input;
 * @param heapMebibytes what Java may take for it, instead of 128.
 */
export function runKafkaTool(
  tool: string,
  args: readonly string[],
  input: string | Buffer = '',
  heapMebibytes?: number,
): Promise<string> {
  const { command, args: all } = kafkaTool(tool, args);
  // Of two, Java takes the later one; the name of the program comes after both.
  const heap = heapMebibytes === undefined ? [] : [`-Xmx${heapMebibytes}m`];
  return run(tool, { command, args: [...all.slice(0, 1), ...heap, ...all.slice(1)] }, input);
}

/** Runs a Java program of one source file on Kafka's own client libraries and gives its standard output. Rejects as `runKafkaTool`. */
export function runKafkaProgram(sourceFile: string, args: readonly string[]): Promise<string> {
  return run(sourceFile, kafkaProgram(sourceFile, args), '');
}

function run(name: string, { command, args }: Command, input: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: toolDeadlineMs, killSignal: 'SIGKILL' });
    const [output, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output).toString('utf8'));
      else reject(new Error(`${name} failed (${code}): ${Buffer.concat([...output, ...errors]).toString('utf8')}`));
    });
    // A tool that ends before it has read everything says why by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
