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
  const libsDir = kafkaLibsDirOf(dir);
  if (!existsSync(libsDir)) {
    throw new StackError({ kind: 'download-failed', what: 'kafka', logFile: `${dir}/logs (start the stack once)` });
  }
  return kafkaToolCommand(javaCommand(), libsDir, `org.apache.kafka.tools.${tool}`, args);
}
