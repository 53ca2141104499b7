// Builds the SDK as it is published, and packs it: ES modules and CommonJS, each with types, the event package bundled.
// Prints the path of the tarball. `node scripts/pack-sdk.js DIR`: into this folder, default packages/sdk/dist/npm.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const sdk = join(root, 'packages', 'sdk');
const out = resolve(process.argv[2] ?? join(sdk, 'dist', 'npm'));
const manifest = JSON.parse(readFileSync(join(sdk, 'package.json'), 'utf8'));
const entries = Object.fromEntries(
  Object.values(manifest.exports).map((target) => {
    const source = target['docket-source'];
    return [source.slice('./src/'.length, -'.ts'.length), join(sdk, source)];
  }),
);

/** Bundled CommonJS packages ask for Node's own modules by `require`, which an ES module does not have. */
const requireOfModule = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

/** The one schema that is needed, as a value: the schemas package reads its files beside it, which are not published. */
const schemasInline = {
  name: 'schemas-inline',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]schemas[\\/]index\.js$/ }, () => ({
      contents: `export const auditEventAvro = ${readFileSync(join(root, 'schemas', 'avro', 'audit-event.avsc'), 'utf8')};`,
    }));
  },
};

rmSync(out, { recursive: true, force: true });
const { kafka, ...others } = entries;
for (const format of ['esm', 'cjs']) {
  const dir = join(out, format);
  const shared = {
    outdir: dir,
    format,
    bundle: true,
    platform: 'node',
    target: 'node20',
    conditions: ['docket-source'],
    external: [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)],
    logLevel: 'warning',
  };
  // What several entries share is one module; of CommonJS each entry has a copy, and what has to be one is kept on globalThis.
  await build({ ...shared, entryPoints: others, splitting: format === 'esm' });
  await build({
    ...shared,
    entryPoints: { kafka },
    plugins: [schemasInline],
    banner: format === 'esm' ? { js: requireOfModule } : {},
  });
  writeFileSync(join(dir, 'package.json'), `${JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' })}\n`);
  copyTypes(dir);
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(publishedManifest(), null, 2)}\n`);
for (const [from, to] of [
  [join(sdk, 'README.md'), 'README.md'],
  [join(root, 'LICENSE'), 'LICENSE'],
]) {
  cpSync(from, join(out, to));
}
const [{ filename }] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--pack-destination', out], { cwd: out, encoding: 'utf8' }),
);
process.stdout.write(`${join(out, filename)}\n`);

/** The types of the compiler's output, as they are: none of them names another package of ours. */
function copyTypes(dir) {
  const types = execFileSync(
    'find',
    [join(sdk, 'dist'), '-name', '*.d.ts', '-not', '-path', `${join(sdk, 'dist', 'npm')}/*`],
    {
      encoding: 'utf8',
    },
  );
  for (const file of types.trim().split('\n')) {
    const text = readFileSync(file, 'utf8');
    if (text.includes("'@docket/")) throw new Error(`${file} names another package`);
    const copy = join(dir, relative(join(sdk, 'dist'), file));
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(
      copy,
      text
        .replaceAll(/(from '|import\(')(\.{1,2}\/[^']*)\.ts'/g, "$1$2.js'")
        .replace(/\n?\/\/# sourceMappingURL=.*/, ''),
    );
  }
}

function publishedManifest() {
  const {
    name,
    version,
    description,
    license,
    engines,
    dependencies,
    peerDependencies,
    peerDependenciesMeta,
    keywords,
  } = manifest;
  const exports = Object.fromEntries(
    Object.keys(manifest.exports).map((path) => {
      const file = path === '.' ? 'index' : path.slice(2);
      const target = (format) => ({ types: `./${format}/${file}.d.ts`, default: `./${format}/${file}.js` });
      return [path, { import: target('esm'), require: target('cjs') }];
    }),
  );
  return {
    name,
    version,
    description,
    license,
    keywords,
    type: 'module',
    main: './cjs/index.js',
    types: './cjs/index.d.ts',
    exports,
    sideEffects: false,
    files: ['esm', 'cjs'],
    engines,
    dependencies,
    peerDependencies,
    peerDependenciesMeta,
  };
}
