/**
 * Runs ClickHouse inside this process: `node clickhouse-child.js LIBRARY ARGUMENT…`. The library's entry point takes the arguments of
 * clickhouse-local and blocks until the server ends. A separate process, because it ends by a signal and holds Node's event loop.
 */
import { DataType, load, open } from 'ffi-rs';

const [library, ...args] = process.argv.slice(2);
if (library === undefined) throw new Error('usage: clickhouse-child LIBRARY ARGUMENT…');
open({ library: 'clickhouse', path: library });
load({
  library: 'clickhouse',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
});
