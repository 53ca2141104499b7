import { expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { describeSettings, errorCatalogue } from '@docket/runtime';
import { settings as ingestor } from '../../services/ingestor/src/config.ts';
import { errorsDocument, settingsDocument } from './docs-table-mapper.ts';

const documents = {
  'docs/settings.md': settingsDocument({ ingestor: describeSettings(ingestor) }),
  'docs/errors.md': errorsDocument(errorCatalogue),
};

/** `make docs` runs this file with WRITE_DOCS=1: what the test compares is what it writes. */
test.each(Object.entries(documents))('%s is what the declarations say (make docs writes it)', (path, expected) => {
  const file = new URL(`../../${path}`, import.meta.url);
  if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, expected);
  expect(readFileSync(file, 'utf8')).toBe(expected);
});
