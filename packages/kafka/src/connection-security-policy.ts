import { SettingsError } from '@docket/runtime';
import type { SettingProblem } from '@docket/runtime';
import type { KafkaConfig, SASLOptions } from 'kafkajs';

import type { KafkaSecuritySettings } from './settings.ts';

/** What kafkajs is told; absent parts are off. */
export type ConnectionSecurity = Pick<KafkaConfig, 'ssl' | 'sasl'>;

interface User {
  readonly username: string;
  readonly password: string;
}
type Mechanism = Exclude<KafkaSecuritySettings['kafkaSaslMechanism'], 'none'>;

const logins: Readonly<Record<Mechanism, (user: User) => SASLOptions>> = {
  plain: (user) => ({ mechanism: 'plain', ...user }),
  'scram-sha-256': (user) => ({ mechanism: 'scram-sha-256', ...user }),
  'scram-sha-512': (user) => ({ mechanism: 'scram-sha-512', ...user }),
};

/**
 * Puts the settings together. Throws a SettingsError that names every setting that is missing beside another, would be ignored, or names
 * a file that cannot be read: what was meant to be protected must not go in the clear.
 * @param readText gives a file's text, or throws.
 */
export function connectionSecurityOf(
  settings: KafkaSecuritySettings,
  readText: (file: string) => string,
): ConnectionSecurity {
  const problems = [...sslProblems(settings), ...saslProblems(settings)];
  const pem = (env: string, file: string): string | undefined => {
    if (file === '') return undefined;
    try {
      return readText(file);
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      problems.push({
        env,
        problem: `cannot be read (${String(code ?? error)})`,
        remedy: 'name a PEM file that this process may read',
      });
      return undefined;
    }
  };
  const ca = pem('KAFKA_SSL_CA_FILE', settings.kafkaSslCaFile);
  const cert = pem('KAFKA_SSL_CERT_FILE', settings.kafkaSslCertFile);
  const key = pem('KAFKA_SSL_KEY_FILE', settings.kafkaSslKeyFile);
  if (problems.length > 0) throw new SettingsError(problems);
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = settings;
  return {
    ...(settings.kafkaSsl && {
      ssl: { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) },
    }),
    ...(mechanism !== 'none' && { sasl: logins[mechanism]({ username, password }) }),
  };
}

function sslProblems(settings: KafkaSecuritySettings): SettingProblem[] {
  const files = [
    ['KAFKA_SSL_CA_FILE', settings.kafkaSslCaFile],
    ['KAFKA_SSL_CERT_FILE', settings.kafkaSslCertFile],
    ['KAFKA_SSL_KEY_FILE', settings.kafkaSslKeyFile],
  ] as const;
  const problems: SettingProblem[] = [];
  for (const [env, file] of files) {
    if (file !== '' && !settings.kafkaSsl)
      problems.push({ env, problem: 'is set without KAFKA_SSL', remedy: 'set KAFKA_SSL to true, or leave it out' });
  }
  if ((settings.kafkaSslCertFile === '') !== (settings.kafkaSslKeyFile === '')) {
    const env = settings.kafkaSslCertFile === '' ? 'KAFKA_SSL_CERT_FILE' : 'KAFKA_SSL_KEY_FILE';
    problems.push({ env, problem: 'is missing', remedy: 'set the certificate and its key, or neither' });
  }
  return problems;
}

function saslProblems(settings: KafkaSecuritySettings): SettingProblem[] {
  const values = [
    ['KAFKA_SASL_USERNAME', settings.kafkaSaslUsername],
    ['KAFKA_SASL_PASSWORD', settings.kafkaSaslPassword],
  ] as const;
  const isUsed = settings.kafkaSaslMechanism !== 'none';
  return values
    .filter(([, value]) => (value !== '') !== isUsed)
    .map(([env]) =>
      isUsed
        ? { env, problem: 'is not set', remedy: 'set it, or KAFKA_SASL_MECHANISM to none' }
        : { env, problem: 'is set without KAFKA_SASL_MECHANISM', remedy: 'name the mechanism, or leave it out' },
    );
}
