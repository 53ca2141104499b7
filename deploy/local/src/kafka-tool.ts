import { existsSync } from 'node:fs';
import { kafkaLibsDirOf } from './artifacts.ts';
import { javaCommand } from './java.ts';
import type { Command } from './kafka-mapper.ts';
import { kafkaToolCommand } from './kafka-mapper.ts';
import { defaultStackDir } from './layout.ts';
import { StackError } from './problem-policy.ts';

/**
 * The command line of one of Kafka's console tools, a client that shares no code with ours; for example
 * `kafkaTool('ConsoleProducer', ['--bootstrap-server', brokers, '--topic', topic])`.
 * @param tool class in org.apache.kafka.tools, such as ConsoleProducer, ConsoleConsumer, TopicCommand. Throws StackError when Kafka was not downloaded yet.
 */
export function kafkaTool(tool: string, args: readonly string[], dir = defaultStackDir()): Command {
  return kafkaToolCommand(javaCommand(), requireLibs(dir), `org.apache.kafka.tools.${tool}`, args);
}

/**
 * The command line of a main class of Kafka, such as kafka.Kafka, or of a Java program in one source file that uses Kafka's own client,
 * which needs a JDK. Throws as `kafkaTool`.
 */
export function kafkaProgram(program: string, args: readonly string[], dir = defaultStackDir()): Command {
  return kafkaToolCommand(javaCommand(), requireLibs(dir), program, args);
}

function requireLibs(dir: string): string {
  const libsDir = kafkaLibsDirOf(dir);
  if (existsSync(libsDir)) return libsDir;
  throw new StackError({ kind: 'download-failed', what: 'kafka', logFile: `${dir}/logs (start the stack once)` });
}
