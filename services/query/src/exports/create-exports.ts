import type { ClickHouse } from '@docket/clickhouse';
import type { Logger } from '@docket/runtime';
import type { Config } from '../config.ts';
import type { CredentialWatch } from '../gate/credential-watch.ts';
import type { ExportPorts } from '../http/get-export.ts';
import type { QueryMetrics } from '../metrics.ts';
import { createPlaces } from '../gate/places.ts';
import type { TokenKey } from '../tokens/token-keys.ts';
import { createExportRecords } from './export-records.ts';
import { createExportSender } from './export-sender.ts';
import { createExportTickets } from './export-ticket.ts';

export type ExportSettings = Pick<
  Config,
  'exportConcurrencyMax' | 'exportKeyConcurrencyMax' | 'exportTimeoutMs' | 'exportRangeDaysMax'
>;

interface Ports {
  /** For what is written down of exports: a user that may write it and nothing else. */
  readonly recordsClickhouse: ClickHouse;
  /** With connections of its own: exports hold them for long. */
  readonly exportClickhouse: ClickHouse;
  readonly watch: CredentialWatch;
  readonly tokenKeys: readonly TokenKey[];
  readonly metrics: QueryMetrics;
  readonly logger: Logger;
}

/** The parts of exports that the routes need. */
export function createExports(settings: ExportSettings, ports: Ports): Omit<ExportPorts, 'callers' | 'reader'> {
  const { metrics, watch, logger } = ports;
  const { exportConcurrencyMax: processMax, exportKeyConcurrencyMax: keyMax } = settings;
  const records = createExportRecords(ports.recordsClickhouse);
  const places = createPlaces({ processMax, tenantMax: Math.ceil(processMax / 2), keyMax }, metrics.exportsRunning);
  return {
    records,
    sender: createExportSender({
      clickhouse: ports.exportClickhouse,
      records,
      places,
      watch,
      metrics,
      logger,
      timeoutMs: settings.exportTimeoutMs,
    }),
    tickets: createExportTickets(ports.tokenKeys),
    exportRangeDaysMax: settings.exportRangeDaysMax,
  };
}
