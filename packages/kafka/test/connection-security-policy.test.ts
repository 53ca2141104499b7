import { readSettings } from '@docket/runtime';
import { expect, test } from '@jest/globals';

import { connectionSecurityOf } from '../src/connection-security-policy.ts';
import { kafkaSettings } from '../src/index.ts';

const files: Readonly<Record<string, string>> = { '/ca.pem': 'CA', '/cert.pem': 'CERT', '/key.pem': 'KEY' };

const securityWith = (env: Record<string, string>) =>
  connectionSecurityOf(readSettings(kafkaSettings, { KAFKA_BROKERS: 'broker:9092', ...env }), (file) => {
    const text = files[file];
    if (text === undefined) throw Object.assign(new Error(`no such file ${file}`), { code: 'ENOENT' });
    return text;
  });

const tls = { KAFKA_SSL: 'true' };
const user = { KAFKA_SASL_USERNAME: 'docket', KAFKA_SASL_PASSWORD: 'secret-of-docket' };
const certificate = { KAFKA_SSL_CERT_FILE: '/cert.pem', KAFKA_SSL_KEY_FILE: '/key.pem' };

test.each([
  ['nothing set: in the clear, no login', {}, {}],
  ['TLS with the authorities of the system', tls, { ssl: {} }],
  ['TLS with an authority of its own', { ...tls, KAFKA_SSL_CA_FILE: '/ca.pem' }, { ssl: { ca: 'CA' } }],
  ['TLS with a client certificate', { ...tls, ...certificate }, { ssl: { cert: 'CERT', key: 'KEY' } }],
  [
    'a login over TLS',
    { ...tls, ...user, KAFKA_SASL_MECHANISM: 'scram-sha-512' },
    { ssl: {}, sasl: { mechanism: 'scram-sha-512', username: 'docket', password: 'secret-of-docket' } },
  ],
])('%s', (_, env, expected) => {
  expect(securityWith(env)).toEqual(expected);
});

test.each([
  [
    'a certificate authority without TLS',
    { KAFKA_SSL_CA_FILE: '/ca.pem' },
    ['KAFKA_SSL_CA_FILE is set without KAFKA_SSL'],
  ],
  ['a certificate without its key', { ...tls, KAFKA_SSL_CERT_FILE: '/cert.pem' }, ['KAFKA_SSL_KEY_FILE is missing']],
  ['a key without its certificate', { ...tls, KAFKA_SSL_KEY_FILE: '/key.pem' }, ['KAFKA_SSL_CERT_FILE is missing']],
  ['a file that is not there', { ...tls, KAFKA_SSL_CA_FILE: '/no.pem' }, ['KAFKA_SSL_CA_FILE cannot be read (ENOENT)']],
  ['a user without a mechanism', user, ['KAFKA_SASL_USERNAME is set without', 'KAFKA_SASL_PASSWORD is set without']],
  [
    'a mechanism without a user',
    { KAFKA_SASL_MECHANISM: 'plain' },
    ['KAFKA_SASL_USERNAME is not set', 'KAFKA_SASL_PASSWORD is not set'],
  ],
])('%s is refused at the start, never sent in the clear', (_, env, problems) => {
  let message = '';
  try {
    securityWith(env);
  } catch (error) {
    message = String(error);
  }
  for (const problem of problems) expect(message).toContain(problem);
  expect(message).not.toContain('secret-of-docket');
});
