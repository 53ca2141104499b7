// Imports go one way: schemas ← event ← runtime ← {kafka, clickhouse} ← directory ← services. Composition roots: all-in-one and cli.
const only = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    only('no-circular', 'A cycle hides which part decides.', {}, { circular: true }),
    only(
      'event-is-pure',
      'packages/event decides; it does no I/O and knows no other package (of net it takes isIP, which is pure).',
      { path: '^packages/event/src' },
      { path: '^(packages/(?!event)|services/)|^(node:)?(fs|http|https|tls|dns|child_process|worker_threads)$' },
    ),
    only(
      'runtime-below-adapters',
      'runtime may know event only.',
      { path: '^packages/runtime/src' },
      { path: '^packages/(?!event|runtime)|^services/' },
    ),
    only(
      'adapters-do-not-know-each-other',
      'kafka and clickhouse know event and runtime only.',
      { path: '^packages/(kafka|clickhouse)/src' },
      { path: '^packages/(?!event|runtime|$1)|^services/' },
    ),
    only(
      'directory-below-services',
      'directory knows event, runtime and kafka only.',
      { path: '^packages/directory/src' },
      { path: '^packages/(?!event|runtime|kafka|directory)|^services/' },
    ),
    only(
      'sdk-stands-alone',
      'The SDK is published: it may take types and the event package, bundled at build, and nothing else of ours.',
      { path: '^packages/sdk/src' },
      { path: '^packages/(?!event|sdk)|^services/' },
    ),
    only(
      'services-do-not-know-each-other',
      'Only the composition roots (all-in-one, cli) put services together.',
      { path: '^services/(?!all-in-one|cli)([^/]+)/src' },
      { path: '^services/(?!$1)' },
    ),
    only(
      'testkit-only-in-tests',
      'Product code never depends on test code.',
      { path: '^(packages/(?!testkit)|services|examples)/[^/]*/?src' },
      { path: '^packages/testkit' },
    ),
    only(
      'kafkajs-only-in-kafka',
      'packages/kafka is the one seam to kafkajs and the registry client; the published SDK, which cannot depend on it, has its own.',
      { pathNot: '^packages/kafka/|^packages/sdk/src/kafka\\.ts$|^bench/|node_modules' },
      { path: 'node_modules/(kafkajs|@kafkajs)/' },
    ),
    only(
      'clickhouse-client-only-in-clickhouse',
      'packages/clickhouse is the one seam to ClickHouse.',
      { pathNot: '^packages/clickhouse/|^bench/|node_modules' },
      { path: 'node_modules/@clickhouse/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: '/dist/|\\.local/' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      conditionNames: ['docket-source', 'node', 'import', 'default'],
      exportsFields: ['exports'],
    },
  },
};
