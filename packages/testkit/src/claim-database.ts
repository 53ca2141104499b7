import type { ClickHouseConfig } from '@docket/clickhouse';
import { ClickHouseError, createClickHouse } from '@docket/clickhouse';
import { clickhouseTestDatabases } from '@docket/local-stack';

/** DATABASE_ALREADY_EXISTS */
const takenCode = 82;

/**
 * Creates one of the databases that the users of the local stack are held to, and gives its name; the caller drops it. Two
 * at once get two. Rejects when all are taken.
 */
export async function claimTestDatabase(config: Omit<ClickHouseConfig, 'clickhouseDatabase'>): Promise<string> {
  const server = createClickHouse({ ...config, clickhouseDatabase: 'default' });
  const first = Math.floor(Math.random() * clickhouseTestDatabases.length);
  const names = [...clickhouseTestDatabases.slice(first), ...clickhouseTestDatabases.slice(0, first)];
  try {
    for (const database of names) {
      try {
        await server.command('CREATE DATABASE {database:Identifier}', { database });
        return database;
      } catch (error) {
        if (!(error instanceof ClickHouseError) || error.code !== takenCode) throw error;
      }
    }
  } finally {
    await server.close();
  }
  throw new Error(`All ${names.length} test databases are taken: drop those of tests that were killed (test_…).`);
}
