import { openApiDocuments, type OpenApiJson } from '@docket/schemas';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export interface GivenAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
  /** Of a JSON body; undefined where the body was not looked at. */
  readonly text: string | undefined;
}

/** Gives what an answer has that its OpenAPI document does not declare, or undefined. */
export type AnswerCheck = (answer: GivenAnswer) => string | undefined;

/** Statuses of requests that no endpoint answers: 404 and 405 of unknown paths and methods. */
const unmatchedStatuses: ReadonlySet<number> = new Set([400, 404, 405, 408, 431, 500, 503]);
const problemMediaType = 'application/problem+json';

/** Checks answers against a document, with a validator that is not the services' own. */
export function createAnswerCheck(document: OpenApiJson = openApiDocuments.gateway()): AnswerCheck {
  const ajv = new Ajv2020({ strict: false, validateFormats: true, allErrors: false });
  addFormats.default(ajv);
  ajv.addSchema(document, 'api');
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (pointer: string): ValidateFunction => {
    const known = validators.get(pointer);
    if (known !== undefined) return known;
    const made = ajv.compile({ $ref: `api#${pointer}` });
    validators.set(pointer, made);
    return made;
  };
  const patterns = Object.keys(document.paths)
    // Fixed paths come before those with a parameter, as in the routers.
    .toSorted((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
    .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }));

  return ({ method, path, status, contentType, text }) => {
    const [mediaType = ''] = (contentType ?? '').split(';');
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
    const found = patterns.find(({ pattern }) => pattern.test(path));
    const operation = found === undefined ? undefined : document.paths[found.path]?.[verb];
    // OPTIONS belongs to no operation: express lists the methods, or a preflight is answered.
    if (method === 'OPTIONS' && status < 300) return undefined;
    let pointer = '/components/schemas/Problem';
    if (found === undefined || operation === undefined) {
      if (!unmatchedStatuses.has(status)) return `is not declared at all, and was answered ${status}`;
      if (mediaType !== problemMediaType) return `is not declared, and was answered ${mediaType}`;
    } else {
      const response = member(member(operation, 'responses'), String(status));
      if (response === undefined) return `does not declare the status ${status}: ${text ?? ''}`;
      const content = member(response, 'content');
      if (content === undefined)
        return mediaType === '' ? undefined : `${status} declares no body, and has ${mediaType}`;
      if (member(content, mediaType) === undefined) return `${status} does not declare the content type ${mediaType}`;
      pointer = ['', 'paths', found.path, verb, 'responses', String(status), 'content', mediaType, 'schema']
        .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
        .join('/');
    }
    if (text === undefined || method === 'HEAD') return undefined;
    const validate = validatorOf(pointer);
    return validate(JSON.parse(text)) ? undefined : `${status}: ${ajv.errorsText(validate.errors)} in ${text}`;
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
