import { randomUUID } from 'node:crypto';
import type { EventRow } from '@docket/event';
import { clickhouseMigrationsDirectory } from '@docket/schemas';
import { readSettings } from '@docket/runtime';
import { clickhouseSettings, createClickHouse, migrate, type ClickHouse, type ClickHouseConfig } from '../src/index.ts';

export interface TestDatabase {
  readonly config: ClickHouseConfig;
  readonly clickhouse: ClickHouse;
  drop(): Promise<void>;
}

/** A migrated database of its own on the running stack. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const config = emptyDatabaseConfig();
  await migrate(config, { directory: clickhouseMigrationsDirectory });
  const clickhouse = createClickHouse(config);
  return {
    config,
    clickhouse,
    async drop() {
      await clickhouse.command('DROP DATABASE IF EXISTS {database:Identifier} SYNC', {
        database: config.clickhouseDatabase,
      });
      await clickhouse.close();
    },
  };
}

/** A database name that nobody else uses; nothing is created yet. */
export function emptyDatabaseConfig(): ClickHouseConfig {
  const config = readSettings(clickhouseSettings, process.env);
  return { ...config, clickhouseDatabase: `test_${randomUUID().replaceAll('-', '')}` };
}

/** A whole row; tests name what matters to them. */
export function eventRow(named: Partial<EventRow> = {}): EventRow {
  return {
    tenant_id: 'acme',
    seq: 1,
    id: randomUUID(),
    status: 'accepted',
    status_detail: '',
    occurred_at: Date.UTC(2026, 10, 1) * 1000,
    received_at: Date.UTC(2026, 10, 1),
    action: 'user.role.updated',
    category: '',
    operation: 'other',
    outcome: 'success',
    outcome_reason: '',
    severity: 'info',
    actor_type: 'user',
    actor_id: 'u_1',
    actor_name: '',
    actor_metadata: {},
    on_behalf_of_type: '',
    on_behalf_of_id: '',
    on_behalf_of_name: '',
    'resources.type': [],
    'resources.id': [],
    'resources.name': [],
    'resources.metadata': [],
    'changes.path': [],
    'changes.old': [],
    'changes.new': [],
    description: '',
    ip: '',
    user_agent: '',
    country: '',
    session_id: '',
    request_id: '',
    trace_id: '',
    source_service: '',
    source_version: '',
    source_instance: '',
    source_counter: 0,
    ingest_key_id: '',
    ingest_from: '',
    metadata: {},
    commitment_seed: new Uint8Array(16),
    schema_id: 1,
    content_hash: 0n,
    src_generation: 1,
    src_partition: 0,
    src_offset: 0,
    raw: new Uint8Array(0),
    ...named,
  };
}
