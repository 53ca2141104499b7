import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { describeSettings, errorCatalogue } from '@docket/runtime';
import { settings as admin } from '../../services/admin/src/config.ts';
import { operatorSettings as docket } from '../../services/cli/src/program.ts';
import { settings as delivery } from '../../services/delivery/src/config.ts';
import { settings as gateway } from '../../services/gateway/src/config.ts';
import { settings as ingestor } from '../../services/ingestor/src/config.ts';
import { settings as query } from '../../services/query/src/config.ts';
import { errorsDocument, settingsDocument } from './docs-table-mapper.ts';

/** `docket`: the operator commands migrate and verify. */
const declared = { gateway, ingestor, query, delivery, admin, docket };

const documents = {
  'docs/settings.md': settingsDocument(
    Object.fromEntries(Object.entries(declared).map(([name, settings]) => [name, describeSettings(settings)])),
  ),
  'docs/errors.md': errorsDocument(errorCatalogue),
};

/** `make docs` runs this file with WRITE_DOCS=1: what the test compares is what it writes. */
test.each(Object.entries(documents))('%s is what the declarations say (make docs writes it)', (path, expected) => {
  const file = new URL(`../../${path}`, import.meta.url);
  if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, expected);
  expect(readFileSync(file, 'utf8')).toBe(expected);
});
