/** One ClickHouse server inside a library, reached over HTTP on 127.0.0.1. */
export interface ClickHousePlan {
  readonly port: number;
  readonly dataDir: string;
  readonly usersFile: string;
  readonly user: string;
  readonly password: string;
  /** Readable by `getMacro('docket_stack')`: how the supervisor knows the server it started from another on the same port. */
  readonly token: string;
}

export const clickhouseUser = 'docket';
export const clickhouseDatabase = 'docket';
/** The user of the query service: deploy/clickhouse/users.d/docket-query.xml. */
export const clickhouseQueryUser = 'docket_query';
/** The user of analysts: deploy/clickhouse/users.d/docket-analyst.xml. */
export const clickhouseAnalystUser = 'docket_analyst';
/** The files of deploy/clickhouse/users.d that this server joins; the others are for servers with SQL-made users. */
export const joinedUsersFiles = [
  'docket-query.xml',
  'docket-exports.xml',
  'docket-analyst.xml',
  'docket-analyst-acme.xml',
] as const;

/**
 * Databases to which the users of deploy/clickhouse are held as to `docket`: rights and row policies name a database, and
 * each test wants one of its own.
 */
export const clickhouseTestDatabases: readonly string[] = Array.from(
  { length: 100 },
  (_, index) => `test_${String(index).padStart(2, '0')}`,
);

/** The query that the supervisor asks until the answer names its token. */
export const clickhouseProbe = "SELECT getMacro('docket_stack'), version() FORMAT TSV";

/**
 * Free space below which inserts are refused with code 243. This build of ClickHouse takes no notice of a write that fails (26.7.2.1, run on
 * a full disk: it answers success and the part is empty), so it must never come to that. Less than what a start asks for.
 */
const insertFreeBytesMin = 200_000_000;

export function clickhouseConfig(plan: ClickHousePlan): string {
  return `<clickhouse>
  <users_config>${escapeXml(plan.usersFile)}</users_config>
  <macros><docket_stack>${escapeXml(plan.token)}</docket_stack></macros>
  <shutdown_wait_unfinished>0</shutdown_wait_unfinished>
  <backups><allowed_path>backups</allowed_path></backups>
  <merge_tree><min_free_disk_bytes_to_perform_insert>${insertFreeBytesMin}</min_free_disk_bytes_to_perform_insert></merge_tree>
</clickhouse>
`;
}

/**
 * users.xml: all users of the local server (CREATE USER has no storage in this form of ClickHouse).
 * - default: only what the server process itself needs to open its HTTP port and stay up; it has no password, so it may read no data.
 * - docket: migrations, ingestor and tests.
 * Those of deploy/clickhouse/users.d join them, as on any server.
 */
export function clickhouseUsers(plan: ClickHousePlan): string {
  return `<clickhouse>
  <profiles>
    <default>
      <!-- A stalled sender would hold KILL QUERY … SYNC for the default 30 s, and with it the hand-over of a partition. -->
      <http_receive_timeout>3</http_receive_timeout>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
    <${plan.user}>
      <password>${escapeXml(plan.password)}</password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </${plan.user}>
  </users>
</clickhouse>
`;
}

/** A file of deploy/clickhouse/users.d, whose rights and row policies for `docket` hold in further databases too. */
export function widenUsersFile(text: string, databases: readonly string[]): string {
  const everywhere = (part: string): string =>
    [clickhouseDatabase, ...databases].map((name) => part.replaceAll(/\bdocket(?=\.|>)/g, name)).join('\n');
  return text
    .replaceAll(/<query>GRANT [^<]* ON docket\.[^<]*<\/query>/g, everywhere)
    .replaceAll(/<docket>[^]*?<\/docket>/g, everywhere);
}

/**
 * Arguments of clickhouse-local that make it a server: it opens the HTTP port, then runs a query that never ends.
 * The short sleep bounds how long a SIGTERM waits for that query.
 */
export function clickhouseArguments(plan: ClickHousePlan, configFile: string): string[] {
  return [
    'clickhouse',
    '--config-file',
    configFile,
    '--log-level=information',
    '--logger.console=1',
    '--path',
    plan.dataDir,
    '--http_port',
    String(plan.port),
    '--listen_host',
    '127.0.0.1',
    '--query',
    'SYSTEM START LISTEN HTTP; SELECT sleepEachRow(0.2) FROM system.numbers ' +
      'SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=0 FORMAT Null',
  ];
}

/** The npm package that holds the library for a platform, or null when there is none. */
export function clickhousePackage(platform: string, arch: string): string | null {
  const supported: Record<string, string> = {
    'linux-x64': '@chdb/lib-linux-x64-gnu',
    'linux-arm64': '@chdb/lib-linux-arm64-gnu',
    'darwin-x64': '@chdb/lib-darwin-x64',
    'darwin-arm64': '@chdb/lib-darwin-arm64',
  };
  return supported[`${platform}-${arch}`] ?? null;
}

/** The version in an answer to `clickhouseProbe`, or null when another server gave it. */
export function readClickHouseProbe(answer: string, token: string): string | null {
  const [macro, version] = answer.trim().split('\t');
  return macro === token && version !== undefined ? version : null;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
