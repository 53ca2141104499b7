/** An Avro record schema, parsed. */
export interface AvroRecordSchema {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly fields: readonly unknown[];
}
/** schemas/avro/audit-event.avsc, parsed: the schema that our producers write. */
export declare const auditEventAvro: AvroRecordSchema;
/** schemas/avro/delivery-attempt.avsc, parsed. */
export declare const deliveryAttemptAvro: AvroRecordSchema;
/** Absolute path of the folder that holds the forward-only ClickHouse migrations. */
export declare const clickhouseMigrationsDirectory: string;
/** schemas/openapi/*.json, parsed: the API of a service, and at the gateway the whole public one. Each is read when it is first asked for. */
export declare const openApiDocuments: Readonly<Record<'gateway' | 'query' | 'admin' | 'delivery', () => OpenApiJson>>;
export interface OpenApiJson {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
