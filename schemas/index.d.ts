/** schemas/avro/audit-event.avsc, parsed: the schema that our producers write. */
export declare const auditEventAvro: Readonly<Record<string, unknown>>;
/** Absolute path of the folder that holds the forward-only ClickHouse migrations. */
export declare const clickhouseMigrationsDirectory: string;
