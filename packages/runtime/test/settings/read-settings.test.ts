import { describe, expect, test } from '@jest/globals';

import { describeSettings, readSettings, setting, SettingsError } from '../../src/index.ts';
import type { SettingDeclarations } from '../../src/index.ts';

const secretValue = 'hunter2-hunter2';

const declarations = {
  port: setting.integer({ env: 'PORT', description: 'Where to listen.', min: 0, max: 65_535, default: 8080 }),
  flushIntervalMs: setting.integer({ env: 'FLUSH_MS', description: 'How often.', unit: 'ms', min: 1 }),
  token: setting.string({ env: 'TOKEN', description: 'A secret.', secret: true, min: 32 }),
  isOpen: setting.boolean({ env: 'OPEN', description: 'Open.', default: false }),
  target: setting.url({ env: 'TARGET', description: 'Where to.', default: 'http://127.0.0.1:1' }),
  brokers: setting.list({ env: 'BROKERS', description: 'Whom.', pattern: /^[^:]+:\d+$/ }),
  mode: setting.oneOf({ env: 'MODE', description: 'How.', values: ['fast', 'safe'], default: 'safe' }),
};

const good = { FLUSH_MS: '250', TOKEN: 'x'.repeat(32), BROKERS: 'a:1, b:2,' };

function problemsOf(
  settings: SettingDeclarations,
  env: Record<string, string>,
): readonly { env: string; problem: string }[] {
  try {
    readSettings(settings, env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('readSettings', () => {
  test('gives parsed values and defaults', () => {
    expect(
      readSettings(declarations, { ...good, OPEN: 'true', MODE: 'fast', TARGET: 'https://h/path/', PORT: ' 0 ' }),
    ).toEqual({
      port: 0,
      flushIntervalMs: 250,
      token: 'x'.repeat(32),
      isOpen: true,
      target: 'https://h/path',
      brokers: ['a:1', 'b:2'],
      mode: 'fast',
    });
    expect(readSettings(declarations, good)).toMatchObject({ port: 8080, isOpen: false, mode: 'safe' });
  });

  test('takes an empty variable as not set', () => {
    expect(readSettings(declarations, { ...good, PORT: '' }).port).toBe(8080);
  });

  test('reports every problem at once, with the remedy and the unit', () => {
    const bad = { PORT: '70000', TOKEN: secretValue, OPEN: 'yes', TARGET: 'nowhere', BROKERS: 'a', MODE: 'slow' };
    expect(problemsOf(declarations, bad).map(({ env }) => env)).toEqual([
      'PORT',
      'FLUSH_MS',
      'TOKEN',
      'OPEN',
      'TARGET',
      'BROKERS',
      'MODE',
    ]);
    expect(() => readSettings(declarations, bad)).toThrow(
      /7 settings are wrong:[^]*FLUSH_MS is not set[^]*at least 1 \(ms\)/,
    );
  });

  test.each([
    ['1.5', 'is not a whole number'],
    ['1e3', 'is not a whole number'],
    ['0x10', 'is not a whole number'],
    ['9007199254740993', 'is not a whole number'],
    ['-1', 'is out of range'],
    ['65536', 'is out of range'],
  ])('refuses %s as an integer', (text, problem) => {
    expect(problemsOf({ port: declarations.port }, { PORT: text })[0]?.problem).toContain(problem);
  });

  test.each(['ftp://h', 'file:///etc/passwd', '//h', 'h:1'])('refuses %s as a URL', (text) => {
    expect(problemsOf({ target: declarations.target }, { TARGET: text })).toHaveLength(1);
  });

  test('never prints a secret, nor a URL that may hold one', () => {
    const settings = {
      token: declarations.token,
      short: setting.string({ env: 'SHORT', description: 'd', secret: true, pattern: /^\d+$/ }),
      url: setting.url({ env: 'URL', description: 'd' }),
      keys: setting.list({ env: 'KEYS', description: 'd', secret: true, pattern: /^\d+$/ }),
      choice: setting.oneOf({ env: 'CHOICE', description: 'd', secret: true, values: ['a'] }),
      count: setting.integer({ env: 'COUNT', description: 'd', secret: true }),
      flag: setting.boolean({ env: 'FLAG', description: 'd', secret: true }),
    };
    const env = Object.fromEntries(Object.values(settings).map((declaration) => [declaration.env, secretValue]));
    env['URL'] = `ftp://user:${secretValue}@h`;
    expect(() => readSettings(settings, env)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secretValue) }),
    );
    expect(problemsOf(settings, env)).toHaveLength(7);
  });

  test('applies a rule of its own', () => {
    const key = setting.string({
      env: 'KEY',
      description: 'd',
      check: (value) => (value === 'even' ? undefined : 'is odd'),
    });
    expect(readSettings({ key }, { KEY: 'even' })).toEqual({ key: 'even' });
    expect(problemsOf({ key }, { KEY: 'odd' })[0]).toMatchObject({ env: 'KEY', problem: 'is odd' });
  });
});

describe('describeSettings', () => {
  test('gives a row for each variable, ordered, without secrets', () => {
    const rows = describeSettings({
      ...declarations,
      again: declarations.port,
      hidden: setting.string({ env: 'HIDDEN', description: 'd', secret: true, default: secretValue }),
      none: setting.string({ env: 'NONE', description: 'd', default: '' }),
    });
    expect(rows.map(({ env }) => env)).toEqual([
      'BROKERS',
      'FLUSH_MS',
      'HIDDEN',
      'MODE',
      'NONE',
      'OPEN',
      'PORT',
      'TARGET',
      'TOKEN',
    ]);
    expect(rows.find(({ env }) => env === 'PORT')).toEqual({
      env: 'PORT',
      type: 'integer',
      unit: '',
      default: '8080',
      accepts: 'a whole number from 0 to 65535',
      secret: false,
      description: 'Where to listen.',
    });
    expect(rows.find(({ env }) => env === 'TOKEN')?.default).toBe('required');
    expect(rows.find(({ env }) => env === 'NONE')?.default).toBe('empty');
    expect(JSON.stringify(rows)).not.toContain(secretValue);
  });
});
