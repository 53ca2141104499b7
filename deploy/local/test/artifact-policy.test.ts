import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { mavenDownloadedMegabytes, planArtifact } from '../src/artifact-policy.ts';
import { packageFile } from '../src/layout.ts';

const pom = '<kafka.version>4.1.1</kafka.version>';

describe('planArtifact', () => {
  test('another declaration is another download', () => {
    const before = planArtifact('kafka', pom, 'linux-x64').key;
    expect(planArtifact('kafka', pom, 'linux-x64').key).toBe(before);
    expect(planArtifact('kafka', `${pom} `, 'linux-x64').key).not.toBe(before);
  });

  test('only ClickHouse differs by platform', () => {
    const lock = '"@chdb/lib-linux-x64-gnu": "1.2.3"';
    expect(planArtifact('clickhouse', lock, 'darwin-arm64').key).toContain('1.2.3-darwin-arm64');
    expect(planArtifact('kafka', pom, 'darwin-arm64').key).not.toContain('darwin');
  });

  test('a declaration without a version is a bug', () => {
    expect(() => planArtifact('registry', pom, 'linux-x64')).toThrow('registry');
  });

  test('the declarations of this package name their versions and no registry host', () => {
    const files = { kafka: 'pom.xml', registry: 'pom.xml', clickhouse: 'package-lock.json' } as const;
    for (const name of ['kafka', 'registry', 'clickhouse'] as const) {
      const text = readFileSync(packageFile(name, files[name]), 'utf8');
      expect(planArtifact(name, text, 'linux-x64').version).toMatch(/^\d+\./);
      expect(text).not.toMatch(/https?:\/\/(?!maven\.apache\.org\/POM)/);
    }
  });
});

describe('mavenDownloadedMegabytes', () => {
  test('adds up what a Maven log reports', () => {
    const log = [
      'Downloading from central: https://host/a.jar',
      'Downloaded from central: https://host/a.jar (5.8 MB at 10 MB/s)',
      'Downloaded from central: https://host/b.pom (500 kB at 1.0 MB/s)',
      'Downloaded from central: https://host/c.sha1 (40 B at 1.0 kB/s)',
    ].join('\n');
    expect(mavenDownloadedMegabytes(log)).toBeCloseTo(6.3, 3);
    expect(mavenDownloadedMegabytes('')).toBe(0);
  });
});
