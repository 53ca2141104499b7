import { DocketError, type Endpoint } from '@docket/runtime';
import type { Request } from 'express';
import { metadataParameters } from '../parameters/endpoint-parameters.ts';
import { isMetadataParameter } from '../parameters/filter-parameters-mapper.ts';
import { requestParameters, type RequestParameters } from '../parameters/request-parameters-mapper.ts';

/** The query string as it was sent; express's own parsing would lose what is repeated or empty. */
export function searchOf(req: Request): URLSearchParams {
  const question = req.originalUrl.indexOf('?');
  return new URLSearchParams(question < 0 ? '' : req.originalUrl.slice(question + 1));
}

/** The parameters of a request's query string: an endpoint knows those that it declares. */
export function parametersOf(req: Request, endpoint: Endpoint): RequestParameters {
  return parametersOfQuery(searchOf(req), endpoint);
}

/** The same of a query string that does not stand in the request. */
export function parametersOfQuery(query: URLSearchParams, { parameters = [] }: Endpoint): RequestParameters {
  const declared = parameters.filter((parameter) => parameter.in === 'query' && parameter !== metadataParameters);
  const takesMetadata = parameters.includes(metadataParameters);
  return requestParameters(
    query,
    declared.map(({ name }) => name),
    takesMetadata ? isMetadataParameter : undefined,
  );
}

/** Throws `invalid_request` naming all parameters that are wrong. */
export function requireValid(parameters: RequestParameters): void {
  if (parameters.errors.length > 0) throw invalidParameters(parameters);
}

export function invalidParameters({ errors }: RequestParameters): DocketError {
  const names = [...new Set(errors.map((error) => ('parameter' in error ? error.parameter : '')))];
  return new DocketError('invalid_request', `Wrong parameters: ${names.join(', ')}.`, { errors });
}
