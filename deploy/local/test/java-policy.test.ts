import { describe, expect, test } from '@jest/globals';
import { judgeJava, parseJavaVersion } from '../src/java-policy.ts';

const openjdk = (version: string) =>
  `openjdk version "${version}" 2025-04-15\nOpenJDK Runtime Environment (build ${version})\n`;

describe('parseJavaVersion', () => {
  test.each(['17.0.15', '1.8.0_402', '25-ea', '21'])('reads %s', (version) => {
    expect(parseJavaVersion(openjdk(version))).toBe(version);
  });

  test('finds none in the notice that macOS prints in place of Java', () => {
    expect(parseJavaVersion('The operation couldn’t be completed. Unable to locate a Java Runtime.')).toBeNull();
  });
});

describe('judgeJava', () => {
  test.each(['17', '17.0.15', '18-ea', '21.0.1', '25'])('accepts %s', (version) => {
    expect(judgeJava(openjdk(version))).toBeNull();
  });

  test.each(['1.8.0_402', '11.0.2', '16.0.2', '9'])('refuses %s as too old', (version) => {
    expect(judgeJava(openjdk(version))).toEqual({ kind: 'java-too-old', version });
  });

  test.each([null, '', 'no such thing'])('takes %p for a missing Java', (output) => {
    expect(judgeJava(output)).toEqual({ kind: 'java-missing' });
  });
});
